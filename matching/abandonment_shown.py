"""What the page of a match shows of an end without a result, gathered for one person."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from agreements import public as agreements
from matching import abandonment_checks, lifecycle
from matching.models import AbandonmentStatus, Match
from matching.services import abandoning
from p20win.workflow import blockers

if TYPE_CHECKING:
    from p20win.accounts.models import User


def ending(match: Match, person: "User", at: dt.datetime) -> dict[str, Any]:
    """Return whether it was asked for or came, and what this person may do about it."""
    row = abandoning.asked_for(match)
    waits = row is not None and row.status == AbandonmentStatus.ASKED
    may_ask = not abandonment_checks.why_not_ask(match, person)
    return {
        "row": row,
        "may_ask": may_ask,
        "agreement_over": may_ask and agreements.in_force(match.project, at) is None,
        "may_answer": waits and abandonment_checks.sees_to_ends(match, person) is None,
        "why_not_confirm": blockers(lifecycle.CONFIRM_ABANDONMENT, row, person) if row and waits else [],
    }
