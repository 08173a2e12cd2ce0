"""Why not: rules about keeping the inputs of a match longer, which every party signs (O-65)."""

import datetime as dt
from typing import TYPE_CHECKING

from agreements import public as agreements
from matching import checks, standing, timing
from matching.keeping_models import Keeping, KeepingStatus, KeepingWord
from matching.models import Match, MatchStatus, OrderStatus
from p20win import calendar, policy
from p20win.accounts.public import Organisation, Role, people_with_role
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from p20win.accounts.models import User
    from p20win.deadlines.models import Deadline


def clock_of(match: Match) -> "Deadline | None":
    """Return the clock of a match's inputs, unless it stands still or has not started."""
    clock = next(iter(deadlines.alive(timing.DESTRUCTION, match)), None)
    return None if clock is None or clock.status == deadlines.Status.PAUSED else clock


def proposed(match: Match) -> Keeping | None:
    """Return what waits for the parties' signatures now, if anything does."""
    rows = match.keepings.filter(status=KeepingStatus.PROPOSED)
    return rows.select_related("match__project", "proposed_by").first()


def words(keeping: Keeping) -> "QuerySet[KeepingWord]":
    """Return every party's word."""
    return keeping.words.select_related("organisation", "signature", "refused_by", "keeping__match__project")


def parties(match: Match, at: dt.datetime) -> list[tuple[Organisation, bool]]:
    """Return who must sign, and whether it supplies inputs: suppliers, and the parties of the agreement.

    What all parties agreed in the agreement, all parties change, the hub and the recipient too. An invited
    supplier of a list is no party, and would see the project: its affirmation says so, and it is told.
    """
    sent = match.expected_files.filter(slot__invitation=None).select_related("slot__supplier")
    supplying = {row.pk: row for row in standing.agencies(match.project)}
    supplying |= {row.slot.supplier_id: row.slot.supplier for row in sent}
    agreement = agreements.in_force(match.project, at)
    others = agreement.parties.select_related("organisation") if agreement else ()
    all_of_them = supplying | {row.organisation_id: row.organisation for row in others}
    named = sorted(all_of_them.values(), key=lambda row: row.short_name)
    return [(row, row.pk in supplying) for row in named]


def why_not_moved(match: Match, at: dt.datetime) -> list[str]:
    """Say why the clock of these inputs cannot be moved now, whoever agrees to it."""
    if match.status == MatchStatus.INPUTS_DESTROYED:
        return ["The inputs are destroyed."]
    if match.status not in standing.DESTROYABLE:
        return ["The clock has not started: the match is not signed off, nor abandoned."]
    if match.destruction_orders.filter(status=OrderStatus.BEGUN).exists():
        return ["The destruction has begun. Nothing stops it now."]
    if why := custody.why_held(match.project):
        return [why, "The clock stands still meanwhile. The parties agree when it runs again."]
    if clock_of(match) is None:
        return ["No clock runs for these inputs."]
    if agreements.in_force(match.project, at) is None:
        return ["No data sharing agreement is in force by which the parties could agree to it."]
    return []


def why_not_propose(match: Match, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot propose now that the inputs be kept longer; an empty list means they can."""
    reasons = [] if checks.arranges(actor) else ["Only the hub's staff or the operating group can do this."]
    if found := why_not_moved(match, at):
        return [*reasons, *found]
    if proposed(match):
        reasons.append("It has been proposed already and waits for the parties.")
    nobody = [row.short_name for row, _ in parties(match, at) if not _signatories(row).exists()]
    if nobody:
        reasons.append(f"Nobody is an authorised signatory of {', '.join(nobody)}, so it cannot sign.")
    return reasons


def why_not_until(match: Match, until: dt.date, at: dt.datetime) -> list[str]:
    """Say why the inputs cannot be kept until this day; an empty list means they can."""
    clock, agreement = clock_of(match), agreements.in_force(match.project, at)
    if clock is None or agreement is None:
        return why_not_moved(match, at)
    closed = deadlines.calendar_of(clock)
    now, then = timing.timing(clock, closed), timing.as_agreed(clock, until, closed)
    if then.due_at <= now.due_at or then.last_at <= now.last_at:
        return [
            f"The clock by itself keeps them as long. It runs out on {_day(clock.due_at)}; name a later day."
        ]
    if then.sets_at <= at:
        return [
            f"Copies of the key store live {policy.KEY_SNAPSHOT_DAYS} days, so for that day the keys would"
            " have to go at once. Name a later day."
        ]
    reasons = []
    if until > agreement.ends_on:
        reasons.append(f"The agreement ends before that day, on {_day(agreement.ends_on)}.")
    last = latest(clock)
    if until > last:
        most = policy.INPUTS_KEPT_DAYS
        reasons.append(f"Inputs are kept for {most} days from the match at most: until {_day(last)}.")
    return reasons


def latest(clock: "Deadline") -> dt.date:
    """Return the last day that the parties can agree on, whatever the agreement says."""
    return calendar.local_date(clock.counted_from) + dt.timedelta(days=policy.INPUTS_KEPT_DAYS)


def _day(when: dt.date | dt.datetime) -> str:
    day = calendar.local_date(when) if isinstance(when, dt.datetime) else when
    return f"{day:%B} {day.day}, {day.year}"


def _signatories(organisation: Organisation) -> "QuerySet[User]":
    return people_with_role(Role.SIGNATORY, organisation)


def words_of(keeping: Keeping, actor: "User") -> list[KeepingWord]:
    """Return the words that this person may give: of those whom they may bind."""
    return [row for row in words(keeping) if actor.has_role(Role.SIGNATORY, row.organisation)]


def why_not_answer(keeping: Keeping, actor: "User") -> list[str]:
    """Say why this person cannot refuse now for a party; an empty list means they can."""
    if keeping.status != KeepingStatus.PROPOSED:
        return [f"Not possible while the status is “{keeping.get_status_display()}”."]
    mine = words_of(keeping, actor)
    if not mine:
        return ["Only an authorised signatory of a party can answer."]
    return ["Your organisation has signed."] if all(row.signature_id for row in mine) else []


def why_not_sign(keeping: Keeping, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot sign now for a party; an empty list means they can."""
    return (
        why_not_answer(keeping, actor)
        or why_not_moved(keeping.match, at)
        or why_not_until(keeping.match, keeping.until, at)
    )


def speaks_for_a_party(keeping: Keeping, actor: "User") -> str | None:
    """A party answers through who may bind it."""
    return " ".join(why_not_answer(keeping, actor)) or None


def every_party_signed(keeping: Keeping, actor: "User") -> str | None:
    """All expected signatures are there; no party at all is no agreement."""
    rows = list(words(keeping))
    waiting = [row.organisation.short_name for row in rows if row.signature_id is None]
    if rows and not waiting:
        return None
    return f"Waiting for {', '.join(waiting) or 'the parties to be named'}."


def is_who_proposed(keeping: Keeping, actor: "User") -> str | None:
    """Who proposed it withdraws it."""
    return None if actor.pk == keeping.proposed_by_id else "Only who proposed it can withdraw it."
