"""Acts above the desks: closing a project, and the demo's own."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction

from governance import checks
from p20win.accounts.public import move_demo_clock
from p20win.audit.public import first_in_line
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.projects import public as projects
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project

FARTHEST_STEP: Final = dt.timedelta(days=400)


@transaction.atomic
def close(project: Project, *, by: User, at: dt.datetime, note: str = "") -> Project:
    """Close a project whose data is proven destroyed; nothing moves in it any more.

    Its clocks stop, and what the hub still holds of it is destroyed too, whose-ever it is: the key, the
    extract, late files, and outputs with their true counts.

    :raises Blocked: if a certificate is missing, or by anyone but the operating group
    """
    first_in_line()  # so that nothing is sealed for it between what is found here and its end
    if reasons := checks.why_not_close(project, by):
        raise Blocked(reasons)
    deadlines.cancel_all(deadlines.open_of_project(project), by=by, at=at, note="The project is closed.")
    custody.ask_destruction_of_all(project, by=by, at=at)
    return projects.close_project(project, by=by, at=at, note=note)


def move_clock(step: dt.timedelta) -> dt.timedelta:
    """Move the demo clock forward, and return how far it is ahead. Deadlines follow it, nothing else.

    :raises Blocked: outside demo mode, or if the step is not forward or longer than 400 days
    """
    if not settings.DEMO_CLOCK:
        raise Blocked("The clock can be moved in demo mode only.")
    if not dt.timedelta() < step <= FARTHEST_STEP:
        raise Blocked(f"Move the clock forward, by {FARTHEST_STEP.days} days at most.")
    return move_demo_clock(step)
