"""Pages on which a match is brought to its end without a result: one person asks, another confirms."""

import uuid

from django import forms
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods

from matching.destruction_pages import confirmed
from matching.models import Abandonment, AbandonmentStatus, Ground
from matching.services import abandoning
from matching.views import match_of, sent
from p20win import clock
from p20win.access import SignedInRequest, roles_only
from p20win.accounts.public import Role


class AbandonForm(forms.Form):
    """On what a match is abandoned, and why."""

    ground = forms.ChoiceField(label="On what ground?", choices=Ground.choices, widget=forms.RadioSelect)
    agreed_in = forms.CharField(
        label="If the agencies agreed in writing: where is it kept?",
        help_text="Such as “minutes of the data governing board, March 4”.",
        max_length=300,
        required=False,
    )
    reason = forms.CharField(
        label="Why will the match have no result?",
        help_text="Every party reads it; name no person.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def _waiting(request: SignedInRequest, pk: uuid.UUID) -> Abandonment:
    row = abandoning.asked_for(match_of(request, pk))
    if row is None or row.status != AbandonmentStatus.ASKED:
        raise Http404
    return row


@roles_only(Role.HUB_STAFF, Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def ask(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask that a match be abandoned."""
    match = match_of(request, pk)
    return confirmed(
        request,
        match,
        lambda said: abandoning.ask(match, by=request.user, at=clock.now(), **said),
        success="Asked for. Another person of the hub or the operating group must confirm it.",
        form=AbandonForm(sent(request)),
        title="Abandon this match?",
        lead=f"The match of {match.project.number} ends without a result.",
        act="Ask to abandon it",
        consequences=[
            "Another person of the hub or the operating group must confirm it. Until then nothing changes.",
            "Then the upload closes, and nothing of this match is linked or delivered any more.",
            "What was sent is destroyed in time, by its clock or earlier by two people of the hub.",
            "Every party is told, with your reason.",
        ],
    )


@roles_only(Role.HUB_STAFF, Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def confirm(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Abandon a match as another person asked."""
    row = _waiting(request, pk)
    return confirmed(
        request,
        row.match,
        lambda _: abandoning.confirm(row, by=request.user, at=clock.now()),
        success="The match is abandoned. Every party is told; what was sent is destroyed in time.",
        title="Confirm that the match is abandoned?",
        lead=f"{row.asked_by.name} asked for it: {row.reason}",
        act="Abandon the match",
        consequences=[
            f"On this ground: {row.get_ground_display()}.{' ' + row.agreed_in if row.agreed_in else ''}",
            "Nothing of this match is linked or delivered any more. Nobody can undo this.",
            "The clock to destroy what was sent starts now; it is that of every other match.",
        ],
    )


@roles_only(Role.HUB_STAFF, Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def withdraw(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Let a match go on that somebody asked to abandon."""
    row = _waiting(request, pk)
    return confirmed(
        request,
        row.match,
        lambda _: abandoning.withdraw(row, by=request.user, at=clock.now()),
        success="The match goes on.",
        title="Let the match go on?",
        lead=f"{row.asked_by.name} asked to abandon it: {row.reason}",
        act="Let it go on",
        consequences=["The match stays as it is. It can be asked for again."],
    )
