"""Within what the inputs of a match are destroyed: everybody's rule, which wins, a match's own (O-107)."""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from agreements import public as agreements
from matching import checks, standing
from matching.models import Match
from p20win.accounts.public import why_not_input_rule
from p20win.audit.public import first_in_line
from p20win.calendar import BusinessDays, Hours, Rule
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from p20win.workflow import amend
from requests_app import public as requests

if TYPE_CHECKING:
    from p20win.accounts.models import User

AGREEMENT: Final = "the agreement"
THIS_MATCH: Final = "this match"


@dataclass(frozen=True)
class Said:
    """What one party says: within what the inputs are destroyed; None leaves it to the agreement."""

    whose: str
    within: Hours | BusinessDays | None
    why: str = ""


def said(match: Match) -> list[Said]:
    """Return everybody's rule: who supplies files, who supplies lists, the agreement, this match alone."""
    agencies = standing.agencies(match.project)
    named = {row.pk: row for row in requests.list_suppliers(match.project)}
    named |= {row.supplier_id: row.supplier for row in standing.invited(match)}
    lists = sorted((row for row in named.values() if row not in agencies), key=lambda row: row.short_name)
    found = [Said(row.short_name, row.input_rule) for row in agencies]
    found += [Said(row.short_name, row.input_rule, "It supplies a list of identifiers.") for row in lists]
    if match.own_rule:
        found.append(Said(THIS_MATCH, match.own_rule, match.own_rule_reason))
    agreement = agreements.in_force(match.project, match.signed_off_at or match.status_since)
    return found + [Said(AGREEMENT, rule) for rule in agreements.input_rules(agreement)]


def strictest(rules: list[Said], *, start: dt.datetime) -> Said:
    """Return the rule that ends first if the clock starts then; of several the first that is named."""
    own = {str(number): each.within for number, each in enumerate(rules) if each.within is not None}
    name, _ = deadlines.strictest(own, start=start)
    return rules[int(name)]


def destruction_rule(match: Match) -> tuple[str, Rule]:
    """Return the strictest rule for the destruction of the inputs, and whose it is (O-65, O-107)."""
    found = strictest(said(match), start=match.signed_off_at or match.status_since)
    if found.within is None:
        raise LookupError("Only who names a time can be the strictest.")
    return found.whose, found.within


def derivation(match: Match, *, start: dt.datetime) -> list[dict[str, Any]]:
    """Return how the clock comes about: everybody's rule, and which wins if it starts then.

    After the sign-off it is what counted then: a rule changed later moves no clock that runs.
    """
    if match.destruction_rules:
        return list(match.destruction_rules)
    rules = said(match)
    wins = strictest(rules, start=start)
    return [
        {"whose": row.whose, "within": str(row.within or ""), "why": row.why, "wins": row is wins}
        for row in rules
    ]


def why_not_set(match: Match, actor: "User") -> list[str]:
    """Say why this person cannot set a clock for this match alone; an empty list means they can."""
    reasons = []
    if not checks.arranges(actor):
        reasons.append("Only the hub's staff or the operating group can do this.")
    if match.status in standing.AFTER_SIGN_OFF | standing.DESTROYABLE:
        reasons.append("The match has come to its end, and its clock runs. Order the destruction instead.")
    return reasons


@transaction.atomic
def set_own(
    match: Match, rule: Hours | BusinessDays | None, *, reason: str, by: "User", at: dt.datetime
) -> Match:
    """Set a stricter clock for the inputs of this match, or take it back with None, before the sign-off.

    :raises Blocked: after the sign-off, by others than hub and operating group, without a reason, or if
        somebody's rule asks for less time anyway
    """
    first_in_line()
    match = Match.objects.select_for_update(of=("self",)).select_related("project").get(pk=match.pk)
    reasons = why_not_set(match, by)
    if rule is not None and (why := why_not_input_rule(rule) or _why_looser(match, rule, at)):
        reasons.append(why)
    if rule is None and match.own_rule is None:
        reasons.append("No clock was set for this match alone.")
    if not reason.strip():
        reasons.append("Say why.")
    if reasons:
        raise Blocked(reasons)
    return amend(
        "match.destruction_rule_set",
        match,
        by=by,
        at=at,
        note=reason.strip(),
        details={"before": str(match.own_rule or ""), "after": str(rule or "")},
        own_rule_hours=rule.count if isinstance(rule, Hours) else None,
        own_rule_business_days=rule.count if isinstance(rule, BusinessDays) else None,
        own_rule_reason=reason.strip()[:500] if rule else "",
    )


def _why_looser(match: Match, rule: Hours | BusinessDays, at: dt.datetime) -> str | None:
    """Say whose rule leaves less time than this one does, if the clock started now."""
    others = [row for row in said(match) if row.whose != THIS_MATCH]
    first = strictest([*others, Said(THIS_MATCH, rule)], start=at)
    if first.whose == THIS_MATCH or first.within is None or _ends(first.within, at) == _ends(rule, at):
        return None
    return f"The rule of {first.whose} leaves less time: {first.within}. Only a stricter one can be set."


def _ends(rule: Rule, start: dt.datetime) -> dt.datetime:
    return deadlines.due(rule, start=start).at
