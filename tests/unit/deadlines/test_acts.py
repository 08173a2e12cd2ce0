"""Starting, meeting, holding, extending and excusing a deadline."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from p20win.accounts.public import system_user
from p20win.audit.public import events_of
from p20win.calendar import ZONE, BusinessDays, Hours, Lead, end_of_day
from p20win.deadlines import public as deadlines
from p20win.deadlines.models import Deadline, Mark, MarkKind, Status
from p20win.refusal import Blocked
from tests import factories
from tests.conftest import MONDAY
from tests.factories_deadlines import deadline

pytestmark = pytest.mark.django_db
TUESDAY = MONDAY + dt.timedelta(days=1)


def kinds(row):
    return list(row.marks.filter(dropped_at__isnull=True).values_list("kind", flat=True))


class TestStart:
    def test_keeps_due_moment_derivation_and_ledger_line(self):
        row = deadline("agency-decision")

        assert row.due_at == end_of_day(dt.date(2026, 3, 30))
        assert row.derivation["rule"] == "20 business days"
        assert row.derivation["skipped"][0] == {"day": "2026-03-07", "why": "Saturday"}
        assert [event.event for event in events_of(row)] == ["deadline.started"]
        assert events_of(row)[0].project_id == row.project_id
        assert row.history.count() == 1

    def test_a_second_one_for_the_same_party_is_refused(self):
        row = deadline()

        with pytest.raises(Blocked, match="runs already"):
            deadline(agency=row.waiting_on_organisation, project=row.project)

        assert Deadline.objects.count() == 1

    def test_the_database_refuses_a_second_one_too(self):
        row = deadline()
        twin = Deadline.objects.get(pk=row.pk)
        twin.pk = None
        twin.id = factories.project().pk

        with pytest.raises(IntegrityError, match="deadline_once_at_a_time"), transaction.atomic():
            twin.save(force_insert=True)

    def test_each_party_has_its_own(self):
        row = deadline()

        other = deadline(project=row.project)

        assert deadlines.open_of_project(row.project).count() == 2
        assert other.pk != row.pk

    def test_an_unknown_clock_is_refused(self):
        with pytest.raises(LookupError, match="no-such-clock"):
            deadline("no-such-clock")

    @pytest.mark.obligation("O-107", "O-57")
    def test_an_agency_may_be_stricter_and_never_looser(self):
        stricter = deadline("input-destruction", rule=Hours(24))

        assert stricter.due_at == MONDAY + dt.timedelta(hours=24)
        with pytest.raises(Blocked, match="never looser"):
            deadline("input-destruction", rule=BusinessDays(11))
        with pytest.raises(Blocked, match="never looser"):
            deadline("prepublication-review", rule=Lead(BusinessDays(9)))
        with pytest.raises(Blocked, match="never looser"):
            deadline("prepublication-review", rule=BusinessDays(10))

    def test_an_agreed_date_within_the_rule_stands(self):
        row = deadline("data-destruction", on=dt.date(2026, 8, 31))

        assert row.due_at == dt.datetime(2026, 8, 31, 23, 59, 59, 999999, tzinfo=ZONE)
        assert row.derivation["rule"] == "an agreed date"
        with pytest.raises(Blocked, match="never looser"):
            deadline("data-destruction", on=dt.date(2027, 3, 3))

    def test_counts_from_the_event_if_that_was_earlier(self):
        found_out = MONDAY - dt.timedelta(hours=5)

        row = deadline("breach-report", counted_from=found_out)

        assert row.due_at == found_out + dt.timedelta(hours=24)

    @pytest.mark.obligation("O-86")
    def test_counts_back_from_an_end(self):
        end = end_of_day(dt.date(2026, 8, 31))

        row = deadline("extension-request", counted_from=end)

        assert row.due_at == end_of_day(dt.date(2026, 8, 1))

    def test_plans_reminders_and_what_follows(self):
        row = deadline("agency-decision")

        assert kinds(row) == ["remind", "remind", "miss", "escalate", "escalate"]
        assert [mark.words for mark in row.marks.all()][:2] == [
            "5 business days before",
            "1 business day before",
        ]
        opening = row.marks.first().planned_at.astimezone(ZONE)
        assert (opening.date(), opening.time()) == (dt.date(2026, 3, 23), dt.time(8, 30))

    def test_reminders_of_the_past_are_not_planned(self):
        row = deadline("signature", rule=BusinessDays(2))

        assert kinds(row) == ["remind", "miss", "escalate", "escalate"]

    @pytest.mark.obligation("O-49", "O-172")
    def test_a_freedom_of_information_clock_escalates_at_24_and_is_missed_at_48_hours(self):
        row = deadline("foi-coordination")
        planned = {mark.kind: mark.planned_at - MONDAY for mark in row.marks.exclude(kind=MarkKind.REMIND)}

        assert planned[MarkKind.ESCALATE] == dt.timedelta(hours=24, microseconds=1)
        assert planned[MarkKind.MISS] == dt.timedelta(hours=48, microseconds=1)


class TestMeet:
    def test_ends_it_and_takes_back_what_was_planned(self):
        row = deadline()

        [met] = deadlines.meet(row.slug, row.project, at=TUESDAY, by=system_user())

        assert (met.status, met.met_at, met.is_late) == (Status.MET, TUESDAY, False)
        assert kinds(met) == []
        assert [event.event for event in events_of(row)] == ["deadline.started", "deadline.met"]

    def test_one_party_alone(self):
        first = deadline()
        second = deadline(project=first.project)

        met = deadlines.meet(
            first.slug,
            first.project,
            at=TUESDAY,
            by=system_user(),
            organisation=first.waiting_on_organisation,
        )

        assert met == [first]
        assert list(deadlines.open_of_project(first.project)) == [second]

    def test_one_person_alone(self):
        person = factories.person()
        row = deadline("resubmission", waiting_on_person=person)

        assert deadlines.alive(row.slug, row.project, person=factories.person()) == []
        assert deadlines.alive(row.slug, row.project, person=person) == [row]

    def test_what_was_missed_is_met_late(self):
        row = deadline("breach-report")
        deadlines.tick(at=row.due_at + dt.timedelta(hours=1))

        [met] = deadlines.meet(row.slug, row.project, at=row.due_at + dt.timedelta(hours=2), by=system_user())

        assert met.status == Status.MET
        assert met.is_late

    def test_nothing_alive_is_an_empty_answer(self):
        assert deadlines.meet("agency-decision", factories.project(), at=MONDAY, by=system_user()) == []

    def test_may_be_started_again_afterwards(self):
        row = deadline()
        deadlines.meet(row.slug, row.project, at=TUESDAY, by=system_user())

        again = deadline(agency=row.waiting_on_organisation, project=row.project, at=TUESDAY)

        assert list(deadlines.of_subject(row.project, "agency-decision")) == [again, row]


class TestCancel:
    def test_all_of_a_project_that_closes(self):
        row = deadline()
        deadline("signature", project=row.project)

        stopped = deadlines.cancel_all(
            deadlines.open_of_project(row.project), at=TUESDAY, by=system_user(), note="withdrawn"
        )

        assert {each.status for each in stopped} == {Status.CANCELLED}
        assert not Mark.objects.filter(dropped_at__isnull=True).exists()

    def test_one_of_a_subject(self):
        row = deadline()

        [stopped] = deadlines.cancel(row.slug, row.project, at=TUESDAY, by=system_user())

        assert stopped.status == Status.CANCELLED


class TestPause:
    def test_days_held_are_not_counted_and_say_so(self):
        row = deadline("completeness-check")  # Monday 2 March, five business days: Monday 9
        deadlines.pause(row.slug, row.project, at=TUESDAY, by=system_user(), reason="sent back")

        [resumed] = deadlines.resume(
            row.slug, row.project, at=TUESDAY + dt.timedelta(days=2), by=system_user()
        )

        assert resumed.due_at == end_of_day(dt.date(2026, 3, 11))
        held = [s["day"] for s in resumed.derivation["skipped"] if s["why"] == "The clock was held"]
        assert held == ["2026-03-04", "2026-03-05"]
        assert kinds(resumed).count("miss") == 1

    def test_while_it_stands_still_nothing_is_missed(self):
        row = deadline("completeness-check")
        deadlines.pause(row.slug, row.project, at=TUESDAY, by=system_user(), reason="sent back")

        deadlines.tick(at=MONDAY + dt.timedelta(days=60))

        assert Deadline.objects.get().status == Status.PAUSED

    def test_what_is_not_held_need_not_run_on(self):
        row = deadline("completeness-check")

        assert deadlines.resume(row.slug, row.project, at=TUESDAY, by=system_user()) == []

    def test_two_pauses_add_up(self):
        row = deadline("completeness-check")
        for day in (1, 3):
            at = MONDAY + dt.timedelta(days=day)
            deadlines.pause(row.slug, row.project, at=at, by=system_user(), reason="sent back")
            [row] = deadlines.resume(row.slug, row.project, at=at + dt.timedelta(days=1), by=system_user())

        assert row.due_at == end_of_day(dt.date(2026, 3, 11))

    @pytest.mark.parametrize("slug", ["breach-report", "input-destruction", "foi-coordination", "signature"])
    def test_most_clocks_run_on(self, slug):
        row = deadline(slug)

        with pytest.raises(Blocked, match="nothing may hold it"):
            deadlines.pause(slug, row.project, at=TUESDAY, by=system_user(), reason="busy")

    def test_an_agreed_date_does_not_stand_still(self):
        row = deadline("agency-decision", on=dt.date(2026, 3, 20))

        with pytest.raises(Blocked, match="agreed date"):
            deadlines.pause(row.slug, row.project, at=TUESDAY, by=system_user(), reason="sent back")

    def test_what_does_not_run_cannot_be_held(self):
        with pytest.raises(Blocked, match="does not run here"):
            deadlines.pause("agency-decision", factories.project(), at=MONDAY, by=system_user(), reason="-")


@pytest.mark.obligation("O-65", "O-86", "O-168")
class TestExtend:
    def extend(self, row, **options):
        options = {"until": dt.date(2027, 9, 1), "reference": "agreement-2"} | options
        return deadlines.extend(row.slug, row.project, at=TUESDAY, by=system_user(), **options)

    def test_on_the_basis_its_rule_asks_for(self):
        row = deadline("input-destruction")

        [longer] = self.extend(row, basis=deadlines.Basis.ALL_PARTIES, until=dt.date(2026, 4, 30))

        assert longer.due_at == end_of_day(dt.date(2026, 4, 30))
        assert longer.derivation["before"][0]["rule"] == "10 business days"
        line = events_of(longer).last()
        assert (line.event, line.details["reference"]) == ("deadline.extended", "agreement-2")

    def test_not_on_another_basis(self):
        row = deadline("input-destruction")

        with pytest.raises(Blocked, match="all parties agree in writing"):
            self.extend(row, basis=deadlines.Basis.OPERATING_GROUP)

    @pytest.mark.parametrize("slug", ["breach-report", "prepublication-review", "confidentiality-lapse"])
    def test_some_never(self, slug):
        with pytest.raises(Blocked, match="cannot be extended"):
            self.extend(deadline(slug), basis=deadlines.Basis.ALL_PARTIES)

    def test_not_without_a_document(self):
        with pytest.raises(Blocked, match="Name the document"):
            self.extend(deadline("data-destruction"), basis=deadlines.Basis.CONTINUATION, reference="")

    def test_not_to_an_earlier_date(self):
        row = deadline("data-destruction")

        with pytest.raises(Blocked, match="later date"):
            self.extend(row, basis=deadlines.Basis.CONTINUATION, until=dt.date(2026, 5, 1))

    def test_one_that_was_missed_runs_again(self):
        row = deadline("signature")
        late = row.due_at + dt.timedelta(days=1)
        deadlines.tick(at=late)

        [again] = deadlines.extend(
            row.slug,
            row.project,
            until=late + dt.timedelta(days=30),
            basis="operating_group",
            reference="note-7",
            at=late,
            by=system_user(),
        )

        assert again.status == Status.RUNNING
        assert "miss" in kinds(again)


@pytest.mark.obligation("O-157")
class TestExcuse:
    def missed(self, slug):
        row = deadline(slug)
        deadlines.tick(at=row.due_at + dt.timedelta(days=3))
        row.refresh_from_db()
        return row

    def test_a_reason_is_recorded_and_it_stays_missed(self):
        row = deadlines.excuse(
            self.missed("published-copy"),
            reason="A flood.",
            by=factories.operating_group_member(),
            at=TUESDAY,
        )

        assert (row.status, row.force_majeure) == (Status.MISSED, "A flood.")

    def test_not_where_the_law_sets_it(self):
        with pytest.raises(Blocked, match="The law sets"):
            deadlines.excuse(
                self.missed("foi-coordination"),
                reason="A flood.",
                by=factories.operating_group_member(),
                at=TUESDAY,
            )

    def test_not_before_it_was_missed(self):
        with pytest.raises(Blocked, match="Only a missed"):
            deadlines.excuse(deadline(), reason="A flood.", by=factories.operating_group_member(), at=TUESDAY)

    def test_not_by_others_and_not_without_words(self):
        row = self.missed("published-copy")

        with pytest.raises(Blocked, match="operating group"):
            deadlines.excuse(row, reason="A flood.", by=factories.person(), at=TUESDAY)
        with pytest.raises(Blocked, match="Say what happened"):
            deadlines.excuse(row, reason=" ", by=factories.operating_group_member(), at=TUESDAY)
