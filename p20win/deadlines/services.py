"""Acts on deadlines: start, meet, cancel, hold, extend, excuse."""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import models, transaction

from p20win import calendar
from p20win.accounts.public import is_operating_group, system_user
from p20win.audit.public import first_in_line
from p20win.calendar import Derivation, Due, Kind, Rule, StateCalendar, end_of_day
from p20win.deadlines import actions, checks, lifecycle, planning, rules
from p20win.deadlines.clocks import Clock, clock_of
from p20win.deadlines.closures import state_calendar
from p20win.deadlines.models import ALIVE, Deadline, Status
from p20win.refusal import Blocked
from p20win.workflow import Step, amend, create, take

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User
    from p20win.projects.models import Project


@transaction.atomic
def start(
    slug: str,
    *,
    subject: models.Model,
    project: "Project | None",
    at: dt.datetime,
    by: "User | None" = None,
    counted_from: dt.datetime | None = None,
    rule: Rule | None = None,
    on: dt.date | None = None,
    waiting_on_role: str = "",
    waiting_on_organisation: "Organisation | None" = None,
    waiting_on_person: "User | None" = None,
    where: str = "",
) -> Deadline:
    """Start a clock for this subject.

    `counted_from` is the event's own moment, if it is not now: a discovery some hours ago, or the end that
    a deadline is counted back from. A stricter `rule`, or an agreed date `on`, may stand for the policy's;
    never a looser one. `where` is the path of the page on which it is met.

    :raises LookupError: if there is no such clock
    :raises Blocked: if it runs already for this subject and party, or the rule or date is looser
    """
    clock = clock_of(slug)
    counted_from = counted_from or at
    closed = state_calendar()
    found = _not_looser(clock, rule, on, counted_from, closed)
    row = Deadline(
        slug=slug,
        rule="" if on else rules.write(rule or clock.rule),
        kind=found.kind,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        where=where or _page_of(subject),
        project=project,
        started_at=at,
        counted_from=counted_from,
        due_at=found.at,
        derivation=found.derivation.as_json(),
        waiting_on_role=waiting_on_role,
        waiting_on_organisation=waiting_on_organisation,
        waiting_on_person=waiting_on_person,
        status_since=at,
    )
    _refuse_second(row)
    row = create("deadline.started", row, by=by or system_user(), at=at, details=_said(row))
    planning.plan(row, closed=closed, at=at)
    return row


def _not_looser(
    clock: Clock, rule: Rule | None, on: dt.date | None, start: dt.datetime, closed: StateCalendar
) -> Due:
    floor = calendar.due(clock.rule, start=start, closed=closed)
    if on is not None:
        agreed = _agreed(end_of_day(on), start, floor.kind)
    elif rule is not None:
        agreed = calendar.due(rule, start=start, closed=closed)
    else:
        return floor
    looser = agreed.at < floor.at if floor.kind is Kind.FROM else agreed.at > floor.at
    if looser or agreed.kind is not floor.kind:
        raise Blocked(f"“{clock.title}” may be stricter than {clock.rule}, never looser.")
    return agreed


def _agreed(at: dt.datetime, start: dt.datetime, kind: Kind) -> Due:
    at = at + calendar.MOMENT if kind is Kind.FROM else at
    return Due(at, Derivation(start.astimezone(dt.UTC), "an agreed date", kind, None, None, ()))


def _page_of(subject: models.Model) -> str:
    address = getattr(subject, "get_absolute_url", None)
    return str(address()) if address else ""


def _refuse_second(row: Deadline) -> None:
    same = Deadline.objects.filter(
        slug=row.slug,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        waiting_on_organisation=row.waiting_on_organisation,
        waiting_on_person=row.waiting_on_person,
        status__in=ALIVE,
    )
    if same.exists():
        raise Blocked(f"“{row.title}” runs already.")


