"""Questions about matches."""

from typing import TYPE_CHECKING

from django.db.models import Prefetch, QuerySet

from agreements import public as agreements
from matching.models import Delivery, DeliveryStatus, ExpectedFile, Match
from p20win.accounts.public import Role
from p20win.custody import public as custody
from p20win.projects import public as projects

if TYPE_CHECKING:
    from agreements.models import Agreement
    from p20win.accounts.models import User
    from p20win.projects.models import Project


def visible_to(user: "User") -> QuerySet[Match]:
    """Return the matches of the projects this person may see."""
    return Match.objects.filter(project__in=projects.visible_to(user)).select_related("project")


def match_for(project: "Project") -> Match | None:
    """Return the project's latest match."""
    return Match.objects.filter(project=project).select_related("project").order_by("-number").first()


def extract_for(project: "Project") -> Delivery | None:
    """Return the project's latest delivery, whether it can still be fetched or not."""
    rows = Delivery.objects.filter(project=project).exclude(status=DeliveryStatus.PREPARING)
    return rows.select_related("project", "match").order_by("-match__number").first()


def delivered() -> QuerySet[Delivery]:
    """Return the out-tray: extracts that were made available, newest first."""
    rows = Delivery.objects.exclude(status=DeliveryStatus.PREPARING)
    return rows.select_related("project", "match").order_by("-available_at")


def waiting_to_open(user: "User") -> list["Agreement"]:
    """Return the agreements in force without a match, of the projects that this person may open one for."""
    if not (user.has_role(Role.HUB_STAFF) or user.has_role(Role.OPERATING_GROUP)):
        return []
    seen = projects.visible_to(user)
    rows = agreements.in_force_tray().filter(project__in=seen, project__matches__isnull=True)
    return list(rows)


def expected(match: Match) -> QuerySet[ExpectedFile]:
    """Return the files a match waits for, each with its slot and the latest file in it."""
    files = custody.SealedFile.objects.order_by("-status_since")
    return (
        match.expected_files.select_related("slot", "slot__supplier", "agency")
        .prefetch_related(Prefetch("slot__files", queryset=files, to_attr="latest_files"))
        .all()
    )
