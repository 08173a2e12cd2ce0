"""Reviewing an output cell by cell, by keyboard; what is released, known and wished for, on both widths."""

import re

import pytest
from playwright.sync_api import expect

from governance.seed.outputs import PERIOD, POPULATION
from tests.engines.disclosure.documents_changed import docx
from tests.engines.disclosure.test_disclosure_said import TABLE
from tests.functional.visitor import Album, Visitor

pytestmark = pytest.mark.long
GROUP, STEWARD, AUTHOR = "Edgar Pennfield", "Justin Sellnell", "Carlos Marlworth"
TITLE = "Programme and outcome by school"
SCHOOLS = b"parent,child\nTotal,Alder\nTotal,Birch\nTotal,Cedar\n"
ODD = (
    b"code,Name of school,girls,boys,both\nS1,Alder,3,40,43\nS2,Birch,51,30,81\nS3,Cedar,22,35,57\n"
    b"S9,State,76,105,181\n"
)
HIERARCHY = b"parent,child\nTotal,Career academies\nTotal,Other programmes\n"


@pytest.fixture
def called(desk, tmp_path):
    """Return a function that lets somebody sign in."""
    album = Album(tmp_path)
    return lambda name: Visitor(desk(), album, name)


def opens_the_output(visitor, standing="With the agencies"):
    visitor.goes("/outputs/")
    with visitor.page.expect_navigation():
        rows(visitor, standing).first.get_by_role("link", name=TITLE).click()
    visitor.looks()


def rows(visitor, standing):
    has = visitor.page.get_by_role("cell", name=standing, exact=True)
    return visitor.page.get_by_role("row").filter(has_text=TITLE).filter(has=has)


def tries_a_table(author):
    """Open the self-check of a project whose agreement is in force: an output of it is being read."""
    author.goes("/outputs/")
    number = re.search(r"DR-[\w-]+", rows(author, "With the agencies").first.inner_text())
    author.follows(re.compile(f"^Check a table for yourself of {number[0]}"))


def presses_key(visitor, key):
    with visitor.page.expect_navigation():
        visitor.page.keyboard.press(key)
    visitor.looks()


@pytest.mark.obligation("O-82")
def test_a_reviewer_walks_through_the_cells_by_single_keys(called):
    group = called(GROUP)
    opens_the_output(group)
    group.examines("output")
    group.follows("Look at the tables")
    group.examines("cells-proposed")
    expect(group.page.get_by_text(re.compile(r"^\d+ findings$"))).to_be_visible()
    presses_key(group, "n")
    group.sees(re.compile("^Finding 1 of"))
    first = group.page.locator("#card-title").inner_text()
    group.examines("cell-card")
    presses_key(group, "n")
    assert group.page.locator("#card-title").inner_text() != first
    presses_key(group, "p")
    assert group.page.locator("#card-title").inner_text() == first
    presses_key(group, "3")
    expect(group.page.get_by_role("heading", name="As it will be released")).to_be_visible()
    group.examines("cells-released")
    presses_key(group, "4")
    group.examines("cells-open")
    presses_key(group, "2")
    group.page.get_by_role("link", name=re.compile("^C ?: walk only")).click()
    group.sees("The walk goes through C alone.")
    presses_key(group, "n")
    group.sees("For whose sake it is withheld")
    group.examines("cell-complementary")
    group.page.locator("label", has_text="Single keys work").click()
    group.page.keyboard.press("n")
    group.page.wait_for_timeout(300)
    group.sees(re.compile("^Finding 1 of"))


def test_what_is_released_known_and_wished_for(called):
    author = called(AUTHOR)
    author.goes("/outputs/")
    with author.page.expect_navigation():
        rows(author, "Released").first.get_by_role("link", name=re.compile("what is released")).click()
    author.sees("1 table")
    author.examines("released")

    group = called(GROUP)
    opens_the_output(group)
    group.follows("What is released")
    group.sees("What would be added")
    group.examines("would-be-added")
    group.follows("Hierarchies and public tables")
    group.examines("known-nothing")
    group.follows("Who is counted in this project")
    group.sees(POPULATION, PERIOD)
    group.examines("people")
    group.page.go_back()
    group.follows("Load a public table")
    group.examines("known-table")
    group.page.go_back()
    group.follows("Load a hierarchy")
    group.writes({"dimension": "programme"})
    group.examines("known-hierarchy")
    group.sends("programmes.csv", HIERARCHY, button="Load it")
    group.sees("Loaded. Checks from now on know it.")
    group.examines("known")
    group.follows(re.compile("^programme"))
    group.examines("known-one")
    group.follows("Remove it")
    group.writes({"reason": "Loaded to look at the pages."})
    group.examines("known-remove")
    group.presses("Remove it")
    group.sees("Removed. Checks from now on do not know it.")

    steward = called(STEWARD)
    opens_the_output(steward)
    steward.follows("What is released")
    steward.follows("What agencies want to read before")
    steward.writes({"material": "press", "reason": "Our name stands in the headline."})
    steward.examines("wishes")
    steward.presses("Ask for it")
    steward.sees("Outputs of this kind wait for your agency.")
    steward.examines("wish-made")
    steward.page.get_by_role("button", name=re.compile("^End it")).first.click()
    steward.sees("Ended.")


