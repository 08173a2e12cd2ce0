"""What a person may choose about notices."""

from django import forms

from p20win.notifications.models import MailChoice


class MailForm(forms.Form):
    """Which mail to get beside the inbox."""

    mail = forms.ChoiceField(
        choices=MailChoice.choices,
        widget=forms.RadioSelect,
        label="Which notices should also come by mail?",
        help_text="All of them stay here in the inbox either way. Mail never contains data.",
    )
