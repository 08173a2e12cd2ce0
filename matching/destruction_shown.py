"""What the page of a match shows of the destruction of its inputs, gathered for one person."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from matching import checks, lifecycle, standing, timing
from matching.models import Match, MatchStatus, OrderStatus
from matching.services import hastening, ordering
from matching.services.choosing import AGREEMENT
from matching.services.signing import DESTRUCTION
from p20win import policy
from p20win.accounts.public import Role, system_user
from p20win.deadlines import public as deadlines
from p20win.workflow import blockers

if TYPE_CHECKING:
    from p20win.accounts.models import User


def destruction(match: Match, person: "User", at: dt.datetime) -> dict[str, Any]:
    """Return how the destruction stands: its clock and moments, the order, and what this person may do."""
    order = ordering.order_of(match)
    is_hub = person.has_role(Role.HUB_STAFF)
    shown: dict[str, Any] = {
        "order": order,
        "withdrawn": match.destruction_orders.filter(status=OrderStatus.WITHDRAWN)[:5],
        "may_ask": is_hub and not ordering.why_not_ask(match, person),
    }
    if order is not None:
        shown |= {
            "may_confirm": is_hub and order.status == OrderStatus.ASKED,
            "why_not_confirm": blockers(lifecycle.CONFIRM_ORDER, order, person),
            "may_withdraw": not ordering.why_not_withdraw(order, person, at),
            "can_stop": not ordering.why_not_withdraw(order, order.confirmed_by or order.asked_by, at),
            "extract_waits": checks.extract_is_made(order, system_user()),
        }
    rules = hastening.derivation(match, start=at)
    shown |= {"rules": rules, "may_set_rule": not hastening.why_not_set(match, person)}
    return shown | _not_started(match) | _moments(match, rules)


def _not_started(match: Match) -> dict[str, Any]:
    """Return what the clock waits for: the parties' word, each with its own clock and escalation."""
    if match.status in standing.AFTER_SIGN_OFF or match.abandoned_at:
        return {}
    text = "The input files are destroyed in time after every party has said that the match is optimal. " + (
        "The match has not come to a result yet." if match.status != MatchStatus.LINKED else ""
    )
    if match.status == MatchStatus.LINKED and not standing.terms(match).limitations:
        text += "First the hub describes the limits of the result."
    run = standing.latest_result(match) if match.status == MatchStatus.LINKED else None
    waiting = []
    for row in standing.signoffs(run) if run else ():
        clock = None if row.signature_id else deadlines.of_subject(row, AGREEMENT).first()
        if clock is not None:
            waiting.append({"who": row.organisation.short_name, "due": clock.due_at, "late": clock.is_late})
    return {"not_started": text.strip(), "waiting": waiting}


def _moments(match: Match, rules: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the moments of a running clock, each following from the one before."""
    clock = next(iter(deadlines.alive(DESTRUCTION, match)), None)
    if clock is None or clock.status == deadlines.Status.PAUSED:
        return {}
    found = timing.timing(clock, deadlines.calendar_of(clock))
    agreed = "all parties, in writing"
    whose = next((row["whose"] for row in rules if row["wins"]), agreed) if clock.rule else agreed
    is_agreed = not clock.rule and found.limit_at == found.due_at
    limit = "The day that all parties agreed on" if is_agreed else "The agreement’s limit"
    copies, work = policy.KEY_SNAPSHOT_DAYS, policy.DESTRUCTION_WORK_HOURS
    steps = [
        ("The strictest clock runs out, that of " + whose, found.due_at),
        (f"{limit}, by which no copy of a key may be left", found.limit_at),
        (f"Copies of the key store live {copies} days, so for them a key must go by", found.for_copies_at),
        ("The keys are destroyed at the latest, the earlier of clock and copies", found.last_at),
        (f"The vault begins, with {work} hour for the work", found.begins_at),
        ("The portal orders it, with an hour’s notice to everyone", found.sets_at),
    ]
    return {"timing": found, "steps": [{"label": label, "at": moment} for label, moment in steps]}
