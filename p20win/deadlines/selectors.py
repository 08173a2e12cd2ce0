"""Questions about deadlines: what waits for whom, and when it is due."""

import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q, QuerySet

from p20win.accounts.public import Role, User, people_with_role
from p20win.deadlines.models import ALIVE, Deadline, Status
from p20win.policy import RULES
from p20win.projects.public import visible_to as visible_projects

if TYPE_CHECKING:
    from p20win.projects.models import Project

_PARTIES = ("project", "waiting_on_organisation", "waiting_on_person")


def waiting_for(user: User, *, at: dt.datetime | None = None) -> QuerySet[Deadline]:
    """Return what waits for this person, due next first: by name, by role, or by their organisation."""
    if not user.has_good_standing:
        return Deadline.objects.none()
    mine = Q(waiting_on_person=user)
    if user.organisation_id:
        mine |= Q(waiting_on_person=None, waiting_on_role="", waiting_on_organisation_id=user.organisation_id)
    for role, organisation_id in user.roles(at):
        held_for = Q(waiting_on_organisation_id=organisation_id) | Q(waiting_on_organisation=None)
        mine |= Q(waiting_on_person=None, waiting_on_role=role) & held_for
    return _seen_by(user).filter(mine, status__in=ALIVE).exclude(status=Status.PAUSED)


def visible_to(user: User) -> QuerySet[Deadline]:
    """Return the deadlines this person may see: their projects', and those without one that wait for them."""
    return _seen_by(user).filter(Q(project__isnull=False) | Q(pk__in=waiting_for(user).values("pk")))


def _seen_by(user: User) -> QuerySet[Deadline]:
    rows = Deadline.objects.select_related(*_PARTIES).order_by("due_at", "id")
    return rows.filter(Q(project__isnull=True) | Q(project__in=visible_projects(user)))


def of_project(project: "Project") -> QuerySet[Deadline]:
    """Return all deadlines of a project, those still open first."""
    return Deadline.objects.filter(project=project).select_related(*_PARTIES).order_by("due_at", "id")


def open_of_project(project: "Project") -> QuerySet[Deadline]:
    """Return what is open in a project, due next first."""
    return of_project(project).filter(status__in=ALIVE)


def of_subject(subject: models.Model, slug: str | None = None) -> QuerySet[Deadline]:
    """Return the deadlines of one thing, newest first; of one clock if a slug is given."""
    rows = Deadline.objects.filter(subject_type=subject._meta.label_lower, subject_id=str(subject.pk))
    rows = rows.filter(slug=slug) if slug else rows
    return rows.select_related(*_PARTIES).order_by("-started_at", "-id")


def stuck_destructions() -> QuerySet[Deadline]:
    """Return the hub's destructions that are late, or ordered and waiting for something to be mended."""
    hubs_own = [slug for slug in RULES if slug.startswith("input-destruction")]
    late, waiting = Q(slug__in=hubs_own, status=Status.MISSED), Q(slug="destruction-waits", status__in=ALIVE)
    return Deadline.objects.filter(late | waiting).select_related(*_PARTIES).order_by("due_at", "id")


def people_waited_for(deadline: Deadline) -> QuerySet[User]:
    """Return those who can do what the deadline waits for."""
    if deadline.waiting_on_person_id:
        return User.objects.filter(pk=deadline.waiting_on_person_id)
    if deadline.waiting_on_role:
        return people_with_role(deadline.waiting_on_role, deadline.waiting_on_organisation)
    if deadline.waiting_on_organisation_id:
        return User.objects.filter(organisation_id=deadline.waiting_on_organisation_id)
    return User.objects.none()


def people_told_when_missed(deadline: Deadline) -> QuerySet[User]:
    """Return those who are waited for, and the operating group."""
    told = people_waited_for(deadline).values("pk")
    watching = people_with_role(Role.OPERATING_GROUP).values("pk")
    return User.objects.filter(Q(pk__in=told) | Q(pk__in=watching))
