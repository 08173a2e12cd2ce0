"""The command line keeps its contract: files, exit codes, words."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from disclosure.engine import cli, release
from disclosure.engine.cli import main
from disclosure.engine.errors import NoSafePattern, SolverFailed, Stopped

TABLE = """school,sex,count
A,f,3
A,m,40
A,Total,43
B,f,51
B,m,30
B,Total,81
Total,f,54
Total,m,70
Total,Total,124
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return path


@pytest.mark.obligation("O-78", "O-81")
def test_protect_writes_for_reviewer_and_public(table, tmp_path, capsys):
    out, public = tmp_path / "out.csv", tmp_path / "public.csv"
    assert main(["protect", str(table), "--out", str(out), "--public", str(public)]) == 0
    assert "audit clean" in capsys.readouterr().out
    reviewer = out.read_text().splitlines()
    assert reviewer[0] == "school,sex,count,released,reason"
    assert reviewer[1] == "A,f,3,,small"
    handed_on = public.read_text().splitlines()
    assert handed_on[0] == "school,sex,released"
    assert handed_on[1] == "A,f,"
    assert main(["audit", str(public)]) == 0
    assert main(["audit", str(out)]) == 0


def test_several_tables_go_to_a_folder_under_their_names(tmp_path):
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(TABLE)
    out = tmp_path / "out"
    assert main(["protect", str(tmp_path / "one.csv"), str(tmp_path / "two.csv"), "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["one.csv", "two.csv"]


def test_one_table_goes_to_a_folder_where_that_is_named(table, tmp_path, capsys):
    there, made = tmp_path / "there", tmp_path / "made"
    there.mkdir()
    assert main(["protect", str(table), "--out", str(there), "--public", f"{made}/"]) == 0
    assert [path.name for path in (*there.iterdir(), *made.iterdir())] == ["table.csv", "table.csv"]
    assert main(["protect", str(table), "--seconds", "x", "--out", str(there)]) == 2
    assert not (there / "table.csv").exists()
    assert main(["protect", str(table), "--out", str(tmp_path)]) == 2
    assert table.read_text() == TABLE
    capsys.readouterr()
    assert main(["protect", str(table), "--out", str(tmp_path / "none" / "out.csv")]) == 2
    assert "none is no folder" in capsys.readouterr().err


def test_no_safe_pattern_is_one_and_names_the_facts(table, tmp_path, capsys):
    (tmp_path / "old.csv").write_text("school,sex,released\nA,m,40\nA,Total,43\n")
    out = tmp_path / "out.csv"
    assert main(["protect", str(table), "--released", str(tmp_path / "old.csv"), "--out", str(out)]) == 1
    assert "in the way" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "school,sex\nA,f\n",
        "school,count\nA,many\n",
        "school,count\nA,1\nA,2\n",
        "school,count\n,5\n",
        "school,count\nA,\n",
        "school,count,pct\nA,40,50\n",
        "school,count,pct,pct_of\nA,40,500,school\n",
        "school,count,pct,pct_of\nA,40,50,town\n",
        "school,count\nA|,40\n",
        "school,school,count\nA,A,40\n",
        "school,count\nA,40,7\n",
        "school,count,released\nA,40,lots\n",
    ],
)
def test_bad_input_is_two_and_writes_nothing(tmp_path, content, capsys):
    path, out = tmp_path / "bad.csv", tmp_path / "out.csv"
    path.write_text(content)
    assert main(["protect", str(path), "--out", str(out)]) == 2
    assert "bad.csv" in (said := capsys.readouterr().err) or "Dimension" in said
    assert not out.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["--hier", "sex"],
        ["--hier", "sex=missing.csv"],
        ["--policy", "missing.toml"],
        ["--seconds", "0"],
        ["--seconds", "nan"],
        ["--seconds", "inf"],
        ["--seconds", "soon"],
    ],
)
def test_bad_options_are_two(table, tmp_path, words):
    assert main(["protect", str(table), *words, "--out", str(tmp_path / "out.csv")]) == 2


def test_a_limit_too_short_is_three_or_safe(table, tmp_path):
    out = tmp_path / "out.csv"
    code = main(["protect", str(table), "--seconds", "0.000001", "--out", str(out)])
    assert code in (0, 3)
    assert out.exists() == (code == 0)


