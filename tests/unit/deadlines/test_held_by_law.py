"""Clocks of destruction under a legal hold: they stand still, and run on later by as long."""

import datetime as dt

import pytest

from p20win.accounts.public import system_user
from p20win.audit.public import events_of
from p20win.calendar import BusinessDays, Hours, end_of_day
from p20win.deadlines import public as deadlines
from p20win.deadlines.models import Deadline, Mark, Status
from tests import factories
from tests.conftest import MONDAY

pytestmark = pytest.mark.django_db
TUESDAY = MONDAY + dt.timedelta(days=1)


def started(slug="input-destruction", **options):
    project = factories.project()
    return deadlines.start(slug, subject=project, project=project, at=MONDAY, **options)


def held(row, *, since=TUESDAY, until=None):
    deadlines.hold_destruction(row.project, reason="A hold.", by=system_user(), at=since)
    if until:
        deadlines.let_run(row.project, by=system_user(), at=until)
    row.refresh_from_db()
    return row


@pytest.mark.obligation("O-65")
class TestHolding:
    def test_days_of_a_hold_are_not_counted_and_say_so(self):
        row = held(started(), until=TUESDAY + dt.timedelta(days=3))  # Tuesday to Friday

        assert row.due_at == end_of_day(dt.date(2026, 3, 19))  # without the hold: Monday the 16th
        why = {skip["day"]: skip["why"] for skip in row.derivation["skipped"]}
        assert [day for day, reason in why.items() if reason == "The clock was held"] == [
            "2026-03-04", "2026-03-05", "2026-03-06",
        ]  # fmt: skip
        assert [event.event for event in events_of(row)][1:] == ["deadline.held", "deadline.resumed"]

    def test_hours_stand_still_to_the_minute(self):
        row = started(rule=Hours(24))
        due = row.due_at
        row = held(
            row, since=MONDAY + dt.timedelta(hours=5), until=MONDAY + dt.timedelta(hours=12, minutes=30)
        )

        assert row.due_at == due + dt.timedelta(hours=7, minutes=30)
        assert "450 minutes of a legal hold" in row.derivation["rule"]

    def test_an_agreed_date_moves_by_whole_days(self):
        row = held(started("data-destruction", on=dt.date(2026, 5, 1)), until=TUESDAY + dt.timedelta(days=2))

        assert row.due_at == end_of_day(dt.date(2026, 5, 3))
        assert row.derivation["rule"] == "an agreed date, and 2 days more for a legal hold"

    def test_while_it_stands_still_nothing_is_reminded_of_done_or_missed(self):
        row = held(started(rule=BusinessDays(5)))

        deadlines.tick(at=MONDAY + dt.timedelta(days=90))

        row.refresh_from_db()
        assert row.status == Status.PAUSED
        assert not Mark.objects.filter(deadline=row, reached_at__isnull=False).exists()

    def test_a_missed_clock_stands_still_too_and_is_missed_again_afterwards(self):
        row = started(rule=Hours(24))
        late = MONDAY + dt.timedelta(days=3)
        deadlines.tick(at=late)
        row = held(row, since=late, until=late + dt.timedelta(days=1))
        assert row.status == Status.RUNNING

        deadlines.tick(at=late + dt.timedelta(days=1, minutes=1))

        row.refresh_from_db()
        assert row.status == Status.MISSED

    def test_other_clocks_run_on_and_one_that_stands_still_is_left_alone(self):
        row = held(held(started()))
        other = deadlines.start("prepublication-review", subject=row.project, project=row.project, at=MONDAY)

        deadlines.hold_destruction(row.project, reason="A hold.", by=system_user(), at=TUESDAY)

        assert Deadline.objects.get(pk=other.pk).status == Status.RUNNING
        assert len(row.pauses) == 1
