"""Questions about agreements and papers."""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet

from agreements.models import (
    Agreement,
    AgreementStatus,
    Certificate,
    MatchMethod,
    TextTemplate,
)
from agreements.standing import (
    confidentiality_current,
    emou_in_force,
    expected_parties,
    in_force,
    statement_in_force,
    waiting_parties,
)
from p20win import clock
from p20win.custody import public as custody
from p20win.projects import public as projects

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project


__all__ = [
    "agreement_for",
    "approved_methods",
    "certificates",
    "confidentiality_current",
    "emou_in_force",
    "expected_parties",
    "in_force",
    "in_force_tray",
    "methods",
    "statement_in_force",
    "text",
    "visible_to",
    "waiting_parties",
]


def visible_to(user: "User") -> QuerySet[Agreement]:
    """Return the agreements of the projects this person may see."""
    return Agreement.objects.filter(project__in=projects.visible_to(user)).select_related(
        "project", "document"
    )


def agreement_for(project: "Project") -> Agreement | None:
    """Return the project's living agreement, or else its latest."""
    rows = project.agreements.order_by("-version")
    return rows.exclude(status=AgreementStatus.VOID).first() or rows.first()


def text(kind: str) -> TextTemplate:
    """Return the newest version of a text."""
    return TextTemplate.objects.filter(kind=kind).latest("adopted_at")


def approved_methods(at: dt.datetime) -> QuerySet[MatchMethod]:
    """Return the matching methods that may run now (O-48)."""
    today = clock.state_date(at)
    return MatchMethod.objects.filter(approved_on__lte=today).filter(
        Q(retired_on__isnull=True) | Q(retired_on__gt=today)
    )


def methods() -> QuerySet[MatchMethod]:
    """Return every matching method on record, those of the past too."""
    return MatchMethod.objects.all()


def in_force_tray() -> QuerySet[Agreement]:
    """Return the out-tray: agreements in force, newest first. The next desk knows which it has taken up."""
    return (
        Agreement.objects.filter(status=AgreementStatus.IN_FORCE)
        .select_related("project")
        .order_by("-effective_at")
    )


def certificates(project: "Project") -> QuerySet[Certificate]:
    """Return the project's certificates of destruction and retention."""
    return project.certificates.select_related("document", "organisation", "filed_by")


def proven(rows: Iterable[Certificate]) -> set[Any]:
    """Return which of these certificates name lines of the ledger whose proof can be had by now."""
    named = {row.pk: [int(entry["line"]) for entry in row.facts.get("ledger", ())] for row in rows}
    return {pk for pk, lines in named.items() if lines and custody.ledger_covers(max(lines))}
