"""From submission to decision: submit, comment, send back, send on, decide, withdraw."""

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction

from p20win import policy
from p20win.accounts.public import Organisation, Role, is_operating_group, operating_group, system_user
from p20win.deadlines import public as deadlines
from p20win.projects.public import assign_number
from p20win.refusal import Blocked
from p20win.signatures.public import sign
from p20win.workflow import blockers, create, take
from requests_app import checks, content, lifecycle, outline, selectors, texts
from requests_app.models import (
    DataRequest,
    Decision,
    ElementRefusal,
    ReviewComment,
    Submission,
)
from requests_app.services import opening
from requests_app.services.locking import hold, refuse_unless_valid
from requests_app.vocabulary import Outcome, Status

if TYPE_CHECKING:
    from p20win.accounts.models import User

INTENT_4B = "I stand by each of the twelve statements of section 4.b."
INTENT_6A = "I have read section 6.a and certify what it says."
INTENT_DECISION = "I decide so for {agency}, as its member of the data governing board."


class AnotherVersion(Exception):
    """The request is not what the person read any more; nothing was decided."""

    def __init__(self) -> None:
        """Say so, in words fit to show."""
        super().__init__(
            "The request was changed after you opened this page, so nothing was decided. Read what changed,"
            " and sign again."
        )


@transaction.atomic
def submit(
    request: DataRequest,
    *,
    by: "User",
    at: dt.datetime,
    password: str,
    name_under_statements: str,
    name_under_certification: str,
) -> DataRequest:
    """Sign 4.b and 6.a, keep the exact content, number the project, and hand the request in.

    :raises Blocked: if something is missing or contradictory, or a signature does not hold
    """
    request = hold(request)
    step = lifecycle.submission(request.status)
    if reasons := blockers(step, request, by):
        raise Blocked(reasons)
    said = content.content(request, round=request.round + 1)
    for kind, intent, name in (
        ("confidentiality", INTENT_4B, name_under_statements),
        ("certification", INTENT_6A, name_under_certification),
    ):
        text = texts.current(kind)
        sign(
            signer=by,
            organisation=request.recipient,
            capacity="requestor",
            project=request.project,
            document_kind=f"request-{kind}",
            document_id=request.pk,
            document_digest=content.digest(said, text.digest),
            text_version=text.version,
            intent=intent,
            typed_name=name,
            password=password,
            at=at,
        )
    assign_number(request.project, by=by, at=at)
    request = take(
        step,
        request,
        by=by,
        at=at,
        details={"round": request.round + 1, "digest": content.digest(said)},
        round=request.round + 1,
        submitted_at=request.submitted_at or at,
    )
    Submission.objects.create(
        request=request, round=request.round, content=said, digest=content.digest(said), at=at
    )
    opening.open_to_reviewers(request, at=at, by=by)
    deadlines.meet("resubmission", request, at=at, by=by)
    deadlines.start(
        "completeness-check",
        subject=request,
        project=request.project,
        at=at,
        by=by,
        waiting_on_role=Role.OPERATING_GROUP,
        waiting_on_organisation=operating_group(),
    )
    return request


@transaction.atomic
def comment(request: DataRequest, about: str, text: str, *, by: "User", at: dt.datetime) -> ReviewComment:
    """Say what should change in one part of a submitted request (O-31).

    :raises Blocked: if the person, the request’s state or the part of the form does not allow it
    """
    held = hold(request)
    reasons = [why for check in (is_operating_group, checks.is_not_own) if (why := check(held, by))]
    if held.status != Status.SUBMITTED:
        reasons.append("Comments are written during the completeness check.")
    if about not in outline.SECTION_OF_FIELD and about not in outline.ROW_TITLES:
        reasons.append("Choose the part of the form that the comment is about.")
    if reasons:
        raise Blocked(reasons)
    row = ReviewComment(request=held, round=held.round, about=about, text=text.strip(), by=by, at=at)
    refuse_unless_valid(row, exclude=("request", "by"))
    return create("request.commented", row, by=by, at=at, details={"about": about})


