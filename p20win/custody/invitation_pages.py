"""The page on which who supplies a list, and is no party, affirms that it may be shared (O-124)."""

import uuid

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.custody import affirmation, invitations, lifecycle, selectors
from p20win.refusal import Blocked
from p20win.workflow import blockers


class AffirmForm(forms.Form):
    """One tick under the whole text."""

    affirms = forms.BooleanField(
        label="I affirm all of this",
        error_messages={"required": "Tick it if all of it is so. Else tell the hub, and send nothing."},
    )


@members_only
@require_http_methods(["GET", "POST"])
@never_cache
def shown(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show an invitation, and take the affirmation down."""
    row = get_object_or_404(selectors.visible_invitations(request.user), pk=pk)
    form = AffirmForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            invitations.affirm(row, by=request.user, at=clock.now())
        except Blocked as refusal:
            for reason in refusal.reasons:
                messages.error(request, reason)
        else:
            messages.success(request, "Taken down. You can send the lists now.")
        return redirect("custody:invitation", pk=row.pk)
    context = {
        "invitation": row,
        "lines": affirmation.lines(row),
        "slots": row.slots.order_by("title"),
        "blockers": blockers(lifecycle.AFFIRM, row, request.user),
        "is_invited": row.contact_id == request.user.pk,
        "form": form,
    }
    return render(request, "custody/invitation.html", context)
