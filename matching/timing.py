"""When the inputs of a match must be gone, and when the portal sets that in motion by itself.

A key destroyed in the key store lives on in the copies of it, for as many days as those are kept. The data
is gone for good only when the last copy has expired; that must be so by the agreement's own limit. A
stricter clock (24 hours, 5 business days) counts for the key store itself. See docs/adr/0011.
"""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from p20win import calendar, policy
from p20win.calendar import StateCalendar

if TYPE_CHECKING:
    from p20win.deadlines.models import Deadline

DESTRUCTION: Final = "input-destruction"
COPIES_LIVE: Final = dt.timedelta(days=policy.KEY_SNAPSHOT_DAYS)
WORK: Final = dt.timedelta(hours=policy.DESTRUCTION_WORK_HOURS)
HOUR: Final = dt.timedelta(hours=policy.DESTRUCTION_HOUR.unit.count)


@dataclass(frozen=True)
class Timing:
    """The moments of one destruction, each following from the one before."""

    due_at: dt.datetime  # the strictest clock
    limit_at: dt.datetime  # the agreement's, by which no copy of a key may be left

    @property
    def for_copies_at(self) -> dt.datetime:
        """Return when a key must be destroyed so that its last copy expires by the limit."""
        return self.limit_at - COPIES_LIVE

    @property
    def last_at(self) -> dt.datetime:
        """Return when the keys must be destroyed at the latest."""
        return min(self.due_at, self.for_copies_at)

    @property
    def sets_at(self) -> dt.datetime:
        """Return when the portal sets the order: earlier by the hour's notice and the time for the work."""
        return self.last_at - WORK - HOUR

    @property
    def begins_at(self) -> dt.datetime:
        """Return when the hour's notice is over."""
        return self.sets_at + HOUR


def timing(deadline: "Deadline", closed: StateCalendar) -> Timing:
    """Work out the moments of a destruction from its clock.

    A date that every party agreed in writing is the limit, too, where it is later than the agreement's own. A
    strict clock moved by some days within the agreement's keeps that limit: counted back from the new date,
    its keys would have to go at once, before the date that was agreed.
    """
    return _within_the_agreement(deadline, deadline.due_at, closed)


def as_agreed(deadline: "Deadline", until: dt.date, closed: StateCalendar) -> Timing:
    """Work out the moments of a destruction as they would be if every party agreed on this day."""
    return _within_the_agreement(deadline, calendar.end_of_day(until), closed)


def _within_the_agreement(deadline: "Deadline", due_at: dt.datetime, closed: StateCalendar) -> Timing:
    limit = calendar.due(policy.INPUT_DESTRUCTION, start=deadline.counted_from, closed=closed).at
    return Timing(due_at, max(limit, due_at))


def sets_at(deadline: "Deadline", closed: StateCalendar) -> dt.datetime:
    """Return when the portal sets the order by itself, as the deadlines ask for it."""
    return timing(deadline, closed).sets_at
