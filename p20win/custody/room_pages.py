"""Pages of the hub and the operating group: how much room each sender has, and what of it is taken."""

import uuid

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from p20win import clock
from p20win.access import SignedInRequest, roles_only
from p20win.accounts.public import Role
from p20win.custody import room
from p20win.refusal import Blocked


class RoomForm(forms.Form):
    """How much, and why."""

    gigabytes = forms.IntegerField(
        min_value=1, max_value=1 << 20, label="Gigabytes", help_text="For all requests together."
    )
    reason = forms.CharField(max_length=300, label="Why", help_text="It stays in the ledger.")


@roles_only("hub_staff", "operating_group")
@require_GET
@never_cache
def index(request: SignedInRequest) -> HttpResponse:
    """List the senders with what of their room is taken, the fullest first."""
    rooms = sorted(room.of_each(list(room.senders())), key=lambda each: -each.percent)
    shown = {
        "rooms": rooms,
        "usual": room.usual(),
        "free": room.free_on_disk(),
        "gives": request.user.has_role(Role.OPERATING_GROUP),
    }
    return render(request, "custody/rooms.html", shown)


@roles_only("operating_group")
@require_http_methods(["GET", "POST"])
@never_cache
def give(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Give one sender other room."""
    now = room.of(get_object_or_404(room.senders(), pk=pk))
    form = RoomForm(request.POST or None, initial={"gigabytes": now.most >> 30})
    if request.method == "POST" and form.is_valid():
        try:
            room.allow(now.organisation, **form.cleaned_data, by=request.user, at=clock.now())
        except Blocked as refusal:
            for reason in refusal.reasons:
                form.add_error(None, reason)
        else:
            messages.success(request, "It is written down, and holds from now on.")
            return redirect("custody:rooms")
    return render(request, "custody/room.html", {"room": now, "form": form})
