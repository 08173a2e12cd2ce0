"""Giving a match an end without a result: asked for by one person, confirmed by another, told to every party.

From then what was sent for it is destroyed as that of any other match: ordered by two people of the hub, or
by the clock that starts here (O-65).
"""

import datetime as dt
from typing import TYPE_CHECKING, Final

from django.db import transaction

from matching import abandonment_checks, lifecycle
from matching.abandonment_models import Abandonment, AbandonmentStatus, Ground
from matching.models import Match
from matching.services import choosing, delivering, opening, signing
from p20win.accounts.public import Role, hub, operating_group, system_user
from p20win.audit.public import first_in_line
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from p20win.workflow import create, take

if TYPE_CHECKING:
    from p20win.accounts.models import User

SECOND: Final = "abandonment-confirmation"
NO_RESULT: Final = "The match was abandoned."


def asked_for(match: Match) -> Abandonment | None:
    """Return the end without a result that somebody asked for or that came, if there is one."""
    rows = match.abandonments.exclude(status=AbandonmentStatus.WITHDRAWN)
    return rows.select_related("asked_by", "confirmed_by", "match__project").first()


@transaction.atomic
def ask(
    match: Match, *, ground: str, reason: str, agreed_in: str = "", by: "User", at: dt.datetime
) -> Abandonment:
    """Ask that a match be abandoned. Nothing changes until a second person confirms it.

    :raises Blocked: if the person may not, the match has a result, the ground does not hold, or something is
        not said
    """
    match = _locked(match)
    reasons = abandonment_checks.why_not_ask(match, by)
    if why := abandonment_checks.why_not_on(Ground(ground), match, by, at):
        reasons.append(why)
    if ground == Ground.ALL_AGENCIES and not agreed_in.strip():
        reasons.append("Say where the agencies’ writing is kept.")
    if not reason.strip():
        reasons.append("Say why. Every party reads it.")
    if reasons:
        raise Blocked(reasons)
    row = Abandonment(
        match=match,
        ground=Ground(ground),
        agreed_in=agreed_in.strip(),
        reason=reason.strip(),
        asked_by=by,
        status_since=at,
    )
    row = create("abandonment.asked", row, by=by, at=at, note=row.reason, details={"ground": ground})
    for role, organisation in ((Role.HUB_STAFF, hub()), (Role.OPERATING_GROUP, operating_group())):
        deadlines.start(
            SECOND,
            subject=row,
            project=match.project,
            at=at,
            by=by,
            waiting_on_role=role,
            waiting_on_organisation=organisation,
            where=f"{match.get_absolute_url()}#end",
        )
    return row


@transaction.atomic
def confirm(abandonment: Abandonment, *, by: "User", at: dt.datetime) -> Match:
    """Abandon a match as another person asked. Its uploads close, and the clock of its inputs starts.

    :raises Blocked: if it is one's own asking, the person may not, the ground holds no more, or it links
    """
    match = _locked(abandonment.match)
    abandonment = Abandonment.objects.select_related("asked_by", "match__project").get(pk=abandonment.pk)
    row = take(lifecycle.CONFIRM_ABANDONMENT, abandonment, by=by, at=at, confirmed_by=by)
    deadlines.meet(SECOND, subject=row, at=at, by=by)
    system = system_user()
    choosing.ask_no_more(match, by=system, at=at, note=NO_RESULT)
    details = {"ground": row.ground, "asked_by": str(row.asked_by_id)}
    details |= {"agreed_in": row.agreed_in} if row.agreed_in else {}
    match = take(lifecycle.ABANDON, match, by=by, at=at, note=row.reason, details=details, abandoned_at=at)
    opening.close_uploads(match, at=at, note=NO_RESULT)
    delivering.give_up(match, at=at)
    if match.signed_off_at is None:  # else the clock has been running since
        signing.start_destruction(match, at=at)
    return match


@transaction.atomic
def withdraw(abandonment: Abandonment, *, by: "User", at: dt.datetime) -> Abandonment:
    """Answer that a match shall not be abandoned; it goes on as it was.

    :raises Blocked: if it was confirmed meanwhile, or the person may not
    """
    _locked(abandonment.match)
    row = take(lifecycle.KEEP_MATCH, abandonment, by=by, at=at)
    deadlines.meet(SECOND, subject=row, at=at, by=by)
    return row


def _locked(match: Match) -> Match:
    first_in_line()
    return Match.objects.select_for_update(of=("self",)).select_related("project").get(pk=match.pk)
