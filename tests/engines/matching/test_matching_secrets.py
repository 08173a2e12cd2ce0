"""A linkage keeps what it holds to itself: nothing on disk but its results, no core, no log, no traceback."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import textwrap
import traceback
from pathlib import Path

import pyarrow.csv as pacsv
import pytest

from bench.linkage import files, models
from matching.engine import adapter, child
from matching.engine import spec as specs
from matching.engine.errors import LinkageError

ROOT = Path(__file__).resolve().parents[3]
RESULTS = {"crosswalk.csv", "edges.csv", "spec.json", "report.json", "report.html"}
PLAIN = (
    "hybrid",
    "cascade",
    pytest.param("splink", marks=pytest.mark.long),
    pytest.param("toolkit", marks=pytest.mark.long),
)
PR_GET_DUMPABLE = 3

# Runs a module of the engine as the command line and the portal do, but tells how its process stands as soon
# as the files are read: as the message of an error, the one thing that both pass on.
STANDS = f"""
    import ctypes, json, resource, runpy, sys
    from matching.engine import run
    from matching.engine.errors import LinkageError
    def stand(*args, **options):
        told = [ctypes.CDLL(None).prctl({PR_GET_DUMPABLE}, 0, 0, 0, 0)]
        told += [list(resource.getrlimit(limit)) for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE)]
        raise LinkageError(json.dumps(told))
    run.link = stand
    module = sys.argv.pop(1)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    """

# Runs the command line. While it links, the system refuses every byte to any file, from C as from Python;
# when it writes its results, whatever it opens to write, makes or moves is noted. Every log is shown.
WATCHED = """
    import json, logging, os, resource, runpy, sys
    from matching.engine.folder import Folder
    sys.argv.pop(0)
    logging.basicConfig(level=1)
    noted, (_, most) = [], resource.getrlimit(resource.RLIMIT_FSIZE)
    def note(event, args):
        if event == "open" and isinstance(args[0], int):
            return  # what is open already
        if event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            noted.append(["open", str(args[0]), bool(args[2] & os.O_TMPFILE == os.O_TMPFILE)])
        elif event in ("os.mkdir", "os.rename", "os.link", "tempfile.mkstemp", "tempfile.mkdtemp"):
            noted.append([event, str(args[0]), str(args[1])])
    write = Folder.write
    def writing(*args):
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        write(*args)
        sys.stderr.write("NOTED " + json.dumps(noted) + chr(10))
    Folder.write = writing
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
    sys.addaudithook(note)
    runpy.run_module("matching.engine", run_name="__main__", alter_sys=True)
    """


@pytest.fixture(scope="module")
def made():
    return files.make(600, seed=9, model=models.AGENCIES)


@pytest.fixture
def given(made, tmp_path):
    style = pacsv.WriteOptions(delimiter="\t", quoting_style="needed", quoting_header="none")
    for name, table in (("a", made.left), ("b", made.right)):
        pacsv.write_csv(table, tmp_path / f"{name}.txt", style)
    return [f"{name}={tmp_path}/{name}.txt" for name in ("a", "b")]


def python(code, *arguments, **options):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, **options,
    )  # fmt: skip


def setup_of(made, engine):
    described = {
        name: specs.recognise(table.column_names, name)
        for name, table in (("a", made.left), ("b", made.right))
    }
    said = json.loads(specs.to_json(specs.default(described, engine=engine)))
    return {"spec": said, "memory": "2GB", "threads": 1}


def sent(given):
    return {one.partition("=")[0]: [Path(one.partition("=")[2]).read_bytes()] for one in given}


def limits_of(pid):
    """Return the soft limits of a running process by name."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    return {line[:26].strip(): line[26:].split()[0] for line in lines}


def started(monkeypatch, change=lambda arguments: arguments):
    """Return the list of processes that the portal starts from now on."""
    popen, found = child.subprocess.Popen, []

    def watched(arguments, **options):
        found.append(popen(change(arguments), **options))
        return found[-1]

    monkeypatch.setattr(child.subprocess, "Popen", watched)
    return found


