"""The pages of a table of 5,000 cells ask the database no more than those of a small one, and stay small."""

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bench.disclosure.tables import counts, long_form
from disclosure import services, standing
from disclosure.sheet_parts import COLUMNS, ROWS
from p20win.custody.models import Capability
from p20win.projects.public import assign_number, open_to_person
from tests import factories
from tests import factories_disclosure as outputs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]
CELLS = 101 * 51
LARGE = long_form(counts((100, 50), 0, spread=True)).encode()
SCREENS = ("", "?layer=original", "?layer=released", "?layer=open", "?cell=7", "?only=S", "?code-1=Total")
MOST_BYTES = 100_000
MOST_QUERIES = {"detail": 75, "look": 70, "released": 30}


@pytest.fixture(autouse=True)
def relayed(monkeypatch):
    """Let the vault answer in this process."""

    def relay(token):
        granted = Capability.objects.latest("issued_at")
        check = standing.OutputCheck.objects.get(pk=granted.subject_id)
        return services.give_sheet(check, granted.person)

    monkeypatch.setattr("p20win.custody.public.relay", relay)


def addresses(output):
    """Return the pages on which an output is read, by what they are called."""
    look = reverse("disclosure:look", args=[output.pk])
    return {
        "detail": reverse("disclosure:detail", args=[output.pk]),
        "released": reverse("disclosure:released", args=[output.project_id]),
        **{f"look{screen}": look + screen for screen in SCREENS},
    }


def costs(client, output):
    """Return how many queries each page asks, and its bytes."""
    said = {}
    for name, address in addresses(output).items():
        client.get(address)
        with CaptureQueriesContext(connection) as asked:
            page = client.get(address)
        assert page.status_code == 200, name
        said[name] = len(asked), len(page.content)
    return said


@pytest.mark.parametrize("who", ["author", "steward", "group"])
def test_nobody_waits_for_more_queries_than_with_a_small_table(signed_in, who):
    project = outputs.project()
    make = outputs.checked if who == "author" else outputs.sent
    small, large = make(project, population="Pupils of one town"), make(project, LARGE)
    found = standing.latest_check(large)
    assert (found.verdict, found.cells) == ("safe", CELLS)
    assert found.small > 500
    if who == "author":
        person = large.author
    else:
        steward, *_, group = outputs.reviewers(large)
        person = steward if who == "steward" else group
    client = signed_in(person)
    by_small, by_large = costs(client, small), costs(client, large)
    for name, (queries, size) in by_large.items():
        told = f"{name} of {who}: {queries} queries, {size} bytes"
        assert queries <= by_small[name][0] + 2, told
        assert queries <= MOST_QUERIES[name.partition("?")[0]], told
        assert size <= MOST_BYTES, told


class TestWhatOneSees:
    @pytest.fixture
    def look(self, signed_in):
        output = outputs.checked(content=LARGE)
        client, address = signed_in(output.author), reverse("disclosure:look", args=[output.pk])
        return lambda **asked: client.get(address, asked).content.decode()

    def test_one_screen_of_it_with_a_map_of_the_rest(self, look):
        page = look()
        grid = page[page.index("p20-grid") :]
        assert grid[: grid.index("</table>")].count("<td") == ROWS * COLUMNS
        assert "Where the findings are" in page
        assert "d0c025 to d0c049" in page
        assert "page 1 of 4" in page

    def test_names_lead_to_a_cell_and_what_is_not_there_is_said(self, look):
        page = look(**{"code-1": "D0C042", "code-2": "c007"})
        assert re.search(r'id="card-title">\s*d0c042, d1c007\s*<', page)
        assert page.count("p20-num p20-here") == 2  # the cell, and its part on the map
        assert "No cell of this table is called “&lt;Alder&gt;”." in look(**{"code-1": "<Alder>"})


def test_hundreds_of_findings_are_told_in_short_and_walked_through(signed_in, monkeypatch):
    leaks = [
        {
            "people": f"Number {n}", "derivation": f"{n} − 1", "low": 3, "high": 3, "unsettled": n % 2 == 1,
            "places": [f"table.csv (to be released), line {n + 2}"],
        }
        for n in range(600)
    ]  # fmt: skip
    output = outputs.checked(content=LARGE)
    relayed = services.look

    def look(found, **options):
        content = relayed(found, **options)
        return content.replace(b'"leaks": []', b'"leaks": ' + json.dumps(leaks).encode())

    monkeypatch.setattr(services, "look", look)
    page = signed_in(output.author).get(reverse("disclosure:look", args=[output.pk])).content.decode()
    assert "Number 38" in page
    assert "Number 40:" not in page
    assert page.count("And 280 more.") == 2
    assert 'href="?only=L#cells"' in page
    assert len(page) <= MOST_BYTES


def test_the_ledger_of_a_project_asks_no_more_with_each_output_on_its_way(signed_in):
    first = outputs.sent()
    client = signed_in(first.author)
    address = reverse("disclosure:released", args=[first.project_id])

    def queries():
        client.get(address)
        with CaptureQueriesContext(connection) as asked:
            assert "What would be added" in client.get(address).content.decode()
        return len(asked)

    before = queries()
    for number in range(3):
        outputs.sent(first.project, title=f"Table {number}", population=f"Pupils of town {number}")
    assert queries() == before


def test_the_list_of_outputs_asks_no_more_with_each_project_one_may_submit_in(signed_in):
    output = outputs.submitted()
    client = signed_in(output.author)

    def queries():
        client.get(reverse("disclosure:index"))
        with CaptureQueriesContext(connection) as asked:
            page = client.get(reverse("disclosure:index")).content.decode()
        return len(asked), page.count("Submit an output<span")

    before, listed = queries()
    for _ in range(3):
        project = assign_number(factories.project(), by=output.author, at=factories.START)
        open_to_person(project, output.author, ["view_project", "submit_output"])
    after, listed_now = queries()
    assert listed_now == listed + 3
    assert after == before
