"""What people type on this desk."""

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