def test_audit_as_json_tells_interval_and_derivation(tmp_path, capsys):
    path = tmp_path / "leaky.csv"
    path.write_text("a,released\nx,\ny,40\nTotal,43\n")
    assert main(["audit", str(path), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"] == "leak"
    assert report["leaks"][0]["low"] == report["leaks"][0]["high"] == 3
    assert report["leaks"][0]["derivation"].endswith("= 3")


def test_audit_of_an_unprotected_table_with_counts_leaks(table):
    assert main(["audit", str(table)]) == 1


def test_audit_refuses_what_it_cannot_read(tmp_path):
    path = tmp_path / "bytes.csv"
    path.write_bytes(b"\xff\xfe\x00")
    assert main(["audit", str(path)]) == 2


def test_hierarchies_are_used_and_checked(tmp_path):
    groups = tmp_path / "towns.csv"
    groups.write_text("parent,child\neast,A\neast,B\nwest,C\nwest,D\n")
    table = tmp_path / "t.csv"
    table.write_text("town,count\nA,3\nB,40\nC,30\nD,30\neast,43\nwest,60\nTotal,103\n")
    out = tmp_path / "out.csv"
    assert main(["protect", str(table), "--hier", f"town={groups}", "--out", str(out)]) == 0
    assert main(["audit", str(out), "--hier", f"town={groups}"]) == 0
    table.write_text("town,count\nE,30\nTotal,103\n")
    assert main(["protect", str(table), "--hier", f"town={groups}", "--out", str(out)]) == 2
    groups.write_text("parent,child\neast,west\nwest,east\n")
    assert main(["protect", str(table), "--hier", f"town={groups}", "--out", str(out)]) == 2


class TestAllFilesOrNone:
    STALE = "of an earlier run"

    def test_nothing_is_left_when_one_file_cannot_be_written(self, table, tmp_path):
        out, public = tmp_path / "out.csv", tmp_path / "nowhere" / "public.csv"
        out.write_text(self.STALE)
        assert main(["protect", str(table), "--out", str(out), "--public", str(public)]) == 2
        assert sorted(path.name for path in tmp_path.iterdir()) == ["table.csv"]

    def test_nothing_is_left_when_a_rename_fails(self, table, tmp_path, monkeypatch):
        out, public = tmp_path / "out.csv", tmp_path / "public.csv"
        real = Path.replace

        def fail(self, target):
            if target == public:
                raise OSError(28, "No space left on device", str(target))
            return real(self, target)

        monkeypatch.setattr(Path, "replace", fail)
        assert main(["protect", str(table), "--out", str(out), "--public", str(public)]) == 2
        assert sorted(path.name for path in tmp_path.iterdir()) == ["table.csv"]

    @pytest.mark.parametrize(
        ("words", "code"),
        [(["--released", "old.csv"], 1), (["--policy", "missing.toml"], 2), (["--seconds", "nan"], 2)],
    )
    def test_what_an_earlier_run_left_is_gone(self, table, tmp_path, monkeypatch, words, code):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "old.csv").write_text("school,sex,released\nA,m,40\nA,Total,43\n")
        for name in ("out.csv", "public.csv"):
            (tmp_path / name).write_text(self.STALE)
        assert main(["protect", str(table), *words, "--out", "out.csv", "--public", "public.csv"]) == code
        assert not (tmp_path / "out.csv").exists()
        assert not (tmp_path / "public.csv").exists()

    @pytest.mark.parametrize("what", ["same", "link", "dots"])
    def test_an_input_is_never_written_over(self, table, tmp_path, what):
        target = {"same": table, "link": tmp_path / "link.csv", "dots": tmp_path / "." / "table.csv"}[what]
        if what == "link":
            target.hardlink_to(table)
        assert main(["protect", str(table), "--out", str(target)]) == 2
        assert main(["protect", str(table), "--out", str(tmp_path / "o.csv"), "--public", str(target)]) == 2
        assert table.read_text() == TABLE
        assert not (tmp_path / "o.csv").exists()

    def test_several_are_never_written_over_themselves(self, tmp_path):
        for name in ("one.csv", "two.csv"):
            (tmp_path / name).write_text(TABLE)
        words = ["protect", str(tmp_path / "one.csv"), str(tmp_path / "two.csv"), "--out"]
        assert main([*words, str(tmp_path)]) == 2
        assert main([*words, str(tmp_path / "o"), "--public", str(tmp_path / "o")]) == 2
        assert main([*words, str(tmp_path / "o"), "--policy", "missing.toml"]) == 2
        assert sorted(path.name for path in tmp_path.iterdir()) == ["one.csv", "two.csv"]

    def test_reviewer_and_public_need_two_names(self, table, tmp_path):
        out = str(tmp_path / "o.csv")
        assert main(["protect", str(table), "--out", out, "--public", out]) == 2

    def test_a_folder_or_a_device_is_no_file(self, table, tmp_path):
        assert main(["protect", str(table), "--out", str(tmp_path)]) == 2
        assert main(["protect", str(table), "--out", "/dev/null"]) == 2


class TestNoMishapIsAVerdict:
    @pytest.mark.parametrize("error", [RuntimeError("x"), MemoryError(), RecursionError(), KeyError("x")])
    def test_an_error_of_the_program(self, table, tmp_path, monkeypatch, error):
        def fail(*args, **options):
            raise error

        monkeypatch.setattr(release, "protect", fail)
        monkeypatch.setattr(cli, "audit", fail)
        out = tmp_path / "out.csv"
        out.write_text("old")
        assert main(["protect", str(table), "--out", str(out)]) == 3
        assert not out.exists()
        assert main(["audit", str(table)]) == 2

    @pytest.mark.parametrize("error", [Stopped("too large"), SolverFailed("broken")])
    def test_an_audit_that_cannot_be_done_is_two(self, table, monkeypatch, error):
        def fail(*args, **options):
            raise error

        monkeypatch.setattr(cli, "audit", fail)
        assert main(["audit", str(table)]) == 2

    @pytest.mark.parametrize(
        "content", ['school,count\nA,"40\nB,3\n' + "x" * 140_000, "school,count\nA," + "9" * 5000]
    )
    def test_files_that_break_a_reader_are_bad_input(self, tmp_path, content):
        path, out = tmp_path / "bad.csv", tmp_path / "out.csv"
        path.write_text(content)
        assert main(["protect", str(path), "--out", str(out)]) == 2
        assert main(["audit", str(path)]) == 2
        assert not out.exists()

    def test_a_hierarchy_that_breaks_a_reader_is_bad_input(self, table, tmp_path):
        path = tmp_path / "h.csv"
        path.write_text('parent,child\n"' + "x" * 140_000)
        words = ["--hier", f"school={path}"]
        assert main(["protect", str(table), *words, "--out", str(tmp_path / "out.csv")]) == 2
        assert main(["audit", str(table), *words]) == 2

    def test_a_verdict_survives_a_broken_pipe_and_plain_letters(self, tmp_path):
        path = tmp_path / "leaky.csv"
        path.write_text("a,released\nx,\ny,40\nTotal,43\n", encoding="utf-8")
        command = f"{sys.executable} -m disclosure.engine audit {path} | true; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", command], check=False, capture_output=True)
        assert done.returncode == 1
        plain = subprocess.run(
            [sys.executable, "-m", "disclosure.engine", "audit", str(path)],
            check=False,
            capture_output=True,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
        )
        assert plain.returncode == 1
        assert b"LEAK cell: a x: 3 to 3" in plain.stdout


