"""Doing the match of a standing project again, by a schedule, with new files (O-71)."""

import datetime as dt
import uuid
from typing import TYPE_CHECKING

from django.db import transaction

from matching import checks, lifecycle, selectors, standing
from matching.models import Every, Match, MatchStatus, Repeat, RepeatStatus
from matching.services import opening
from p20win.accounts.public import system_user
from p20win.audit.public import first_in_line
from p20win.calendar import add_months
from p20win.clock import state_date
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import amend, create, take

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project


@transaction.atomic
def set_up(
    project: "Project",
    *,
    every: str,
    first_on: dt.date,
    agreed_in: str,
    map_agreed_in: str = "",
    by: "User",
    at: dt.datetime,
) -> Repeat:
    """Have the next matches of a project opened by themselves: on this day, and so often after it.

    Where the agreement allows it (`map_agreed_in` says where), each delivery tells which link id of the match
    before is which of its own.

    :raises Blocked: if the person may not, the approved request asks for the data once, no agreement is in
        force on that day, there is a schedule already, or it is not said where the parties agreed
    """
    first_in_line()
    project = projects.Project.objects.select_for_update().get(pk=project.pk)
    reasons = checks.why_not_repeat(project, by, at)
    if first_on <= state_date(at):
        reasons.append("The first day must lie in the future. Today’s match can be opened by hand.")
    elif why := checks.why_not_agreed_until(project, first_on, at):
        reasons.append(why)
    if not agreed_in.strip():
        reasons.append("Say where the parties agreed on it.")
    if reasons:
        raise Blocked(reasons)
    row = Repeat(
        project=project,
        status_since=at,
        every=Every(every),
        first_on=first_on,
        next_on=first_on,
        agreed_in=agreed_in.strip(),
        map_agreed_in=map_agreed_in.strip(),
        set_by=by,
        set_at=at,
    )
    details = {"every": row.every, "next_on": first_on.isoformat()}
    details |= {"map_agreed_in": row.map_agreed_in} if row.map_agreed_in else {}
    return create("repeat.set", row, by=by, at=at, note=row.agreed_in, details=details)


@transaction.atomic
def end(repeat: Repeat, *, reason: str, by: "User", at: dt.datetime) -> Repeat:
    """Open no more matches by this schedule; one that is open goes on.

    :raises Blocked: if the person may not, it has ended, or no reason is given
    """
    first_in_line()
    if not reason.strip():
        raise Blocked("Say why. Every party reads it.")
    return take(lifecycle.END_REPEAT, repeat, by=by, at=at, note=reason.strip(), waits_for="")


def open_due(*, at: dt.datetime) -> int:
    """Open the matches whose day has come; say how many. Safe to repeat, and a day missed is made up for.

    One that cannot be opened yet, as the inputs of the last match are not destroyed, waits and says for what.
    The schedule of a closed project ends.
    """
    due = Repeat.objects.filter(status=RepeatStatus.RUNNING, next_on__lte=state_date(at))
    return sum(_open(pk, at=at) for pk in due.order_by("next_on", "pk").values_list("pk", flat=True))


@transaction.atomic
def _open(pk: uuid.UUID, *, at: dt.datetime) -> bool:
    first_in_line()
    rows = Repeat.objects.select_for_update(of=("self",)).select_related("project")
    repeat = rows.filter(pk=pk, status=RepeatStatus.RUNNING, next_on__lte=state_date(at)).first()
    if repeat is None:  # somebody was quicker
        return False
    by = system_user()
    if why := projects.is_not_closed(repeat.project):
        take(lifecycle.END_REPEAT, repeat, by=by, at=at, note=why, waits_for="")
        return False
    try:
        with transaction.atomic():
            match = _next_match(repeat, at=at)
    except Blocked as refusal:
        why = " ".join(refusal.reasons)[:600]
        if why != repeat.waits_for:
            amend("repeat.waits", repeat, by=by, at=at, note=why, waits_for=why)
        return False
    next_on = following(repeat, state_date(at))
    details = {"match": match.number, "next_on": next_on.isoformat()}
    amend("repeat.opened", repeat, by=by, at=at, details=details, next_on=next_on, waits_for="")
    return True


def following(repeat: Repeat, day: dt.date) -> dt.date:
    """Return the first day of the schedule after this day; counted from its first, so a 31st stays a 31st."""
    step, count = Every(repeat.every).months, 0
    while (found := add_months(repeat.first_on, step * count)) <= day:
        count += 1
    return found


def _next_match(repeat: Repeat, *, at: dt.datetime) -> Match:
    """Open the next match as the last one was: its form, encoding, separators, and whose consents.

    :raises Blocked: if it cannot be opened now
    """
    project = repeat.project
    last = selectors.match_for(project)
    if last is None:
        raise Blocked("No match was ever opened here. Open the first one by hand; it settles the form.")
    if last.status != MatchStatus.INPUTS_DESTROYED:
        raise Blocked(f"The inputs of match {last.number} are not destroyed yet.")
    terms = standing.terms(last)
    return opening.open_match(
        project,
        by=system_user(),
        at=at,
        form=terms.form,
        basis=terms.basis,
        map_basis=repeat.map_agreed_in,
        encoding=standing.encoding(last),
        consents=[row.agency for row in standing.consenting(last)],
        commas=standing.takes_commas(last),
    )
