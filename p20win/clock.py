"""The one reading of time.

`now()` is what deadlines are measured by; in demo mode it can be moved. `real_now()` never moves: sessions,
tokens, leases, signatures and ledger checkpoints use it. Below views, tasks and commands, time is the
argument `at`.
"""

import datetime as dt
from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo

from p20win.once import once

STATE_ZONE: Final = ZoneInfo("America/New_York")

_offset: Callable[[], dt.timedelta] | None = None


def real_now() -> dt.datetime:
    """Return the real time, in UTC."""
    return dt.datetime.now(dt.UTC)


@once
def now() -> dt.datetime:
    """Return the portal's time, in UTC: the real time, moved by the demo clock in demo mode alone.

    What is read as one tells all of one moment.
    """
    return real_now() + offset()


def no_earlier(moment: str) -> dt.datetime:
    """Return the portal's time, or the moment (ISO 8601) that another process read on its clock, if later.

    Work that falls due is asked for by one process and done by another, whose clock may lag a little: what
    was due to the first must be due to the second, or it would be passed over for good.
    """
    return max(now(), dt.datetime.fromisoformat(moment)) if moment else now()


def offset() -> dt.timedelta:
    """Return how far the demo clock is ahead of real time; zero outside demo and test mode."""
    return _offset() if _offset else dt.timedelta()


def use_demo_offset(reading: Callable[[], dt.timedelta]) -> None:
    """Let a reading move `now()`. Settings allow this in demo and test mode alone.

    :raises RuntimeError: in any other mode
    """
    from django.conf import settings

    if settings.P20WIN_MODE not in ("demo", "test"):
        raise RuntimeError("The demo clock exists in demo mode only.")
    global _offset
    _offset = reading


def state_date(at: dt.datetime) -> dt.date:
    """Return the calendar date in Connecticut at this instant."""
    return at.astimezone(STATE_ZONE).date()
