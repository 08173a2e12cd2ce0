"""Why not: what an answer to the recipient's question can still lead to (O-75)."""

import datetime as dt

from agreements import public as agreements
from matching.models import Match, MatchStatus, OrderStatus, Outcome, Question

SENT_ANEW = "Another match: the agencies send their files anew"


def why_not_lead_to(question: Question, outcome: str, at: dt.datetime) -> str | None:
    """Say why this answer cannot lead to that any more; None means it can."""
    match = question.delivery.match
    if outcome == Outcome.REPLACEMENT:
        return _why_no_version(match)
    if outcome == Outcome.RERUN:
        return _why_no_match(match, at)
    return None


def outcomes(question: Question, at: dt.datetime) -> list[tuple[str, str]]:
    """Return what an answer can lead to now, in words that are true now."""
    return [
        (value, SENT_ANEW if value == Outcome.RERUN and _inputs_go(question.delivery.match) else label)
        for value, label in Outcome.choices
        if why_not_lead_to(question, value, at) is None
    ]


def not_any_more(question: Question, at: dt.datetime) -> list[str]:
    """Return why an answer does not offer what it could have before."""
    found = (why_not_lead_to(question, value, at) for value in Outcome.values)
    return [why for why in found if why]


def _inputs_go(match: Match) -> bool:
    begun = match.destruction_orders.filter(status=OrderStatus.BEGUN).exists()
    return match.status == MatchStatus.INPUTS_DESTROYED or begun


def _why_no_version(match: Match) -> str | None:
    if _inputs_go(match):
        return "The input files are destroyed, so no new version can be made of them."
    return None if match.status == MatchStatus.DELIVERED else "Nothing of this match was delivered."


def _why_no_match(match: Match, at: dt.datetime) -> str | None:
    if agreements.in_force(match.project, at) is None:
        return "No data sharing agreement is in force, so the agencies send nothing for another match."
    if Match.objects.filter(project=match.project_id, number__gt=match.number).exists():
        return "Another match has been opened since."
    return None
