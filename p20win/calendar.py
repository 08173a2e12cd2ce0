"""Business days, State holidays and due moments: arithmetic only, with no clock and no database.

Days are counted in America/New_York, the day after the event being day 1, and a deadline falls at the end of
its day. Calendar days, months and years are not moved by weekends or holidays; hours run by the wall clock.
A lead time must have passed in full: what waits for it is possible from the start of the day after the last.
"""

import calendar as months
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import holidays

from p20win.units import BusinessDays as BusinessDays
from p20win.units import BusinessHours as BusinessHours
from p20win.units import CalendarDays as CalendarDays
from p20win.units import Counted as Counted
from p20win.units import Hours as Hours
from p20win.units import Months as Months
from p20win.units import OfficeHours as OfficeHours
from p20win.units import Plain as Plain
from p20win.units import Unit as Unit
from p20win.units import Years as Years
from p20win.units import hours_or_days as hours_or_days

ZONE: Final = ZoneInfo("America/New_York")
MOMENT: Final = dt.timedelta(microseconds=1)  # the finest that Python and PostgreSQL keep
DAY: Final = dt.timedelta(days=1)
WEEKEND: Final = {5: "Saturday", 6: "Sunday"}
FARTHEST: Final = 4000  # days looked at for one deadline: eleven years, so that a wrong list of closures ends

# The package lists Juneteenth from 2021, the federal year. In Connecticut it is a legal holiday since
# Public Act 22-128 took effect on 1 October 2022, so first in June 2023.
NOT_YET_LEGAL: Final = frozenset(
    {dt.date(2021, 6, 18), dt.date(2021, 6, 19), dt.date(2022, 6, 19), dt.date(2022, 6, 20)}
)


class Kind(StrEnum):
    """What happens when the moment has passed."""

    BY = "by"  # somebody must have acted: else it is missed
    FROM = "from"  # a waiting time: now the thing is possible
    UNTIL = "until"  # something held: now it has ended


# ------------------------------------------------------------------ how it counts: a bare unit is "within"


@dataclass(frozen=True)
class Lead:
    """At least so long before: possible only when it has passed in full."""

    unit: Unit

    def __str__(self) -> str:
        return f"{self.unit} in full"


@dataclass(frozen=True)
class Before:
    """The latest moment that leaves so much time, in full, before a known later one, which is the start."""

    unit: Unit

    def __str__(self) -> str:
        return f"not later than {self.unit} before"


@dataclass(frozen=True)
class Until:
    """Something holds so long, to the end of the last day."""

    unit: Unit

    def __str__(self) -> str:
        return f"for {self.unit}"


@dataclass(frozen=True)
class Lapse:
    """Something holds so long, to the moment, and has ended at the same time of day on the later date."""

    unit: Plain

    def __str__(self) -> str:
        return f"for {self.unit}, to the moment"


Rule = Unit | Lead | Before | Until | Lapse


def kind_of(rule: Rule) -> Kind:
    """Say what happens when a moment under this rule has passed."""
    if isinstance(rule, Lead):
        return Kind.FROM
    return Kind.UNTIL if isinstance(rule, Until | Lapse) else Kind.BY


# ------------------------------------------------------------------ which days are closed


@lru_cache(maxsize=64)
def legal_holidays(year: int) -> Mapping[dt.date, str]:
    """Return Connecticut's legal holidays of one year, each with the Friday or Monday it moves to."""
    listed = holidays.country_holidays("US", subdiv="CT", years=[year])
    return {day: listed[day] for day in sorted(listed) if day.year == year and day not in NOT_YET_LEGAL}


@dataclass(frozen=True)
class StateCalendar:
    """The law's holidays, with what the operating group added and took out."""

    added: Mapping[dt.date, str] = field(default_factory=dict)  # such as a closure ordered by the Governor
    removed: frozenset[dt.date] = frozenset()

    def why_closed(self, day: dt.date) -> str | None:
        """Say why a day is no business day; None means it is one."""
        if weekend := WEEKEND.get(day.weekday()):
            return weekend
        if day in self.added:
            return self.added[day]
        return None if day in self.removed else legal_holidays(day.year).get(day)

    def is_business_day(self, day: dt.date) -> bool:
        """Say whether the offices are open that day."""
        return self.why_closed(day) is None


