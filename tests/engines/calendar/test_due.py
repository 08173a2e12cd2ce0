"""How a due moment is found, and what it says of itself."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p20win import calendar, policy
from p20win.calendar import (
    MOMENT,
    ZONE,
    Before,
    BusinessDays,
    BusinessHours,
    CalendarDays,
    Hours,
    Kind,
    Lapse,
    Lead,
    Months,
    StateCalendar,
    Until,
    Years,
    due,
)

CLOSED = StateCalendar()
MOMENTS = st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2030, 12, 31), timezones=st.just(dt.UTC))


def local(*parts):
    return dt.datetime(*parts, tzinfo=ZONE)


def found(rule, *parts):
    return due(rule, start=local(*parts), closed=CLOSED)


class TestBusinessDays:
    def test_the_day_after_the_event_is_day_one_and_the_end_of_the_day_is_due(self):
        assert found(BusinessDays(1), 2026, 3, 2, 0, 0).at == local(2026, 3, 3, 23, 59, 59, 999999)

    def test_two_minutes_around_midnight_are_a_day(self):
        assert found(CalendarDays(1), 2026, 1, 16, 23, 59).day == dt.date(2026, 1, 17)
        assert found(CalendarDays(1), 2026, 1, 17, 0, 1).day == dt.date(2026, 1, 18)

    def test_the_derivation_names_each_skipped_day_and_why(self):
        derivation = found(BusinessDays(2), 2026, 2, 11, 9).derivation

        assert derivation.as_json() == {
            "start": "2026-02-11T14:00:00+00:00",
            "start_local": "2026-02-11T09:00:00-05:00",
            "rule": "2 business days",
            "kind": "by",
            "first_day": "2026-02-13",
            "last_day": "2026-02-17",
            "skipped": [
                {"day": "2026-02-12", "why": "Lincoln's Birthday"},
                {"day": "2026-02-14", "why": "Saturday"},
                {"day": "2026-02-15", "why": "Sunday"},
                {"day": "2026-02-16", "why": "Washington's Birthday"},
            ],
        }

    @given(MOMENTS, st.integers(1, 40))
    def test_counted_days_are_open_and_their_number_is_right(self, start, count):
        moment = due(BusinessDays(count), start=start, closed=CLOSED)
        first = calendar.local_date(start) + calendar.DAY
        span = [first + calendar.DAY * n for n in range((moment.day - first).days + 1)]

        assert sum(CLOSED.is_business_day(day) for day in span) == count
        assert len(span) == count + len(moment.derivation.skipped)

    def test_a_calendar_with_no_open_day_ends_in_words(self):
        class Shut(StateCalendar):
            def why_closed(self, day):
                return "shut"

        with pytest.raises(ValueError, match="look at the list of closed days"):
            due(BusinessDays(1), start=local(2026, 1, 1), closed=Shut())
        with pytest.raises(ValueError, match="look at the list of closed days"):
            due(BusinessHours(1, policy.OFFICE_HOURS), start=local(2026, 1, 1), closed=Shut())


@pytest.mark.obligation("O-77")
class TestLead:
    def test_ten_business_days_in_full_end_where_day_ten_ends(self):
        possible = found(policy.PREPUBLICATION_REVIEW, 2026, 3, 2, 10)

        assert possible.at == local(2026, 3, 17)  # day 10 is Monday the 16th
        assert possible.kind is Kind.FROM

    def test_it_is_possible_at_that_moment_and_not_before(self):
        possible = found(Lead(BusinessDays(10)), 2026, 3, 2, 10)

        assert not possible.passed(possible.at - MOMENT)
        assert possible.passed(possible.at)

    def test_a_lead_of_hours_is_to_the_moment(self):
        assert found(Lead(Hours(24)), 2026, 3, 7, 16, 55).at == local(2026, 3, 8, 17, 55)

    @given(MOMENTS, st.integers(1, 30))
    def test_before_and_lead_are_each_others_inverse(self, start, count):
        possible = due(Lead(BusinessDays(count)), start=start, closed=CLOSED).at
        latest = due(Before(BusinessDays(count)), start=possible, closed=CLOSED).at

        assert start <= latest
        assert due(Lead(BusinessDays(count)), start=latest, closed=CLOSED).at == possible
        assert due(Lead(BusinessDays(count)), start=latest + MOMENT, closed=CLOSED).at >= possible


class TestKinds:
    def test_a_deadline_is_in_time_at_its_last_moment(self):
        moment = found(Hours(24), 2026, 5, 1, 12)

        assert not moment.passed(moment.at)
        assert moment.passed(moment.at + MOMENT)

    @pytest.mark.obligation("O-06")
    def test_a_statement_lapses_a_year_later_to_the_moment(self):
        lapse = found(policy.CONFIDENTIALITY_LAPSE, 2026, 5, 1, 12, 30)

        assert lapse.kind is Kind.UNTIL
        assert not lapse.passed(local(2027, 5, 1, 12, 29, 59))
        assert lapse.passed(local(2027, 5, 1, 12, 30))

    def test_until_runs_to_the_end_of_its_last_day(self):
        window = found(Until(CalendarDays(14)), 2026, 5, 1, 12)

        assert (window.kind, window.day) == (Kind.UNTIL, dt.date(2026, 5, 15))

    def test_the_strictest_deadline_is_the_earliest_and_the_strictest_wait_the_longest(self):
        start = local(2026, 3, 6, 12)
        destruction = {"agreement": BusinessDays(10), "agency": BusinessDays(5), "college": Hours(24)}
        waits = {"policy": Lead(BusinessDays(10)), "agency": Lead(BusinessDays(15))}

        assert calendar.strictest(destruction, start=start, closed=CLOSED)[0] == "college"
        assert calendar.strictest(waits, start=start, closed=CLOSED)[0] == "agency"
        with pytest.raises(ValueError, match="one kind"):
            calendar.strictest({**destruction, **waits}, start=start, closed=CLOSED)
        with pytest.raises(ValueError, match="at least one"):
            calendar.strictest({}, start=start, closed=CLOSED)


class TestRefusals:
    def test_a_moment_without_zone_is_refused(self):
        with pytest.raises(ValueError, match="time zone"):
            due(Hours(1), start=dt.datetime(2026, 1, 1), closed=CLOSED)

    @pytest.mark.parametrize("count", [0, -3])
    def test_a_count_below_one_is_refused(self, count):
        with pytest.raises(ValueError, match="positive count"):
            due(Lead(BusinessDays(count)), start=local(2026, 1, 1), closed=CLOSED)

    def test_office_hours_are_not_counted_backwards(self):
        with pytest.raises(ValueError, match="forwards only"):
            due(Before(BusinessHours(1, policy.OFFICE_HOURS)), start=local(2026, 1, 1), closed=CLOSED)


class TestUnits:
    def test_equal_only_with_the_same_unit(self):
        assert BusinessDays(10) == BusinessDays(10)
        assert BusinessDays(10) != CalendarDays(10)
        assert len({Hours(1), CalendarDays(1), Months(1), Years(1), Hours(1)}) == 4

    @pytest.mark.parametrize(
        ("rule", "words"),
        [
            (Hours(1), "1 hour"),
            (BusinessDays(10), "10 business days"),
            (Lead(CalendarDays(30)), "30 calendar days in full"),
            (Before(CalendarDays(30)), "not later than 30 calendar days before"),
            (Until(Years(3)), "for 3 years"),
            (Lapse(Years(1)), "for 1 year, to the moment"),
            (BusinessHours(12, policy.OFFICE_HOURS), "12 business hours (08:30–16:30)"),
        ],
    )
    def test_say_themselves_in_words(self, rule, words):
        assert str(rule) == words

    @given(MOMENTS, st.integers(-30, 30))
    def test_months_never_leave_the_month_meant(self, start, count):
        day = calendar.add_months(start.date(), count)

        assert (day.year * 12 + day.month) - (start.year * 12 + start.month) == count
        assert day.day <= start.day
