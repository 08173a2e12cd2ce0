"""Matches of standing projects, opened by a schedule."""

import csv
import datetime as dt
import io
import json
import zipfile

import pytest
from django.urls import reverse

from matching import selectors, standing
from matching.engine import extract
from matching.models import Delivery, Every, MatchStatus, Repeat, RepeatStatus, ReviewSample
from matching.services import opening, packing, repeating, reviewing
from p20win.audit.public import events_of
from p20win.custody import public as custody
from p20win.notifications.public import Message, tell
from p20win.projects import public as projects
from p20win.refusal import Blocked
from tests import factories, factories_requests
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "recurring")]
DAY = dt.timedelta(days=1)
FIRST = (START + 30 * DAY).date()
SAID = {"every": "quarter", "first_on": FIRST, "agreed_in": "Agreement, section on frequency"}


@pytest.fixture
def recurring(monkeypatch):
    """Requests ask for their data again and again."""
    monkeypatch.setitem(factories_requests.FIELDS["plans"], "recurrence", "recurring")


def scheduled(match, *, by=None, **changes):
    return repeating.set_up(match.project, by=by or factories.hub_member(), at=START, **(SAID | changes))


def noon(day):
    return dt.datetime.combine(day, dt.time(17), tzinfo=dt.UTC)


def told(row):
    return [event.event for event in events_of(row)]


class TestSettingUp:
    @pytest.mark.obligation("O-71")
    def test_hub_and_operating_group_set_it_others_do_not(self):
        match = matches.collecting()
        with pytest.raises(Blocked, match="hub's staff or the operating group"):
            scheduled(match, by=matches.steward("SDE"))

        row = scheduled(match, by=factories.operating_group_member())

        assert (row.status, row.next_on) == (RepeatStatus.RUNNING, FIRST)
        with pytest.raises(Blocked, match="There is a schedule already"):
            scheduled(match)

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"first_on": START.date()}, "in the future"),
            ({"first_on": dt.date(2099, 1, 1)}, "The agreement ends before that day"),
            ({"agreed_in": " "}, "Say where the parties agreed"),
        ],
    )
    def test_a_schedule_that_makes_no_sense_is_refused(self, changes, why):
        match = matches.collecting()
        with pytest.raises(Blocked, match=why):
            scheduled(match, **changes)
        assert not Repeat.objects.exists()

    def test_a_request_for_data_once_is_not_repeated(self, monkeypatch):
        monkeypatch.setitem(factories_requests.FIELDS["plans"], "recurrence", "once")
        with pytest.raises(Blocked, match="asks for the data once"):
            scheduled(matches.collecting())

    @pytest.mark.parametrize(
        ("every", "first", "after", "following"),
        [
            ("month", dt.date(2026, 1, 31), dt.date(2026, 1, 31), dt.date(2026, 2, 28)),
            ("month", dt.date(2026, 1, 31), dt.date(2026, 2, 28), dt.date(2026, 3, 31)),
            ("quarter", dt.date(2026, 1, 31), dt.date(2026, 9, 1), dt.date(2026, 10, 31)),
            ("half-year", dt.date(2026, 2, 1), dt.date(2026, 2, 1), dt.date(2026, 8, 1)),
            ("year", dt.date(2028, 2, 29), dt.date(2028, 2, 29), dt.date(2029, 2, 28)),
        ],
    )
    def test_days_are_counted_from_the_first(self, every, first, after, following):
        row = Repeat(every=Every(every), first_on=first, next_on=first)
        assert repeating.following(row, after) == following


