"""Acts on projects."""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import transaction
from guardian.shortcuts import assign_perm, get_group_perms, remove_perm

from p20win.audit.public import first_in_line
from p20win.projects import lifecycle
from p20win.projects.models import Part, Participation, Project, RequestCounter
from p20win.workflow import amend, create, take

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User


def open_project(title: str, *, by: "User", at: dt.datetime) -> Project:
    """Open a project, without a number as yet."""
    return create("project.opened", Project(title=title, opened_at=at, status_since=at), by=by, at=at)


@transaction.atomic
def assign_number(project: Project, *, by: "User", at: dt.datetime) -> Project:
    """Give a project its number, the next in one unbroken sequence; one that has a number keeps it (O-15)."""
    RequestCounter.objects.get_or_create(pk=1)
    first_in_line()
    counter = RequestCounter.objects.select_for_update().get(pk=1)
    first_in_line()
    project = Project.objects.select_for_update().get(pk=project.pk)
    if project.number:
        return project
    counter.last += 1
    counter.save(update_fields=["last"])
    return amend("project.numbered", project, by=by, at=at, number=f"DR-{counter.last:04d}")


def rename(project: Project, title: str, *, by: "User", at: dt.datetime) -> Project:
    """Give a project another title."""
    return project if project.title == title else amend("project.renamed", project, by=by, at=at, title=title)


@transaction.atomic
def take_part(
    project: Project, organisation: "Organisation", part: str, *, by: "User", at: dt.datetime
) -> Participation:
    """Give an organisation a part in a project; one that has it already keeps it."""
    existing = Participation.objects.filter(project=project, organisation=organisation, part=part).first()
    if existing:
        return existing
    row = Participation(project=project, organisation=organisation, part=Part(part))
    return create(
        "project.part_taken", row, by=by, at=at, details={"organisation": organisation.slug, "part": part}
    )


def open_to_person(project: Project, person: "User", permissions: Iterable[str]) -> None:
    """Give a person permissions on a project.

    The caller writes the ledger line of the act this belongs to.
    """
    for permission in permissions:
        assign_perm(f"projects.{permission}", person, project)


def close_to_person(project: Project, person: "User", permissions: Iterable[str]) -> None:
    """Take permissions on a project from a person, at once."""
    for permission in permissions:
        remove_perm(f"projects.{permission}", person, project)


def open_to_organisation(project: Project, organisation: "Organisation", permissions: Iterable[str]) -> None:
    """Give everyone of an organisation permissions on a project."""
    for permission in permissions:
        assign_perm(f"projects.{permission}", organisation.group, project)


def close_to_organisation(project: Project, organisation: "Organisation") -> bool:
    """Take every permission on a project from an organisation, at once; say whether it had any.

    The caller writes the ledger line of the act this belongs to.
    """
    held = get_group_perms(organisation.group, project)
    for permission in held:
        remove_perm(permission, organisation.group, project)
    return bool(held)


def stop_project(project: Project, *, by: "User", at: dt.datetime, note: str = "") -> Project:
    """Let nothing new start in a project, as it is being closed.

    :raises Blocked: if it is not open, or the person is neither of the operating group nor of the hub
    """
    return take(lifecycle.STOP, project, by=by, at=at, note=note)


def let_project_go_on(project: Project, *, by: "User", at: dt.datetime, note: str = "") -> Project:
    """Open a project again that was being closed. :raises Blocked: if it was not, or the person may not"""
    return take(lifecycle.GO_ON, project, by=by, at=at, note=note)


def close_project(project: Project, *, by: "User", at: dt.datetime, note: str = "") -> Project:
    """Close a project: nothing moves in it any more. The portal does so when the hour of a closing is over.

    :raises Blocked: if it is not being closed, or a person tries
    """
    return take(lifecycle.CLOSE, project, by=by, at=at, note=note)
