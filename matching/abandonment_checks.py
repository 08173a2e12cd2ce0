"""Why not: rules about a match that ends without a result."""

import datetime as dt
from typing import TYPE_CHECKING

from agreements import public as agreements
from matching import checks, standing
from matching.abandonment_models import Abandonment, AbandonmentStatus, Ground
from matching.models import DeliveryStatus, Match, MatchStatus
from p20win import clock
from p20win.accounts.public import Role
from p20win.jobs import public as jobs

if TYPE_CHECKING:
    from p20win.accounts.models import User


def sees_to_ends(subject: object, actor: "User") -> str | None:
    """Only the hub's staff and the operating group bring a match to its end without a result."""
    if checks.arranges(actor):
        return None
    return "Only the hub's staff or the operating group can do this."


def is_not_who_asked(abandonment: Abandonment, actor: "User") -> str | None:
    """A match is abandoned by two people (C03)."""
    return (
        None if actor.pk != abandonment.asked_by_id else "You asked for it; another person must confirm it."
    )


def ground_holds(abandonment: Abandonment, actor: "User") -> str | None:
    """What it was asked for on is still so."""
    return why_not_on(Ground(abandonment.ground), abandonment.match, abandonment.asked_by, clock.now())


def why_not_on(ground: Ground, match: Match, asker: "User", at: dt.datetime) -> str | None:
    """Say why a match cannot be abandoned on this ground by this person."""
    if ground == Ground.AGREEMENT_ENDED and agreements.in_force(match.project, at) is not None:
        return "The agreement is in force. Choose on what else the match is abandoned."
    if ground == Ground.OPERATING_GROUP and not asker.has_role(Role.OPERATING_GROUP):
        return "Only the operating group decides it by itself: one of its people asks and says why."
    return None


def no_run_is_under_way(abandonment: Abandonment, actor: "User") -> str | None:
    """The vault does not link now. A run whose work is given up ends by that."""
    if abandonment.match.status != MatchStatus.LINKING:
        return None
    return "The vault links the files now. Wait until the run has ended."


def no_extract_comes(match: Match, actor: "User") -> str | None:
    """Once every party agreed, a match is abandoned only if its extract cannot be made and none was."""
    if match.status not in standing.AFTER_SIGN_OFF:
        return None
    if match.status == MatchStatus.SIGNED_OFF:
        delivery = match.deliveries.filter(status=DeliveryStatus.PREPARING).first()
        job = jobs.latest("matching.build_extract", delivery_id=delivery.pk) if delivery else None
        if job is not None and job.state in (jobs.State.REFUSED, jobs.State.FAILED):
            return None
    return "Every party agreed to the result. The match has an end of its own."


def two_abandon_it(match: Match, actor: "User") -> str | None:
    """One person asked for it and another confirmed it."""
    if match.abandonments.filter(status=AbandonmentStatus.CONFIRMED).exists():
        return None
    return "One person asks for it, and another confirms it."


def why_not_ask(match: Match, actor: "User") -> list[str]:
    """Say why this person cannot ask now that a match be abandoned; an empty list means they can."""
    reasons = [why] if (why := sees_to_ends(match, actor)) else []
    if match.status == MatchStatus.ABANDONED or match.abandoned_at:
        return [*reasons, "The match was abandoned."]
    if why := no_extract_comes(match, actor):
        return [*reasons, why]
    if match.abandonments.filter(status=AbandonmentStatus.ASKED).exists():
        reasons.append("It has been asked for already and waits for a second person.")
    return reasons