class TestOpening:
    @pytest.mark.obligation("O-71")
    def test_the_next_match_opens_on_its_day_with_new_files_as_the_last_was(self):
        first = matches.inputs_destroyed(commas=True)
        row = scheduled(first, map_agreed_in="Agreement, V.C")

        assert repeating.open_due(at=noon(FIRST - DAY)) == 0
        assert repeating.open_due(at=noon(FIRST)) == 1
        assert repeating.open_due(at=noon(FIRST)) == 0

        match = selectors.match_for(first.project)
        row.refresh_from_db()
        assert (match.number, match.status) == (2, MatchStatus.COLLECTING)
        assert row.next_on == repeating.following(row, FIRST)
        asked = lambda each: sorted(each.expected_files.values_list("agency__slug", "kind"))  # noqa: E731
        assert asked(match) == asked(first)
        assert standing.takes_commas(match)
        assert standing.terms(match).map_basis == "Agreement, V.C"
        assert standing.told_of_before(match) == standing.latest_result(first)
        assert standing.told_of_before(first) is None
        slots = [file.slot for file in match.expected_files.all()]
        assert not {slot.pk for slot in slots} & {file.slot_id for file in first.expected_files.all()}
        assert told(row) == ["repeat.set", "repeat.opened"]
        slot, content = matches.slot(match, "SDE", "matching"), matches.contents("SDE", "matching")
        sent = files.arrived(slot, content, by=matches.steward("SDE"), at=noon(FIRST) + DAY)
        assert files.checked(sent).status == "accepted"  # under a key of its own

    @pytest.mark.long
    def test_it_waits_for_the_last_inputs_says_so_once_and_makes_up_for_it(self):
        match = matches.delivered().match
        row = scheduled(match)

        for later in (0, 1, 2):
            assert repeating.open_due(at=noon(FIRST + later * DAY)) == 0
        row.refresh_from_db()
        assert row.waits_for == "The inputs of match 1 are not destroyed yet."
        assert told(row) == ["repeat.set", "repeat.waits"]

        matches.inputs_destroyed(match)
        assert repeating.open_due(at=noon(FIRST + 3 * DAY)) == 1
        row.refresh_from_db()
        assert (row.waits_for, row.next_on) == ("", repeating.following(row, FIRST))

    @pytest.mark.long
    def test_days_missed_are_one_match_not_many(self):
        first = matches.inputs_destroyed()
        row = scheduled(first, every="month")
        assert repeating.open_due(at=noon(FIRST + 100 * DAY)) == 1
        assert repeating.open_due(at=noon(FIRST + 100 * DAY)) == 0
        row.refresh_from_db()
        assert row.next_on > FIRST + 100 * DAY

    @pytest.mark.long
    def test_ended_it_opens_nothing_and_a_closed_project_ends_it(self):
        first = matches.inputs_destroyed()
        row = scheduled(first)
        with pytest.raises(Blocked, match="Say why"):
            repeating.end(row, reason=" ", by=factories.hub_member(), at=START)
        repeating.end(row, reason="The study is over.", by=factories.hub_member(), at=START)
        assert repeating.open_due(at=noon(FIRST)) == 0

        again = scheduled(first)
        projects.Project._base_manager.filter(pk=first.project_id).update(status="closed")
        assert repeating.open_due(at=noon(FIRST)) == 0
        again.refresh_from_db()
        assert again.status == RepeatStatus.ENDED


@pytest.mark.long
@pytest.mark.obligation("O-71", "O-69")
class TestWhatIsKept:
    def test_decisions_are_carried_on_and_old_link_ids_told_where_the_agreement_allows_it(self):
        first = matches.linked()
        sample = ReviewSample.objects.get(run=standing.latest_result(first))
        by = matches.hub_member(first.project)
        number = next(n for n, pair in enumerate(sample.pairs) if not pair["twice"])
        reviewing.look(sample, number, revealed=False, by=by, at=START)
        reviewing.read(sample, number, "not", by=by, at=START)
        (decided,) = reviewing.setup(first)["decided"]
        before = _opened(matches.delivered(matches.signed_off(first)))
        old = _key(standing.latest_result(first))
        assert "earlier-link-ids.csv" not in before
        matches.inputs_destroyed(first)
        by = factories.operating_group_member()

        match = opening.open_match(first.project, by=by, at=START, map_basis="Agreement, V.C")
        for name in matches.AGENCIES:
            for kind in ("matching", "analytical"):
                matches.send(match, name, kind)
        match.refresh_from_db()
        assert reviewing.setup(match)["decided"] == [decided]
        match = matches.linked(match)
        after = _opened(matches.delivered(matches.signed_off(match)))

        new = _key(standing.latest_result(match))
        index = json.loads(b"".join(custody.open_bytes(sample.index)))["pairs"][number]
        assert {index[side][0] for side in ("left", "right")} <= set(matches.AGENCIES)
        told = list(csv.DictReader(io.StringIO(after["earlier-link-ids.csv"])))
        delivered = {row["link_id"] for name in matches.AGENCIES for row in _rows(after, name)}
        assert len(told) > 50
        assert {row["link_id"] for row in told} <= delivered
        same = {(old[one], new[one]) for one in old.keys() & new.keys() if new[one] in delivered}
        assert {(row["earlier_link_id"], row["link_id"]) for row in told} == same
        assert "earlier_link_id" in after["dictionary.csv"]
        assert "earlier-link-ids.csv" in json.loads(after["manifest.json"])["document"]["papers"]

    def test_without_the_last_key_no_list_is_made(self):
        first = matches.inputs_destroyed()
        run = standing.latest_result(first)
        match = opening.open_match(
            first.project, by=factories.operating_group_member(), at=START, map_basis="Agreement, V.C"
        )
        custody.SealedFile.objects.filter(pk=run.crosswalk_id).update(status="destroyed")
        delivery = Delivery(match=match, project=match.project, form="package")
        with pytest.raises(Blocked, match="key of the last match is gone"):
            packing.earlier_ids(delivery, run, extract.Counts())


