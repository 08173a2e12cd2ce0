"""A table of 5,000 cells in the browser: self-check and repair by its author, then its reviewers, by keys."""

import io
import re

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font
from playwright.sync_api import expect

from bench.disclosure.tables import counts
from disclosure.engine.workbook import MARK
from disclosure.sheet_parts import COLUMNS, MORE_COLUMNS, MORE_ROWS, ROWS
from governance.seed.outputs import PERIOD
from tests.functional.test_output_desk import AUTHOR, GROUP, STEWARD, called, presses_key, tries_a_table

__all__ = ["called"]  # the fixture
pytestmark = pytest.mark.long
SCHOOLS, PROGRAMMES = 100, 50
CELLS = (SCHOOLS + 1) * (PROGRAMMES + 1)
LEAST = 6
TITLE = "Graduates by school and programme"
MOST_ELEMENTS = 2_500  # on a page: a whole table would be more than ten thousand
DRAWN = counts((SCHOOLS, PROGRAMMES), 0, spread=True)
SMALL = int((DRAWN < LEAST).sum())
VERDICT = re.compile(rf"\d+ of {CELLS} cells are withheld, {SMALL} because they are small")


def workbook():
    """Return the table as researchers have it: a sheet with bold headings and totals."""
    book = Workbook()
    sheet = book.active
    sheet.append(["school \\ programme", *(f"Programme {c:02}" for c in range(1, PROGRAMMES + 1)), "Total"])
    for number, row in enumerate(DRAWN.tolist(), start=1):
        sheet.append([f"School {number:03}", *row, sum(row)])
    sheet.append(["Total", *DRAWN.sum(axis=0).tolist(), int(DRAWN.sum())])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def first(condition):
    """Return school and programme of the first cell that meets a condition, as the page names them."""
    row, column = next(
        (r, c) for r in range(SCHOOLS) for c in range(PROGRAMMES) if condition(int(DRAWN[r, c]), r, c)
    )
    return f"School {row + 1:03}", f"Programme {column + 1:02}"


def is_light(visitor):
    """Fail if the page holds more than one screen of the table."""
    assert visitor.page.evaluate("document.querySelectorAll('*').length") < MOST_ELEMENTS
    assert visitor.page.locator(".p20-grid").first.locator("tbody td").count() <= (ROWS + MORE_ROWS) * (
        COLUMNS + MORE_COLUMNS
    )


def card_of(visitor):
    """Return the cell whose card is there; it is marked in the table, and both are in sight."""
    title = visitor.page.locator("#card-title").inner_text()
    here = visitor.page.locator("table.p20-grid").first.locator("td.p20-here")
    expect(here).to_have_count(1)
    expect(here).to_be_in_viewport()
    expect(visitor.page.locator("#card")).to_be_in_viewport()
    return title


def types_a_cell(visitor, *names):
    """Go to a cell by keyboard alone: G, its names, Enter."""
    visitor.page.keyboard.press("g")
    for name in names[:-1]:
        visitor.page.keyboard.type(name)
        visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.type(names[-1])
    with visitor.page.expect_navigation():
        visitor.page.keyboard.press("Enter")
    visitor.looks()


def marked_in(content):
    """Return how many numbers of a workbook have the mark: it has its author's form, and no small number."""
    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet["B1"].font.bold
    marked = 0
    for r in range(SCHOOLS):
        for c in range(PROGRAMMES):
            told = sheet.cell(r + 2, c + 2).value
            assert told in (MARK, DRAWN[r, c]), (r, c, told)
            assert told == MARK or told >= LEAST
            marked += told == MARK
    return marked


