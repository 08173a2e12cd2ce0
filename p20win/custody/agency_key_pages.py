"""Pages of an agency's data stewards: the keys of its machines."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from p20win import clock, policy
from p20win.access import SignedInRequest, roles_only
from p20win.accounts.public import Organisation, Role, SigningKey, User, why_not_key
from p20win.custody import agency_keys, pins
from p20win.custody.agency_keys import Proof
from p20win.custody.sftp import host_key
from p20win.refusal import Blocked


class ProofForm(forms.Form):
    """How a steward shows once more who they are."""

    typed_name = forms.CharField(
        max_length=150,
        label="Your full name",
        help_text="As it stands on your account: your signature.",
    )
    password = forms.CharField(
        label="Your password",
        strip=False,
        help_text="You prove once more that it is you.",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def proof(self) -> Proof:
        """Return what the steward gave."""
        return Proof(self.cleaned_data["typed_name"], self.cleaned_data["password"])


class EnrolForm(ProofForm):
    """A new key."""

    agency = forms.ModelChoiceField(Organisation.objects.none(), label="Agency", empty_label=None)
    label = forms.CharField(
        max_length=80, label="Name of the machine", help_text="By which you will know it: “Nightly job”."
    )
    public_key = forms.CharField(
        max_length=500,
        label="Public key",
        help_text="All that “p20 keygen” prints on that machine, from BEGIN to END; for SFTP the one line "
        "of the .pub file that “ssh-keygen -t ed25519” made there.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    replaces = forms.ModelChoiceField(
        SigningKey.objects.none(),
        required=False,
        label="It takes the place of",
        empty_label="no other key",
        help_text=f"The other key works for {policy.SIGNING_KEY_OVERLAP_DAYS} days more and ends by itself.",
    )
    field_order = ["agency", "label", "public_key", "replaces", "typed_name", "password"]

    def __init__(self, person: User, *args: Any, **kwargs: Any) -> None:
        """Offer the person's agencies, and their keys in use."""
        super().__init__(*args, **kwargs)
        held = {organisation for role, organisation in person.roles() if role == Role.DATA_STEWARD}
        agencies: Any = self.fields["agency"]
        agencies.queryset = Organisation.objects.filter(pk__in=held)
        replaceable: Any = self.fields["replaces"]
        replaceable.queryset = agency_keys.keys_of(person).filter(revoked_at=None, ends_at=None)


class RevokeForm(ProofForm):
    """Why a key ends."""

    reason = forms.CharField(max_length=300, label="Why", help_text="Stays in the ledger. Name no person.")
    field_order = ["reason", "typed_name", "password"]


@roles_only("data_steward")
@require_GET
@never_cache
def index(request: SignedInRequest) -> HttpResponse:
    """List the keys of the person's agencies."""
    keys = [{"row": key, **_state(key)} for key in agency_keys.keys_of(request.user)]
    home = request.user.organisation
    alone = home is not None and not agency_keys.other_stewards(home, request.user).exists()
    pinned = pins.latest_of(home) if home is not None else None
    shown = {"keys": keys, "alone": alone, "pinned": pinned, "sftp": host_key.door(), "home": home}
    return render(request, "custody/agency_keys.html", shown)


def _state(key: SigningKey) -> dict[str, str]:
    if key.revoked_at:
        return {"tone": "bad", "state": "Revoked"}
    if clock.now() < key.usable_from:
        return {"tone": "waiting", "state": "Waiting for its first use"}
    if why_not_key(key, clock.now()):
        return {"tone": "plain", "state": "Ended"}
    return {"tone": "good", "state": "In use"}


@roles_only("data_steward")
@require_GET
@never_cache
def detail(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one key, and what it signed."""
    key = get_object_or_404(agency_keys.keys_of(request.user), pk=pk)
    shown = {"key": key, **_state(key), "signed": agency_keys.signed_with(key)}
    return render(request, "custody/agency_key.html", shown)


@roles_only("data_steward")
@require_http_methods(["GET", "POST"])
@never_cache
def enrol(request: SignedInRequest) -> HttpResponse:
    """Enrol a key."""
    form = EnrolForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            key = agency_keys.enrol(
                given["agency"],
                public_key=given["public_key"],
                label=given["label"],
                replaces=given["replaces"],
                proof=form.proof(),
                by=request.user,
                at=clock.now(),
            )
        except Blocked as refusal:
            for reason in refusal.reasons:
                form.add_error(None, reason)
        else:
            messages.success(request, "The key is enrolled. Your agency's stewards are told.")
            return redirect("custody:agency-key", pk=key.pk)
    shown = {"form": form, "hours": policy.SIGNING_KEY_COOLING_HOURS}
    return render(request, "custody/agency_key_enrol.html", shown)


@roles_only("data_steward")
@require_http_methods(["GET", "POST"])
@never_cache
def revoke(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Revoke a key."""
    key = get_object_or_404(agency_keys.keys_of(request.user), pk=pk)
    form = RevokeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            agency_keys.revoke(key, reason=reason, proof=form.proof(), by=request.user, at=clock.now())
        except Blocked as refusal:
            for why in refusal.reasons:
                form.add_error(None, why)
        else:
            messages.success(request, "The key is revoked. Nothing it signs is taken any more.")
            return redirect("custody:agency-key", pk=key.pk)
    shown = {
        "title": f"Revoke “{key.label}”",
        "act": "Revoke the key",
        "url": request.path,
        "back_url": reverse("custody:agency-key", args=[key.pk]),
        "trail": [
            ("Files to send", reverse("custody:slots")),
            ("Keys of your machines", reverse("custody:agency-keys")),
            (key.label, reverse("custody:agency-key", args=[key.pk])),
        ],
        "consequences": [
            "From this moment on nothing that this key signs is taken.",
            "What it signed before stays valid and can be verified for ever.",
            "It cannot be enrolled again: the machine needs a new key.",
            "All data stewards of your agency are told.",
        ],
        "form": form,
    }
    return render(request, "components/confirm.html", shown)
