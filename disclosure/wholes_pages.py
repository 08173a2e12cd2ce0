"""The form on which an author says which categories of a file together make a whole."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from disclosure import checks, selectors, services, wholes
from disclosure.acting import output_of
from disclosure.models import OutputStatus
from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.acting import tried
from p20win.refusal import Blocked

MOST: Final = 60  # categories that are offered as boxes to tick
_TOLD: Final = 12  # categories named as an example
_NEXT: Final[Mapping[str, str]] = {
    OutputStatus.CHECKED: "Have the file checked again with it.",
    OutputStatus.RETURNED: "Send the file again to have it checked with it.",
}


class WholesForm(forms.Form):
    """For each dimension: which categories are the parts, and which whole they make."""

    def __init__(self, sheet: Mapping[str, Any], data: Any = None) -> None:
        """Ask about the dimensions that have few enough categories."""
        super().__init__(data)
        known: Mapping[str, Sequence[str]] = (sheet.get("choice") or {}).get("known") or {}
        cells: Mapping[str, Sequence[str]] = sheet.get("cells") or {}
        self.used = {dim: sorted({*codes, *known.get(dim, ())}) for dim, codes in cells.items()}
        self.asked = [dim for dim, codes in self.used.items() if 2 <= len(codes) <= MOST]
        for number, dim in enumerate(self.asked):
            codes = self.used[dim]
            told = ", ".join([code for code in codes if code not in cells[dim]][:_TOLD])
            self.fields[f"parts-{number}"] = forms.MultipleChoiceField(
                label=f"The parts: categories of “{dim}”",
                choices=[(code, code) for code in codes],
                required=False,
                widget=forms.CheckboxSelectMultiple,
            )
            self.fields[f"whole-{number}"] = forms.CharField(
                label=f"The whole they make, in “{dim}”",
                max_length=200,
                required=False,
                help_text="Write Total if they are all there are, or else the category that they make up."
                + (f" Other tables have: {told}." if told else ""),
            )

    def clean(self) -> dict[str, Any]:
        """Refuse parts without a whole, and a whole without parts."""
        cleaned = super().clean() or {}
        for number in range(len(self.asked)):
            parts, whole = (
                cleaned.get(f"parts-{number}"),
                " ".join(cleaned.get(f"whole-{number}", "").split()),
            )
            if parts and not whole:
                self.add_error(f"whole-{number}", "Say which whole these parts make.")
            if whole and not parts:
                self.add_error(f"parts-{number}", "Say which categories are its parts.")
        return cleaned

    def made(self) -> dict[str, tuple[str, list[str]]]:
        """Return what was said, by dimension."""
        return dict(self._made())

    def _made(self) -> Iterator[tuple[str, tuple[str, list[str]]]]:
        for number, dim in enumerate(self.asked):
            if parts := self.cleaned_data[f"parts-{number}"]:
                yield dim, (" ".join(self.cleaned_data[f"whole-{number}"].split()), parts)


@members_only
@require_http_methods(["GET", "POST"])
@never_cache
def make(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask which categories together make a whole, and remember it for the project."""
    output, now = output_of(request, pk), clock.now()
    found = selectors.latest_check(output)
    if found is None or checks.is_author(output, request.user):
        raise Http404
    why_not = wholes.why_not_say(output, request.user, now)
    sheet: dict[str, Any] = {}
    try:
        sheet = json.loads(services.look(found, by=request.user, at=now))
    except Blocked as refusal:
        why_not = [*why_not, *refusal.reasons]
    form = WholesForm(sheet, request.POST or None)
    if request.method == "POST" and not why_not and form.is_valid():
        made, used = form.made(), form.used
        if tried(form, lambda: wholes.say(output, made, used=used, by=request.user, at=now)):
            messages.success(request, f"Remembered for this project. {_NEXT[output.status]}")
            return redirect("disclosure:detail", pk=pk)
    return render(request, "disclosure/wholes.html", {"form": form, "output": output, "why_not": why_not})
