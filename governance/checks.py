"""Why not: rules about closing a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agreements import public as agreements
from matching import public as matching
from p20win.accounts.public import any_of, is_operating_group, is_system
from p20win.custody import public as custody
from p20win.projects import public as projects

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project


def why_not_close(project: Project, actor: User) -> list[str]:
    """Say why this project cannot be closed now; an empty list means it can."""
    reasons = [
        why
        for why in (
            any_of(is_operating_group, is_system)(project, actor),
            projects.is_open(project),
            is_destroyed_at_the_recipient(project, actor),
            is_destroyed_at_the_hub(project, actor),
            custody.why_held(project),
        )
        if why
    ]
    return list(dict.fromkeys(reasons))


def is_destroyed_at_the_recipient(project: Project, actor: User) -> str | None:
    """The recipient has filed its certificate (O-85); to whom nothing was delivered has none to file."""
    if not _had_data(project) or matching.extract_for(project) is None:
        return None
    if agreements.certificates(project).exclude(kind="hub_destruction").exists():
        return None
    return "The recipient has not filed the certificate of destruction."


def is_destroyed_at_the_hub(project: Project, actor: User) -> str | None:
    """The hub's certificate for the inputs is there, and no match of the project holds others (O-65)."""
    match = matching.match_for(project)
    if not _had_data(project) or match is None:
        return None
    if match.status != matching.MatchStatus.INPUTS_DESTROYED:
        return "The match has not come to its end. Abandon it if it will have no result."
    if agreements.certificates(project).filter(kind="hub_destruction").exists():
        return None
    return "The inputs at the hub are not certified as destroyed."


def _had_data(project: Project) -> bool:
    agreement = agreements.agreement_for(project)
    return agreement is not None and agreement.effective_at is not None
