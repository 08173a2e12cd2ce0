"""Pages of the hub and the operating group: when a file is sent, and how."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import localtime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from p20win import clock
from p20win.access import SignedInRequest, roles_only
from p20win.custody import checks, schedule, selectors
from p20win.custody.models import Encryption
from p20win.refusal import Blocked


class WindowForm(forms.Form):
    """From when until when, and why."""

    opens_at = forms.DateTimeField(label="Opens", help_text="Eastern time.", widget=forms.DateTimeInput)
    closes_at = forms.DateTimeField(label="Closes", help_text="Eastern time.", widget=forms.DateTimeInput)
    reason = forms.CharField(
        max_length=300,
        label="Why",
        help_text="The senders read it, and it stays in the ledger. If it was agreed, name the document.",
    )


class TermsForm(forms.Form):
    """Where files are encrypted, and where that was agreed."""

    encryption = forms.ChoiceField(
        choices=Encryption.choices,
        widget=forms.RadioSelect,
        label="Where are the files of this request encrypted?",
        help_text="What an agency's server sends with “p20 send” is always sealed there.",
    )
    reason = forms.CharField(
        max_length=300, label="Where was it agreed?", help_text="Minutes, a letter, or the agreement."
    )


@roles_only("hub_staff", "operating_group")
@require_http_methods(["GET", "POST"])
@never_cache
def window(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Move the window of one slot."""
    slot = get_object_or_404(selectors.visible_slots(request.user), pk=pk)
    now = {"opens_at": localtime(slot.opens_at), "closes_at": localtime(slot.closes_at)}
    form = WindowForm(request.POST or None, initial=now)
    if request.method == "POST" and form.is_valid():
        try:
            schedule.reschedule(slot, **form.cleaned_data, by=request.user, at=clock.now())
        except Blocked as refusal:
            _refuse(form, refusal)
        else:
            messages.success(request, "The time is changed. The senders are told.")
            return redirect("custody:slot", pk=slot.pk)
    shown = {"slot": slot, "form": form, "title": "Change the time", "submit": "Change the time"}
    return render(request, "custody/arrange.html", shown)


@roles_only("hub_staff", "operating_group")
@require_http_methods(["GET", "POST"])
@never_cache
def terms(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Write down how the files of a slot's request are sent."""
    slot = get_object_or_404(selectors.visible_slots(request.user), pk=pk)
    agreed = checks.encryption_of(slot.project)
    form = TermsForm(request.POST or None, initial={"encryption": agreed})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            schedule.agree_encryption(
                slot.project, given["encryption"], reason=given["reason"], by=request.user, at=clock.now()
            )
        except Blocked as refusal:
            _refuse(form, refusal)
        else:
            messages.success(request, "It is written down, and holds for every file of this request.")
            return redirect("custody:slot", pk=slot.pk)
    shown = {"slot": slot, "form": form, "title": "How files are encrypted", "submit": "Write it down"}
    return render(request, "custody/arrange.html", shown)


def _refuse(form: Any, refusal: Blocked) -> None:
    for reason in refusal.reasons:
        form.add_error(None, reason)
