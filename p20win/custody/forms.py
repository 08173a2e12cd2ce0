"""Forms of the files' pages."""

from django import forms

from p20win.custody.models import SlotStatus


class FileForm(forms.Form):
    """One file."""

    file = forms.FileField(
        label="The file", help_text="It is sealed while it is sent; nobody reads it but the vault."
    )


class SlotFilter(forms.Form):
    """Search and filter of the list of files."""

    q = forms.CharField(required=False, label="File, request or sender")
    status = forms.ChoiceField(required=False, label="State", choices=[("", "Any"), *SlotStatus.choices])
