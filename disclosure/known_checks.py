"""Why not: rules about the hierarchies and public tables that a project's checks know."""

import datetime as dt
from typing import TYPE_CHECKING

from disclosure import checks
from disclosure.models import Known, OutputCheck, OutputStatus
from p20win.accounts.public import is_operating_group
from p20win.projects import public as projects

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from p20win.accounts.models import User
    from p20win.projects.models import Project


def why_not_load(project: "Project", actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person may not load what is known in this project; an empty list means they may."""
    if why := projects.is_open(project):
        return [why]
    if is_operating_group(project, actor) is None:
        return []
    if checks.why_not_submit(project, actor, at):
        return ["Only who submits this project's outputs, or the operating group, can do this."]
    return []


def why_not_remove(known: Known, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person may not remove this record now; an empty list means they may."""
    if known.removed_at is not None:
        return ["It is removed already."]
    if known.tells_kin:
        return ["What was said of who is counted is not removed: the operating group corrects it."]
    if reasons := why_not_load(known.project, actor, at):
        return reasons
    if with_it := released_with(known).first():
        return [f"“{with_it.output.title}” was released with it, so it stays. Load a new version instead."]
    return []


def released_with(known: Known) -> "QuerySet[OutputCheck]":
    """Return the checks of released outputs that were made with this record."""
    rows = OutputCheck.objects.filter(
        project=known.project_id, output__status=OutputStatus.RELEASED, known__contains=[str(known.pk)]
    )
    return rows.select_related("output")
