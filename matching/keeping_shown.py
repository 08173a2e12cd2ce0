"""What pages show of keeping the inputs of a match longer, gathered for one person."""

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from matching import checks, keeping_checks, timing
from matching.models import KeepingStatus, Match
from matching.services import keeping
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from p20win.accounts.models import User


def keeping_of(match: Match, person: "User", at: dt.datetime) -> dict[str, Any]:
    """Return what is proposed or was agreed last, who has answered, and what this person may do."""
    if match.signed_off_at is None and match.abandoned_at is None:  # no clock has started
        return {"row": None, "agreed": None, "may_propose": False}
    row = keeping_checks.proposed(match)
    agreed = match.keepings.filter(status=KeepingStatus.AGREED).select_related("proposed_by").first()
    shown: dict[str, Any] = {
        "row": row,
        "agreed": agreed,
        "may_propose": row is None
        and checks.arranges(person)
        and not keeping_checks.why_not_propose(match, person, at),
    }
    if row is None:
        return shown
    mine = keeping_checks.words_of(row, person)
    may_answer = not keeping_checks.why_not_answer(row, person)
    return shown | {
        "words": keeping_checks.words(row),
        "signs": bool(mine),
        "may_answer": may_answer,
        "why_not_sign": keeping_checks.why_not_sign(row, person, at) if mine else [],
        "may_withdraw": keeping_checks.is_who_proposed(row, person) is None,
    }


def page(match: Match, person: "User", at: dt.datetime) -> dict[str, Any]:
    """Return what its own page shows: also why it cannot be proposed, the moments, and what was before."""
    shown = keeping_of(match, person, at)
    row = shown["row"]
    over = match.keepings.exclude(status=KeepingStatus.PROPOSED).select_related("proposed_by")
    return {
        "match": match,
        "keeping": shown,
        "why_not_propose": keeping_checks.why_not_propose(match, person, at) if row is None else [],
        "moments": moments(match, row.until) if row else [],
        "over": [{"row": each, "words": list(keeping_checks.words(each))} for each in over],
    }


def moments(match: Match, until: dt.date | None) -> list[dict[str, Any]]:
    """Return each moment of the destruction as it is now, and as it would be if all agreed on this day."""
    try:
        found = keeping.moments(match, until)
    except Blocked:
        return []
    return [
        {"label": label} | {when: getattr(each, name) for when, each in found.items()}
        for label, name in STEPS
    ]


def latest(match: Match) -> dt.date | None:
    """Return the last day that the hub's own limit allows."""
    clock = keeping_checks.clock_of(match)
    return keeping_checks.latest(clock) if clock else None


STEPS: Final = (
    ("The clock runs out", "due_at"),
    ("No copy of a key is left after", "limit_at"),
    (f"For copies of the key store ({timing.COPIES_LIVE.days} days) a key goes by", "for_copies_at"),
    ("The keys are destroyed at the latest", "last_at"),
    ("The vault begins", "begins_at"),
    ("The portal orders it, if nobody has before", "sets_at"),
)
