"""The line's end: output review, release, destruction, closing, and the page that shows the whole way."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import re
import zipfile

from disclosure.public import ACKNOWLEDGEMENT, POINTS
from governance.seed.outputs import PERIOD, POPULATION, table_from
from tests.functional.visitor import EASTERN, PATIENCE, Visitor

MIN_CELL = 6
OUTPUT = "College and work by school and programme"
STAGES = (
    "Request",
    "Completeness",
    "Decision",
    "Agreement",
    "Files",
    "Match",
    "Delivery",
    "Output review",
    "Destruction",
    "Closing",
)


def submits_an_output(author: Visitor, number: str, extract: dict[str, bytes]) -> str:
    """The author uploads a table with small cells; the vault checks it. Return the output's address."""
    table = table_from(extract)
    counts = [int(row["count"]) for row in csv.DictReader(io.StringIO(table.decode()))]
    assert any(0 < count < MIN_CELL for count in counts), "The table has no small cell to protect."
    author.goes("/outputs/")
    author.follows(f"Submit an output of {number}")
    author.examines("submit-output")
    author.writes({"title": OUTPUT, "population": POPULATION, "period": PERIOD, "extracted_on": author.today})
    author.page.locator("select[name=planned]").select_option(index=1)
    author.sends("programme-by-outcome.csv", table, button="Submit")
    author.sees("The file has arrived sealed.")
    author.looks()
    author.sees(re.compile(r"\d+ of \d+ cells are withheld"), patiently=True)
    author.looks()
    author.follows("Look at the tables")
    author.sees("As it will be released")
    author.examines("before-and-after")
    author.page.go_back()
    author.presses("Send to the agencies")
    author.sees("Sent to the agencies and the operating group.")
    return author.page.url


def confirms(reader: Visitor, address: str, *, first: bool) -> None:
    """A party reads the tables and confirms all five points; not all of them is refused."""
    reader.goes("/")
    reader.goes(address)
    reader.follows("Look at the tables")
    reader.page.go_back()
    reader.follows("Confirm it")
    points = list(POINTS)
    if first:
        reader.writes(dict.fromkeys(points[:-1], True))
        reader.presses("Confirm")
        reader.sees("Confirm this, or return the output.")
        reader.examines("confirm-refused")
    reader.writes(dict.fromkeys(points, True))
    reader.presses("Confirm")
    reader.sees("Confirmed for your organisation.")


def cannot_be_released_yet(coordinator: Visitor, address: str) -> None:
    """All have cleared it, and the ten business days are not over."""
    coordinator.goes(address)
    coordinator.sees(re.compile(r"4 of 4 have cleared it\. It can be released from"))
    coordinator.cannot_press("Release", because=re.compile("Not before"))
    coordinator.examines("not-before")


def first_day(coordinator: Visitor) -> dt.date:
    """Return the day from which the output's page says it can be released: two weeks ahead at least."""
    shown = coordinator.page.get_by_text(re.compile("can be released from")).first.inner_text()
    found = re.search(r"released from (\w+ \d+, \d{4})", shown)
    assert found, shown
    day = dt.datetime.strptime(found.group(1), "%b %d, %Y").date()
    assert day - coordinator.today > dt.timedelta(days=13)
    return day


def moves_the_clock(anybody: Visitor, to: dt.date, *, hour: int = 8) -> None:
    """Move the demo's clock into this hour of the day, and wait until every page is shown by it."""
    anybody.goes("/demo/")
    aim = dt.datetime.combine(to, dt.time(hour), EASTERN).astimezone(dt.UTC)
    hours = math.ceil((aim - anybody.now) / dt.timedelta(hours=1))
    anybody.writes({"days": hours // 24, "hours": hours % 24})
    anybody.presses("Move the clock")
    anybody.sees("The clock was moved.")
    for _ in range(20):
        anybody.page.wait_for_timeout(500)
        if anybody.today == to:
            break
        anybody.page.reload()


def moves_the_clock_by_an_hour(anybody: Visitor) -> None:
    """Move the demo's clock by an hour."""
    anybody.goes("/demo/")
    anybody.writes({"days": 0, "hours": 1})
    anybody.presses("Move the clock")
    anybody.sees("The clock was moved.")


def releases(coordinator: Visitor, address: str) -> None:
    """After the ten business days the operating group releases it, once every process has read the clock."""
    coordinator.goes(address)
    button = coordinator.page.get_by_role("button", name="Release", exact=True)
    for _ in range(20):
        if button.is_enabled():
            break
        coordinator.page.wait_for_timeout(1000)
        coordinator.page.reload()
    coordinator.presses("Release")
    coordinator.sees("Released. The package can be fetched.")
    coordinator.examines("released")


def fetches_the_package(author: Visitor, address: str) -> None:
    """No cell of the released tables counts fewer than six people; withheld ones are empty."""
    author.goes(address)
    package = author.fetches(author.page.get_by_role("button", name="Fetch the release package"))
    with zipfile.ZipFile(io.BytesIO(package.path().read_bytes())) as opened:
        tables = [opened.read(name).decode() for name in opened.namelist() if name.startswith("table-")]
    assert tables
    withheld = 0
    for table in tables:
        for row in csv.DictReader(io.StringIO(table)):
            said = row["released"].strip()
            withheld += not said.isdigit()
            assert not said.isdigit() or int(said) >= MIN_CELL, "A small cell was released."
    assert withheld


def files_the_copy(author: Visitor, address: str) -> None:
    """The author files what was published."""
    author.goes(address)
    author.follows("File the published copy")
    author.writes({"where": "https://salt-meadow.example.org/reports/machining"})
    author.sends("report.txt", f"{OUTPUT}\n\n{ACKNOWLEDGEMENT}\n".encode(), button="File it", field="copy")
    author.sees("The copy is filed.", patiently=True)
    author.looks()


def closes(coordinator: Visitor, second: Visitor, project: str) -> None:
    """One of the operating group asks to close the project, one of the hub confirms; an hour passes."""
    coordinator.goes(project)
    coordinator.examines("before-closing")
    coordinator.follows("Close the project")
    coordinator.sees("What is destroyed", "What remains")
    coordinator.examines("ask-closing")
    coordinator.writes({"reason": "Everything is released and certified."})
    coordinator.presses("Ask to close the project")
    coordinator.sees("You asked for it; another person must confirm it.")
    coordinator.examines("closing-asked")
    second.goes(project)
    second.follows("Confirm the closing")
    second.examines("confirm-closing")
    second.presses("Confirm the closing")
    second.sees("Confirmed. Everyone is told; in an hour the project is closed.")
    second.examines("closing-set")
    moves_the_clock_by_an_hour(coordinator)
    coordinator.goes(project)
    for _ in range(PATIENCE // 1000):
        if coordinator.page.get_by_role("link", name=re.compile("certificate of the end")).count():
            break
        coordinator.page.wait_for_timeout(1000)
        coordinator.page.reload()
    coordinator.sees(re.compile("all that was left is destroyed"))
    coordinator.examines("closing-done")


def shows_the_whole_way(reader: Visitor, project: str) -> None:
    """Every stage is done."""
    reader.goes(project)
    done = reader.page.locator("section[aria-labelledby=way] li", has_text="Done")
    assert done.count() == len(STAGES), reader.page.locator("section[aria-labelledby=way]").inner_text()
    for stage in STAGES:
        assert done.get_by_text(stage, exact=True).count(), stage
    reader.examines("where-is-my-request")
