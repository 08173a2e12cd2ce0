"""The suppressed workbook from the sandbox: what reads back otherwise than the audit passed it is refused."""

import io
import json
import zipfile

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.formatting.rule import CellIsRule

from disclosure.engine import workbook_apart as apart
from disclosure.engine.documents.content import is_workbook
from disclosure.engine.errors import BadTable
from disclosure.engine.examine import examine
from disclosure.engine.reading import grids_told, read_file, read_grids
from disclosure.engine.workbook import FOOTNOTE, MARK, Told
from tests.engines.disclosure import documents as corpus
from tests.engines.disclosure.samples import RULES
from tests.engines.disclosure.test_disclosure_workbook import RED, a_book, as_bytes

NAME = "t.xlsx"


def made(content=None, name=NAME):
    """Return the workbook that was submitted, what its tables say, and the marked one."""
    content = content or as_bytes(a_book())
    found = examine(name, content, policy=RULES, seconds=3)
    assert found.verdict == "safe", found.message
    told = [Told.of(table) for table in found.protection.tables]
    return content, told, apart.marked_told(apart.told_marked(name, apart.packed(content, told)))


def back(content, name=NAME):
    return grids_told(json.loads(json.dumps(apart.told_back(name, content))))  # as it leaves the sandbox


def changed(content, change):
    book = load_workbook(io.BytesIO(content))
    book.properties.creator = ""  # openpyxl names itself
    change(book)
    return as_bytes(book)


@pytest.mark.obligation("O-78")
def test_what_was_told_holds_no_withheld_number():
    content, told, _ = made()
    header = apart.packed(content, told).removesuffix(content)
    assert told[0].counts.count(MARK) == 4
    assert b"[3," not in header
    assert b", 3," not in header


@pytest.mark.parametrize("seed", range(12))
def test_it_reads_back_as_it_should_whatever_its_form(seed):
    one = corpus.xlsx(seed)
    told = [
        Told(
            table.name,
            tuple(MARK if row.count < RULES.min_count else row.count for row in table.rows),
            {},
            frozenset(code for row in table.rows for code in row.codes.values()),
        )
        for table in read_file(one.name, one.content)
    ]
    marked = apart.marked_told(apart.told_marked(one.name, apart.packed(one.content, told)))
    apart.hold_against(read_grids(one.name, one.content), back(marked, one.name), told)
    assert any(MARK in table.counts for table in told)


def test_so_it_does_with_a_title_beside_the_table_and_rows_left_empty():
    book = Workbook()
    sheet = book.active
    sheet["A1"] = "By 3 schools"
    for r, row in enumerate(
        [["school", "f", "m"], ["Alder", 3, 40], [], ["Birch", 51, 30], ["Cedar", 9, 47]]
    ):
        for c, value in enumerate(row):
            sheet.cell(r + 3, c + 2, value)
    content, told, marked = made(as_bytes(book))
    apart.hold_against(read_grids(NAME, content), back(marked), told)
    (_, grid) = back(marked)[0]
    assert grid[-1][0] == FOOTNOTE
    assert not any("3 schools" in cell for row in grid for cell in row)


def unmark(book):
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row if c.value == MARK]
    cells[0].value = 3


def write_elsewhere(book):
    book.worksheets[0]["H20"] = "three girls in Alder"


def rename(book):
    book.worksheets[0]["A5"] = "three of Alder"


def another_sheet(book):
    book.create_sheet("More").append(["In Alder", "3"])


def without_footnote(book):
    sheet = book.worksheets[0]
    sheet.cell(sheet.max_row, 1).value = None


@pytest.mark.obligation("O-78")
@pytest.mark.parametrize("change", [unmark, write_elsewhere, rename, another_sheet, without_footnote])
def test_a_cell_that_reads_otherwise_is_refused(change):
    content, told, marked = made()
    with pytest.raises(BadTable):
        apart.hold_against(read_grids(NAME, content), back(changed(marked, change)), told)


def say_it_in_properties(book):
    book.properties.title = "3 girls"


def say_it_in_a_header(book):
    book.worksheets[0].evenHeader.left.text = "3 girls"


def say_it_by_a_format(book):
    book.worksheets[0]["C5"].number_format = '"3 of these"0'


def say_it_by_a_colour(book):
    rule = CellIsRule(operator="equal", formula=['"*"'], fill=RED)
    book.worksheets[0].conditional_formatting.add("B5:B5", rule)


@pytest.mark.obligation("O-78")
@pytest.mark.parametrize(
    "change", [say_it_in_properties, say_it_in_a_header, say_it_by_a_format, say_it_by_a_colour]
)
def test_what_stands_beside_the_cells_is_refused(change):
    *_, marked = made()
    assert back(changed(marked, lambda book: None))
    with pytest.raises(BadTable):
        back(changed(marked, change))


def test_so_is_a_part_that_nobody_wrote():
    *_, marked = made()
    out = io.BytesIO(marked)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("customXml/item1.xml", "<a>3 girls</a>")
    with pytest.raises(BadTable):
        back(out.getvalue())


@pytest.mark.parametrize("answer", [None, [], {}, {"workbook": 3}, {"workbook": "é"}, {"refused": 3}])
def test_an_answer_that_is_none_gives_no_workbook(answer):
    try:
        content = apart.marked_told(answer)
    except BadTable:
        return
    with pytest.raises((BadTable, zipfile.BadZipFile)):
        back(content)


def test_a_long_table_that_brings_the_checks_own_columns_is_refused():
    book = Workbook()
    for row in (["school", "count", "reason"], ["Alder", 40, "as last year"], ["Birch", 60, ""]):
        book.active.append(row)
    with pytest.raises(BadTable, match="columns that the check writes"):
        made(as_bytes(book))


def test_only_a_workbook_is_one():
    assert is_workbook(as_bytes(a_book()))
    assert not is_workbook(corpus.docx(1).content)
    assert not is_workbook(b"school,count\n")
