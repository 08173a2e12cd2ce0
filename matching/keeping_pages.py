"""Pages on which all parties keep the inputs of a match longer: proposed, read, signed or refused."""

import uuid

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from matching import keeping_checks, keeping_shown
from matching.destruction_pages import confirmed
from matching.forms import AgreeForm, WithdrawForm
from matching.models import Keeping
from matching.services import keeping
from matching.views import match_of, sent
from p20win import clock
from p20win.access import SignedInRequest, members_only, roles_only
from p20win.accounts.public import Role
from p20win.acting import tried


class ProposeForm(forms.Form):
    """Until when, why, and by which part of the agreement."""

    until = forms.DateField(
        label="Keep the input files until the end of this day",
        help_text="Later than the clock’s own moment, and not later than the agreement.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    reason = forms.CharField(
        label="Why are they needed longer?",
        help_text="Every party reads it; name no person.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    allowed_in = forms.CharField(
        label="By which part of the agreement?",
        help_text="Such as “Section III.F.3: all parties agree in writing”.",
        max_length=300,
    )


class RefuseForm(forms.Form):
    """Why a party refuses."""

    reason = forms.CharField(
        label="Why does your organisation refuse?",
        help_text="Every party reads it; name no person.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def _waiting(request: SignedInRequest, pk: uuid.UUID) -> Keeping:
    row = keeping_checks.proposed(match_of(request, pk))
    if row is None:
        raise Http404
    return row


def _asked(request: SignedInRequest, pk: uuid.UUID) -> Keeping:
    row = _waiting(request, pk)
    if not keeping_checks.words_of(row, request.user):
        raise Http404
    return row


@members_only
@require_GET
@never_cache
def shown(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show what is proposed and who has signed, and what was proposed before."""
    context = keeping_shown.page(match_of(request, pk), request.user, clock.now())
    return render(request, "matching/keeping.html", context)


@roles_only(Role.HUB_STAFF, Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def propose(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Propose a later day: first its moments are shown beside those of today, then it is sent."""
    match, by, now = match_of(request, pk), request.user, clock.now()
    form = ProposeForm(sent(request))
    is_last = "send" in request.POST
    context = {
        "match": match,
        "form": form,
        "why_not": keeping_checks.why_not_propose(match, by, now),
        "latest": keeping_shown.latest(match),
        "moments": keeping_shown.moments(match, None),
    }
    if form.is_valid():
        said = form.cleaned_data
        if is_last and tried(form, lambda: keeping.propose(match, by=by, at=now, **said)):
            messages.success(request, "Sent to every party. The clock runs on until all have signed.")
            return redirect("matching:keeping", pk=pk)
        for reason in () if is_last else keeping.why_not(match, by=by, at=now, **said):
            form.add_error(None, reason)
        if form.is_valid():
            context |= {"said": said, "moments": keeping_shown.moments(match, said["until"])}
            context["asked"] = keeping_checks.parties(match, now)
    return render(request, "matching/keeping_propose.html", context)


@roles_only(Role.SIGNATORY)
@require_http_methods(["GET", "POST"])
@never_cache
def sign(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Sign for one's party."""
    row = _asked(request, pk)
    form = AgreeForm(sent(request))
    act = lambda: keeping.sign(row, by=request.user, at=clock.now(), **form.cleaned_data)  # noqa: E731
    if form.is_valid() and tried(form, act):
        messages.success(request, "Signed. With the last party’s signature the clock moves.")
        return redirect("matching:keeping", pk=pk)
    mine = keeping_checks.words_of(row, request.user)
    named = " and ".join(word.organisation.legal_name for word in mine)
    context = {
        "match": row.match,
        "row": row,
        "form": form,
        "intent": keeping.INTENT.format(organisation=named),
        "why_not": keeping_checks.why_not_sign(row, request.user, clock.now()),
    }
    return render(request, "matching/keeping_sign.html", context)


@roles_only(Role.SIGNATORY)
@require_http_methods(["GET", "POST"])
def refuse(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Refuse for one's party; that ends it."""
    row = _asked(request, pk)
    return confirmed(
        request,
        row.match,
        lambda said: keeping.refuse(row, by=request.user, at=clock.now(), **said),
        success="Refused. Every party is told; the clock runs on as before.",
        form=RefuseForm(sent(request)),
        title="Refuse to keep the input files longer?",
        lead=f"{row.proposed_by.name} proposed it for {row.match.project.number}: {row.reason}",
        act="Refuse for my organisation",
        consequences=[
            "One refusal ends the proposal for every party, those that have signed included.",
            "The clock runs on as before, and the input files are destroyed in their time.",
            "Every party is told, with your reason. It can be proposed again.",
        ],
    )


@roles_only(Role.HUB_STAFF, Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def withdraw(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Take one's own proposal back."""
    row = _waiting(request, pk)
    return confirmed(
        request,
        row.match,
        lambda said: keeping.withdraw(row, by=request.user, at=clock.now(), **said),
        success="Withdrawn. Every party is told; the clock runs on as before.",
        form=WithdrawForm(sent(request)),
        title="Withdraw the proposal to keep the input files longer?",
        lead=f"It waits for the parties of {row.match.project.number}.",
        act="Withdraw the proposal",
        consequences=[
            "Nobody is asked any more; signatures that were given stay on record and move nothing.",
            "The clock runs on as before. Every party is told, with your reason.",
        ],
    )
