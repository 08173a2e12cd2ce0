"""Why not: rules about closing a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agreements import public as agreements
from governance.models import Closing, ClosingStatus
from matching import public as matching
from p20win.accounts.public import Role, any_of, hub, is_hub_staff, is_operating_group, operating_group
from p20win.custody import public as custody
from p20win.projects import public as projects

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User
    from p20win.projects.models import Project


DESTROYED: Final = "governance.left_destroyed"  # the line of work that the vault calls at the end


def sees_to_the_end(subject: object, actor: User) -> str | None:
    """Only the operating group and the hub's staff bring a project to its end."""
    if any_of(is_operating_group, is_hub_staff)(subject, actor) is None:
        return None
    return "Only the operating group or the hub's staff can do this."


def who_sees_to_it(project: Project) -> list[tuple[Role, Organisation]]:
    """Return who can be the second person: the operating group, and the hub where it sees the project."""
    sides = ((Role.OPERATING_GROUP, operating_group()), (Role.HUB_STAFF, hub()))
    seeing = projects.organisations_that_see(project)
    return [(role, side) for role, side in sides if side in seeing or side.is_operating_group]


def is_not_who_asked(closing: Closing, actor: User) -> str | None:
    """A project is closed by two people (C03)."""
    return None if actor.pk != closing.asked_by_id else "You asked for it; another person must confirm it."


def one_is_of_the_operating_group(closing: Closing, actor: User) -> str | None:
    """The operating group runs the process: it is not closed by the hub alone."""
    if any(person.has_role(Role.OPERATING_GROUP) for person in (closing.asked_by, actor)):
        return None
    return "One of the two must be of the operating group."


def may_withdraw(closing: Closing, actor: User) -> str | None:
    """One of the two, or anyone of the operating group, withdraws it; so does a legal hold, by the portal."""
    if actor.is_system or actor.has_role(Role.OPERATING_GROUP):
        return None
    if actor.pk in (closing.asked_by_id, closing.confirmed_by_id):
        return None
    return "Only one of the two people, or the operating group, can withdraw it."


def nothing_prevents_it(closing: Closing, actor: User) -> str | None:
    """What had to be done before the end is done, and no legal hold is in force."""
    return " ".join(what_prevents(closing.project)) or None


def nothing_is_left(closing: Closing, actor: User) -> str | None:
    """The vault has destroyed every key and file."""
    rows = custody.destructions(closing.project).filter(on_done=DESTROYED)
    if rows.exclude(status=custody.DestructionStatus.DONE).exists() or custody.with_anything(closing.project):
        return "The vault has not destroyed all of it yet."
    return None


def what_prevents(project: Project) -> list[str]:
    """Say what has to be done before the project can end; an empty list means nothing."""
    reasons = (
        is_destroyed_at_the_recipient(project),
        is_destroyed_at_the_hub(project),
        custody.why_held(project),
    )
    return [why for why in reasons if why]


def why_not_close(project: Project, actor: User) -> list[str]:
    """Say why this person cannot ask now to close this project; an empty list means they can."""
    reasons = [why] if (why := sees_to_the_end(project, actor)) else []
    if project.closings.exclude(status=ClosingStatus.WITHDRAWN).exists():
        return [*reasons, "Somebody has asked for it already."]
    if why := projects.is_open(project):
        reasons.append(why)
    return reasons + what_prevents(project)


def is_destroyed_at_the_recipient(project: Project) -> str | None:
    """The recipient has filed its certificate (O-85); to whom nothing was delivered has none to file."""
    if not _had_data(project) or matching.extract_for(project) is None:
        return None
    if agreements.certificates(project).filter(kind__in=agreements.OF_THE_RECIPIENT).exists():
        return None
    return "The recipient has not filed the certificate of destruction."


def is_destroyed_at_the_hub(project: Project) -> str | None:
    """The hub's certificate for the inputs is there, and no match of the project holds others (O-65)."""
    match = matching.match_for(project)
    if not _had_data(project) or match is None:
        return None
    if match.status != matching.MatchStatus.INPUTS_DESTROYED:
        return "The match has not come to its end. Abandon it if it will have no result."
    if agreements.certificates(project).filter(kind=agreements.TextKind.HUB_DESTRUCTION).exists():
        return None
    return "The inputs at the hub are not certified as destroyed."


def _had_data(project: Project) -> bool:
    agreement = agreements.agreement_for(project)
    return agreement is not None and agreement.effective_at is not None
