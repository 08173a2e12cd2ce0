"""Legal holds: while one is in force nothing of its project is destroyed at the hub.

Each comes into force and is lifted by two different people. It ends by itself on its day.
"""

import datetime as dt
from typing import TYPE_CHECKING, Final

from django.db import transaction

from p20win import calendar, policy
from p20win.accounts.public import Role, hub, operating_group, system_user
from p20win.audit.public import first_in_line
from p20win.custody import checks, lifecycle
from p20win.custody.models import HOLDING, HoldStatus, LegalHold
from p20win.custody.selectors import holds_in_force
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from p20win.workflow import create, take

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project

CLOCK: Final = "legal-hold"
SECOND: Final = "hold-confirmation"


def why_not_ask(project: "Project", actor: "User") -> list[str]:
    """Say why this person cannot ask for a hold on this project; an empty list means they can."""
    reasons = [why] if (why := checks.looks_after_holds(None, actor)) else []
    if LegalHold.objects.filter(project=project, status=HoldStatus.ASKED).exists():
        reasons.append("A hold has been asked for already and waits for a second person.")
    return reasons


@transaction.atomic
def ask_hold(
    project: "Project", *, authority: str, reason: str, until: dt.date, by: "User", at: dt.datetime
) -> LegalHold:
    """Ask for a hold until the end of a day. It holds nothing until a second person puts it in force.

    :raises Blocked: if the person may not, something is not said, or the day has passed or is too far away
    """
    first_in_line()
    reasons = why_not_ask(project, by)
    if not authority.strip() or not reason.strip():
        reasons.append("Say who ordered the hold, and why.")
    last = deadlines.due(policy.LEGAL_HOLD, start=at).day
    if not calendar.local_date(at) <= until <= last:
        reasons.append(f"A hold lasts until today at the earliest and {last:%d %B %Y} at the latest.")
    if reasons:
        raise Blocked(reasons)
    row = LegalHold(
        project=project,
        authority=authority.strip(),
        reason=reason.strip(),
        until=until,
        asked_by=by,
        status_since=at,
    )
    row = create("hold.asked", row, by=by, at=at, details={"until": until.isoformat()})
    _wait_for_second(row, by=by, at=at)
    return row


def _wait_for_second(hold: LegalHold, *, by: "User", at: dt.datetime) -> None:
    """Let it stand on the home pages of both sides that can be the second person."""
    for role, organisation in ((Role.HUB_STAFF, hub()), (Role.OPERATING_GROUP, operating_group())):
        deadlines.start(
            SECOND,
            subject=hold,
            project=hold.project,
            at=at,
            by=by,
            waiting_on_role=role,
            waiting_on_organisation=organisation,
        )


@transaction.atomic
def confirm_hold(hold: LegalHold, *, by: "User", at: dt.datetime) -> LegalHold:
    """Put a hold in force that another person asked for; the clocks of destruction stand still.

    What the vault has begun to destroy is not brought back.

    :raises Blocked: if it is one's own, over, or in force
    """
    if calendar.local_date(at) > hold.until:
        raise Blocked("Its last day has passed. Take it back and ask for a new one.")
    details = {"until": hold.until.isoformat()}
    hold = take(lifecycle.CONFIRM_HOLD, hold, by=by, at=at, details=details, confirmed_by=by)
    deadlines.meet(SECOND, subject=hold, at=at, by=by)
    deadlines.start(
        CLOCK,
        subject=hold,
        project=hold.project,
        at=at,
        by=by,
        on=hold.until,
        waiting_on_role=Role.OPERATING_GROUP,
        waiting_on_organisation=operating_group(),
    )
    hold_clocks(hold.project, by=by, at=at)
    return hold


@transaction.atomic
def withdraw_hold(hold: LegalHold, *, by: "User", at: dt.datetime) -> LegalHold:
    """Drop a hold that is not in force yet. :raises Blocked: if it is, or the person may not"""
    hold = take(lifecycle.WITHDRAW_HOLD, hold, by=by, at=at)
    deadlines.meet(SECOND, subject=hold, at=at, by=by)
    return hold


@transaction.atomic
def ask_lift(hold: LegalHold, *, reason: str, by: "User", at: dt.datetime) -> LegalHold:
    """Ask that a hold be lifted before its day. It stays in force until a second person lifts it.

    :raises Blocked: if the person may not, gives no reason, or it is not in force
    """
    if not reason.strip():
        raise Blocked("Say why the hold can end.")
    said = reason.strip()
    hold = take(lifecycle.ASK_LIFT, hold, by=by, at=at, note=said, lift_asked_by=by, lift_reason=said)
    _wait_for_second(hold, by=by, at=at)
    return hold


@transaction.atomic
def keep_hold(hold: LegalHold, *, by: "User", at: dt.datetime) -> LegalHold:
    """Answer that a hold shall not be lifted. :raises Blocked: if nobody asked, or the person may not"""
    hold = take(lifecycle.KEEP_HOLD, hold, by=by, at=at, lift_asked_by=None, lift_reason="")
    deadlines.meet(SECOND, subject=hold, at=at, by=by)
    return hold


@transaction.atomic
def lift_hold(hold: LegalHold, *, by: "User", at: dt.datetime) -> LegalHold:
    """Lift a hold that another person asked to be lifted; the clocks run on if no other hold stops them.

    :raises Blocked: if it is one's own asking, or nobody asked
    """
    hold = take(lifecycle.LIFT, hold, by=by, at=at, note=hold.lift_reason, lifted_by=by)
    deadlines.meet(SECOND, subject=hold, at=at, by=by)
    deadlines.cancel(CLOCK, subject=hold, at=at, by=by, note="The hold was lifted.")
    _let_run(hold, by=by, at=at)
    return hold


@transaction.atomic
def lapse(hold: LegalHold, *, at: dt.datetime) -> LegalHold:
    """End a hold whose last day has passed; safe to do twice."""
    first_in_line()
    hold = LegalHold.objects.select_for_update().get(pk=hold.pk)
    if hold.status not in HOLDING or calendar.local_date(at) <= hold.until:
        return hold
    by = system_user()
    hold = take(lifecycle.LAPSE, hold, by=by, at=at)
    deadlines.cancel(SECOND, subject=hold, at=at, by=by, note="The hold ended on its day.")
    _let_run(hold, by=by, at=at)
    return hold


def _let_run(hold: LegalHold, *, by: "User", at: dt.datetime) -> None:
    if not holds_in_force(hold.project).exists():
        deadlines.let_run(hold.project, by=by, at=at)


def why_held(project: "Project") -> str | None:
    """Say why nothing of a project may be destroyed now, in words for everyone in it; None means it may."""
    hold = holds_in_force(project).order_by("-until").first()
    if hold is None:
        return None
    return (
        f"A legal hold of {hold.authority} is in force until {hold.until:%B} {hold.until.day},"
        f" {hold.until.year}. Nothing of this project is destroyed at the hub meanwhile."
    )


def hold_clocks(project: "Project", *, by: "User", at: dt.datetime) -> None:
    """Stop the clocks of destruction that run although a hold is in force: also one that just started."""
    if why := why_held(project):
        deadlines.hold_destruction(project, reason=why, by=by, at=at)
