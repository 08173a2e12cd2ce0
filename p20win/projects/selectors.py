"""Questions about projects."""

import uuid
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from guardian.shortcuts import get_groups_with_perms, get_objects_for_user

from p20win.accounts.public import Organisation
from p20win.projects.models import Part, Project

if TYPE_CHECKING:
    from p20win.accounts.models import User


def visible_to(user: "User") -> QuerySet[Project]:
    """Return the projects this person may see."""
    projects: QuerySet[Project] = get_objects_for_user(
        user, "projects.view_project", klass=Project, with_superuser=False
    )
    return projects


def where_may(user: "User", permission: str) -> QuerySet[Project]:
    """Return the projects in which this person holds a permission, such as `submit_output`."""
    projects: QuerySet[Project] = get_objects_for_user(
        user,
        f"projects.{permission}",
        klass=Project,
        with_superuser=False,
        accept_global_perms=False,
    )
    return projects


def is_visible(user: "User", project_id: uuid.UUID) -> bool:
    """Say whether this person may see this project."""
    return visible_to(user).filter(pk=project_id).exists()


def organisations_that_see(project: Project) -> QuerySet[Organisation]:
    """Return the organisations whose people may see the project, whatever their part in it."""
    groups: Any = get_groups_with_perms(project, only_with_perms_in=["view_project"])
    return Organisation.objects.filter(group__in=groups).order_by("short_name")


def organisations(project: Project, part: str) -> QuerySet[Organisation]:
    """Return the organisations with this part in the project, by name."""
    return Organisation.objects.filter(participations__project=project, participations__part=part).order_by(
        "short_name"
    )


def takes_part(project: Project, organisation: Organisation) -> bool:
    """Say whether an organisation has any part in the project."""
    return project.participations.filter(organisation=organisation).exists()


def suppliers(project: Project) -> QuerySet[Organisation]:
    """Return the agencies whose data the project uses."""
    return organisations(project, Part.SUPPLIER)


def recipient(project: Project) -> Organisation | None:
    """Return the organisation that receives the resultant data."""
    return organisations(project, Part.RECIPIENT).first()