@transaction.atomic
def return_with_comments(request: DataRequest, *, by: "User", at: dt.datetime, note: str = "") -> DataRequest:
    """Send a request back to its requestor, with the comments of this round.

    :raises Blocked: if there is no comment, or the state or the person does not allow it
    """
    request = take(lifecycle.RETURN, request, by=by, at=at, note=note)
    deadlines.meet("completeness-check", request, at=at, by=by)
    _await_requestor(request, at=at, by=by)
    return request


@transaction.atomic
def send_to_agencies(request: DataRequest, *, by: "User", at: dt.datetime, note: str = "") -> DataRequest:
    """Find a request complete, and ask each agency to decide.

    :raises Blocked: if it is not complete, or the state or the person does not allow it
    """
    request = take(lifecycle.SEND, request, by=by, at=at, note=note)
    deadlines.meet("completeness-check", request, at=at, by=by)
    for agency in selectors.expected_agencies(request):
        _clock("agency-decision", request, agency, Role.BOARD_MEMBER, by=by, at=at)
    await_people(request, by=by, at=at)
    return request


@transaction.atomic
def decide(
    request: DataRequest,
    *,
    outcome: str,
    by: "User",
    at: dt.datetime,
    typed_name: str,
    password: str,
    refused: Mapping[str, str] | None = None,
    seen: str = "",
    **said: Any,
) -> Decision:
    """Decide for one's agency, signed. The last decision concludes the round.

    `refused` names elements the agency does not give, each with its reason; `seen` is the digest of the
    version that was read, if a page tells it; `said` are the other fields.

    :raises Blocked: if the person, the state or the paperwork does not allow it
    :raises AnotherVersion: if the request is not what was read any more
    """
    request = hold(request)
    if reasons := blockers(lifecycle.DECIDE, request, by):
        raise Blocked(reasons)
    if seen and seen != request.submissions.get(round=request.round).digest:
        raise AnotherVersion
    agency = checks.deciding_agency(request, by)
    assert agency is not None  # noqa: S101  # the step's first check
    row = Decision(request=request, agency=agency, round=request.round, outcome=outcome, by=by, at=at, **said)
    _refuse_unless_said(row, refused or {})
    row.signature = sign(
        signer=by,
        organisation=agency,
        capacity="data governing board member",
        project=request.project,
        document_kind="request-decision",
        document_id=row.pk,
        document_digest=_decision_digest(row, refused or {}),
        text_version=request.submissions.get(round=request.round).digest[:12],
        intent=INTENT_DECISION.format(agency=agency.legal_name),
        typed_name=typed_name,
        password=password,
        at=at,
    )
    details = {
        "agency": agency.slug,
        "outcome": outcome,
        "round": request.round,
        "refused": len(refused or {}),
    }
    create("decision.made", row, by=by, at=at, details=details)
    for name, reason in (refused or {}).items():
        refusal = ElementRefusal(decision=row, element_name=name, reason=reason)
        refusal._history_user = by  # type: ignore[attr-defined]
        refusal.save(force_insert=True)
    deadlines.meet("agency-decision", request, at=at, by=by, organisation=agency)
    _conclude(request, at=at)
    return row


@transaction.atomic
def withdraw(request: DataRequest, *, by: "User", at: dt.datetime, note: str = "") -> DataRequest:
    """Take a request back, for good.

    :raises Blocked: if it has ended, or this is not the requestor
    """
    request = take(lifecycle.WITHDRAW, request, by=by, at=at, note=note)
    _stop_clocks(request, at=at, by=by)
    return request