@pytest.mark.obligation("O-78")
def test_an_author_says_how_a_table_is_read_and_what_its_names_mean(called):
    author = called(AUTHOR)
    tries_a_table(author)
    project = author.page.url.removesuffix("self-check/")
    author.goes(f"{project}known/hierarchy/")
    author.writes({"dimension": "school"})
    author.sends("schools.csv", SCHOOLS, button="Load it")
    author.sees("Loaded. Checks from now on know it.")
    author.goes(f"{project}self-check/")
    # Of other people than the seeded output, whose totals are others: it may be of this very day.
    author.counts_others("Pupils of three schools", PERIOD)
    author.sends("odd.csv", ODD, button="Check it")
    author.sees("The file cannot be read as tables of counts.", patiently=True)

    author.follows("Say how its tables are read")
    author.examines("by-hand")
    said = {"role-1": "other", "role-2": "dimension", "across-1": "sex", "totals": "State\nboth"}
    author.writes(said | {f"role-{number}": "count" for number in (3, 4, 5)})
    author.presses("Remember it")
    author.sees("Remembered for this project. Have the file checked again with it.")
    author.presses("Check again")
    author.sees(re.compile(r"\d+ of \d+ cells are withheld"), patiently=True)
    author.examines("read-by-hand")
    author.follows("Look at the tables")
    author.sees("What hangs on somebody’s word", "Column 1 counts nobody.")
    author.examines("cells-read-by-hand")
    author.page.go_back()

    author.follows("Say what its names mean")
    author.sees("“Name of school” is the same as")
    author.examines("names")
    author.presses("Remember it")
    expect(author.page.get_by_text("Remembered for this project.").first).to_be_visible()

    author.follows("Say what its names mean")
    whole = author.page.get_by_label(re.compile("The whole they make")).first
    whole.fill("Total")
    author.presses("Remember the parts")
    author.sees("Say which categories are its parts.")
    author.examines("parts-of-a-whole")
    author.ticks(*(author.page.get_by_label(town, exact=True) for town in ("Alder", "Birch", "Cedar")))
    author.presses("Remember it")
    author.sees("Remembered for this project. Have the file checked again with it.")


@pytest.mark.obligation("O-78")
def test_an_author_confirms_what_a_text_tells_and_asks_that_a_cell_be_shown(called):
    author = called(AUTHOR)
    tries_a_table(author)
    author.counts_others("Pupils of three schools", PERIOD)
    author.sends("study.docx", docx("In Birch 51 girls stayed.", table=TABLE), button="Check it")
    author.sees(re.compile(r"\d+ of \d+ cells are withheld"), patiently=True)
    author.follows("Say what its text tells")
    author.examines("text")
    author.writes({"confirm-1": True})
    author.presses("Remember it")
    author.sees("Remembered for this file.")
    author.presses("Check again")
    looks_until(author, re.compile("51 is confirmed for"))
    author.page.get_by_role("link", name=re.compile("^C ?: walk only")).click()
    author.follows(re.compile("finding"))
    author.examines("card-to-show")
    author.presses("Show it anyway")
    author.sees(re.compile("^Asked for."))
    author.presses("Check again")
    looks_until(author, re.compile("What its author asked to be shown"))
    author.sees(re.compile("Without that"))
    author.examines("asked-to-be-shown")


def looks_until(author: Visitor, words: re.Pattern[str]) -> None:
    """Look at the tables until a new check says this; until then the check before it stands there."""
    detail = author.page.url
    for _ in range(30):
        author.goes(detail)
        author.follows("Look at the tables")
        if author.page.get_by_text(words).count():
            return
        author.page.wait_for_timeout(2_000)
    author.sees(words)
