"""A table counted in the vault: asked for by its author, judged by the vault, read by a reviewer."""

import re

import pytest
from playwright.sync_api import expect

from tests.functional.visitor import Album, Visitor

AUTHOR, GROUP, PROJECT = "Carlos Marlworth", "Edgar Pennfield", "From one region"
ASKED = {
    "title": "Origin and college",
    "population": "Students of the schools",
    "period": "July 2020 to June 2021",
    "counted": "sde.csv",
    "by_1": "sde.csv/RaceEthnicityReportingText",
    "by_2": "cscu.csv/",
}


@pytest.fixture
def called(desk, tmp_path):
    """Return a function that lets somebody sign in."""
    album = Album(tmp_path)
    return lambda name: Visitor(desk(), album, name)


@pytest.mark.obligation("O-80", "O-81")
def test_a_table_is_asked_for_counted_judged_and_read_by_a_reviewer(called):
    author = called(AUTHOR)
    author.goes("/outputs/")
    mine = author.page.get_by_role("listitem").filter(has_text=PROJECT)
    with author.page.expect_navigation():
        mine.get_by_role("link", name=re.compile("^Have a table counted")).click()
    author.examines("safe-table")
    author.writes(ASKED | {"by_1": ""})
    author.presses("Have it counted")
    author.sees("This field is required")
    author.examines("safe-table-refused")
    author.writes(ASKED)
    author.presses("Have it counted")
    author.sees("Handed to the vault to be counted.", "Counted by the vault", "In the file of CSCU")
    author.sees(re.compile(r"(\d+ of|none of the) \d+ cells"), patiently=True)
    author.examines("safe-table-judged")
    author.sees_not("Look at the tables", "because they are small")
    author.presses("Send to the agencies")
    address = author.page.url

    group = called(GROUP)
    group.goes(address)
    group.sees("each person in the file of SDE once")
    group.follows("Look at the tables")
    expect(group.page.get_by_role("columnheader", name="In the file of CSCU", exact=True)).to_be_visible()
    group.examines("safe-table-read")
