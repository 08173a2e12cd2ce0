"""The suppressed workbook: the researcher's form, the audited numbers, one mark, and nothing unseen."""

import io

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Border, Font, PatternFill, Side

from disclosure.engine import workbook
from disclosure.engine.errors import BadTable
from disclosure.engine.examine import examine
from disclosure.engine.workbook import FOOTNOTE, MARK, suppressed
from tests.engines.disclosure.samples import RULES

RED = PatternFill("solid", fgColor="FFFF0000")


def as_bytes(book):
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def a_book():
    """A cross table with a title, a blank row and merged heads, small counts in red, and a long table."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Graduates"
    rows = [
        ["Graduates of 2019 by school"],
        [],
        ["", "Sex", "", ""],
        ["School", "f", "m", "Total"],
        ["Alder", 3, 40, 43],
        ["Birch", 51, 30, 81],
        ["Cedar", 33, 47, 80],
        ["Total", 87, 117, 204],
    ]
    for row in rows:
        sheet.append(row)
    sheet.merge_cells("B3:D3")
    sheet["B5"].fill = RED
    sheet["A1"].font = Font(bold=True, size=14)
    sheet["C6"].border = Border(bottom=Side("thin"))
    sheet.column_dimensions["A"].width = 31
    sheet.freeze_panes = "B5"
    sheet.conditional_formatting.add("B5:D8", CellIsRule(operator="lessThan", formula=["6"], fill=RED))
    other = book.create_sheet("By age")
    lines = [
        "age,count,pct,pct_of",
        "15,3,1.5,age",
        "16,97,47.5,age",
        "17,104,51.0,age",
        "Total,204,100.0,age",
    ]
    for line in lines:
        other.append([int(c) if c.isdigit() else c for c in line.split(",")])
    return book


def made(book=None, name="t.xlsx"):
    content = as_bytes(book or a_book())
    found = examine(name, content, policy=RULES, seconds=5)
    assert found.verdict == "safe", found.message
    return found, suppressed(name, content, found.protection.tables)


@pytest.mark.obligation("O-81", "O-78")
def test_it_shows_what_was_audited_and_marks_the_rest():
    found, content = made()
    book = load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["Graduates", "By age"]
    sheet = book["Graduates"]
    counts = [[sheet.cell(r, c).value for c in (2, 3, 4)] for r in range(5, 9)]
    shown = [str(value) if value != MARK else "" for row in counts for value in row]
    released = found.released()[0].decode().splitlines()[1:]
    assert shown == [line.rpartition(",")[2] for line in released]
    assert counts[0][0] == MARK
    assert sheet.cell(10, 1).value == FOOTNOTE
    other = book["By age"]
    assert other["B2"].value == other["C2"].value == MARK
    assert other["A2"].value == 15
    assert "3" not in {str(c.value) for s in book for row in s.iter_rows() for c in row}


def test_the_form_is_kept_and_every_mark_looks_alike():
    _, content = made()
    sheet = load_workbook(io.BytesIO(content))["Graduates"]
    assert sheet["A1"].value == "Graduates of 2019 by school"
    assert (sheet["A1"].font.b, sheet["A1"].font.sz) == (True, 14)
    assert [str(each) for each in sheet.merged_cells.ranges] == ["B3:D3"]
    assert sheet.column_dimensions["A"].width == 31
    assert sheet.freeze_panes == "B5"
    marks = [c for row in sheet.iter_rows() for c in row if c.value == MARK]
    assert len(marks) > 1
    assert len({repr((c.font, c.fill, c.border, c.alignment, c.number_format)) for c in marks}) == 1
    assert marks[0].fill.fill_type is None


def test_nothing_comes_along_unseen():
    book = a_book()
    book.properties.creator = "A. Author"
    book.active["C5"].number_format = '"3 of these"0'
    book.defined_names.clear()
    _, content = made(book)
    again = load_workbook(io.BytesIO(content))
    assert again.properties.creator in (None, "")
    assert not list(again["Graduates"].conditional_formatting)
    assert again["Graduates"]["C5"].number_format == "General"
    assert b"A. Author" not in content


def test_a_title_with_a_number_that_is_no_year_is_left_out():
    book = a_book()
    book.active["A1"].value = "Alder has 3 girls"
    book.active.title = "3 girls"
    _, content = made(book)
    again = load_workbook(io.BytesIO(content))
    assert again.sheetnames[0] == "Table 1"
    assert again.worksheets[0]["A1"].value is None


def test_a_title_that_begins_like_a_formula_stays_a_text():
    book = a_book()
    book.active["A1"].value = "=HYPERLINK(x)"
    book.active["A1"].data_type = "s"
    _, content = made(book)
    cell = load_workbook(io.BytesIO(content)).worksheets[0]["A1"]
    assert (cell.value, cell.data_type) == ("=HYPERLINK(x)", "s")


def test_it_is_the_same_each_time():
    content = as_bytes(a_book())
    found = examine("t.xlsx", content, policy=RULES, seconds=5)
    first, again = (suppressed("t.xlsx", content, found.protection.tables) for _ in range(2))
    assert first == again


def test_another_workbook_is_refused():
    found, _ = made()
    book = a_book()
    book.active.delete_rows(6)
    for name, content in (("t.xlsx", as_bytes(book)), ("other.xlsx", as_bytes(a_book()))):
        with pytest.raises(BadTable):
            suppressed(name, content, found.protection.tables)


@pytest.mark.obligation("O-78")
@pytest.mark.parametrize("fault", ["says", "adds"])
def test_what_does_not_hold_when_it_is_read_back_is_not_handed_on(monkeypatch, fault):
    really = workbook._dress

    def dress(cell, like, **options):
        really(cell, like, **options)
        if fault == "says" and cell.value == MARK:
            cell.value = 3
        if fault == "adds" and cell.row == 4 and cell.column == 1:
            cell.value = "3"

    monkeypatch.setattr(workbook, "_dress", dress)
    with pytest.raises(BadTable):
        made()
