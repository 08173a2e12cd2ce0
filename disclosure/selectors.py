"""Questions about outputs."""

from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from disclosure.models import Output, OutputStatus
from disclosure.standing import (
    beside,
    clean_tables,
    clearances,
    expected_parties,
    latest_check,
    not_comparable,
)
from p20win.projects import public as projects

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project

__all__ = [
    "beside",
    "clean_tables",
    "clearances",
    "expected_parties",
    "latest_check",
    "not_comparable",
    "open_to_author",
    "outputs",
    "released",
    "visible_to",
]
# What others than the author see: what was sent to the agencies, whatever became of it.
SENT = Q(sent_at__isnull=False)


def visible_to(user: "User") -> QuerySet[Output]:
    """Return the outputs this person wrote, and those sent to the agencies in the projects they see."""
    seen = Q(author=user) | SENT & Q(project__in=projects.visible_to(user).values("pk"))
    return Output.objects.filter(seen).select_related("project", "author", "planned")


def outputs(project: "Project") -> QuerySet[Output]:
    """Return a project's outputs, the latest first; self-checks are none."""
    return Output.objects.filter(project=project, is_trial=False).select_related("author", "planned")


def released(project: "Project") -> QuerySet[Output]:
    """Return the outputs of a project that are public, in the order of their release."""
    return outputs(project).filter(status=OutputStatus.RELEASED).order_by("released_at")


def open_to_author(user: "User") -> list["Project"]:
    """Return the projects whose outputs this person may submit."""
    theirs = projects.where_may(user, "submit_output").values("pk")
    return list(projects.visible_to(user).filter(pk__in=theirs).exclude(number="").order_by("number"))