class TestEarlierReleases:
    def test_a_leak_through_what_was_released_earlier_is_one_and_names_the_facts(
        self, table, tmp_path, capsys, monkeypatch
    ):
        """The side that protects is made to forget what was released earlier; the audit remembers."""
        real = release.protect

        def blind(tables, before, **options):
            return real(tables, [], **options | {"wanted": ()})

        monkeypatch.setattr(release, "protect", blind)
        old = tmp_path / "old.csv"
        old.write_text("school,sex,released\nA,m,40\nA,Total,43\n")
        out = tmp_path / "out.csv"
        assert main(["protect", str(table), "--released", str(old), "--out", str(out)]) == 1
        said = capsys.readouterr().err
        assert "in the way" in said
        assert "old.csv" in said
        assert not out.exists()

    def test_one_always_names_facts(self, table, tmp_path, capsys, monkeypatch):
        def refuse(*args, **options):
            raise NoSafePattern("No safe pattern.")

        monkeypatch.setattr(release, "protect", refuse)
        assert main(["protect", str(table), "--out", str(tmp_path / "out.csv")]) == 1
        assert "in the way: " + str(table) in capsys.readouterr().err


class TestKnownBefore:
    def test_the_audit_takes_public_tables(self, tmp_path, capsys):
        public, ours = tmp_path / "public.csv", tmp_path / "ours.csv"
        public.write_text("a,b,released\nx,Total,43\ny,Total,90\nz,Total,3\n")
        ours.write_text("a,b,released\nx,1,\nx,2,40\ny,1,45\ny,2,45\n")
        assert main(["audit", str(ours)]) == 0
        assert main(["audit", str(ours), "--known", str(public)]) == 1
        assert "a z" not in capsys.readouterr().out

    def test_what_is_protected_is_safe_beside_public_tables(self, table, tmp_path, capsys):
        known, out, public = tmp_path / "known.csv", tmp_path / "out.csv", tmp_path / "public.csv"
        known.write_text("school,sex,released\nA,m,40\nB,f,51\n")
        words = ["--known", str(known)]
        code = main(["protect", str(table), *words, "--out", str(out), "--public", str(public)])
        if code == 0:
            assert main(["audit", str(public), *words]) == 0
        else:
            assert code == 1
            assert "known.csv" in capsys.readouterr().err
            assert not out.exists()

    def test_a_public_table_is_never_written_over(self, table, tmp_path):
        known = tmp_path / "known.csv"
        known.write_text("school,released\nA,43\n")
        assert main(["protect", str(table), "--known", str(known), "--out", str(known)]) == 2
        assert known.exists()


def test_a_hierarchy_of_a_dimension_that_no_table_has_is_no_bad_input(table, tmp_path):
    groups = tmp_path / "towns.csv"
    groups.write_text("parent,child\neast,A\n")
    out = tmp_path / "out.csv"
    assert main(["protect", str(table), "--out", str(out)]) == 0
    assert main(["audit", str(out), "--hier", f"town={groups}"]) == 0


def test_the_module_runs_by_itself(table, tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "disclosure.engine",
            "protect",
            str(table),
            "--out",
            str(tmp_path / "out.csv"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
