"""What a request opens in its project: to reviewers when submitted, to all concerned when approved."""

import datetime as dt
from typing import TYPE_CHECKING, Final

from p20win.accounts.public import Organisation, Role, hub, operating_group, people_with_role, system_user
from p20win.audit.public import record
from p20win.projects.public import (
    Part,
    close_to_organisation,
    close_to_person,
    open_to_organisation,
    open_to_person,
    organisations_that_see,
    take_part,
)
from p20win.workflow import create
from requests_app import selectors
from requests_app.models import DataRequest, NamedPerson, PersonApproval
from requests_app.vocabulary import Kind, PersonOutcome, Scope, Side, Status

if TYPE_CHECKING:
    from p20win.accounts.models import User

OPERATING_GROUP: Final = ("view_project", "manage_project", "review_output")
AGENCY_REVIEWS: Final = ("view_project", "decide_request")
AGENCY: Final = (*AGENCY_REVIEWS, "send_files", "sign_off_match", "review_output")
HUB: Final = ("view_project", "run_match")
RECIPIENT_PERSON: Final = ("view_project", "download_extract", "submit_output")
REQUESTOR: Final = (*RECIPIENT_PERSON, "sign_off_match")  # speaks for the recipient (O-169)
AGENCY_PERSON: Final = ("view_project", "download_extract")
MATCHING_PERSON: Final = ("view_project",)


def open_to_reviewers(request: DataRequest, *, at: dt.datetime, by: "User") -> None:
    """Let the operating group and the agencies see the project of a submitted request.

    An agency that was asked in an earlier round and is no longer, and has no part in the project, sees it no
    more.
    """
    project, expected = request.project, selectors.expected_agencies(request)
    open_to_organisation(project, operating_group(), OPERATING_GROUP)
    for agency in expected:
        open_to_organisation(project, agency, AGENCY_REVIEWS)
    for organisation in (
        organisations_that_see(project).filter(is_agency=True).exclude(participations__project=project)
    ):
        if organisation not in expected and close_to_organisation(project, organisation):
            record("agency.access_closed", request, by=by, at=at, details={"agency": organisation.slug})


def open_approved(request: DataRequest, *, at: dt.datetime) -> None:
    """Give everyone concerned their part in an approved project, and people what they were approved for."""
    project, by = request.project, system_user()
    parts: list[tuple[Organisation, Part, tuple[str, ...]]]
    parts = [(agency, Part.SUPPLIER, AGENCY) for agency in selectors.expected_agencies(request)]
    parts += [(hub(), Part.HUB, HUB), (operating_group(), Part.OPERATING_GROUP, OPERATING_GROUP)]
    for organisation, part, permissions in parts:
        take_part(project, organisation, part, by=by, at=at)
        open_to_organisation(project, organisation, permissions)
    take_part(project, request.recipient, Part.RECIPIENT, by=by, at=at)
    for signatory in people_with_role(Role.SIGNATORY, request.recipient):
        open_to_person(project, signatory, ["view_project"])
    if request.kind != Kind.INITIAL:
        _carry_over(request, by=by, at=at)
    for person in selectors.people_of(request):
        set_access(person, at=at, by=by)


def set_access(person: NamedPerson, *, by: "User", at: dt.datetime) -> None:
    """Give a named person what the agencies' approvals open to them, or take it away, at once (O-04)."""
    if person.user is None:
        return
    project = person.request.project
    permissions = _permissions_of(person)
    has = all(person.user.has_perm(f"projects.{name}", project) for name in permissions)
    may = selectors.people_approved(project, person.user)  # as the approved request has it
    if may and not has:
        open_to_person(project, person.user, permissions)
        record("person.access_opened", person, by=by, at=at)
    if not may:
        kept = {"view_project"} if person.is_requestor else set()
        close_to_person(project, person.user, set(permissions) - kept)
        if has and set(permissions) - kept:
            record("person.access_closed", person, by=by, at=at)


def _permissions_of(person: NamedPerson) -> tuple[str, ...]:
    if person.side == Side.AGENCY:
        return MATCHING_PERSON if person.scope == Scope.MATCHING else AGENCY_PERSON
    return REQUESTOR if person.is_requestor else RECIPIENT_PERSON


def _carry_over(request: DataRequest, *, by: "User", at: dt.datetime) -> None:
    """Keep the approvals of those who stay on the list; close the project to those who have left it."""
    before = (
        DataRequest.objects.filter(project=request.project, status=Status.APPROVED)
        .exclude(pk=request.pk)
        .order_by("-revision")
        .first()
    )
    listed = {person.email.casefold(): person for person in selectors.people_of(request)}
    for old in selectors.people_of(before):
        new = listed.get(old.email.casefold())
        if new is None:
            set_access(old, by=by, at=at)
            continue
        known = {row.agency_id for row in new.held_approvals}  # type: ignore[attr-defined]
        for row in old.held_approvals:  # type: ignore[attr-defined]
            if row.outcome == PersonOutcome.APPROVED and row.agency_id not in known:
                kept = PersonApproval(
                    person=new,
                    agency=row.agency,
                    outcome=row.outcome,
                    reason=row.reason,
                    by=row.by,
                    at=row.at,
                )
                create("person.approval_kept", kept, by=by, at=at, details={"agency": row.agency.slug})
