"""Clocks of destruction that a legal hold stops: they stand still, whatever they count in, and run on."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import transaction

from p20win import calendar
from p20win.audit.public import first_in_line
from p20win.calendar import Hours, StateCalendar
from p20win.deadlines import actions, lifecycle, planning, rules
from p20win.deadlines.clocks import CLOCKS
from p20win.deadlines.closures import state_calendar
from p20win.deadlines.models import Deadline, Status
from p20win.deadlines.services import days_held
from p20win.workflow import take

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from p20win.accounts.models import User
    from p20win.projects.models import Project

_SLUGS = [clock.slug for clock in CLOCKS.values() if clock.held_by_law]


def held(project: "Project") -> "QuerySet[Deadline]":
    """Return a project's clocks of destruction that stand still."""
    return _of(project, Status.PAUSED)


@transaction.atomic
def hold_destruction(project: "Project", *, reason: str, by: "User", at: dt.datetime) -> list[Deadline]:
    """Stop a project's clocks of destruction; those that stand still already are left alone."""
    first_in_line()
    stopped = []
    for each in _of(project, Status.RUNNING, Status.MISSED):
        pauses = [*each.pauses, {"from": at.isoformat(), "to": None, "reason": reason}]
        row = take(lifecycle.HOLD, each, by=by, at=at, note=reason, details=_said(each), pauses=pauses)
        planning.drop(row, at=at)
        stopped.append(row)
    return stopped


@transaction.atomic
def let_run(project: "Project", *, by: "User", at: dt.datetime) -> list[Deadline]:
    """Let a project's clocks of destruction run on; each falls due later by as long as it stood still."""
    first_in_line()
    running = []
    for each in held(project):
        pauses = [*each.pauses[:-1], {**each.pauses[-1], "to": at.isoformat()}]
        closed = state_calendar(paused=days_held(pauses))
        due_at, derivation = _moved(each, pauses, closed)
        details = _said(each) | {"due": due_at.isoformat(), "was_due": each.due_at.isoformat()}
        changes: dict[str, Any] = {"pauses": pauses, "due_at": due_at, "derivation": derivation}
        row = take(lifecycle.RESUME, each, by=by, at=at, details=details, **changes)
        planning.plan(row, closed=closed, at=at)
        actions.follow(row, by=by, at=at)
        running.append(row)
    return running


def calendar_of(deadline: Deadline) -> StateCalendar:
    """Return the calendar that a running deadline is worked out by, with the days on which it stood still."""
    return state_calendar(paused=days_held(deadline.pauses))


def _of(project: "Project", *statuses: str) -> "QuerySet[Deadline]":
    return Deadline.objects.filter(project=project, slug__in=_SLUGS, status__in=statuses).order_by("due_at")


def _moved(
    row: Deadline, pauses: list[dict[str, Any]], closed: StateCalendar
) -> tuple[dt.datetime, dict[str, Any]]:
    """Return when a clock falls due that stood still, and how that was worked out."""
    last = _length(pauses[-1])
    if not row.rule:
        days = max(1, -(-last // calendar.DAY))  # an agreed date moves by whole days, a begun one included
        words = f"{row.derivation['rule']}, and {days} days more for a legal hold"
        day = calendar.local_date(row.due_at) + calendar.DAY * days
        return calendar.end_of_day(day), row.derivation | {"rule": words}
    rule = rules.read(row.rule)
    found = calendar.due(rule, start=row.counted_from, closed=closed)
    derivation = found.derivation.as_json()
    if isinstance(rule, Hours):
        stood_still = sum(map(_length, pauses), dt.timedelta())
        words = f"{rule}, not counting {stood_still // dt.timedelta(minutes=1)} minutes of a legal hold"
        return found.at + stood_still, derivation | {"rule": words}
    return found.at, derivation


def _length(pause: dict[str, Any]) -> dt.timedelta:
    begun, ended = (dt.datetime.fromisoformat(pause[name]) for name in ("from", "to"))
    return ended - begun


def _said(row: Deadline) -> dict[str, Any]:
    return {"clock": row.slug, "subject": row.subject_id, "due": row.due_at.isoformat()}