@pytest.mark.obligation("O-78", "O-82")
def test_author_and_reviewers_work_on_a_table_of_5000_cells(called):
    author = called(AUTHOR)
    tries_a_table(author)
    author.counts_others("Graduates of a hundred schools", PERIOD)
    author.sends("graduates.xlsx", workbook(), button="Check it")
    author.sees(VERDICT, patiently=True)
    author.examines("large-checked")
    fetch = author.page.get_by_role("button", name=re.compile("^Fetch the workbook"))
    assert SMALL <= marked_in(author.fetches(fetch).path().read_bytes()) < 2 * SMALL

    author.follows("Look at the tables")
    is_light(author)
    author.examines("large-proposed")
    walks_by_keyboard(author)
    author.goes(author.page.url.partition("tables/")[0])
    author.follows("Submit the same file")
    author.writes({"title": TITLE})
    author.presses("Submit it")
    author.sees("Submitted, with the check it had.")
    author.presses("Send to the agencies")
    author.sees("Sent to the agencies and the operating group.")
    output = author.page.url

    for name in (GROUP, STEWARD):
        reads_it(called(name), output, thoroughly=name == GROUP)

    author.goes(output)
    author.presses("Withdraw")
    author.sees("Withdrawn.")


def walks_by_keyboard(visitor):
    """Walk, turn to a part far off, walk on from there, go to cells by their names: no mouse is used."""
    with visitor.page.expect_navigation():
        visitor.page.get_by_role("link", name=re.compile("^S ?: walk only")).press("Enter")
    visitor.sees("The walk goes through S alone.")
    presses_key(visitor, "n")
    assert card_of(visitor) == ", ".join(first(lambda count, r, c: count < LEAST))
    for key, said in (("j", "page 2 of 4"), ("l", "page 2 of 6"), ("k", "page 1 of 4"), ("h", "page 1 of 6")):
        presses_key(visitor, key)
        visitor.sees(re.compile(said))
    for key in "jjj":
        presses_key(visitor, key)
    visitor.sees(re.compile("page 4 of 4"))
    presses_key(visitor, "n")
    there = ", ".join(first(lambda count, r, c: count < LEAST and r >= 3 * ROWS and c < COLUMNS))
    assert card_of(visitor) == there
    place = SMALL - int((DRAWN < LEAST)[int(there[7:10]) - 1 :].sum()) + 1
    visitor.sees(f"Finding {place} of {SMALL}")
    presses_key(visitor, "p")
    visitor.sees(f"Finding {place - 1} of {SMALL}")
    assert card_of(visitor) != there
    presses_key(visitor, "n")
    assert card_of(visitor) == there

    shown = first(lambda count, r, c: count >= LEAST and r > 60 and c > 30)
    types_a_cell(visitor, shown[0].lower(), shown[1])
    assert card_of(visitor) == ", ".join(shown)
    types_a_cell(visitor, "Cedar", "")
    visitor.sees("No cell of this table is called “Cedar”.")


def reads_it(reader, output, *, thoroughly):
    """A reviewer reads verdict, layers, range of each withheld cell, a card and the project's ledger."""
    reader.goes(output)
    reader.sees(VERDICT)
    reader.follows("Look at the tables")
    is_light(reader)
    reader.sees(f"{SMALL} small. Counts fewer people")
    part = reader.page.get_by_role("table", name="Where the findings are").get_by_role("link").last
    with reader.page.expect_navigation():
        part.click()
    reader.looks()
    reader.sees(re.compile("page 4 of 4"), re.compile("page 6 of 6"))
    for key, heading in (
        ("1", "As uploaded"),
        ("3", "As it will be released"),
        ("4", "What an attacker still has to think possible"),
    ):
        presses_key(reader, key)
        expect(reader.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        reader.sees(re.compile("page 4 of 4"), re.compile("page 6 of 6"))
        is_light(reader)
    if thoroughly:
        reader.examines("large-open")
    presses_key(reader, "2")
    reader.page.get_by_role("link", name=re.compile("^C ?: walk only")).click()
    reader.sees("The walk goes through C alone.")
    presses_key(reader, "n")
    reader.sees("For whose sake it is withheld")
    card_of(reader)
    if thoroughly:
        reader.examines("large-card")
    reader.goes(output)
    reader.follows("What is released")
    reader.sees("What would be added")
