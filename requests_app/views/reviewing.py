"""Reading a submitted request, its completeness check, the agencies' decisions, its end or renewal."""

import uuid
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from p20win import clock
from p20win.access import SignedInRequest, members_only, roles_only
from p20win.accounts.public import Role
from p20win.acting import tell, tried
from p20win.deadlines import public as deadlines
from p20win.workflow import blockers
from requests_app import checks, completeness, content, lifecycle, selectors
from requests_app.forms import CommentForm, DecisionForm, ReasonForm
from requests_app.models import DataRequest
from requests_app.reading import read_sections, standing
from requests_app.services import review, revising
from requests_app.views.shared import find, trail
from requests_app.vocabulary import Kind


def _changes(row: DataRequest) -> list[content.Change]:
    """Return what changed since the last round, or against the approved version (O-14, O-35)."""
    rounds = list(row.submissions.order_by("-round")[:2])
    if len(rounds) == 2:
        return content.compare(rounds[1].content, rounds[0].content)
    if row.based_on:
        before = row.based_on.submissions.order_by("-round").first()
        return content.compare(before.content, content.content(row)) if before else []
    return []


def read(request: SignedInRequest, row: DataRequest) -> HttpResponse:
    """Show a request to those who may not, or no longer, write in it."""
    can_decide = not checks.decides_for_an_agency(row, request.user)
    clocks = deadlines.open_of_project(row.project).filter(subject_id=str(row.pk))
    context: dict[str, Any] = {
        "row": row,
        "standing": standing(row),
        "sections": read_sections(content.content(row)),
        "decisions": selectors.decisions(row),
        "changes": _changes(row),
        "clocks": clocks,
        "can_check": request.user.has_role(Role.OPERATING_GROUP),
        "can_decide": can_decide,
        "why_not_decide": blockers(lifecycle.DECIDE, row, request.user),
        "is_own": row.requestor_id == request.user.pk,
        "why_not_withdraw": blockers(lifecycle.WITHDRAW, row, request.user),
        "why_not_revise": revising.why_not_revise(row, request.user),
        "approves_people": bool(checks.approving_agencies(row, request.user)),
    }
    return render(request, "requests_app/read.html", context)


@roles_only(Role.OPERATING_GROUP)
def completeness_check(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Check a submitted request, comment on it, and send it on or back."""
    row = find(request, pk)
    form = CommentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        about, text = form.cleaned_data["about"], form.cleaned_data["text"]
        if tried(form, lambda: review.comment(row, about, text, by=request.user, at=clock.now())):
            messages.success(request, "The comment is kept; the requestor sees it when you send it back.")
            return redirect("requests_app:completeness", pk)
    context = {
        "row": row,
        "standing": standing(row),
        "form": form,
        "problems": completeness.problems(row),
        "comments": [(content.label(each.about), each) for each in row.comments.filter(round=row.round)],
        "changes": _changes(row),
        "why_not_send": blockers(lifecycle.SEND, row, request.user),
        "why_not_return": blockers(lifecycle.RETURN, row, request.user),
        "sections": read_sections(content.content(row)),
    }
    return render(request, "requests_app/completeness.html", context)


@roles_only(Role.OPERATING_GROUP)
@require_POST
def send(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Send a complete request to the agencies."""
    row = find(request, pk)
    act = partial(review.send_to_agencies, row, by=request.user, at=clock.now())
    tell(request, act, "Sent to the agencies.")
    return redirect(row)


@roles_only(Role.OPERATING_GROUP)
@require_POST
def send_back(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Send a request back to its requestor."""
    row = find(request, pk)
    act = partial(review.return_with_comments, row, by=request.user, at=clock.now())
    tell(request, act, "Sent back with your comments.")
    return redirect(row)


@roles_only(Role.BOARD_MEMBER)
def decide(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Decide for one's agency, signed."""
    row = find(request, pk)
    agency = checks.deciding_agency(row, request.user)
    form = DecisionForm(row, agency, request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        act = partial(review.decide, row, by=request.user, at=clock.now(), **form.said())
        try:
            if tried(form, act):
                messages.success(request, "Your decision is signed.")
                return redirect(row)
        except review.AnotherVersion as another:
            form.add_error(None, str(another))
            form.show_anew()
            status = 409
    context = {
        "row": row,
        "agency": agency,
        "form": form,
        "blockers": blockers(lifecycle.DECIDE, row, request.user),
        "intent": review.INTENT_DECISION.format(agency=agency.legal_name) if agency else "",
        "changes": _changes(row),
    }
    return render(request, "requests_app/decide.html", context, status=status)


@members_only
def withdraw(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask, then take a request back."""
    row = find(request, pk)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        note = form.cleaned_data["reason"]
        act = partial(review.withdraw, row, by=request.user, at=clock.now(), note=note)
        if tried(form, act):
            messages.success(request, "The request is withdrawn.")
            return redirect(row)
    context = {
        "title": f"Withdraw “{row.title}”?",
        "lead": "It ends for good. Its number, if it has one, stays with it.",
        "act": "Withdraw the request",
        "url": request.path,
        "back_url": row.get_absolute_url(),
        "trail": trail(row),
        "form": form,
    }
    return render(request, "components/confirm.html", context)


@members_only
@require_POST
def revise(request: SignedInRequest, pk: uuid.UUID, kind: str) -> HttpResponse:
    """Begin a continuation or a modification of an approved request."""
    row = find(request, pk)
    made: list[DataRequest] = []

    def begin() -> None:
        made.append(revising.revise(row, kind, by=request.user, at=clock.now()))

    tell(request, begin, f"{Kind(kind).label.split(':')[0]} begun: change what is new, then submit.")
    return redirect(made[0] if made else row)
