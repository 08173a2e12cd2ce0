"""The page on which an accepted file is closed and asked for again."""

import uuid

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from matching import selectors
from matching.destruction_pages import confirmed
from matching.models import ExpectedFile, SentAgain
from matching.services import reopening
from matching.views import sent
from p20win import clock
from p20win.access import SignedInRequest, roles_only
from p20win.accounts.public import Role


class SendAgainForm(forms.Form):
    """On what a file is sent again, and why."""

    ground = forms.ChoiceField(label="On what ground?", choices=SentAgain.choices, widget=forms.RadioSelect)
    asked_in = forms.CharField(
        label="If the agency asks for it: where is its request kept?",
        help_text="Such as “e-mail of the steward, March 4”.",
        max_length=300,
        required=False,
    )
    reason = forms.CharField(
        label="Why is it sent again?",
        help_text="Every party reads it; name no person.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@roles_only(Role.HUB_STAFF)
@require_http_methods(["GET", "POST"])
def send_again(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Close an accepted file, and let its agency send another."""
    rows = ExpectedFile.objects.filter(match__in=selectors.visible_to(request.user))
    row = get_object_or_404(rows.select_related("match__project", "slot__supplier", "agency"), pk=pk)
    return confirmed(
        request,
        row.match,
        lambda said: reopening.send_again(row, by=request.user, at=clock.now(), **said),
        success="The file is closed and its upload is open again. Everybody concerned is told.",
        form=SendAgainForm(sent(request)),
        title="Have this file sent again?",
        lead=f"{row.slot.title}, for {row.match.project.number}.",
        act="Close the file and ask for another",
        consequences=[
            "Nothing opens the accepted file any more. The vault removes it; a legal hold makes that wait.",
            f"{row.slot.supplier.short_name} can send another, with a new clock.",
            "Runs made on it count no more and cannot be chosen. Their keys and the records drawn for review"
            " are removed; reports and decisions stay.",
            "If the parties were asked about a result, they are asked anew after the next run.",
            "Agencies, recipient, hub and operating group are told, with your reason. Nobody can undo this.",
        ],
    )