def alive(
    slug: str,
    subject: models.Model,
    *,
    organisation: "Organisation | None" = None,
    person: "User | None" = None,
) -> list[Deadline]:
    """Return what of this clock is not over for a subject, all of it or that of one party."""
    found = Deadline.objects.filter(
        slug=clock_of(slug).slug,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        status__in=ALIVE,
    )
    if organisation is not None:
        found = found.filter(waiting_on_organisation=organisation)
    if person is not None:
        found = found.filter(waiting_on_person=person)
    return list(found.select_related("waiting_on_organisation", "waiting_on_person").order_by("due_at"))


@transaction.atomic
def meet(
    slug: str,
    subject: models.Model,
    *,
    at: dt.datetime,
    by: "User",
    organisation: "Organisation | None" = None,
    person: "User | None" = None,
) -> list[Deadline]:
    """Note that what a clock waited for has been done, by one party or by all; return what was met.

    One that was missed is met too, and stays marked as late.
    """
    met = alive(slug, subject, organisation=organisation, person=person)
    return [_end(each, lifecycle.MEET, by=by, at=at, met_at=at) for each in met]


@transaction.atomic
def cancel(
    slug: str,
    subject: models.Model,
    *,
    at: dt.datetime,
    by: "User",
    note: str = "",
    organisation: "Organisation | None" = None,
    person: "User | None" = None,
) -> list[Deadline]:
    """Stop a clock because what it waited for is no longer wanted; return what was stopped."""
    stopped = alive(slug, subject, organisation=organisation, person=person)
    return [_end(each, lifecycle.CANCEL, by=by, at=at, note=note) for each in stopped]


@transaction.atomic
def cancel_all(
    deadlines: Iterable[Deadline], *, at: dt.datetime, by: "User", note: str = ""
) -> list[Deadline]:
    """Stop these clocks, such as all of a project that closes."""
    return [_end(each, lifecycle.CANCEL, by=by, at=at, note=note) for each in deadlines]


def _end(row: Deadline, step: Step, *, by: "User", at: dt.datetime, **changes: Any) -> Deadline:
    row = take(step, row, by=by, at=at, details=_said(row), **changes)
    planning.drop(row, at=at)
    return row


@transaction.atomic
def pause(
    slug: str,
    subject: models.Model,
    *,
    at: dt.datetime,
    by: "User",
    reason: str,
    organisation: "Organisation | None" = None,
) -> list[Deadline]:
    """Hold a clock, if its rule allows it. The days until it runs on are not counted.

    :raises Blocked: if it may not be held, or does not run
    """
    held = []
    for each in _running_or_refuse(slug, subject, organisation):
        pauses = [*each.pauses, {"from": at.isoformat(), "to": None, "reason": reason}]
        row = take(lifecycle.PAUSE, each, by=by, at=at, note=reason, details=_said(each), pauses=pauses)
        planning.drop(row, at=at)
        held.append(row)
    return held


@transaction.atomic
def resume(
    slug: str,
    subject: models.Model,
    *,
    at: dt.datetime,
    by: "User",
    organisation: "Organisation | None" = None,
) -> list[Deadline]:
    """Let a held clock run on; its due moment moves by the days on which it stood still."""
    resumed = []
    held = [each for each in alive(slug, subject, organisation=organisation) if each.status == Status.PAUSED]
    for each in held:
        pauses = [*each.pauses[:-1], {**each.pauses[-1], "to": at.isoformat()}]
        closed = state_calendar(paused=days_held(pauses))
        found = calendar.due(rules.read(each.rule), start=each.counted_from, closed=closed)
        changes: dict[str, Any] = {
            "pauses": pauses,
            "due_at": found.at,
            "derivation": found.derivation.as_json(),
        }
        row = take(lifecycle.RESUME, each, by=by, at=at, details=_moved(each, found.at), **changes)
        planning.plan(row, closed=closed, at=at)
        actions.follow(row, by=by, at=at)
        resumed.append(row)
    return resumed


def days_held(pauses: list[dict[str, Any]]) -> list[dt.date]:
    """Return the days that do not count: from the day after a clock was held to the day it ran on."""
    days: list[dt.date] = []
    for each in pauses:
        first, last = (calendar.local_date(dt.datetime.fromisoformat(each[k])) for k in ("from", "to"))
        days += [first + calendar.DAY * n for n in range(1, (last - first).days + 1)]
    return days


