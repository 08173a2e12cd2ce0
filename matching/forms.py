"""What people type on this desk."""

from typing import Any

from django import forms

from agreements.public import MatchMethod


class MethodForm(forms.Form):
    """Which of the approved methods links the files."""

    method = forms.ModelChoiceField(
        queryset=MatchMethod.objects.none(),
        label="Matching method",
        help_text="Only methods that the governing board approved can run.",
        widget=forms.RadioSelect,
        empty_label=None,
    )

    def __init__(self, *args: Any, methods: Any, **kwargs: Any) -> None:
        """Offer these methods, the first one chosen."""
        super().__init__(*args, **kwargs)
        self.fields["method"].queryset = methods  # type: ignore[attr-defined]
        self.fields["method"].initial = methods.first()


class AgreeForm(forms.Form):
    """The proof of who agrees."""

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


class RejectForm(forms.Form):
    """Why a match is not optimal."""

    reasons = forms.CharField(
        label="What should be better?",
        help_text="Say what you saw in the report. Names and numbers of people do not belong here.",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class AcknowledgeForm(forms.Form):
    """What is acknowledged before each download: one box for each rule."""

    def __init__(self, *args: Any, rules: list[str], **kwargs: Any) -> None:
        """Ask for each rule by itself."""
        super().__init__(*args, **kwargs)
        for number, rule in enumerate(rules):
            self.fields[f"rule_{number}"] = forms.BooleanField(label=rule)


class DestroyForm(forms.Form):
    """Why the inputs are destroyed before their time."""

    reason = forms.CharField(
        label="Why before the clock has run out?",
        help_text="Such as “Everyone has the extract”. Every party reads it; name no person.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class WithdrawForm(forms.Form):
    """Why an order to destroy is withdrawn."""

    reason = forms.CharField(
        label="Why is it withdrawn?",
        help_text="Every party reads it; name no person.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
