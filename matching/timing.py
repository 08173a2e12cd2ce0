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

    Where every party agreed in writing to another date, that date is the limit, too.
    """
    if not deadline.rule:
        return Timing(deadline.due_at, deadline.due_at)
    limit = calendar.due(policy.INPUT_DESTRUCTION, start=deadline.counted_from, closed=closed).at
    return Timing(deadline.due_at, max(limit, deadline.due_at))


def sets_at(deadline: "Deadline", closed: StateCalendar) -> dt.datetime:
    """Return when the portal sets the order by itself, as the deadlines ask for it."""
    return timing(deadline, closed).sets_at
