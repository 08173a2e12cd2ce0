"""Words that make no command: exit 2, and no earlier result that could be taken for this one's."""

import pytest

from disclosure.engine.cli import main
from tests.engines.disclosure.test_disclosure_command import TABLE


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return path


@pytest.mark.parametrize(
    "words",
    [
        ["--bogus"],
        ["--bogus", "7"],
        ["--seconds"],
        ["--hier"],
        ["--json"],
        ["--policy", "a.toml", "extra.csv", "--policy"],
        ["--p", "ambiguous.toml"],
    ],
)
def test_a_wrong_use_is_two_and_leaves_no_earlier_result(table, tmp_path, words, capsys):
    out, public = tmp_path / "out.csv", tmp_path / "public.csv"
    for path in (out, public):
        path.write_text("from an earlier run")
    assert main(["protect", str(table), "--out", str(out), "--public", str(public), *words]) == 2
    assert "usage:" in capsys.readouterr().err
    assert table.read_text() == TABLE
    assert not out.exists()
    assert not public.exists()


def test_a_wrong_use_takes_away_no_input_and_nothing_but_results(table, tmp_path):
    for arguments in (
        ["protect", str(table), "--out", str(table), "--bogus"],
        ["protect", "--bogus", str(table), "--out", str(table)],
        ["protect", "other.csv", "--released", str(table), "--out", str(table), "--bogus"],
        ["protect", "other.csv", "--hier", f"a={table}", "--out", str(table), "--bogus"],
        ["protect", "--hier", "a=b.csv", str(table), "--out", str(table), "--bogus"],
        ["audit", "other.csv", "--out", str(table)],
        ["protect", str(table), "--out", str(tmp_path), "--bogus"],
        [],
        ["protect"],
    ):
        assert main(arguments) == 2
        assert table.read_text() == TABLE


def test_several_tables_and_a_wrong_use_leave_nothing_in_the_folder(table, tmp_path):
    other, out = tmp_path / "other.csv", tmp_path / "out"
    out.mkdir()
    for name in ("table.csv", "other.csv", "mine.txt"):
        (out / name).write_text("from an earlier run")
    other.write_text(TABLE)
    assert main(["protect", str(table), str(other), "--out", str(out), "--second-s", "5"]) == 2
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_two_tables_of_one_name_are_refused_and_leave_no_earlier_result(table, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "table.csv").write_text("from an earlier run")
    assert main(["protect", str(table), str(table), "--out", str(out)]) == 2
    assert not (out / "table.csv").exists()
    assert table.exists()


def test_help_is_no_wrong_use(capsys):
    with pytest.raises(SystemExit) as left:
        main(["protect", "--help"])
    assert left.value.code == 0
    assert "--released" in capsys.readouterr().out
