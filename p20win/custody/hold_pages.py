"""Pages of legal holds: the list, one hold, and the acts on it, each by two people."""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from p20win import clock
from p20win.access import SignedInRequest, members_only, roles_only
from p20win.accounts.public import Role, User
from p20win.audit.public import events_of
from p20win.custody import holds, lifecycle
from p20win.custody.models import LegalHold
from p20win.custody.selectors import visible_holds
from p20win.listing import Listing
from p20win.projects.public import visible_to as visible_projects
from p20win.refusal import Blocked
from p20win.workflow import blockers

BY_TWO = (Role.HUB_STAFF, Role.OPERATING_GROUP)
TITLES = {
    "hold.asked": "Asked for",
    "hold.in_force": "Put in force",
    "hold.withdrawn": "Taken back",
    "hold.lift_asked": "Asked to be lifted",
    "hold.kept": "Kept",
    "hold.lifted": "Lifted",
    "hold.lapsed": "Ended on its day",
}
_LIST = Listing(
    sorts={"number": "project__number", "until": "until", "status": "status", "since": "status_since"},
    searched=("project__number", "project__title", "authority"),
)


class HoldForm(forms.Form):
    """What a hold is for, and how long."""

    authority = forms.CharField(
        max_length=200, label="Who ordered it", help_text="Such as a court, with the number of the case."
    )
    reason = forms.CharField(
        max_length=1000,
        label="Why",
        help_text="Every party of the project reads this. Name no person.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    until = forms.DateField(
        label="Last day",
        help_text="It ends by itself on this day; within twelve months.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )


class LiftForm(forms.Form):
    """Why a hold may end early."""

    reason = forms.CharField(
        max_length=1000,
        label="Why it can end",
        help_text="It stays in the ledger. Name no person.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )


@members_only
@require_GET
def index(request: SignedInRequest) -> HttpResponse:
    """List the holds one may see."""
    context = _LIST.shown(visible_holds(request.user), request)
    return render(request, "custody/holds.html", context)


@members_only
@require_GET
@never_cache
def detail(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one hold: who, why, until when, what happened, and what the reader may do."""
    hold = get_object_or_404(visible_holds(request.user), pk=pk)
    events = list(events_of(hold).reverse())
    people = dict(User.objects.filter(pk__in={e.actor_id for e in events}).values_list("pk", "name"))
    entries = [
        {
            "at": event.at,
            "title": TITLES.get(event.event, "Changed"),
            "who": people.get(event.actor_id, "") if event.actor_id else "",
            "note": event.note,
        }
        for event in events
    ]
    context = {"hold": hold, "entries": entries, "acts": _acts(hold, request)}
    return render(request, "custody/hold.html", context)


def _acts(hold: LegalHold, request: SignedInRequest) -> list[dict[str, Any]]:
    """Return the steps that are next, with what stands against each."""
    if not any(request.user.has_role(role) for role in BY_TWO):
        return []
    steps = (
        (lifecycle.CONFIRM_HOLD, "hold-confirm", ""),
        (lifecycle.WITHDRAW_HOLD, "hold-withdraw", "outline"),
        (lifecycle.ASK_LIFT, "hold-ask-lift", "outline"),
        (lifecycle.LIFT, "hold-lift", ""),
        (lifecycle.KEEP_HOLD, "hold-keep", "outline"),
    )
    return [
        {
            "label": step.label,
            "url": reverse(f"custody:{name}", args=[hold.pk]),
            "style": style,
            "why_not": blockers(step, hold, request.user),
        }
        for step, name, style in steps
        if hold.status in step.sources
    ]


@roles_only(*BY_TWO)
@require_http_methods(["GET", "POST"])
def ask(request: SignedInRequest, project_pk: uuid.UUID) -> HttpResponse:
    """Ask for a hold on a project."""
    project = get_object_or_404(visible_projects(request.user), pk=project_pk)
    form = HoldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = holds.ask_hold(project, by=request.user, at=clock.now(), **form.cleaned_data)
        except Blocked as refusal:
            for reason in refusal.reasons:
                form.add_error(None, reason)
        else:
            messages.success(request, "Asked for. It holds nothing until a second person puts it in force.")
            return redirect(row.get_absolute_url())
    why_not = holds.why_not_ask(project, request.user)
    return render(request, "custody/hold_ask.html", {"project": project, "form": form, "why_not": why_not})


def _act(
    request: SignedInRequest,
    pk: uuid.UUID,
    perform: Callable[[LegalHold, dt.datetime, dict[str, Any]], object],
    *,
    success: str,
    form: forms.Form | None = None,
    **asked: Any,
) -> HttpResponse:
    """Ask once more, then do it and say how it came out."""
    hold = get_object_or_404(visible_holds(request.user), pk=pk)
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            perform(hold, clock.now(), form.cleaned_data if form else {})
        except Blocked as refusal:
            for reason in refusal.reasons:
                if form is None:
                    messages.error(request, reason)
                else:  # what was typed stays
                    form.add_error(None, reason)
        else:
            messages.success(request, success)
        if form is None or form.is_valid():
            return redirect(hold.get_absolute_url())
    trail = [("Legal holds", reverse("custody:holds")), (hold.project.number, hold.get_absolute_url())]
    shown = {"url": request.path, "back_url": hold.get_absolute_url(), "form": form, "trail": trail, **asked}
    return render(request, "components/confirm.html", shown)


@roles_only(*BY_TWO)
@require_http_methods(["GET", "POST"])
def confirm(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Put a hold in force."""
    return _act(
        request,
        pk,
        lambda hold, at, _: holds.confirm_hold(hold, by=request.user, at=at),
        success="The hold is in force. Every party of the project is told.",
        title="Put the legal hold in force?",
        **_words(
            "Put it in force",
            "Nothing of this project is destroyed at the hub while it is in force.",
            "The clocks of destruction stand still; the others run on.",
            "All agencies, the recipient, the hub and the operating group are told.",
            "What the vault has begun to destroy is not brought back.",
        ),
    )


def _words(act: str, *consequences: str) -> dict[str, Any]:
    return {"act": act, "consequences": consequences}


@roles_only(*BY_TWO)
@require_http_methods(["GET", "POST"])
def withdraw(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Drop a hold that is not in force."""
    return _act(
        request,
        pk,
        lambda hold, at, _: holds.withdraw_hold(hold, by=request.user, at=at),
        success="The hold does not come into force.",
        title="Drop this hold?",
        **_words(
            "Do not put it in force", "It never comes into force. The ledger keeps that it was asked for."
        ),
    )


@roles_only(*BY_TWO)
@require_http_methods(["GET", "POST"])
def ask_lift(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask that a hold be lifted before its day."""
    return _act(
        request,
        pk,
        lambda hold, at, said: holds.ask_lift(hold, reason=said["reason"], by=request.user, at=at),
        success="Asked for. It stays in force until a second person lifts it.",
        form=LiftForm(request.POST or None),
        title="Ask to lift the legal hold?",
        **_words("Ask to lift it", "It stays in force until another person lifts it, or until its last day."),
    )


@roles_only(*BY_TWO)
@require_http_methods(["GET", "POST"])
def keep(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Answer that a hold stays."""
    return _act(
        request,
        pk,
        lambda hold, at, _: holds.keep_hold(hold, by=request.user, at=at),
        success="The hold stays in force.",
        title="Keep the legal hold?",
        **_words("Keep it", "It stays in force until its last day, or until somebody asks again."),
    )


@roles_only(*BY_TWO)
@require_http_methods(["GET", "POST"])
def lift(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Lift a hold that another person asked to be lifted."""
    return _act(
        request,
        pk,
        lambda hold, at, _: holds.lift_hold(hold, by=request.user, at=at),
        success="The hold is lifted. Every party of the project is told.",
        title="Lift the legal hold?",
        **_words(
            "Lift it",
            "The clocks of destruction run on; each falls due later by as long as it stood still.",
            "What falls due is destroyed as the agreements say.",
            "All agencies, the recipient, the hub and the operating group are told.",
        ),
    )
