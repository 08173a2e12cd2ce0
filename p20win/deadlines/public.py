"""The door of deadlines."""

from p20win.deadlines.actions import due_work, register_due_action, register_follower
from p20win.deadlines.clocks import CLOCKS, Basis, Clock, clock_of
from p20win.deadlines.closures import due, state_calendar, strictest
from p20win.deadlines.holds import calendar_of, held, hold_destruction, let_run
from p20win.deadlines.models import Deadline, Status
from p20win.deadlines.selectors import (
    of_project,
    of_subject,
    open_of_project,
    people_told_when_missed,
    people_waited_for,
    stuck_destructions,
    visible_to,
    waiting_for,
)
from p20win.deadlines.services import alive, cancel, cancel_all, excuse, extend, meet, pause, resume, start
from p20win.deadlines.ticking import Ticked, tick

__all__ = [
    "CLOCKS",
    "Basis",
    "Clock",
    "Deadline",
    "Status",
    "Ticked",
    "alive",
    "calendar_of",
    "cancel",
    "cancel_all",
    "clock_of",
    "due",
    "due_work",
    "excuse",
    "extend",
    "held",
    "hold_destruction",
    "let_run",
    "meet",
    "of_project",
    "of_subject",
    "open_of_project",
    "pause",
    "people_told_when_missed",
    "people_waited_for",
    "register_due_action",
    "register_follower",
    "resume",
    "start",
    "state_calendar",
    "strictest",
    "stuck_destructions",
    "tick",
    "visible_to",
    "waiting_for",
]
