"""Pages on which the hub orders the destruction of the inputs: one asks, another confirms."""

import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from matching import selectors
from matching.forms import DestroyForm, WithdrawForm
from matching.models import DestructionOrder, Match
from matching.services import hastening, ordering
from matching.views import sent
from p20win import clock
from p20win.access import SignedInRequest, roles_only
from p20win.accounts.public import Role
from p20win.acting import tried
from p20win.calendar import hours_or_days
from p20win.refusal import Blocked


class OwnRuleForm(forms.Form):
    """A stricter clock for the inputs of one match."""

    unit = forms.ChoiceField(
        label="Within what are the inputs destroyed after the last party’s word?",
        choices=[
            ("hours", "So many hours, by day and night"),
            ("business_days", "So many business days"),
            ("none", "As agencies and agreement say: no clock for this match alone"),
        ],
        widget=forms.RadioSelect,
    )
    count = forms.IntegerField(min_value=1, max_value=240, required=False, label="How many?")
    reason = forms.CharField(
        label="Why?",
        help_text="Such as “Asked for in the request, 3.f”. Every party reads it; name no person.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean(self) -> dict[str, Any]:
        """Make a rule of unit and number. :raises ValidationError: if the number is missing"""
        given: dict[str, Any] = super().clean() or {}
        unit, count = given.get("unit"), given.get("count")
        if unit not in ("hours", "business_days"):
            return given | {"rule": None}
        if not count and "count" not in self.errors:
            raise forms.ValidationError({"count": "Say how many."})
        return given | {"rule": hours_or_days(**{unit: count})}


def _match(request: SignedInRequest, pk: uuid.UUID) -> Match:
    return get_object_or_404(selectors.visible_to(request.user), pk=pk)


def _order(request: SignedInRequest, pk: uuid.UUID) -> DestructionOrder:
    order = ordering.order_of(_match(request, pk))
    if order is None:
        raise Http404
    return order


def confirmed(
    request: SignedInRequest,
    match: Match,
    perform: Callable[[dict[str, Any]], object],
    *,
    success: str,
    form: Form | None = None,
    **shown: Any,
) -> HttpResponse:
    """Ask once more, then do it and say how it came out."""
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            perform(form.cleaned_data if form else {})
        except Blocked as refusal:
            for reason in refusal.reasons:
                if form is None:
                    messages.error(request, reason)
                else:  # what was typed stays
                    form.add_error(None, reason)
        else:
            messages.success(request, success)
        if form is None or form.is_valid():
            return redirect("matching:detail", pk=match.pk)
    trail = [("Matching", reverse("matching:index")), (match.project.number, match.get_absolute_url())]
    shown |= {"url": request.path, "back_url": match.get_absolute_url(), "form": form, "trail": trail}
    return render(request, "components/confirm.html", shown)


@roles_only(Role.HUB_STAFF)
@require_http_methods(["GET", "POST"])
def ask(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask that the inputs be destroyed before their clock has run out."""
    match = _match(request, pk)
    return confirmed(
        request,
        match,
        lambda said: ordering.ask(match, reason=said["reason"], by=request.user, at=clock.now()),
        success="Asked for. Another person of the hub must confirm it.",
        form=DestroyForm(request.POST if request.method == "POST" else None),
        title="Ask to destroy the input files now?",
        lead=f"What the agencies sent for {match.project.number}.",
        act="Ask for the destruction",
        consequences=[
            "Another person of the hub must confirm it. Nothing is destroyed by you alone.",
            "After that everyone is told, and an hour passes in which it can be withdrawn.",
            "Then each agency’s keys in this project are destroyed, then its files. Nobody can undo this.",
            "What the runs gave is removed with them; the reports stay."
            if match.abandoned_at
            else "The key, the report and the extract stay; they lie under another key.",
        ],
    )


@roles_only(Role.HUB_STAFF)
@require_http_methods(["GET", "POST"])
def confirm(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Confirm what another person of the hub asked for."""
    order = _order(request, pk)
    return confirmed(
        request,
        order.match,
        lambda _: ordering.confirm(order, by=request.user, at=clock.now()),
        success="Confirmed. Everyone is told; the vault begins in an hour.",
        title="Confirm the destruction of the input files?",
        lead=f"{order.asked_by.name} asked for it: {order.reason}",
        act="Confirm the destruction",
        consequences=[
            "Every party is told now. For an hour the hub or the operating group can withdraw the order.",
            "Then each agency’s keys in this project are destroyed, then its files. Nobody can undo this.",
            "The hub’s certificate of destruction is issued when all of it is gone.",
        ],
    )


@roles_only(Role.HUB_STAFF, Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def withdraw(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Withdraw an order before the vault begins."""
    order = _order(request, pk)
    return confirmed(
        request,
        order.match,
        lambda said: ordering.withdraw(order, reason=said["reason"], by=request.user, at=clock.now()),
        success="Withdrawn. The clock runs on.",
        form=WithdrawForm(request.POST if request.method == "POST" else None),
        title="Withdraw the order to destroy?",
        lead=f"The input files of {order.match.project.number} stay for now.",
        act="Withdraw the order",
        consequences=[
            "Every party is told, with your reason.",
            "The clock runs on: when its time has come the portal orders the destruction by itself.",
        ],
    )


@roles_only(Role.HUB_STAFF, Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def rule(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Set a stricter clock for the inputs of this match, or take it back."""
    match = _match(request, pk)
    form = OwnRuleForm(sent(request))
    if form.is_valid() and tried(
        form,
        lambda: hastening.set_own(
            match,
            form.cleaned_data["rule"],
            reason=form.cleaned_data["reason"],
            by=request.user,
            at=clock.now(),
        ),
    ):
        messages.success(request, "Set. The page of the match shows how the clock comes about.")
        return redirect("matching:detail", pk=match.pk)
    context = {
        "match": match,
        "form": form,
        "rules": hastening.derivation(match, start=clock.now()),
        "why_not": hastening.why_not_set(match, request.user),
    }
    return render(request, "matching/destruction_rule.html", context)
