"""The logs: every field that was promised, to whom it concerns, on the page and as a file."""

import csv
import datetime as dt
import io

import openpyxl
import pytest
from django.urls import reverse

from governance import log_sent, log_sheets, logs
from governance.log_kinds import visible
from p20win import clock
from p20win.audit.public import Event
from p20win.clock import state_date
from p20win.custody import comparing, destruction
from p20win.deadlines import public as deadlines
from tests import factories
from tests import factories_custody as custody
from tests import factories_matching as matching
from tests.factories import START

pytestmark = pytest.mark.django_db


def page(client, slug, **asked):
    return client.get(reverse("log", args=[slug]), asked).content.decode()


def rows_of(client, slug, **asked):
    content = b"".join(client.get(reverse("log-csv", args=[slug]), asked).streaming_content)
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.fixture
def vault(settings, tmp_path):
    with custody.own_vault(settings, tmp_path):
        yield


@pytest.fixture
def two_files(vault):
    """One file accepted, one refused, of two agencies."""
    good = custody.checked(custody.arrived(custody.a_slot(destroy_by=dt.date(2026, 12, 1))))
    bad = custody.checked(custody.arrived(custody.a_slot(), custody.BAD, at=START + dt.timedelta(days=3)))
    return good, bad


class TestReceivedAndMaintained:
    @pytest.mark.obligation("O-64")
    def test_hold_all_fields(self, two_files, signed_in):
        good, bad = two_files
        client = signed_in(factories.hub_member())

        received = {row["File"]: row for row in rows_of(client, "received")}

        row = received[good.name]
        assert row["Sent by"] == f"{good.sent_by.name}, {good.owner.short_name}"
        assert (row["From"], row["To"]) == (good.owner.short_name, good.destination.short_name)
        assert row["Elements"] == "ID; SSN; LAST; DOB"
        assert (row["Request"], row["State"]) == (good.project.number, "Accepted and sealed")
        assert (row["To be destroyed by"], row["Destroyed (ET)"]) == ("2026-12-01", "")
        assert row["Received (ET)"].startswith("20")
        assert received[bad.name]["State"] == "Refused"
        kept = rows_of(client, "maintained")
        assert [row["File"] for row in kept] == [good.name]

    @pytest.mark.obligation("O-64", "O-65")
    def test_a_destroyed_file_stays_with_both_its_days(self, two_files, signed_in):
        good, _ = two_files
        destruction.shred(
            good.project, good.owner, by=factories.hub_member(), at=clock.now() + dt.timedelta(days=9)
        )

        (row,) = rows_of(signed_in(factories.hub_member()), "maintained")

        assert row["State"] == "Destroyed"
        assert row["Kept since (ET)"][:10] < row["Destroyed (ET)"][:10]

    @pytest.mark.obligation("O-64", "O-124")
    def test_an_agency_sees_its_own_alone(self, two_files, signed_in):
        good, bad = two_files
        client = signed_in(good.sent_by)

        assert [row["File"] for row in rows_of(client, "received")] == [good.name]
        text = page(client, "received")
        assert good.project.number in text
        assert bad.project.number not in text
        assert 'name="agency"' not in text
        assert [row["File"] for row in rows_of(client, "received", agency=bad.owner.pk)] == [good.name]

    def test_search_days_agency_and_order(self, two_files, signed_in):
        good, bad = two_files
        client = signed_in(factories.operating_group_member())
        later = (bad.received_at + dt.timedelta(days=1)).date()

        def names(**asked):
            return [row["File"] for row in rows_of(client, "received", **asked)]

        assert names() == [bad.name, good.name]
        assert names(sort="received") == [good.name, bad.name]
        assert names(q=good.project.number) == [good.name]
        assert names(agency=bad.owner.pk) == [bad.name]
        assert names(first=bad.received_at.date()) == [bad.name]
        assert names(last=good.received_at.date()) == [good.name]
        assert names(first=later) == []
        assert "No line fits" in page(client, "received", first=later)
        assert "Enter a valid date" in page(client, "received", first="tomorrow")


