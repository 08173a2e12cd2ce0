"""Pages of upload tickets, for whoever sends a slot's file."""

import uuid

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from p20win import clock, policy
from p20win.access import SignedInRequest, members_only
from p20win.custody import selectors, upload_tickets
from p20win.custody.checks import encryption_of
from p20win.custody.models import Encryption, UploadSlot
from p20win.refusal import Blocked


class TicketForm(forms.Form):
    """For how long."""

    hours = forms.IntegerField(
        min_value=1,
        max_value=policy.UPLOAD_TICKET_HOURS,
        initial=4,
        label="Hours for which it can be used",
        help_text=f"From 1 to {policy.UPLOAD_TICKET_HOURS}. Take no more than the sending needs.",
    )


@members_only
@require_http_methods(["GET", "POST"])
@never_cache
def issue(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Make a ticket and show it, once."""
    slot = get_object_or_404(selectors.slots_sent_by(request.user), pk=pk)
    form = TicketForm(request.POST or None)
    shown = {"slot": slot, "form": form, "hours": policy.UPLOAD_TICKET_HOURS}
    if request.method == "POST" and form.is_valid():
        try:
            row, token = upload_tickets.issue(
                slot,
                hours=form.cleaned_data["hours"],
                by=request.user,
                at=clock.now(),
                now=clock.real_now(),
            )
        except Blocked as refusal:
            for reason in refusal.reasons:
                form.add_error(None, reason)
        else:
            shown |= {"ticket": row, "token": token, "lines": _lines(request, slot)}
    return render(request, "custody/ticket.html", shown)


def _lines(request: SignedInRequest, slot: UploadSlot) -> dict[str, object]:
    """Return what the page's recipe for curl names."""
    return {
        "where": request.build_absolute_uri(reverse("custody:ticket-uploads")),
        "site": request.build_absolute_uri("/").rstrip("/"),
        "is_age": encryption_of(slot.project) == Encryption.AGE,
    }


@members_only
@require_POST
def revoke(request: SignedInRequest, pk: uuid.UUID, ticket_pk: uuid.UUID) -> HttpResponse:
    """Revoke a ticket."""
    slot = get_object_or_404(selectors.slots_sent_by(request.user), pk=pk)
    ticket = get_object_or_404(slot.tickets.all(), pk=ticket_pk)
    try:
        upload_tickets.revoke(ticket, by=request.user, at=clock.now(), now=clock.real_now())
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
    else:
        messages.success(request, "The ticket is revoked. Nothing is taken with it any more.")
    return redirect("custody:slot", pk=slot.pk)
