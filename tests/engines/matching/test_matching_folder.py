"""The folder of the results: all or none, whenever and however a run ends, and nothing beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from matching.engine import __main__ as command
from matching.engine import staging
from matching.engine.errors import BadInput
from matching.engine.folder import Folder

ROOT = Path(__file__).resolve().parents[3]
RESULTS = {"crosswalk.csv", "edges.csv", "spec.json", "report.json", "report.html"}
ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
PEOPLE = "id,first,last,dob\n1,Ann,Lee,2000-01-02\n2,Bob,Ray,2001-02-03\n"


def say(word):
    return {name: lambda sink: sink.write(word) for name in sorted(RESULTS)}


def names(folder):
    return {path.name for path in folder.iterdir()}


def held(folder):
    return {path.read_bytes() for path in folder.iterdir()}


def full(_sink):
    raise OSError(28, "No space left on device")


@pytest.fixture
def with_names(monkeypatch):
    """A file system that has no files without a name."""
    monkeypatch.setattr(staging, "_nameless", lambda room: None)


class TestTheFolder:
    def test_without_overwrite_what_is_not_empty_is_left_alone(self, tmp_path):
        (tmp_path / "crosswalk.csv").write_text("x")

        with pytest.raises(BadInput, match="not empty; name another folder or add --overwrite"):
            Folder(tmp_path, overwrite=False)
        assert names(tmp_path) == {"crosswalk.csv"}

    @pytest.mark.parametrize("others", [set(), {"mine"}])
    def test_with_overwrite_other_files_stay_and_old_results_go(self, tmp_path, others):
        out = tmp_path / "out"
        out.mkdir(mode=0o700)
        for name in {"edges.csv"} | others:
            (out / name).write_text("old")

        Folder(out, overwrite=True).write(say(b"new"))

        assert names(out) == RESULTS | others
        assert (out / "edges.csv").read_text() == "new"
        assert out.stat().st_mode & 0o777 == 0o700
        assert names(tmp_path) == {"out"}

    def test_an_empty_folder_is_filled_and_keeps_its_mode(self, tmp_path):
        (tmp_path / "out").mkdir(mode=0o700)

        Folder(tmp_path / "out", overwrite=False).write(say(b"new"))

        assert names(tmp_path / "out") == RESULTS
        assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700

    def test_folders_above_are_made_and_a_file_in_the_way_is_named(self, tmp_path):
        (tmp_path / "file").write_text("x")
        (tmp_path / "usual").mkdir()

        Folder(tmp_path / "x/y/out", overwrite=False).write(say(b"new"))

        assert names(tmp_path / "x/y/out") == RESULTS
        assert (tmp_path / "x/y/out").stat().st_mode == (tmp_path / "usual").stat().st_mode
        for taken in ("file", "file/out"):
            with pytest.raises(BadInput, match=r"is a file|cannot be written"):
                Folder(tmp_path / taken, overwrite=False)

    @pytest.mark.parametrize("place", ["beside", "inside"])
    def test_where_nothing_may_stand_beside_it_all_happens_within(self, tmp_path, monkeypatch, place):
        out = tmp_path / "out"
        out.mkdir()
        (out / "crosswalk.csv").write_text("old")
        monkeypatch.setattr(Path, "is_mount", lambda path: path == out and place == "inside")

        folder = Folder(out, overwrite=True)

        assert folder.earlier == (tmp_path if place == "beside" else out) / "out.earlier"
        folder.write(say(b"new"))
        assert (names(out), held(out)) == (RESULTS, {b"new"})
        assert names(tmp_path) == {"out"}


class TestAFailure:
    @pytest.mark.parametrize("nameless", [True, False])
    def test_while_writing_leaves_nothing(self, tmp_path, request, nameless):
        if not nameless:
            request.getfixturevalue("with_names")

        with pytest.raises(BadInput, match="No space left"):
            Folder(tmp_path / "out", overwrite=False).write({**say(b"new"), "spec.json": full})

        assert not names(tmp_path)

    @pytest.mark.parametrize("others", [set(), {"mine"}])
    def test_with_overwrite_the_earlier_results_stand_aside(self, tmp_path, others):
        out = tmp_path / "out"
        Folder(out, overwrite=False).write(say(b"old"))
        for name in others:
            (out / name).write_text("x")

        with pytest.raises(BadInput, match="No space left"):
            Folder(out, overwrite=True).write({**say(b"new"), "spec.json": full})

        assert names(out) == others
        assert names(tmp_path) == {"out", "out.earlier"}
        assert (names(tmp_path / "out.earlier"), held(tmp_path / "out.earlier")) == (RESULTS, {b"old"})

    def test_what_stands_aside_is_never_overwritten(self, tmp_path):
        out = tmp_path / "out"
        for word in (b"one", b"two"):
            Folder(out, overwrite=False).write(say(word))
            with pytest.raises(BadInput, match="No space left"):
                Folder(out, overwrite=True).write({"spec.json": full})

        Folder(out, overwrite=True).write(say(b"three"))

        kept = [folder for folder in tmp_path.iterdir() if folder.name.startswith("out.earlier")]
        assert sorted(held(folder).pop() for folder in kept) == [b"one", b"two"]
        assert held(out) == {b"three"}

    def test_among_files_of_others_a_move_that_fails_leaves_none_of_the_new(self, tmp_path, monkeypatch):
        (tmp_path / "out").mkdir()
        (tmp_path / "out/mine").write_text("x")
        folder = Folder(tmp_path / "out", overwrite=True)
        rename, moved = Path.rename, []

        def failing(path, target):
            moved.append(path.name)
            if len(moved) == 3:
                raise OSError(5, "Input/output error")
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", failing)

        with pytest.raises(BadInput, match="Input/output error"):
            folder.write(say(b"new"))
        assert names(tmp_path / "out") == {"mine"}
        assert "crosswalk.csv" not in moved

    @pytest.mark.parametrize("reason", ["bad input", "too little memory", "an error inside"])
    def test_of_the_command_leaves_no_result_in_the_folder(self, tmp_path, monkeypatch, capsys, reason):
        out = tmp_path / "out"
        Folder(out, overwrite=False).write(say(b"old"))
        (tmp_path / "a.csv").write_text("" if reason == "bad input" else PEOPLE)
        if reason == "an error inside":
            monkeypatch.setattr(command.run, "link", None)
        memory = "1MB" if reason == "too little memory" else "2GB"

        code = command.main(
            ["link", "--out", str(out), "--overwrite", "--memory", memory, f"a={tmp_path}/a.csv"]
        )

        assert code == {"bad input": 2, "too little memory": 3, "an error inside": 4}[reason]
        assert not names(out)
        assert names(tmp_path / "out.earlier") == RESULTS
        assert f"The earlier results are in {out}.earlier until this run is done." in capsys.readouterr().err


def test_what_is_put_aside_may_be_given_to_the_run_that_replaces_it(tmp_path):
    (tmp_path / "a.csv").write_text(PEOPLE)
    call = ["link", "--out", str(tmp_path / "out"), f"a={tmp_path}/a.csv"]
    assert command.main([*call, "--seed", "7"]) == 0
    written = (tmp_path / "out/spec.json").read_bytes()

    assert command.main([*call, "--overwrite", "--spec", str(tmp_path / "out/spec.json")]) == 0

    assert (tmp_path / "out/spec.json").read_bytes() == written
    assert names(tmp_path) == {"a.csv", "out"}


# Whoever starts the tests may have had signals ignored, as nohup does; a person at a terminal has not.
BY_HAND = """
    import signal
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    """

# Each writes to the folder named on its command line; the signal comes where it calls `come`.
SCRIPT = """
    import os, pathlib, sys
    from matching.engine import staging
    from matching.engine.folder import Folder
    def come():
        os.kill(os.getpid(), int(sys.argv[2]))
    def slow(sink):
        sink.write(b"Ann Lee")
        sink.flush()
        {writing}
    out = pathlib.Path(sys.argv[1])
    folder = Folder(out, overwrite=True)
    {before}
    folder.write({{name: slow for name in {names}}})
    """


def ended(out, number, *, writing="pass", before="pass"):
    """Return how a process ends that is told to at a certain point."""
    code = textwrap.dedent(BY_HAND + SCRIPT).format(writing=writing, before=before, names=sorted(RESULTS))
    done = subprocess.run(
        [sys.executable, "-c", code, str(out), str(int(number))], cwd=ROOT, capture_output=True, check=False
    )
    assert b"Ann" not in done.stderr
    return done.returncode


KILLED_AT_RENAME = "rename = pathlib.Path.rename; pathlib.Path.rename = lambda one, other: come()"
NO_NAMELESS = "staging._nameless = lambda room: None"


class TestSignals:
    @pytest.mark.parametrize("number", [*ENDING, signal.SIGKILL])
    def test_while_it_writes_it_ends_by_the_signal_and_leaves_nothing_anywhere(self, tmp_path, number):
        assert ended(tmp_path / "out", number, writing="come()") == -number

        assert not names(tmp_path)

    @pytest.mark.parametrize("number", ENDING)
    def test_where_every_file_has_a_name_they_are_removed_first(self, tmp_path, number):
        assert ended(tmp_path / "out", number, writing="come()", before=NO_NAMELESS) == -number

        assert not names(tmp_path)

    @pytest.mark.parametrize("number", ENDING)
    def test_that_comes_when_all_is_in_place_is_too_late(self, tmp_path, number):
        late = "put = folder._put; folder._put = lambda *staged: (come(), put(*staged))"

        assert ended(tmp_path / "out", number, before=late) == 0

        assert names(tmp_path) == {"out"}
        assert names(tmp_path / "out") == RESULTS

    def test_that_is_ignored_stays_so(self, tmp_path):
        ignored = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"

        assert ended(tmp_path / "out", signal.SIGHUP, writing="come()", before=ignored) == 0

        assert names(tmp_path / "out") == RESULTS

    @pytest.mark.parametrize("before", [KILLED_AT_RENAME, NO_NAMELESS])
    def test_what_no_process_could_remove_the_next_run_does(self, tmp_path, before):
        writing = "come()" if before == NO_NAMELESS else "pass"
        assert ended(tmp_path / "out", signal.SIGKILL, writing=writing, before=before) == -signal.SIGKILL
        (left,) = tmp_path.iterdir()
        assert left.stat().st_mode & 0o777 == 0o700
        (tmp_path / ".out-00000000").mkdir()
        (tmp_path / ".out-00000000/mine").write_text("x")
        (tmp_path / ".other-00000000").mkdir()

        with pytest.raises(BadInput, match="No space left"):
            Folder(tmp_path / "out", overwrite=False).write({"spec.json": full})

        assert names(tmp_path) == {".out-00000000", ".other-00000000"}

    def test_what_another_run_is_still_writing_is_not_touched(self, tmp_path, with_names):
        def another(sink):
            Folder(tmp_path / "out", overwrite=False)
            sink.write(b"x")

        Folder(tmp_path / "out", overwrite=False).write({**say(b"new"), "spec.json": another})

        assert names(tmp_path / "out") == RESULTS

    @pytest.mark.parametrize("place", range(1, 7))
    def test_killed_at_any_move_old_and_new_results_never_stand_together(self, tmp_path, place):
        """Among files of others results are moved one by one: the key goes first, and comes last."""
        out = tmp_path / "out"
        Folder(out, overwrite=False).write(say(b"old"))
        (out / "mine").write_text("x")
        counted = (
            "rename, at = pathlib.Path.rename, [];"
            f"pathlib.Path.rename = lambda *a: (at.append(1), come() if len(at) == {place} else rename(*a))"
        )

        assert ended(out, signal.SIGKILL, before=counted) == (-signal.SIGKILL if place < 6 else 0)

        found = {path.read_bytes() for path in out.iterdir() if path.name in RESULTS}
        assert found <= {b"Ann Lee"}
        assert ("crosswalk.csv" in names(out)) == (names(out) >= RESULTS) == (place == 6)


class TestTheCommand:
    @pytest.mark.parametrize("number", [*ENDING, signal.SIGKILL])
    def test_told_to_end_while_it_links_it_leaves_nothing_and_ends_by_the_signal(self, tmp_path, number):
        (tmp_path / "a.csv").write_text(PEOPLE)
        arguments = ["link", "--out", str(tmp_path / "out"), f"a={tmp_path}/a.csv"]
        run = 'import runpy; runpy.run_module("matching.engine", run_name="__main__", alter_sys=True)'
        code = f"{textwrap.dedent(BY_HAND)}\n{run}"

        with subprocess.Popen(
            [sys.executable, "-c", code, *arguments], cwd=ROOT, stderr=subprocess.PIPE
        ) as running:
            assert b"%" in running.stderr.readline()
            started = time.monotonic()
            running.send_signal(number)
            said = running.stderr.read()

        assert running.returncode == -number
        assert names(tmp_path) == {"a.csv"}
        assert b"Traceback" not in said
        assert time.monotonic() - started < 10

    def test_whose_words_nobody_reads_still_ends_with_its_code(self, tmp_path):
        (tmp_path / "a.csv").write_text(PEOPLE)
        unread, theirs = os.pipe()
        os.close(unread)
        codes = []
        for name in ("a.csv", "none.csv"):
            arguments = ["link", "--out", str(tmp_path / name[0]), f"a={tmp_path}/{name}"]
            done = subprocess.run(
                [sys.executable, "-m", "matching.engine", *arguments], cwd=ROOT, stderr=theirs, check=False
            )
            codes.append(done.returncode)
        os.close(theirs)

        assert codes == [0, 2]
