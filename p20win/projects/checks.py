"""Why a person may not act in a project: permissions and standing."""

from typing import TYPE_CHECKING, Final

from guardian.shortcuts import get_perms

from p20win.once import once
from p20win.projects.models import Project, ProjectStanding

if TYPE_CHECKING:
    from p20win.access import AccessAsk
    from p20win.accounts.models import User

# Which permission an act on data asks for.
PERMISSION_FOR_ACT: Final = {
    "upload": "send_files",
    "supply": "supply_list",
    "match": "run_match",
    "sign_off": "sign_off_match",
    "download": "download_extract",
    "submit_output": "submit_output",
    "review_output": "review_output",
    "see_counts": "review_output",
}
_WORDS: Final[dict[str, str]] = {ProjectStanding.CLOSING: "being closed", ProjectStanding.CLOSED: "closed"}


def why_no_permission(ask: "AccessAsk") -> str | None:
    """Answer the access decision: the project is open and the person holds its permission for this act."""
    if ask.project.status != ProjectStanding.OPEN:
        return f"{ask.project.number or 'The project'} is {_WORDS[ask.project.status]}."
    permission = PERMISSION_FOR_ACT.get(ask.act)
    # The author of an output sees its counts too: they brought them.
    names = [permission] if permission else []
    if ask.act == "see_counts":
        names.append("submit_output")
    if not _held(ask.person, ask.project).isdisjoint(names):
        return None
    return "You have no part in this project that allows this."


@once
def _held(person: "User", project: Project) -> frozenset[str]:
    return frozenset(get_perms(person, project))


def is_open(project: Project) -> str | None:
    """A project that is closed, or about to be, takes nothing in and gives nothing out."""
    return None if project.status == ProjectStanding.OPEN else f"The project is {_WORDS[project.status]}."


def is_not_closed(project: Project) -> str | None:
    """Work that was under way when the closing was confirmed may end; in a closed project nothing does."""
    return is_open(project) if project.status == ProjectStanding.CLOSED else None
