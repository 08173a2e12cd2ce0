"""Questions about matches."""

from typing import TYPE_CHECKING, Final

from django.db.models import Prefetch, Q, QuerySet

from agreements import public as agreements
from matching.models import (
    Delivery,
    DeliveryStatus,
    ExpectedFile,
    Match,
    MatchStatus,
    Outcome,
    Question,
    Repeat,
)
from p20win.accounts.public import Role
from p20win.custody import public as custody
from p20win.projects import public as projects

if TYPE_CHECKING:
    from agreements.models import Agreement
    from p20win.accounts.models import User
    from p20win.projects.models import Project

NOT_MADE: Final = (DeliveryStatus.PREPARING, DeliveryStatus.GIVEN_UP)


def visible_to(user: "User") -> QuerySet[Match]:
    """Return the matches of the projects this person may see."""
    return Match.objects.filter(project__in=projects.visible_to(user)).select_related("project")


def match_for(project: "Project") -> Match | None:
    """Return the project's latest match."""
    return Match.objects.filter(project=project).select_related("project").order_by("-number").first()


def repeat_of(project: "Project") -> Repeat | None:
    """Return the schedule of a project's matches, running or ended last."""
    return Repeat.objects.filter(project=project).select_related("set_by").order_by("-set_at").first()


def extract_for(project: "Project") -> Delivery | None:
    """Return the project's latest delivery, whether it can still be fetched or not."""
    rows = Delivery.objects.filter(project=project).exclude(status__in=NOT_MADE)
    return rows.select_related("project", "match", "extract").order_by("-version").first()


def versions(project: "Project") -> QuerySet[Delivery]:
    """Return every version of a project's extract, newest first."""
    return Delivery.objects.filter(project=project).select_related("match", "extract").order_by("-version")


def deliveries_for(user: "User") -> QuerySet[Delivery]:
    """Return the versions of the projects this person may see."""
    rows = Delivery.objects.filter(match__in=visible_to(user))
    return rows.select_related("project", "match", "extract")


def questions_for(user: "User") -> QuerySet[Question]:
    """Return the questions this person may read: the recipient's, and for the others those they deal with.

    Hub and operating group read all; an agency those that were forwarded to it.
    """
    rows = Question.objects.filter(delivery__match__in=visible_to(user)).select_related(
        "delivery", "delivery__project", "asked_by", "with_organisation", "replied_by", "answered_by"
    )
    if user.has_role(Role.HUB_STAFF) or user.has_role(Role.OPERATING_GROUP):
        return rows
    own = Q(asked_by__organisation=user.organisation_id) | Q(with_organisation=user.organisation_id)
    return rows.filter(own)


def delivered() -> QuerySet[Delivery]:
    """Return the out-tray: extracts that were made available, newest first."""
    rows = Delivery.objects.exclude(status__in=NOT_MADE)
    return rows.select_related("project", "match").order_by("-available_at")


def waiting_to_open(user: "User") -> list["Agreement"]:
    """Return the agreements in force whose files are to be asked for, of projects that this person may open.

    Those without a match, and those where a question led to another one and the last has come to its end.
    """
    if not (user.has_role(Role.HUB_STAFF) or user.has_role(Role.OPERATING_GROUP)):
        return []
    seen = projects.visible_to(user)
    rows = agreements.in_force_tray().filter(project__in=seen)
    asked = rows.filter(project__matches__deliveries__questions__outcome=Outcome.RERUN).distinct()
    again = [row for row in asked if wants_rerun(row.project)]
    return [*rows.filter(project__matches__isnull=True), *again]


def wants_rerun(project: "Project") -> bool:
    """Say whether a question led to another match, or the last had no result, and one can be opened now."""
    match = match_for(project)
    if match is None or match.status != MatchStatus.INPUTS_DESTROYED:
        return False
    return (
        match.abandoned_at is not None and agreements.in_force_tray().filter(project=project).exists()
    ) or Question.objects.filter(delivery__match=match, outcome=Outcome.RERUN).exists()


def expected(match: Match) -> QuerySet[ExpectedFile]:
    """Return the files a match waits for, each with its slot and the latest file in it."""
    files = custody.SealedFile.objects.order_by("-status_since", "-id")
    return (
        match.expected_files.select_related("slot", "slot__supplier", "slot__invitation", "agency")
        .prefetch_related(Prefetch("slot__files", queryset=files, to_attr="latest_files"))
        .all()
    )
