"""Questions about requests."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Prefetch, Q, QuerySet

from p20win import clock, policy
from p20win.accounts.public import Organisation, Role, User, organisation_called
from p20win.calendar import add_months
from p20win.once import once
from p20win.projects.public import Part, Participation, Project
from p20win.projects.public import visible_to as projects_visible_to
from requests_app.models import (
    DataElement,
    DataRequest,
    Decision,
    IdentifierTable,
    NamedPerson,
    PersonApproval,
    PlannedOutput,
    Population,
    ResearchQuestion,
)
from requests_app.vocabulary import PersonOutcome, Scope, Side, Status

if TYPE_CHECKING:
    from p20win.access import AccessAsk

# Classes of data with records of single people (O-09). The public manual keeps unit records of wages from
# people
# who are not of the State also where no identifier stands beside them; of two rules the stricter holds
# (O-164).
UNIT_RECORDS: Final = frozenset({"matching", "analytical", "key", "extract"})
# What an agency, the hub and the operating group do in their own part of a project, and the role it takes.
OWN_PART: Final = {
    Part.SUPPLIER: {
        "upload": {Role.DATA_STEWARD},
        "sign_off": {Role.DATA_STEWARD, Role.BOARD_MEMBER, Role.SIGNATORY},
        "review_output": {Role.DATA_STEWARD, Role.BOARD_MEMBER},
        "see_counts": {Role.DATA_STEWARD, Role.BOARD_MEMBER},
    },
    Part.HUB: {"match": {Role.HUB_STAFF}, "upload": {Role.HUB_STAFF}, "see_counts": {Role.HUB_STAFF}},
    Part.OPERATING_GROUP: {
        "review_output": {Role.OPERATING_GROUP},
        "see_counts": {Role.OPERATING_GROUP},
    },
}


def visible_to(user: User) -> QuerySet[DataRequest]:
    """Return the requests this person may see: their own, and submitted ones of projects open to them."""
    seen = Q(requestor=user)
    seen |= Q(project__in=projects_visible_to(user).values("pk")) & ~Q(round=0)
    return DataRequest.objects.filter(seen).select_related("project", "recipient", "requestor")


def approved() -> QuerySet[DataRequest]:
    """Return the out-tray: approved requests, the earliest approval first."""
    return (
        DataRequest.objects.filter(status=Status.APPROVED)
        .select_related("project", "recipient", "requestor")
        .order_by("approved_at")
    )


def request_for(project: Project) -> DataRequest | None:
    """Return the project's request: the latest approved revision, or else the latest."""
    requests = DataRequest.objects.filter(project=project).select_related("project", "recipient", "requestor")
    return (
        requests.filter(status=Status.APPROVED).order_by("-revision").first()
        or requests.order_by("-revision").first()
    )


@once
def approved_request(project: Project) -> DataRequest | None:
    """Return the latest approved revision of the project's request, if there is one."""
    return approved().filter(project=project).order_by("-revision").first()


def expected_agencies(request: DataRequest) -> QuerySet[Organisation]:
    """Return the agencies whose data is asked for: all of them decide, on the request and on each person."""
    return Organisation.objects.filter(pk__in=request.requested_agencies.values("agency_id")).order_by(
        "short_name"
    )


# ------------------------------------------------------------------ what the request holds


@dataclass(frozen=True)
class ApprovedElement:
    """A data element as agreements, matching and delivery read it."""

    id: Any
    name: str
    source: str  # slug of the agency, or "" for the files of third-party suppliers
    source_element: str
    is_matching_identifier: bool
    is_uc: bool
    data_type: str
    format: str
    codes: str
    qualifier: str


def elements(project: Project) -> QuerySet[DataElement]:
    """Return the data elements of the project's request, in the order of the form."""
    return DataElement.objects.filter(request=request_for(project)).select_related("source")


def approved_elements(
    project: Project, organisation: Organisation | None = None, *, from_suppliers: bool = False
) -> list[ApprovedElement]:
    """Return the approved elements: all, one agency's, or those of third-party suppliers."""
    rows = DataElement.objects.filter(request=approved_request(project)).select_related("source")
    if from_suppliers:
        rows = rows.filter(source__isnull=True)
    elif organisation is not None:
        rows = rows.filter(source=organisation)
    return [
        ApprovedElement(
            id=row.pk,
            name=row.name,
            source=row.source.slug if row.source else "",
            source_element=row.source_element,
            is_matching_identifier=row.is_matching_identifier,
            is_uc=row.is_uc,
            data_type=row.data_type,
            format=row.format,
            codes=row.codes,
            qualifier=row.qualifier,
        )
        for row in rows
    ]


def research_questions(project: Project) -> QuerySet[ResearchQuestion]:
    """Return the research questions of the project's request."""
    return ResearchQuestion.objects.filter(request=request_for(project)).select_related("parent")


def planned_outputs(project: Project) -> QuerySet[PlannedOutput]:
    """Return the documents planned in the project's request."""
    return PlannedOutput.objects.filter(request=request_for(project))


def populations(project: Project) -> QuerySet[Population]:
    """Return the populations of the project's request, with their tables of identifiers."""
    return Population.objects.filter(request=request_for(project)).prefetch_related(
        "tables", "not_wanted_from"
    )


def identifier_tables(project: Project) -> QuerySet[IdentifierTable]:
    """Return the files of identifiers that third parties send for this project."""
    return IdentifierTable.objects.filter(request=request_for(project)).select_related("population")


