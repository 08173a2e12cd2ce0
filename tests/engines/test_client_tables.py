"""`p20 tables`: a researcher sees beforehand what the portal's check will say."""

import json

import pytest
from openpyxl import Workbook, load_workbook

from client.main import main
from disclosure.engine.examine import examine
from tests.engines.disclosure import documents_changed as made
from tests.engines.disclosure.samples import RULES

CROSS = b"school \\ sex,female,male,Total\nAlder,3,40,43\nBirch,51,30,81\nTotal,54,70,124\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "graduates.csv"
    path.write_bytes(CROSS)
    return path


@pytest.mark.obligation("O-78", "O-81")
def test_it_writes_what_the_portal_would_release_and_says_what_is_withheld(file, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["tables", str(file), "--out", str(out)]) == 0
    there = examine(file.name, CROSS, policy=RULES, seconds=60)
    assert [path.read_bytes() for path in sorted(out.iterdir())] == there.released()
    said = capsys.readouterr().out
    assert "4 of 9 cells are withheld" in said
    assert "school Alder, sex female: small" in said
    assert "No withheld cell can be worked out." in said


def test_json_holds_no_count(file, capsys):
    assert main(["tables", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "safe"
    assert {cell["reason"] for cell in told["tables"][0]["withheld"]} == {"small", "complementary"}
    assert not any(str(number) in json.dumps(told["tables"][0]["withheld"]) for number in (40, 43, 51, 30))


@pytest.mark.obligation("O-81")
def test_an_earlier_release_is_kept_in_mind(file, tmp_path, capsys):
    old = tmp_path / "table-1.csv"
    old.write_text("school,sex,released\nAlder,male,40\nAlder,Total,43\n")
    assert main(["tables", str(file), "--released", str(old), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().out
    assert "in the way" in said
    assert "could be worked out" in said
    assert not (tmp_path / "out").exists()


def test_a_workbook_is_read_and_rules_may_be_stricter(tmp_path, capsys):
    book, path, rules = Workbook(), tmp_path / "t.xlsx", tmp_path / "rules.toml"
    for row in (["school", "students"], ["Alder", 8], ["Birch", 40], ["Cedar", 50], ["Total", 98]):
        book.active.append(row)
    book.save(path)
    assert main(["tables", str(path)]) == 0
    assert "0 of 4 cells" in capsys.readouterr().out
    assert main(["tables", str(path), "--out", str(tmp_path / "out")]) == 0
    marked = load_workbook(tmp_path / "out" / "tables.xlsx").active
    assert [cell.value for cell in marked["B"]] == ["students", 8, 40, 50, 98]
    capsys.readouterr()
    rules.write_text("min_count = 10\n")
    assert main(["tables", str(path), "--policy", str(rules)]) == 0
    assert "2 of 4 cells" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"no table", b"name,birth date\nA B,2001-02-03\n"])
def test_what_is_no_table_is_refused_with_the_remedy(content, tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    assert main(["tables", str(path)]) == 2
    assert "t.csv" in capsys.readouterr().out


def test_a_folder_with_files_is_not_written_into(file, tmp_path, capsys):
    assert main(["tables", str(file), "--out", str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err


@pytest.mark.obligation("O-25")
def test_other_ways_are_priced_and_written_as_files_to_submit(tmp_path, capsys):
    path, folder = tmp_path / "t.csv", tmp_path / "ways"
    path.write_text("school,count\nAlder,3\nBirch,4\nCedar,50\nDogwood,60\nTotal,117\n")
    assert main(["tables", str(path), "--alternatives", str(folder)]) == 0
    assert (
        "Or 1: Put “Alder” and “Birch” of “school” together. Then 0 of 4 numbers" in capsys.readouterr().out
    )
    assert main(["tables", str(folder / "alternative-1.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tables"][0]["withheld"] == []
    assert main(["tables", str(path), "--alternatives", str(folder)]) == 2
    assert "Name a new folder with --alternatives" in capsys.readouterr().err


def test_a_document_is_checked_like_a_table_and_its_sentences_are_told(tmp_path, capsys):
    path = tmp_path / "study.docx"
    path.write_bytes(made.docx("Graduates by town."))
    assert main(["tables", str(path)]) == 0
    path.write_bytes(made.docx("In Alder, three students left."))
    assert main(["tables", str(path)]) == 1
    assert "paragraph 1: In Alder, three students left." in capsys.readouterr().out
    path.write_bytes(made.in_body(made.docx("Fine."), made.run("x", "<w:vanish/>")))
    assert main(["tables", str(path)]) == 2
    assert "hidden text" in capsys.readouterr().out
