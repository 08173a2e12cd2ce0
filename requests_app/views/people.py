"""The user list as the agencies see it: who is approved by whom, and each agency's decisions."""

import uuid
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.accounts.public import Organisation
from p20win.acting import tell, tried
from requests_app import checks, selectors
from requests_app.forms import ReasonForm
from requests_app.models import DataRequest, PersonApproval
from requests_app.services import people
from requests_app.views.shared import find, trail


@members_only
def index(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show every person with every agency's decision, and what this person's agency can do."""
    row = find(request, pk)
    expected = list(selectors.expected_agencies(row))
    mine = checks.approving_agencies(row, request.user)
    listed = list(selectors.people_of(row))
    context: dict[str, Any] = {
        "row": row,
        "agencies": expected,
        "lines": [(person, [_held(person, agency) for agency in expected]) for person in listed],
        "desks": [_desk(row, agency, listed, request) for agency in mine],
        "is_own": row.requestor_id == request.user.pk,
    }
    return render(request, "requests_app/people.html", context)


def _held(person: Any, agency: Organisation) -> PersonApproval | None:
    return next((row for row in person.held_approvals if row.agency_id == agency.pk), None)


def _desk(row: DataRequest, agency: Organisation, listed: list[Any], request: SignedInRequest) -> Any:
    return {
        "agency": agency,
        "undecided": [person for person in listed if _held(person, agency) is None],
        "decided": [(person, held) for person in listed if (held := _held(person, agency))],
        "why_not": checks.why_not_decide_people(row, agency, request.user),
    }


def _agency_of(row: DataRequest, slug: str, request: SignedInRequest) -> Organisation:
    """Return the agency this person decides for; to all others the page does not exist."""
    for agency in checks.approving_agencies(row, request.user):
        if agency.slug == slug:
            return agency
    raise Http404


@members_only
@require_POST
def approve(request: SignedInRequest, pk: uuid.UUID, slug: str) -> HttpResponse:
    """Approve the people ticked, for one agency."""
    row = find(request, pk)
    agency = _agency_of(row, slug, request)
    ticked = set(request.POST.getlist("person"))
    chosen = [person for person in selectors.people_of(row) if str(person.pk) in ticked]
    if not chosen:
        messages.error(request, "Tick at least one person.")
        return redirect("requests_app:people", pk)
    names = ", ".join(person.name for person in chosen)
    act = partial(people.approve, chosen, agency=agency, by=request.user, at=clock.now())
    tell(request, act, f"Approved for {agency.short_name}: {names}.")
    return redirect("requests_app:people", pk)


@members_only
def refuse(request: SignedInRequest, pk: uuid.UUID, slug: str, person_pk: uuid.UUID) -> HttpResponse:
    """Refuse one person, with the reason."""
    row = find(request, pk)
    agency = _agency_of(row, slug, request)
    person = get_object_or_404(selectors.people_of(row), pk=person_pk)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        act = partial(people.refuse, person, agency=agency, reason=reason, by=request.user, at=clock.now())
        if tried(form, act):
            messages.success(request, f"{person.name} is refused for {agency.short_name}.")
            return redirect("requests_app:people", pk)
    return _ask(request, form, f"Refuse {person.name} for {agency.short_name}?", "Refuse", pk)


@members_only
def withdraw(request: SignedInRequest, pk: uuid.UUID, approval_pk: uuid.UUID) -> HttpResponse:
    """Take an agency's decision on a person back, with the reason."""
    row = find(request, pk)
    held = PersonApproval.objects.select_related("agency", "person__request")
    approval = get_object_or_404(held, pk=approval_pk, person__request=row)
    _agency_of(row, approval.agency.slug, request)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        act = partial(people.withdraw_approval, approval, reason=reason, by=request.user, at=clock.now())
        if tried(form, act):
            messages.success(request, "Taken back. Access that leaned on it has ended.")
            return redirect("requests_app:people", pk)
    title = f"Take back the decision on {approval.person.name}?"
    return _ask(request, form, title, "Take back", pk)


def _ask(request: SignedInRequest, form: ReasonForm, title: str, act: str, pk: uuid.UUID) -> HttpResponse:
    context = {
        "title": title,
        "lead": "A person has access only while every agency approves.",
        "act": act,
        "url": request.path,
        "back_url": reverse("requests_app:people", args=[pk]),
        "trail": [*trail(find(request, pk)), ("User list", reverse("requests_app:people", args=[pk]))],
        "form": form,
    }
    return render(request, "components/confirm.html", context)
