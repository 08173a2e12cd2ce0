"""Why a deadline may not be paused, extended or excused."""

from typing import TYPE_CHECKING

from p20win.calendar import BusinessDays
from p20win.deadlines import rules
from p20win.deadlines.clocks import Basis, clock_of
from p20win.deadlines.models import Deadline

if TYPE_CHECKING:
    from p20win.accounts.models import User

WORDS = {
    Basis.ALL_PARTIES: "all parties agree in writing",
    Basis.CONTINUATION: "a continuation of the request is approved and signed by all parties",
    Basis.PARTY_CONCERNED: "the agency concerned agrees in writing",
    Basis.OWN_NOTICE: "the agency that gave the notice extends it",
    Basis.OPERATING_GROUP: "the operating group moves it",
}


def may_be_paused(deadline: Deadline, actor: "User") -> str | None:
    """Only some clocks can stand still."""
    if not clock_of(deadline.slug).paused_while:
        return f"“{deadline.title}” runs on; nothing may hold it."
    if not deadline.rule or not isinstance(rules.read(deadline.rule), BusinessDays):
        return f"“{deadline.title}” has an agreed date, which does not move by itself."
    return None


def stops_for_a_hold(deadline: Deadline, actor: "User") -> str | None:
    """Only the clocks of destruction stop for a legal hold."""
    if clock_of(deadline.slug).held_by_law:
        return None
    return f"“{deadline.title}” runs on; a legal hold does not stop it."


def why_not_extended(deadline: Deadline, basis: str) -> str | None:
    """Say why this basis does not extend this deadline; None means it does."""
    allowed = clock_of(deadline.slug).extended_on
    if allowed is None:
        return f"“{deadline.title}” cannot be extended."
    return None if basis == allowed else f"“{deadline.title}” is extended only if {WORDS[allowed]}."


def why_not_excused(deadline: Deadline) -> str | None:
    """Say why a reason of force majeure cannot be recorded; None means it can (O-157)."""
    if not deadline.is_late:
        return "Only a missed deadline can be excused."
    return "The law sets this deadline; nothing excuses it." if clock_of(deadline.slug).set_by_law else None
