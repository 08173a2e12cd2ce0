"""How long: so many hours, days, months or years. What they mean on a calendar is in `p20win.calendar`."""

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Counted:
    """So many of something; two are equal only if the something is the same."""

    word: ClassVar[str]
    count: int

    def __str__(self) -> str:
        return f"{self.count} {self.word}{'' if self.count == 1 else 's'}"


class Hours(Counted):
    """Hours by the wall clock, nights and holidays included."""

    word = "hour"


class CalendarDays(Counted):
    """Plain days."""

    word = "calendar day"


class Months(Counted):
    """Calendar months: the same day of a later month, or its last day."""

    word = "month"


class Years(Counted):
    """Calendar years: the same date of a later year; 29 February becomes the 28th."""

    word = "year"


class BusinessDays(Counted):
    """Monday to Friday without Connecticut's legal holidays. The papers' "working days" are the same."""

    word = "business day"


def hours_or_days(
    *, hours: int | None = None, business_days: int | None = None
) -> Hours | BusinessDays | None:
    """Return the time that a pair of columns, of which one at most is filled, stands for."""
    if hours:
        return Hours(hours)
    return BusinessDays(business_days) if business_days else None


@dataclass(frozen=True)
class OfficeHours:
    """When the offices are open on a business day, local time."""

    opens: dt.time
    closes: dt.time

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}–{self.closes:%H:%M}"


@dataclass(frozen=True)
class BusinessHours(Counted):
    """Office hours of business days."""

    word = "business hour"
    office: OfficeHours

    def __str__(self) -> str:
        return f"{super().__str__()} ({self.office})"


Plain = CalendarDays | Months | Years
Unit = Hours | Plain | BusinessDays | BusinessHours
