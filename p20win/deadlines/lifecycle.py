"""The table of a deadline's steps."""

from typing import Final

from p20win.accounts.public import is_system
from p20win.deadlines import checks
from p20win.deadlines.models import Status
from p20win.workflow import Step

OPEN: Final = frozenset({Status.RUNNING, Status.PAUSED})

MEET: Final = Step("deadline.met", OPEN | {Status.MISSED}, Status.MET, label="Met")
MISS: Final = Step("deadline.missed", frozenset({Status.RUNNING}), Status.MISSED, (is_system,), "Missed")
PASS: Final = Step("deadline.passed", frozenset({Status.RUNNING}), Status.PASSED, (is_system,), "Over")
PAUSE: Final = Step(
    "deadline.paused", frozenset({Status.RUNNING}), Status.PAUSED, (checks.may_be_paused,), "Hold the clock"
)
HOLD: Final = Step(
    "deadline.held",
    frozenset({Status.RUNNING, Status.MISSED}),
    Status.PAUSED,
    (checks.stops_for_a_hold,),
    "Stopped by a legal hold",
)
RESUME: Final = Step(
    "deadline.resumed", frozenset({Status.PAUSED}), Status.RUNNING, label="Let the clock run on"
)
EXTEND: Final = Step(
    "deadline.extended", frozenset({Status.RUNNING, Status.MISSED}), Status.RUNNING, label="Extend"
)
CANCEL: Final = Step("deadline.cancelled", OPEN | {Status.MISSED}, Status.CANCELLED, label="Cancel")
STEPS: Final = (MEET, MISS, PASS, PAUSE, HOLD, RESUME, EXTEND, CANCEL)