def _opened(delivery):
    """Return the files of a delivery as text."""
    with zipfile.ZipFile(io.BytesIO(b"".join(custody.open_bytes(delivery.extract)))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def _rows(opened, name):
    return list(csv.DictReader(io.StringIO(opened[f"{matches.agency(name).slug}.csv"])))


def _key(run):
    """Return the link id of each agency's generic id."""
    rows = csv.DictReader(io.StringIO(b"".join(custody.open_bytes(run.crosswalk)).decode()))
    return {(row["file"], row["id"]): row["link_id"] for row in rows}


class TestTelling:
    @pytest.mark.long
    def test_the_parties_hear_of_the_schedule_and_the_hub_of_what_it_waits_for(self):
        match = matches.delivered().match
        row = scheduled(match)
        repeating.open_due(at=noon(FIRST))
        repeating.end(row, reason="The study is over.", by=factories.hub_member(), at=START)

        for event in events_of(row):
            tell(event)

        said = {
            (letter.subject.partition(": ")[2], letter.person.organisation.short_name): letter.text
            for letter in Message.objects.all()
        }
        subjects = {subject for subject, _ in said}
        assert subjects == {
            "the match will be repeated",
            "the next match cannot be opened yet",
            "the match is not repeated any more",
        }
        assert "every three months" in said["the match will be repeated", "SDE"]
        assert ("the next match cannot be opened yet", "SDE") not in said
        assert any("not destroyed yet" in body for (name, _), body in said.items() if "cannot" in name)
        assert "The study is over." in said["the match is not repeated any more", "SDE"]


class TestPages:
    def test_it_is_set_seen_and_ended_in_the_pages(self, signed_in, at_start):
        match = matches.collecting()
        home = match.get_absolute_url()
        assert "Set a schedule" not in signed_in(matches.steward("SDE")).get(home).text
        hub = signed_in(factories.hub_member())
        assert "Set a schedule" in hub.get(home).text

        page = reverse("matching:repeat", args=[match.project_id])
        assert "in the future" in hub.post(page, SAID | {"first_on": "2020-01-01"}).text
        shown = hub.post(page, SAID, follow=True).text
        assert "Every three months, next on" in shown
        assert SAID["agreed_in"] in shown
        assert "There is a schedule already" in hub.get(page).text

        row = Repeat.objects.get()
        ended = hub.post(
            reverse("matching:repeat-end", args=[row.pk]), {"reason": "No more money."}, follow=True
        )
        assert "The schedule has ended" in ended.text
        assert "The schedule ended" in hub.get(home).text
        assert hub.get(reverse("matching:repeat-end", args=[row.pk])).status_code == 404

    @pytest.mark.long
    def test_who_waits_is_told_for_what(self, signed_in, at_start):
        match = matches.delivered().match
        row = scheduled(match)
        repeating.open_due(at=noon(row.next_on))
        shown = signed_in(factories.hub_member()).get(match.get_absolute_url()).text
        assert "It was due, and waits" in shown
        assert "not destroyed yet" in shown
