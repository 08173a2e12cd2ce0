"""What happens when the portal's clock reaches a planned moment. Told by beat; safe to run twice at once."""

import datetime as dt
import logging
import uuid
from dataclasses import dataclass
from typing import Final

from django.db import OperationalError, connection, transaction
from psycopg2.errors import LockNotAvailable

from p20win.accounts.public import system_user
from p20win.deadlines import lifecycle, planning
from p20win.deadlines.actions import actions_at_due
from p20win.deadlines.models import Deadline, Mark, MarkKind, Status
from p20win.jobs import public as jobs
from p20win.workflow import Step, amend, take

logger = logging.getLogger(__name__)

AT_A_TIME: Final = 500
WAITS: Final = "300ms"  # shorter than what PostgreSQL takes for a deadlock
CLOSING: Final = frozenset({MarkKind.DUE, MarkKind.MISS})


@dataclass(frozen=True)
class Ticked:
    """What one tick did."""

    deadlines: int
    marks: int


def tick(*, at: dt.datetime) -> Ticked:
    """Do what is planned up to now, each deadline in a transaction of its own."""
    waiting = Mark.objects.filter(reached_at__isnull=True, dropped_at__isnull=True, planned_at__lte=at)
    due = list(waiting.order_by("planned_at").values_list("deadline_id", flat=True)[:AT_A_TIME])
    reached = [count for pk in dict.fromkeys(due) if (count := _try(pk, at=at))]
    return Ticked(deadlines=len(reached), marks=sum(reached))


def _try(pk: uuid.UUID, *, at: dt.datetime) -> int:
    """Give way to a person's act that waits for this deadline while we wait for the ledger."""
    try:
        return _reach(pk, at=at)
    except OperationalError as waiting:
        if not isinstance(waiting.__cause__, LockNotAvailable):
            raise
        return 0


@transaction.atomic
def _reach(pk: uuid.UUID, *, at: dt.datetime) -> int:
    """Do all that is planned for one deadline up to now; if another holds it, the next tick looks again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [WAITS])
    deadline = Deadline.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
    if deadline is None:
        return 0
    marks = list(
        Mark.objects.filter(
            deadline=deadline, reached_at__isnull=True, dropped_at__isnull=True, planned_at__lte=at
        ).order_by("planned_at", "kind")
    )
    for mark in _worth_telling(marks):
        deadline = _do(mark, deadline, at=at)
    for mark in marks:
        mark.reached_at = at
        mark.save(update_fields=["reached_at"])
    if deadline.status == Status.PASSED:
        planning.drop(deadline, at=at)
    return len(marks)


def _worth_telling(marks: list[Mark]) -> list[Mark]:
    """Leave out what newer marks have overtaken, as after a jump: one reminder, one escalation."""
    kinds = [mark.kind for mark in marks]
    last = {kind: max(place for place, each in enumerate(kinds) if each == kind) for kind in kinds}
    overtaken = bool(CLOSING & set(kinds))
    return [
        mark
        for place, mark in enumerate(marks)
        if not (mark.kind == MarkKind.REMIND and (overtaken or place != last[mark.kind]))
        and not (mark.kind == MarkKind.ESCALATE and place != last[mark.kind])
    ]


def _do(mark: Mark, deadline: Deadline, *, at: dt.datetime) -> Deadline:
    match mark.kind:
        case MarkKind.REMIND:
            return _tell("deadline.reminder", mark, deadline, at=at)
        case MarkKind.ESCALATE:
            return _tell("deadline.escalated", mark, deadline, at=at)
        case MarkKind.ACT:
            _ask_for(mark.job, deadline, at=at)
            return deadline
        case MarkKind.DUE:
            return _close(lifecycle.PASS, deadline, at=at)
        case _:
            return _close(lifecycle.MISS, deadline, at=at)


def _tell(event: str, mark: Mark, deadline: Deadline, *, at: dt.datetime) -> Deadline:
    details = {"clock": deadline.slug, "when": mark.words, "due": deadline.due_at.isoformat()}
    return amend(event, deadline, by=system_user(), at=at, details=details)


def _close(step: Step, deadline: Deadline, *, at: dt.datetime) -> Deadline:
    details = {"clock": deadline.slug, "subject": deadline.subject_id, "due": deadline.due_at.isoformat()}
    deadline = take(step, deadline, by=system_user(), at=at, details=details)
    for job in actions_at_due(deadline.slug):
        _ask_for(job, deadline, at=at)
    return deadline


def _ask_for(job: str, deadline: Deadline, *, at: dt.datetime) -> None:
    """Ask for work on what a deadline is about; `asked_at` tells the worker when it was due."""
    jobs.after_commit(
        job,
        project_id=deadline.project_id,
        deadline_id=deadline.pk,
        subject_id=deadline.subject_id,
        asked_at=at.isoformat(),
    )