class TestPages:
    @pytest.mark.parametrize("slug", logs.LOGS)
    def test_an_empty_log_says_so(self, slug, signed_in):
        assert logs.LOGS[slug].empty in page(signed_in(factories.hub_member()), slug)

    def test_others_find_none(self, signed_in, client):
        assert client.get(reverse("logs")).status_code == 302
        requestor = signed_in(factories.person("requestor"))
        assert requestor.get(reverse("logs")).status_code == 404
        assert requestor.get(reverse("log-csv", args=["sent"])).status_code == 404
        assert not visible(logs.RECEIVED, factories.person("requestor")).exists()

    def test_a_log_that_does_not_exist(self, signed_in):
        client = signed_in(factories.hub_member())
        assert client.get(reverse("log", args=["nothing"])).status_code == 404

    def test_a_list_needs_few_queries(self, vault, signed_in, django_assert_max_num_queries):
        for _ in range(8):
            custody.arrived(custody.a_slot())
        client = signed_in(factories.hub_member())
        page(client, "received")
        with django_assert_max_num_queries(22):
            page(client, "received")


class TestSheets:
    def test_an_export_is_written_in_the_ledger(self, two_files, signed_in):
        hub = factories.hub_member()
        content = signed_in(hub).get(reverse("log-xlsx", args=["received"])).content

        sheet = openpyxl.load_workbook(io.BytesIO(content)).active
        assert sheet.max_row == 3
        assert sheet["A1"].value == "Received (ET)"
        told = Event.objects.get(event="log.exported")
        assert (told.actor_id, told.details) == (hub.pk, {"log": "received", "form": "xlsx", "rows": 2})

    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "|calc"])
    def test_no_cell_begins_a_formula(self, text):
        assert log_sheets.harmless(text).startswith("'")
        content = log_sheets.as_xlsx(logs.RECEIVED, [[text, [text], None]])
        for cell in openpyxl.load_workbook(io.BytesIO(content)).active[2][:2]:
            assert cell.data_type == "s"
            assert cell.value.startswith("'")

    def test_plain_text_stays_and_control_characters_go(self):
        assert log_sheets.harmless("O’Hara, 1-2") == "O’Hara, 1-2"
        assert log_sheets.harmless("a\x00b\x1b") == "ab"


@pytest.fixture
def delivery(vault):
    return matching.delivered()


@pytest.mark.obligation("O-64", "O-111")
def test_a_whole_match_in_every_log(delivery, signed_in, django_assert_max_num_queries):
    person = matching.downloader(delivery)
    fetched = delivery.available_at + dt.timedelta(hours=2)
    matching.fetched(delivery, by=person, at=fetched)
    client = signed_in(factories.hub_member())
    number = delivery.project.number

    (run,) = rows_of(client, "matches")
    assert (run["Request"], run["Outcome"], run["From"]) == (number, "Done", "CSCU; DOL; SDE")
    assert "SSN" in run["Elements matched by"].upper()
    assert run["Started by"].startswith("Person")
    [clock] = deadlines.alive("input-destruction", delivery.match)
    assert run["Inputs to be destroyed by"] == state_date(clock.due_at).isoformat()
    received = rows_of(client, "received")
    assert {row["To be destroyed by"] for row in received} == {run["Inputs to be destroyed by"]}
    assert run["To"]

    inputs = rows_of(client, "data-match")
    assert len(inputs) == 6
    for row in inputs:
        assert row["Request"] == number
        assert row["Fields in the file"]
        assert row["Sender"].startswith("Person")
        assert run["Started by"].partition(",")[0] in row["Receiver at the hub"]
        assert row["Matched (ET)"]
        assert row["File received (ET)"]
        assert row["Key passed on (ET)"]
        assert person.name in row["To whom"]
        assert row["Inputs destroyed (ET)"] == ""

    sent = rows_of(client, "sent", sort="sent")
    assert [row["What"] for row in sent] == list(log_sent.WHAT.values())[:3]
    assert person.name in sent[1]["To"]
    assert sent[1]["Elements"]
    assert sent[1]["To be destroyed by"]
    assert rows_of(client, "sent", q=person.name) == sent[1:]
    assert rows_of(client, "sent", q="no such words") == []
    for slug in logs.LOGS:
        page(client, slug)
        with django_assert_max_num_queries(30):
            page(client, slug)

    agency = signed_in(matching.steward("DOL"))
    assert {row["File name"].split("_")[2] for row in rows_of(agency, "data-match")} == {"DOL"}
    assert len(rows_of(agency, "matches")) == 1
    assert len(rows_of(agency, "sent")) == 3
    stranger = signed_in(factories.steward(factories.organisation()))
    assert not any(rows_of(stranger, slug) for slug in logs.LOGS)
    assert comparing.differences() == []  # what they show is what the ledger tells