def list_suppliers(project: Project) -> list[Organisation]:
    """Return who supplies lists of identifiers for this project, as far as the directory knows them."""
    names = identifier_tables(project).values_list("population__supplier_name", flat=True)
    found = {row.pk: row for name in dict.fromkeys(names) if (row := organisation_called(name))}
    return sorted(found.values(), key=lambda row: row.short_name)


def decisions(request: DataRequest) -> QuerySet[Decision]:
    """Return the agencies' decisions of the present round."""
    return (
        Decision.objects.filter(request=request, round=request.round)
        .select_related("agency", "by", "signature")
        .prefetch_related("refusals")
        .order_by("agency__short_name")
    )


def last_approved_on(request: DataRequest) -> dt.date | None:
    """Return the date on which the last agency approved, which the agreement cites (O-130)."""
    return clock.state_date(request.approved_at) if request.approved_at else None


def destruction_date(project: Project, received_on: dt.date | None = None) -> dt.date | None:
    """Return the day by which the recipient destroys all data (O-26, O-100, O-166): the earliest that binds.

    What binds: the request's date, each agency's limit, twelve months from the receipt of data and crosswalk.
    """
    request = request_for(project)
    if request is None:
        return None
    limits = [row.destruction_limit for row in decisions(request)]
    if received_on is not None:
        limits.append(add_months(received_on, policy.DATA_DESTRUCTION.count))
    dates = [date for date in (request.destruction_date, *limits) if date]
    return min(dates, default=None)


def min_cell_count(project: Project) -> int:
    """Return the strictest smallest count: of policy, of the agencies, and of their decisions (O-57)."""
    request = request_for(project)
    if request is None:
        return policy.MIN_CELL_COUNT
    own = [row.min_cell_count for row in expected_agencies(request)]
    return max([policy.MIN_CELL_COUNT, *own, *(row.min_cell_count or 0 for row in decisions(request))])


# ------------------------------------------------------------------ people


def named_people(project: Project) -> QuerySet[NamedPerson]:
    """Return the user list of the project's request: those on it now."""
    return people_of(request_for(project))


def people_of(request: DataRequest | None) -> QuerySet[NamedPerson]:
    """Return those on a request's user list now, with the approvals that hold."""
    held = PersonApproval.objects.filter(withdrawn_at__isnull=True).select_related("agency", "by")
    return (
        NamedPerson.objects.filter(request=request, removed_at__isnull=True)
        .select_related("user", "request")
        .prefetch_related(Prefetch("approvals", queryset=held, to_attr="held_approvals"))
    )


def missing_approvals(person: NamedPerson, expected: Iterable[Organisation]) -> list[Organisation]:
    """Return the agencies that have not approved this person, who is from people_of()."""
    held: list[PersonApproval] = person.held_approvals  # type: ignore[attr-defined]
    approved_by = {row.agency_id for row in held if row.outcome == PersonOutcome.APPROVED}
    return [agency for agency in expected if agency.pk not in approved_by]


def why_person_not_approved(project: Project, person: User) -> list[str]:
    """Say why a person may not see the project's data as a listed user; empty: they may (O-04)."""
    request = approved_request(project)
    if request is None:
        return ["The project's request is not approved."]
    expected = list(expected_agencies(request))
    if not expected:  # no agency at all is not an approval
        return ["The project's request names no agency."]
    named = people_of(request).filter(user=person).first()
    if named is None:
        return ["You are not on the project's user list."]
    missing = missing_approvals(named, expected)
    if missing:
        return [f"Waiting for the approval of {', '.join(agency.short_name for agency in missing)}."]
    return []


def people_approved(project: Project, person: User) -> bool:
    """Say whether every participating agency approved this person for this project."""
    return not why_person_not_approved(project, person)


def approved_people(project: Project) -> list[NamedPerson]:
    """Return those on the user list whom every agency approved."""
    request = approved_request(project)
    expected = list(expected_agencies(request)) if request else []
    if not expected:
        return []
    return [person for person in people_of(request) if not missing_approvals(person, expected)]


def why_not_approved(ask: "AccessAsk") -> str | None:
    """Answer the access decision: approved by every agency, or in one's own part (O-04, O-09, O-119)."""
    if ask.act == "supply":  # who is invited sends a list of their own, and sees nobody's data (O-124)
        return None
    if why := _why_not_uc(ask):
        return why
    if _in_own_part(ask):
        return None
    if reasons := why_person_not_approved(ask.project, ask.person):
        return " ".join(reasons)
    if ask.act != "download":
        return None
    named = people_of(approved_request(ask.project)).filter(user=ask.person, side=Side.AGENCY).first()
    if named and named.scope == Scope.MATCHING:
        return "You were approved to support the matching, which does not take the delivered data."
    return None


def _in_own_part(ask: "AccessAsk") -> bool:
    return any(
        ask.person.has_role(role, row.organisation)
        for row in _parts_in(ask.project)
        for role in OWN_PART.get(Part(row.part), {}).get(ask.act, ())
    )


@once
def _parts_in(project: Project) -> list[Participation]:
    return list(Participation.objects.filter(project=project).select_related("organisation"))


def _why_not_uc(ask: "AccessAsk") -> str | None:
    if ask.person.is_state_employee or ask.data_class not in UNIT_RECORDS:
        return None
    if ask.act == "upload":  # a college sends its own records, and sees nobody else's
        return None
    if not DataElement.objects.filter(request=approved_request(ask.project), is_uc=True).exists():
        return None
    return (
        "Only state employees and officials have access to records of single people from unemployment"
        " compensation, whatever else is approved."
    )
