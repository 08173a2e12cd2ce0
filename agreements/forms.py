"""What people type on this desk."""

from collections.abc import Mapping
from typing import Any

from django import forms

from agreements.models import TextKind


class SignForm(forms.Form):
    """The proof of a signer: name and password."""

    typed_name = forms.CharField(
        max_length=150,
        label="Your full name",
        help_text="As it stands on your account. It is your signature.",
    )
    password = forms.CharField(
        label="Your password",
        strip=False,
        help_text="You prove once more that it is you who signs.",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class SignAgreementForm(SignForm):
    """A signatory also affirms the authority to bind the party (O-139)."""

    affirms_authority = forms.BooleanField(label="I am authorised to bind my organisation to this agreement.")
    field_order = ["affirms_authority", "typed_name", "password"]


class DrawUpForm(forms.Form):
    """When the agreement ends."""

    ends_on = forms.DateField(
        label="Last day of the agreement",
        help_text="Not before the request's destruction date.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )


class CertificateForm(SignForm):
    """Exhibit F."""

    kind = forms.ChoiceField(
        label="What you certify",
        choices=[
            (TextKind.DESTRUCTION.value, "All data of the project is destroyed"),
            (TextKind.RETENTION.value, "Some data is kept, with the written authorisation of every agency"),
        ],
        widget=forms.RadioSelect,
        initial=TextKind.DESTRUCTION.value,
    )
    happened_on = forms.DateField(
        label="Day of the destruction", widget=forms.DateInput(attrs={"type": "date"})
    )
    method = forms.CharField(
        label="Method",
        help_text="For example: cryptographic erase of the disk by NIST SP 800-88; paper shredded.",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    field_order = ["kind", "happened_on", "method", "typed_name", "password"]


class MethodForm(forms.Form):
    """A matching method, as the governing board approved it."""

    name = forms.CharField(max_length=120, label="Name", help_text="As the board calls it.")
    slug = forms.SlugField(
        max_length=40,
        label="Short name",
        help_text="Small letters, digits and hyphens. Versions of one method have the same.",
    )
    version = forms.IntegerField(min_value=1, max_value=9999, initial=1, label="Version")
    engine = forms.ChoiceField(label="Which engine links by it?", widget=forms.RadioSelect)
    description = forms.CharField(
        label="How does it link?",
        help_text="So that a steward understands it: what is compared, and when two records are one person.",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    approved_on = forms.DateField(
        label="Approved by the governing board on", widget=forms.DateInput(attrs={"type": "date"})
    )
    reference = forms.CharField(
        max_length=200, label="Where is it written?", help_text="Such as “Minutes of 4 March, item 5”."
    )

    def __init__(self, *args: Any, engines: Mapping[str, str], **kwargs: Any) -> None:
        """Offer these engines."""
        super().__init__(*args, **kwargs)
        self.fields["engine"].choices = [(name, f"{name}: {words}") for name, words in engines.items()]  # type: ignore[attr-defined]


class RetireForm(forms.Form):
    """From when, and why, a method cannot be chosen any more."""

    retired_on = forms.DateField(
        label="From which day?",
        help_text="On this day it cannot be chosen any more.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    reason = forms.CharField(
        max_length=500,
        label="Why, or where did the board decide so?",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
