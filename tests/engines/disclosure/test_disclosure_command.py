"""The command line keeps its contract: files, exit codes, words."""

import json
import subprocess
import sys

import pytest

from disclosure.engine.cli import main

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
