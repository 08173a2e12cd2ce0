"""Pages on which hub and operating group settle who sends a list of identifiers (O-124)."""

import uuid
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from matching import selectors, supplier_checks
from matching.destruction_pages import confirmed
from matching.services import inviting
from matching.views import sent
from p20win import clock
from p20win.access import SignedInRequest, roles_only
from p20win.accounts.public import Role
from p20win.custody import public as custody

if TYPE_CHECKING:
    from matching.models import ExpectedFile, Match
    from p20win.accounts.models import User


class _Contacts(forms.ModelChoiceField):
    def label_from_instance(self, obj: "User") -> str:
        """Name organisation and person."""
        return f"{obj.organisation}: {obj.name}"


class _Lists(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: "ExpectedFile") -> str:
        """Name the list as its slot does."""
        return obj.slot.title


class InviteForm(forms.Form):
    """Whom to ask, and for which lists."""

    lists: Any = _Lists(
        queryset=None, label="Which lists does the supplier send?", widget=forms.CheckboxSelectMultiple
    )
    contact: Any = _Contacts(
        queryset=None,
        label="Whom do you ask?",
        help_text="People of organisations that take no part in this project. If the supplier is not among"
        " them, have it and one person of it added to the portal first.",
    )

    def __init__(self, match: "Match", *args: Any, **kwargs: Any) -> None:
        """Offer the lists that an agency is to send, and the people of third parties."""
        super().__init__(*args, **kwargs)
        self.fields["lists"].queryset = supplier_checks.lists_to_invite_for(match)  # type: ignore[attr-defined]
        self.fields["contact"].queryset = supplier_checks.contacts(match)  # type: ignore[attr-defined]


class WithdrawForm(forms.Form):
    """Why an invitation is withdrawn."""

    reason = forms.CharField(
        label="Why is it withdrawn?",
        help_text="The supplier reads it; name nobody else.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@roles_only(Role.HUB_STAFF, Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def invite(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask a supplier for the lists that an agency would send else."""
    match = get_object_or_404(selectors.visible_to(request.user), pk=pk)
    return confirmed(
        request,
        match,
        lambda said: inviting.invite(match, **said, by=request.user, at=clock.now()),
        success="Invited. The supplier is told.",
        form=InviteForm(match, sent(request)),
        title="Invite the supplier of a list",
        lead=f"Lists of identifiers for {match.project.number}.",
        act="Invite",
        style="primary",
        consequences=[
            "The person is told, and affirms that the lists may be shared before anything can be sent.",
            "They see these lists and the receipts for what they send, and nothing else of the project.",
            "The agency that was to send them cannot any more; it sees whether they came.",
            "The lists are inputs of the match, and are destroyed with the others.",
        ],
    )


@roles_only(Role.HUB_STAFF, Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def withdraw(request: SignedInRequest, pk: uuid.UUID, invitation_pk: uuid.UUID) -> HttpResponse:
    """Take an invitation back before a file is accepted."""
    match = get_object_or_404(selectors.visible_to(request.user), pk=pk)
    row = get_object_or_404(custody.invitations(match.project), pk=invitation_pk)
    return confirmed(
        request,
        match,
        lambda said: inviting.withdraw(match, row, **said, by=request.user, at=clock.now()),
        success="The invitation is withdrawn. The supplier is told.",
        form=WithdrawForm(sent(request)),
        title="Withdraw the invitation?",
        lead=f"{row.supplier.short_name}, for {match.project.number}.",
        act="Withdraw the invitation",
        consequences=[
            "The supplier sees nothing of these lists any more. What was on its way is dropped.",
            "The agency whose identifier they hold is asked for them, or you invite somebody else.",
            "Once a file is accepted an invitation cannot be withdrawn.",
        ],
    )
