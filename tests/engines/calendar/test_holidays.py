"""The list of holidays agrees with section 1-4 of the General Statutes."""

import datetime as dt
import runpy
from pathlib import Path

import pytest

from p20win.calendar import BusinessDays, StateCalendar, due, legal_holidays

LAW = runpy.run_path(str(Path(__file__).resolve().parents[2] / "data" / "make_deadline_table.py"))
# What the two lists call the same day.
SAME = {
    "New Year": "New Year's Day",
    "King": "Martin Luther King Jr. Day",
    "Lincoln": "Lincoln's Birthday",
    "Washington": "Washington's Birthday",
    "Good Friday": "Good Friday",
    "Memorial": "Memorial Day",
    "Juneteenth": "Juneteenth National Independence Day",
    "Independence": "Independence Day",
    "Labor": "Labor Day",
    "Columbus": "Columbus Day",
    "Veterans": "Veterans Day",
    "Thanksgiving": "Thanksgiving Day",
    "Christmas": "Christmas Day",
}


def by_law(year):
    """Days off in the law's own arithmetic, of this year and of the next one's New Year on a Saturday."""
    every = {
        **LAW["legal_holidays"](year + 1),
        **{f"{name} ": day for name, day in LAW["legal_holidays"](year).items()},
    }
    return {
        dt.date.fromisoformat(LAW["write"](day)): SAME[name.strip()]
        for name, day in every.items()
        if LAW["write"](day).startswith(str(year))
    }


@pytest.mark.parametrize("year", range(2023, 2033))
def test_weekday_closures_are_those_of_the_law(year):
    ours = {day: name for day, name in legal_holidays(year).items() if day.weekday() < 5}

    assert {day: name.removesuffix(" (observed)") for day, name in ours.items()} == by_law(year)


@pytest.mark.parametrize("year", range(2023, 2033))
def test_there_are_thirteen_a_year(year):
    assert len({name.removesuffix(" (observed)") for name in legal_holidays(year).values()}) == 13


def test_juneteenth_counts_from_2023_only():
    # Public Act 22-128 took effect on 1 October 2022.
    closed = StateCalendar()

    assert closed.is_business_day(dt.date(2022, 6, 20))
    assert closed.is_business_day(dt.date(2021, 6, 18))
    assert not closed.is_business_day(dt.date(2023, 6, 19))


def test_a_new_year_on_saturday_closes_the_year_before():
    assert StateCalendar().why_closed(dt.date(2027, 12, 31)) == "New Year's Day (observed)"


def test_an_added_closure_is_skipped_and_says_why():
    storm = dt.date(2026, 1, 27)
    closed = StateCalendar(added={storm: "Offices closed by the Governor: snow"})
    start = dt.datetime(2026, 1, 26, 15, tzinfo=dt.UTC)

    usual = due(BusinessDays(1), start=start, closed=StateCalendar())
    longer = due(BusinessDays(1), start=start, closed=closed)

    assert (usual.day, longer.day) == (storm, dt.date(2026, 1, 28))
    assert longer.derivation.skipped[0].why == "Offices closed by the Governor: snow"


def test_a_holiday_that_was_taken_out_counts_again():
    closed = StateCalendar(removed=frozenset({dt.date(2026, 2, 12)}))

    assert closed.is_business_day(dt.date(2026, 2, 12))
    assert not closed.is_business_day(dt.date(2026, 2, 14))
