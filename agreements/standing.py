"""What holds now: agreements in force, statements and memorandum signatures that have not lapsed.

Below checks.py, which asks these questions; selectors.py passes them on to all others.
"""

import datetime as dt
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from agreements.models import Agreement, AgreementStatus, EmouSignature, Party, Statement, StatementKind
from p20win import clock

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User
    from p20win.projects.models import Project


def in_force(project: "Project", at: dt.datetime) -> Agreement | None:
    """Return the agreement that is in force now, if there is one; its last day counts whole (O-141)."""
    today = clock.state_date(at)
    return project.agreements.filter(
        status=AgreementStatus.IN_FORCE, effective_at__lte=at, ends_on__gte=today
    ).first()


def expected_parties(agreement: Agreement) -> QuerySet[Party]:
    """Return everyone who must sign."""
    return agreement.parties.select_related("organisation", "signature", "signature__signer")


def waiting_parties(agreement: Agreement) -> QuerySet[Party]:
    """Return those who have not signed yet."""
    return expected_parties(agreement).filter(signature__isnull=True)


def statement_in_force(
    person: "User", kind: str, at: dt.datetime, project: "Project | None" = None
) -> Statement | None:
    """Return the person's statement that holds now."""
    rows = Statement.objects.filter(person=person, kind=kind, signed_at__lte=at)
    rows = rows.filter(Q(lapses_at__isnull=True) | Q(lapses_at__gt=at))
    if project is not None:
        rows = rows.filter(project=project)
    return rows.order_by("-signed_at").first()


def confidentiality_current(person: "User", project: "Project", at: dt.datetime) -> bool:
    """Say whether the person's Exhibit C for this project holds now (O-06)."""
    return statement_in_force(person, StatementKind.CONFIDENTIALITY, at, project) is not None


def emou_in_force(organisation: "Organisation", day: dt.date) -> bool:
    """Say whether the organisation's signature under the enterprise memorandum holds on this day (O-39)."""
    rows = EmouSignature.objects.filter(organisation=organisation, starts_on__lte=day, ends_on__gte=day)
    return rows.filter(Q(withdrawn_on__isnull=True) | Q(withdrawn_on__gt=day)).exists()