def _running_or_refuse(
    slug: str, subject: models.Model, organisation: "Organisation | None"
) -> list[Deadline]:
    found = alive(slug, subject, organisation=organisation)
    if not found:
        raise Blocked(f"“{clock_of(slug).title}” does not run here.")
    return found


@transaction.atomic
def extend(
    slug: str,
    subject: models.Model,
    *,
    until: dt.date | dt.datetime,
    basis: str,
    reference: str,
    at: dt.datetime,
    by: "User",
    organisation: "Organisation | None" = None,
) -> list[Deadline]:
    """Move a deadline to a later agreed date, on the basis that its rule asks for.

    `reference` is the id of the written agreement.

    :raises Blocked: if this basis does not extend it, no document is named, or the date is not later
    """
    moment = until if isinstance(until, dt.datetime) else end_of_day(until)
    extended = []
    for each in _running_or_refuse(slug, subject, organisation):
        if why := checks.why_not_extended(each, basis):
            raise Blocked(why)
        if not reference:
            raise Blocked("Name the document in which the extension was agreed.")
        if moment <= max(each.due_at, at):
            raise Blocked("An extension must lead to a later date, and not into the past.")
        found = _agreed(moment, each.counted_from, Kind(each.kind))
        derivation = found.derivation.as_json() | {
            "before": [*each.derivation.get("before", []), each.derivation]
        }
        details = _moved(each, found.at) | {"basis": basis, "reference": reference}
        changes: dict[str, Any] = {"due_at": found.at, "rule": "", "derivation": derivation}
        extended.append(
            _replan(take(lifecycle.EXTEND, each, by=by, at=at, details=details, **changes), by=by, at=at)
        )
    return extended


@transaction.atomic
def excuse(deadline: Deadline, *, reason: str, by: "User", at: dt.datetime) -> Deadline:
    """Record force majeure as the reason for a missed deadline (O-157). It stays missed.

    :raises Blocked: if it was not missed, the law sets it, no reason is given, or somebody else asks
    """
    for why in (is_operating_group(deadline, by), checks.why_not_excused(deadline)):
        if why:
            raise Blocked(why)
    if not reason.strip():
        raise Blocked("Say what happened.")
    return amend(
        "deadline.excused", deadline, by=by, at=at, details=_said(deadline), force_majeure=reason.strip()
    )


@transaction.atomic
def recalculate_all(*, cause: str, by: "User", at: dt.datetime) -> list[Deadline]:
    """Work out all running deadlines in business time anew after the list of closed days changed.

    Each one that moves is written in the ledger and told; none is moved into the past.
    """
    moved = []
    first_in_line()
    in_business_time = Deadline.objects.select_for_update().filter(
        status=Status.RUNNING, rule__contains=":business-"
    )
    for each in in_business_time:
        closed = state_calendar(paused=days_held(each.pauses))
        found = calendar.due(rules.read(each.rule), start=each.counted_from, closed=closed)
        if found.at != each.due_at and found.at > at:
            details = _moved(each, found.at) | {"cause": cause}
            changes: dict[str, Any] = {"due_at": found.at, "derivation": found.derivation.as_json()}
            row = amend("deadline.recalculated", each, by=by, at=at, details=details, **changes)
            moved.append(_replan(row, by=by, at=at))
    return moved


def _replan(row: Deadline, *, by: "User", at: dt.datetime) -> Deadline:
    planning.drop(row, at=at)
    planning.plan(row, closed=state_calendar(paused=days_held(row.pauses)), at=at)
    actions.follow(row, by=by, at=at)
    return row


def _said(row: Deadline) -> dict[str, Any]:
    return {
        "clock": row.slug,
        "subject": row.subject_id,
        "due": row.due_at.isoformat(),
        "organisation": str(row.waiting_on_organisation_id or ""),
    }


def _moved(row: Deadline, to: dt.datetime) -> dict[str, Any]:
    return _said(row) | {"due": to.isoformat(), "was_due": row.due_at.isoformat()}
