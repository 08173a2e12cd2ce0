"""The list of closed days can be changed, and deadlines that it moves say so."""

import datetime as dt

import pytest

from p20win.audit.public import events_of
from p20win.calendar import end_of_day
from p20win.deadlines import closures, overrides
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from tests import factories
from tests.conftest import MONDAY
from tests.factories_deadlines import deadline

pytestmark = pytest.mark.django_db
SNOW = dt.date(2026, 3, 4)


def close(day=SNOW, *, is_closed=True, name="Offices closed by the Governor: snow", at=MONDAY, by=None):
    by = by or factories.operating_group_member()
    return overrides.override_day(day, is_closed=is_closed, name=name, by=by, at=at)


def test_a_closed_day_moves_running_deadlines_visibly():
    row = deadline("completeness-check")
    other = deadline("breach-report", project=row.project)

    entered = close()

    row.refresh_from_db()
    assert row.due_at == end_of_day(dt.date(2026, 3, 10))
    assert {"day": "2026-03-04", "why": "Offices closed by the Governor: snow"} in row.derivation["skipped"]
    line = events_of(row).last()
    assert (line.event, line.details["cause"]) == ("deadline.recalculated", str(entered.pk))
    assert line.details["was_due"] == end_of_day(dt.date(2026, 3, 9)).isoformat()
    assert events_of(other).count() == 1
    missed = row.marks.get(kind="miss", dropped_at__isnull=True)
    assert missed.planned_at > row.due_at


def test_withdrawing_it_moves_them_back():
    row = deadline("completeness-check")
    entered = close()

    overrides.withdraw_override(entered, by=factories.operating_group_member(), at=MONDAY)

    row.refresh_from_db()
    assert row.due_at == end_of_day(dt.date(2026, 3, 9))
    with pytest.raises(Blocked, match="withdrawn before"):
        overrides.withdraw_override(entered, by=factories.operating_group_member(), at=MONDAY)


def test_nothing_is_moved_into_the_past():
    row = deadline("completeness-check")
    entered = close()
    on_the_last_day = end_of_day(dt.date(2026, 3, 10)) - dt.timedelta(hours=2)

    overrides.withdraw_override(entered, by=factories.operating_group_member(), at=on_the_last_day)

    row.refresh_from_db()
    assert row.due_at == end_of_day(dt.date(2026, 3, 10))


def test_a_holiday_can_be_opened():
    lincoln = dt.date(2027, 2, 12)

    close(lincoln, is_closed=False, name="Working day by agreement")

    assert closures.state_calendar().is_business_day(lincoln)


def test_due_and_strictest_know_the_list():
    close()

    assert deadlines.due("completeness-check", start=MONDAY).day == dt.date(2026, 3, 10)
    name, found = deadlines.strictest(
        {"a": "input-destruction", "b": "input-destruction-stewards"}, start=MONDAY
    )
    assert (name, found.day) == ("b", dt.date(2026, 3, 10))


@pytest.mark.parametrize(
    ("day", "is_closed", "name", "why"),
    [
        (dt.date(2026, 2, 12), True, "Lincoln", "closed already"),
        (SNOW, False, "Open", "open already"),
        (dt.date(2026, 3, 7), False, "Open", "Weekends"),
        (SNOW, True, " ", "Say why"),
    ],
)
def test_what_changes_nothing_is_refused(day, is_closed, name, why):
    with pytest.raises(Blocked, match=why):
        close(day, is_closed=is_closed, name=name)


def test_others_than_the_operating_group_are_refused():
    with pytest.raises(Blocked, match="operating group"):
        close(by=factories.person())