@dataclass(frozen=True)
class Skipped:
    """A day that did not count, and why."""

    day: dt.date
    why: str


@dataclass(frozen=True)
class Derivation:
    """How a due moment was found, in enough detail to check it by hand."""

    start: dt.datetime
    rule: str
    kind: Kind
    first_day: dt.date | None  # day 1, where days are counted
    last_day: dt.date | None
    skipped: tuple[Skipped, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the derivation as it is stored."""
        return {
            "start": self.start.isoformat(),
            "start_local": self.start.astimezone(ZONE).isoformat(),
            "rule": self.rule,
            "kind": str(self.kind),
            "first_day": self.first_day.isoformat() if self.first_day else None,
            "last_day": self.last_day.isoformat() if self.last_day else None,
            "skipped": [{"day": skip.day.isoformat(), "why": skip.why} for skip in self.skipped],
        }


@dataclass(frozen=True)
class Due:
    """A due moment in UTC: the last one in time or, of a lead time, the first that is possible."""

    at: dt.datetime
    derivation: Derivation

    @property
    def kind(self) -> Kind:
        """Return what happens when the moment has passed."""
        return self.derivation.kind

    @property
    def day(self) -> dt.date:
        """Return the local date of the due moment."""
        return local_date(self.at)

    def passed(self, now: dt.datetime) -> bool:
        """Say whether the time is over: too late, or for a lead time at last possible."""
        return now >= self.at if self.kind is Kind.FROM else now > self.at


# ------------------------------------------------------------------ moments and dates


def local_date(at: dt.datetime) -> dt.date:
    """Return the date in the State at a moment.

    :raises ValueError: if the moment has no time zone
    """
    if at.tzinfo is None:
        raise ValueError("A moment needs its time zone: give an aware datetime.")
    return at.astimezone(ZONE).date()


def start_of_day(day: dt.date) -> dt.datetime:
    """Return the first moment of a local day, in UTC."""
    return dt.datetime.combine(day, dt.time.min, tzinfo=ZONE).astimezone(dt.UTC)


def end_of_day(day: dt.date) -> dt.datetime:
    """Return the last moment of a local day, in UTC."""
    return start_of_day(day + DAY) - MOMENT


def add_months(day: dt.date, count: int) -> dt.date:
    """Return the same day of the month so many months on, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return dt.date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


# ------------------------------------------------------------------ due


def due(rule: Rule, *, start: dt.datetime, closed: StateCalendar) -> Due:
    """Find the due moment of a rule, with its derivation.

    :raises ValueError: if the start has no time zone, or a count is not positive
    """
    local_date(start)  # refuses a naive start
    unit = rule if isinstance(rule, Unit) else rule.unit
    if unit.count < 1:
        raise ValueError(f"A rule needs a positive count, not {unit.count}.")
    if isinstance(rule, Before):
        at, days, skipped = _before(unit, start, closed)
    elif isinstance(rule, Lapse):
        at, days, skipped = _same_time_of_day(rule.unit, start) - MOMENT, None, ()
    else:
        at, days, skipped = _after(unit, start, closed)
        if isinstance(rule, Lead) and days:
            at += MOMENT  # in full: the first moment of the next day
    first, last = days or (None, None)
    return Due(at, Derivation(start.astimezone(dt.UTC), str(rule), kind_of(rule), first, last, skipped))


def strictest(rules: Mapping[str, Rule], *, start: dt.datetime, closed: StateCalendar) -> tuple[str, Due]:
    """Return the name and moment of the strictest of several rules: the earliest end, the latest beginning.

    :raises ValueError: if there is no rule, or waiting times stand among deadlines
    """
    found = {name: due(rule, start=start, closed=closed) for name, rule in rules.items()}
    waiting = {each.kind is Kind.FROM for each in found.values()}
    if len(waiting) != 1:
        raise ValueError("Compare rules of one kind, and at least one: waiting times, or deadlines.")
    pick: Callable[..., str] = max if waiting.pop() else min
    name = pick(found, key=lambda each: found[each].at)
    return name, found[name]


Found = tuple[dt.datetime, tuple[dt.date, dt.date] | None, tuple[Skipped, ...]]


def _after(unit: Unit, start: dt.datetime, closed: StateCalendar) -> Found:
    first = local_date(start) + DAY
    match unit:
        case Hours(count):
            return start.astimezone(dt.UTC) + dt.timedelta(hours=count), None, ()
        case BusinessHours():
            return _business_hours(unit, start, closed)
        case BusinessDays(count):
            counted, skipped = _count_open(count, _days(first, DAY), closed)
            first, last = counted[0], counted[-1]
        case _:
            last, skipped = _shift(local_date(start), unit), ()
    return end_of_day(last), (first, last), skipped


def _before(unit: Unit, end: dt.datetime, closed: StateCalendar) -> Found:
    """Count back from the last whole day before the end; the day before the first counted is the latest."""
    last = local_date(end + MOMENT) - DAY
    match unit:
        case Hours(count):
            return end.astimezone(dt.UTC) - dt.timedelta(hours=count), None, ()
        case BusinessDays(count):
            counted, skipped = _count_open(count, _days(last, -DAY), closed)
            latest = counted[-1] - DAY
        case BusinessHours():
            raise ValueError("Office hours are counted forwards only.")
        case _:
            latest, skipped = _shift(last, unit, -1), ()
    return end_of_day(latest), (latest + DAY, last), tuple(sorted(skipped, key=lambda skip: skip.day))


def _business_hours(unit: BusinessHours, start: dt.datetime, closed: StateCalendar) -> Found:
    left = dt.timedelta(hours=unit.count)
    skipped: list[Skipped] = []
    for day in _days(local_date(start), DAY):
        if why := closed.why_closed(day):
            skipped.append(Skipped(day, why))
            continue
        opens, closes = (
            dt.datetime.combine(day, each, tzinfo=ZONE).astimezone(dt.UTC)
            for each in (unit.office.opens, unit.office.closes)
        )
        begins = max(opens, start.astimezone(dt.UTC))
        if begins + left <= closes:
            return begins + left, None, tuple(skipped)
        left -= max(closes - begins, dt.timedelta())
    raise AssertionError("the days do not end")


def _count_open(
    count: int, days: Iterator[dt.date], closed: StateCalendar
) -> tuple[list[dt.date], tuple[Skipped, ...]]:
    counted: list[dt.date] = []
    skipped: list[Skipped] = []
    for day in days:
        if why := closed.why_closed(day):
            skipped.append(Skipped(day, why))
        else:
            counted.append(day)
        if len(counted) == count:
            return counted, tuple(skipped)
    raise AssertionError("the days do not end")


def _days(first: dt.date, step: dt.timedelta) -> Iterator[dt.date]:
    for number in range(FARTHEST):
        yield first + step * number
    raise ValueError(f"No end found within {FARTHEST} days of {first}: look at the list of closed days.")


def _same_time_of_day(unit: Plain, start: dt.datetime) -> dt.datetime:
    local = start.astimezone(ZONE)
    # Of a time that comes twice the first is taken; one that is left out becomes the hour after it.
    moment = dt.datetime.combine(_shift(local.date(), unit), local.time().replace(fold=0), tzinfo=ZONE)
    return moment.astimezone(dt.UTC)


def _shift(day: dt.date, unit: Plain, sign: int = 1) -> dt.date:
    if isinstance(unit, CalendarDays):
        return day + DAY * sign * unit.count
    return add_months(day, sign * unit.count * (12 if isinstance(unit, Years) else 1))
