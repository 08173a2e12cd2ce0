"""Forms above the desks."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django import forms

from p20win import policy
from p20win.calendar import BusinessDays, Hours, hours_or_days


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


class CloseForm(forms.Form):
    """Why a project is closed."""

    reason = forms.CharField(
        label="Why is the project closed?",
        help_text="Such as “All is released and certified”. Everyone concerned reads it; name no person.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class KeepOpenForm(forms.Form):
    """Why a closing is withdrawn."""

    reason = forms.CharField(
        label="Why is it withdrawn?",
        help_text="Everyone who heard of it reads this; name no person.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class InputRuleForm(forms.Form):
    """Within what an organisation's inputs are destroyed after a match (O-107)."""

    KNOWN: ClassVar[dict[str, Hours | BusinessDays | None]] = {
        "agreement": None,
        "stewards": policy.INPUT_DESTRUCTION_STEWARDS,
        "colleges": policy.INPUT_DESTRUCTION_COLLEGES,
    }

    which = forms.ChoiceField(
        label="Within what are its inputs destroyed after a match?",
        choices=[
            ("agreement", f"As agreements say: {policy.INPUT_DESTRUCTION}"),
            ("stewards", f"{policy.INPUT_DESTRUCTION_STEWARDS}, from the stewards’ confirmation"),
            (
                "colleges",
                f"{policy.INPUT_DESTRUCTION_COLLEGES}: a member of the independent colleges’ conference",
            ),
            ("business_days", "Another number of business days"),
            ("hours", "Another number of hours"),
        ],
        widget=forms.RadioSelect,
    )
    count = forms.IntegerField(
        min_value=1, max_value=240, required=False, label="Which number?", help_text="For the last two alone."
    )
    reason = forms.CharField(
        label="Why, or where did it ask for it?",
        help_text="It stands in the history. Name no person.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    @classmethod
    def of(cls, rule: Hours | BusinessDays | None) -> dict[str, Any]:
        """Return how the form shows a rule that was set."""
        for which, known in cls.KNOWN.items():
            if rule == known:
                return {"which": which}
        which = "hours" if isinstance(rule, Hours) else "business_days"
        return {"which": which, "count": rule.count if rule else None}

    def clean(self) -> dict[str, Any]:
        """Make a rule of the choice. :raises ValidationError: if its number is missing"""
        given: dict[str, Any] = super().clean() or {}
        which, count = given.get("which", ""), given.get("count")
        if which not in ("hours", "business_days"):
            return given | {"rule": self.KNOWN.get(which)}
        if not count and "count" not in self.errors:
            raise forms.ValidationError({"count": "Say how many."})
        return given | {"rule": hours_or_days(**{which: count})}
