"""Why not: rules about inviting the supplier of a list, and who sees what came of it (O-124)."""

from typing import TYPE_CHECKING, Final

from matching import checks
from matching.models import ExpectedFile, Match, MatchStatus
from p20win.accounts.public import Standing, User
from p20win.custody import public as custody
from p20win.projects import public as projects

if TYPE_CHECKING:
    from django.db.models import QuerySet

WHILE: Final = frozenset({MatchStatus.COLLECTING, MatchStatus.READY})
"""In these a list that comes in is used by the first run."""


def why_not_invite(match: Match, actor: User) -> list[str]:
    """Say why this person cannot settle now who sends a match's lists; an empty list means they can."""
    reasons = []
    if not checks.arranges(actor):
        reasons.append("Only the hub's staff or the operating group can do this.")
    if match.status not in WHILE:
        reasons.append("The files of this match are linked already, or the match has come to its end.")
    if why := projects.is_open(match.project):
        reasons.append(why)
    return reasons


def lists_to_invite_for(match: Match) -> "QuerySet[ExpectedFile]":
    """Return the lists that an agency is to send for want of a known supplier, and that did not come in."""
    rows = match.expected_files.filter(
        kind=custody.DataClass.IDENTIFIER_LIST,
        is_consent=False,
        slot__invitation=None,
        slot__status=custody.SlotStatus.OPEN,
    )
    under_way = custody.FileStatus.ARRIVED
    return (
        rows.exclude(slot__files__status=under_way).select_related("slot", "agency").order_by("slot__title")
    )


def contacts(match: Match) -> "QuerySet[User]":
    """Return the people who can be asked for a list: of organisations that take no part in the project."""
    parts = match.project.participations.values("organisation")
    rows = User.objects.filter(is_active=True, is_system=False, standing=Standing.ACTIVE)
    rows = rows.filter(organisation__standing=Standing.ACTIVE).exclude(organisation__in=parts)
    rows = rows.exclude(organisation__is_hub=True).exclude(organisation__is_operating_group=True)
    return rows.select_related("organisation").order_by("organisation__short_name", "name")


def knows_of(row: ExpectedFile, person: User) -> bool:
    """Say whether this person is told that a file is waited for, and whether it came.

    What a party sends every party may know of. Of an invited supplier's list: hub, operating group, and the
    agency whose identifier it holds.
    """
    if row.slot.invitation_id is None or checks.arranges(person):
        return True
    return person.organisation_id is not None and person.organisation_id == row.agency_id
