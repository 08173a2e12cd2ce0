"""Why a person may not act: standing."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from p20win import policy
from p20win.accounts.models import Organisation, Role, Standing
from p20win.calendar import BusinessDays, Hours

if TYPE_CHECKING:
    from p20win.access import AccessAsk
    from p20win.accounts.models import SigningKey, User
    from p20win.workflow import Check


def why_not_in_standing(ask: "AccessAsk") -> str | None:
    """Answer the access decision: suspended or departed people and agencies touch nothing (O-41, O-109)."""
    person = ask.person
    if not person.is_active or person.standing != Standing.ACTIVE:
        return "This account is suspended or closed."
    organisation = person.organisation
    if organisation is not None and organisation.standing != Standing.ACTIVE:
        return f"{organisation.short_name} does not take part at present."
    return None


def is_operating_group(subject: Any, actor: "User") -> str | None:
    """Only the operating group does this."""
    return None if actor.has_role(Role.OPERATING_GROUP) else "Only the operating group can do this."


def is_hub_staff(subject: Any, actor: "User") -> str | None:
    """Only the hub's staff do this."""
    return None if actor.has_role(Role.HUB_STAFF) else "Only staff of the data integration hub can do this."


def is_system(subject: Any, actor: "User") -> str | None:
    """Only the portal itself does this."""
    return None if actor.is_system else "The portal does this by itself."


def why_not_role(actor: "User", role: str, organisation: Organisation) -> str | None:
    """Say why this person does not act in this role for this organisation."""
    if actor.has_role(role, organisation):
        return None
    return f"Only a {Role(role).label.lower()} of {organisation.short_name} can do this."


def why_not_input_rule(rule: Hours | BusinessDays) -> str | None:
    """Say why nobody's inputs can be destroyed by this rule: no agreement allows so much time (O-65)."""
    most = policy.INPUT_DESTRUCTION.count
    if rule.count < 1:
        return "Name at least one hour or one business day."
    if isinstance(rule, BusinessDays) and rule.count > most:
        return f"Agreements allow {policy.INPUT_DESTRUCTION} at most."
    if isinstance(rule, Hours) and rule.count > most * 24:  # so few hours end before so many business days
        return f"Name {most * 24} hours at most; agreements allow {policy.INPUT_DESTRUCTION}."
    return None


def why_not_key(key: "SigningKey", at: dt.datetime) -> str | None:
    """Say why an agency's key signs nothing at this time (T03)."""
    if key.revoked_at:
        return "This key was revoked."
    if key.ends_at and key.ends_at <= at:
        return "This key was replaced by another, and its time is over."
    if at < key.usable_from:
        return "This key was enrolled less than a day ago and cannot be used yet."
    return None


def any_of(*checks: "Check") -> "Check":
    """Return a check that is content when one of these is."""

    def check(subject: Any, actor: "User") -> str | None:
        whys = [check(subject, actor) for check in checks]
        return None if None in whys else " ".join(dict.fromkeys(w for w in whys if w))

    return check