def await_people(request: DataRequest, *, by: "User", at: dt.datetime) -> None:
    """Start, or end, each agency's clock for the people it has not decided on."""
    people = list(selectors.people_of(request))
    for agency in selectors.expected_agencies(request):
        waiting = any(
            agency.pk not in {row.agency_id for row in person.held_approvals}  # type: ignore[attr-defined]
            for person in people
        )
        if not waiting:
            deadlines.meet("person-decision", request, at=at, by=by, organisation=agency)
        else:
            _clock("person-decision", request, agency, Role.DATA_STEWARD, by=by, at=at)


def _clock(
    slug: str, request: DataRequest, agency: Organisation, role: str, *, by: "User", at: dt.datetime
) -> None:
    if deadlines.alive(slug, request, organisation=agency):
        return
    deadlines.start(
        slug,
        subject=request,
        project=request.project,
        at=at,
        by=by,
        waiting_on_role=role,
        waiting_on_organisation=agency,
    )


def _await_requestor(request: DataRequest, *, at: dt.datetime, by: "User") -> None:
    deadlines.start(
        "resubmission",
        subject=request,
        project=request.project,
        at=at,
        by=by,
        waiting_on_person=request.requestor,
    )


def _stop_clocks(request: DataRequest, *, at: dt.datetime, by: "User") -> None:
    for slug in ("completeness-check", "agency-decision", "resubmission", "person-decision"):
        deadlines.cancel(slug, request, at=at, by=by)


def _refuse_unless_said(row: Decision, refused: Mapping[str, str]) -> None:
    """An approval confirms the data, conditions and refusals say what and why. :raises Blocked: if not"""
    reasons = []
    if row.outcome not in Outcome.values:
        reasons.append("Choose a decision.")
    if row.outcome == Outcome.APPROVAL and not row.data_available:
        reasons.append("Confirm that the data is available and may be shared for this purpose.")
    if row.outcome == Outcome.CONDITIONAL and not row.conditions.strip():
        reasons.append("Say what more is needed.")
    if row.outcome == Outcome.DISAPPROVAL and not row.reasons.strip():
        reasons.append("Give the reasons.")
    if row.outcome != Outcome.CONDITIONAL and refused:
        reasons.append("To refuse single elements, approve on conditions.")
    given = set(row.request.elements.filter(source=row.agency).values_list("name", flat=True))
    if strangers := sorted(set(refused) - given):
        reasons.append(f"{row.agency.short_name} is not the source of {', '.join(strangers)}.")
    if unsaid := sorted(name for name, reason in refused.items() if not reason.strip()):
        reasons.append(f"Give a reason for refusing {', '.join(unsaid)}.")
    if reasons:
        raise Blocked(reasons)
    refuse_unless_valid(row, exclude=("request", "agency", "by", "signature"))


def _decision_digest(row: Decision, refused: Mapping[str, str]) -> str:
    """Return the digest of what is decided, and of the exact content it is decided on."""
    said = {
        field.name: str(getattr(row, field.attname))
        for field in Decision._meta.concrete_fields
        if field.name not in {"signature", "at"}
    }
    submission = row.request.submissions.get(round=row.round)
    return content.digest(said | {"refused": dict(refused)}, submission.digest)


def _conclude(request: DataRequest, *, at: dt.datetime) -> None:
    """When every agency has decided: approved by all, ended, or back to the requestor (O-32, O-34, O-176)."""
    if checks.undecided(request):
        return
    by = system_user()
    outcomes = list(selectors.decisions(request).values_list("outcome", flat=True))
    if set(outcomes) == {Outcome.APPROVAL}:
        request = take(lifecycle.APPROVE, request, by=by, at=at, approved_at=at)
        opening.open_approved(request, at=at)
    elif len(outcomes) - outcomes.count(Outcome.DISAPPROVAL) < policy.MIN_AGENCIES:
        request = take(lifecycle.DISAPPROVE, request, by=by, at=at)
        _stop_clocks(request, at=at, by=by)
    else:
        request = take(lifecycle.CONDITION, request, by=by, at=at)
        _await_requestor(request, at=at, by=by)
