"""The moments planned for a deadline: reminders, what the portal does, missing it, escalation."""

import datetime as dt
from collections.abc import Iterator
from typing import Final

from p20win import calendar, policy
from p20win.calendar import MOMENT, ZONE, Before, Hours, Kind, Rule, StateCalendar, Unit
from p20win.deadlines.actions import actions_ahead, actions_at_moments
from p20win.deadlines.clocks import clock_of
from p20win.deadlines.models import Deadline, Mark, MarkKind

TOLD_ONCE: Final = frozenset({MarkKind.REMIND, MarkKind.ESCALATE})
_WHICH: Final = ("kind", "planned_at", "job")


def plan(deadline: Deadline, *, closed: StateCalendar, at: dt.datetime) -> list[Mark]:
    """Store the moments of a deadline as it stands now; reminders that would lie in the past are left out.

    Of a clock that runs again after it was missed, what must be done once more is done now.
    """
    over = set(Mark.objects.filter(deadline=deadline, reached_at__isnull=False).values_list(*_WHICH))
    marks = []
    for mark in _marks(deadline, closed):
        told_before = (mark.kind, mark.planned_at, mark.job) in over
        if told_before and mark.kind not in TOLD_ONCE:
            mark.planned_at, told_before = at, False
        if not told_before and (mark.kind != MarkKind.REMIND or mark.planned_at > at):
            marks.append(mark)
    return Mark.objects.bulk_create(marks)


def drop(deadline: Deadline, *, at: dt.datetime) -> int:
    """Take back the moments that have not come, since the deadline was met, moved or cancelled."""
    open_marks = Mark.objects.filter(deadline=deadline, reached_at__isnull=True, dropped_at__isnull=True)
    return open_marks.update(dropped_at=at)


def _marks(deadline: Deadline, closed: StateCalendar) -> Iterator[Mark]:
    clock, due_at = clock_of(deadline.slug), deadline.due_at
    for unit in clock.remind:
        moment = _in_the_morning(Before(unit), due_at, closed)
        yield Mark(deadline=deadline, kind=MarkKind.REMIND, planned_at=moment, words=f"{unit} before")
    for job, ahead in actions_ahead(deadline.slug):
        moment = _in_the_morning(Before(ahead), due_at, closed)
        yield Mark(deadline=deadline, kind=MarkKind.ACT, planned_at=moment, words=f"{ahead} before", job=job)
    for job, moment_of in actions_at_moments(deadline.slug):
        moment = moment_of(deadline, closed)
        yield Mark(deadline=deadline, kind=MarkKind.ACT, planned_at=moment, words="in good time", job=job)
    if deadline.kind == Kind.FROM:
        yield Mark(deadline=deadline, kind=MarkKind.DUE, planned_at=due_at)
        return
    over = due_at + MOMENT
    if deadline.kind == Kind.UNTIL:
        yield Mark(deadline=deadline, kind=MarkKind.DUE, planned_at=over)
        return
    missed = over
    if clock.missed_after and deadline.rule:
        missed = calendar.due(clock.missed_after, start=deadline.counted_from, closed=closed).at + MOMENT
        yield Mark(deadline=deadline, kind=MarkKind.ESCALATE, planned_at=over, words="when it fell due")
    yield Mark(deadline=deadline, kind=MarkKind.MISS, planned_at=missed)
    for unit in clock.escalate:
        moment = _in_the_morning(unit, due_at, closed)
        yield Mark(deadline=deadline, kind=MarkKind.ESCALATE, planned_at=moment, words=f"{unit} after")


def _in_the_morning(rule: Unit | Before, start: dt.datetime, closed: StateCalendar) -> dt.datetime:
    """Return the moment of a rule; where days are counted, when the offices open on that day."""
    found: Rule = rule
    moment = calendar.due(found, start=start, closed=closed)
    unit = rule.unit if isinstance(rule, Before) else rule
    if isinstance(unit, Hours):
        return moment.at
    opening = dt.datetime.combine(moment.day, policy.OFFICE_HOURS.opens, tzinfo=ZONE)
    return opening.astimezone(dt.UTC)
