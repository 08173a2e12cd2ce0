"""Forms above the desks."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms


class ClockForm(forms.Form):
    """By how much the demo clock is moved."""

    days = forms.IntegerField(
        min_value=0,
        max_value=400,
        initial=1,
        label="Days to go forward",
        help_text="Ten business days are two weeks or more. Sessions and signatures keep real time.",
    )
    hours = forms.IntegerField(
        min_value=0,
        max_value=23,
        initial=0,
        required=False,
        label="And hours",
    )

    def clean(self) -> dict[str, Any]:
        """Add the two up. :raises ValidationError: if the clock would stay where it is"""
        given: dict[str, Any] = super().clean() or {}
        step = dt.timedelta(days=given.get("days") or 0, hours=given.get("hours") or 0)
        if not step and not self.errors:
            raise forms.ValidationError("Choose how far the clock goes forward: an hour at least.")
        return given | {"step": step}
