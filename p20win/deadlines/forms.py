"""What may be entered about closed days."""

import datetime as dt

from django import forms


class ClosedDayForm(forms.Form):
    """A day that differs from the law's list."""

    day = forms.DateField(label="Day", widget=forms.DateInput)
    is_closed = forms.TypedChoiceField(
        label="What differs?",
        choices=[("yes", "The offices are closed"), ("no", "The offices are open, though it is on the list")],
        widget=forms.RadioSelect,
        coerce=lambda value: value == "yes",
        initial="yes",
    )
    name = forms.CharField(
        label="Why",
        max_length=120,
        help_text="Shown in every deadline that this day moves, like “Offices closed by the Governor: snow”.",
    )


class YearForm(forms.Form):
    """Which year's list to show."""

    year = forms.IntegerField(min_value=2020, max_value=2060, required=False)

    def chosen(self, today: dt.date) -> int:
        """Return the year asked for, or this one."""
        return (self.is_valid() and self.cleaned_data["year"]) or today.year