class TestTheProcess:
    def test_of_the_portal_leaves_no_core_and_can_write_to_no_file(self, made, given, monkeypatch):
        running, seen = started(monkeypatch), []

        child.link(
            setup_of(made, "hybrid"),
            sent(given),
            progress=lambda percent, message: seen.append(limits_of(running[0].pid)),
        )

        assert len(seen) > 3
        assert {(limits["Max core file size"], limits["Max file size"]) for limits in seen} == {("0", "0")}

    def test_of_the_portal_cannot_be_read_by_others_while_it_links(self, made, given, monkeypatch):
        started(monkeypatch, lambda call: [call[0], "-c", textwrap.dedent(STANDS), *call[2:]])

        with pytest.raises(LinkageError) as failure:
            child.link(setup_of(made, "hybrid"), sent(given))

        assert json.loads(str(failure.value)) == [0, [0, 0], [0, 0]]

    def test_of_the_command_leaves_no_core(self, given, tmp_path):
        arguments = ["-m", "matching.engine", "link", "--out", str(tmp_path / "out"), *given]
        with subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stderr=subprocess.PIPE) as running:
            assert b"%" in running.stderr.readline()
            limits = limits_of(running.pid)
            running.communicate()

        assert running.returncode == 0
        assert limits["Max core file size"] == "0"

    def test_of_the_command_cannot_be_read_by_others_while_it_links(self, given, tmp_path):
        done = python(STANDS, "matching.engine", "link", "--out", str(tmp_path / "out"), *given)

        assert done.returncode == 4, done.stderr
        dumpable, core, _ = json.loads(done.stderr.splitlines()[-1])
        assert (dumpable, core) == (0, [0, 0])


@pytest.mark.parametrize("engine", PLAIN)
def test_a_run_writes_nothing_but_its_results_and_says_nothing_of_what_they_hold(
    made, given, tmp_path, engine
):
    places = {name: tmp_path / name for name in ("tmp", "home")}
    for place in places.values():
        place.mkdir()
    around = {"TMPDIR": str(places["tmp"]), "HOME": str(places["home"]), "PYTHONDONTWRITEBYTECODE": "1"}
    call = ["matching.engine", "link", "--engine", engine, "--out", str(tmp_path / "out"), *given]

    done = python(WATCHED, *call, env={**os.environ, **around})

    assert done.returncode == 0, done.stderr
    (noted,) = (line.removeprefix("NOTED ") for line in done.stderr.splitlines() if line[:5] == "NOTED")
    found = json.loads(noted)
    (staging,) = {path for event, path, _ in found if event == "os.mkdir"}
    assert Path(staging).parent == tmp_path
    assert [entry for entry in found if entry[0] == "open"] == [["open", str(tmp_path), True]] * len(RESULTS)
    assert {Path(to).name for event, _, to in found if event == "os.link"} == RESULTS
    assert [entry[1:] for entry in found if entry[0] == "os.rename"] == [[staging, str(tmp_path / "out")]]
    assert len(found) == 2 * len(RESULTS) + 2
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", "b.txt", "out", *places}
    assert not any(list(place.iterdir()) for place in places.values())
    said = [line for line in done.stderr.splitlines() if line[:5] != "NOTED"]
    assert all(line[3:6] == " % " for line in said), said
    values = {v for column in ("ssn", "last_name") for v in made.left[column].to_pylist() if v}
    assert not any(value in line for value in values for line in said)


@pytest.mark.parametrize("engine", PLAIN)
def test_the_process_of_the_portal_links_without_writing_a_byte_to_any_file(made, given, engine):
    """The system refuses it (see above), so that a library which tried would fail."""
    outcome = child.link(setup_of(made, engine), sent(given))

    assert outcome.crosswalk.count(b"\n") == 1 + made.left.num_rows + made.right.num_rows


class TestWords:
    @pytest.mark.long
    def test_splink_logs_nothing_even_where_everything_is_logged(self, made, link, caplog):
        tables = {"a": made.left, "b": made.right}
        logging.getLogger("splink").setLevel(1)
        described = {name: specs.recognise(table.column_names, name) for name, table in tables.items()}

        with caplog.at_level(1):
            link(tables, specs.default(described, engine="splink"))

        assert logging.getLogger("splink.internals.linker").getEffectiveLevel() > logging.CRITICAL
        assert not [record for record in caplog.records if record.name.startswith("splink")]

    @pytest.mark.parametrize("library", ["splink", "recordlinkage"])
    def test_a_library_at_work_is_not_heard(self, capsys, caplog, library):
        logging.getLogger(library).setLevel(logging.DEBUG)

        with caplog.at_level(1), adapter.quiet("trying"):
            logging.getLogger(f"{library}.within").critical("SELECT 'Ann Lee'")

        assert "Ann" not in caplog.text + "".join(capsys.readouterr())

    def test_an_error_that_quotes_a_value_is_told_by_its_kind_alone(self):
        with pytest.raises(LinkageError) as failure, adapter.quiet("trying"):
            raise ValueError("no conversion of Ann Lee, 900121234")

        told = "".join(traceback.format_exception(failure.value))
        assert "The linkage library failed while trying (ValueError)." in told
        assert "Ann" not in told
