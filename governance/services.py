"""Acts above the desks: the demo's own. How a project is closed is in closing.py."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.conf import settings

from p20win.accounts.public import move_demo_clock
from p20win.refusal import Blocked

FARTHEST_STEP: Final = dt.timedelta(days=400)


def move_clock(step: dt.timedelta) -> dt.timedelta:
    """Move the demo clock forward, and return how far it is ahead. Deadlines follow it, nothing else.

    :raises Blocked: outside demo mode, or if the step is not forward or longer than 400 days
    """
    if not settings.DEMO_CLOCK:
        raise Blocked("The clock can be moved in demo mode only.")
    if not dt.timedelta() < step <= FARTHEST_STEP:
        raise Blocked(f"Move the clock forward, by {FARTHEST_STEP.days} days at most.")
    return move_demo_clock(step)
