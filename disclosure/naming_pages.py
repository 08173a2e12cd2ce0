"""The page on which an author says what the headings and codes of a file mean."""

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from disclosure import checks, naming, selectors, services
from disclosure.acting import output_of
from disclosure.engine.names import Names
from disclosure.models import OutputStatus
from disclosure.wholes_pages import WholesForm
from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.acting import tried
from p20win.refusal import Blocked

_MOST: Final = 40  # categories asked about for one dimension
_OWN: Final = ("", "A name of its own")
_NEXT: Final[Mapping[str, str]] = {
    OutputStatus.CHECKED: "Have the file checked again with it.",
    OutputStatus.RETURNED: "Send the file again to have it checked with it.",
}
_TOLD: Final = 6  # categories named as an example


class NamesForm(forms.Form):
    """For each dimension of the file, and each category that is not known: which known one it is."""

    def __init__(self, choice: Mapping[str, Any], said: Mapping[str, Names], data: Any = None) -> None:
        """Ask about every table with headings of its own."""
        super().__init__(data)
        self.known: dict[str, list[str]] = choice["known"]
        self.said = said
        self.asked: dict[str, tuple[str, str, str]] = {}  # by field: headings, dimension, code
        self.meaning: dict[
            tuple[str, str], str
        ] = {}  # of a dimension, as chosen now, said before or proposed
        for t, table in enumerate(choice["tables"]):
            for d, dim in enumerate(table["dimensions"]):
                self._ask_dimension(f"{t}-{d}", table, dim)

    def _ask_dimension(self, at: str, table: Mapping[str, Any], dim: str) -> None:
        headings, codes, field = table["headings"], table["dimensions"][dim], f"dimension-{at}"
        names = self.said.get(headings)
        now = names.dimensions.get(dim, "") if names else naming.proposed(dim, codes, self.known, self.said)
        told = ", ".join(codes[:_TOLD]) + (" …" if len(codes) > _TOLD else "")
        why = "" if names or not now else f" Proposed: {now}."
        options = sorted({*self.known, *filter(None, [now])} - {dim})
        self.fields[field] = forms.ChoiceField(
            label=f"“{dim}” is the same as",
            choices=[_OWN, *((name, name) for name in options)],
            initial=now,
            required=False,
            help_text=f"Categories: {told or 'none but Total'}.{why}",
        )
        self.asked[field] = (headings, dim, "")
        means = (self.data.get(field, "") if self.is_bound else now) or dim
        self.meaning[headings, dim] = means
        if means in self.known:
            place = sorted(self.known).index(means)  # asked anew if another dimension is chosen
            before = names.codes.get(dim, {}) if names and self._was(headings, dim) == means else {}
            self._ask_codes(f"{at}-{place}", headings, dim, codes, before)

    def _was(self, headings: str, dim: str) -> str:
        names = self.said.get(headings)
        return (names.dimensions.get(dim) if names else None) or dim

    def _ask_codes(
        self, at: str, headings: str, dim: str, codes: list[str], before: Mapping[str, str]
    ) -> None:
        there = self.known[self.meaning[headings, dim]]
        free = [code for code in there if code not in codes]
        unknown = [code for code in codes if code in before or (free and code not in there)]
        for code in sorted(unknown, key=lambda code: code not in before)[:_MOST]:
            field = f"code-{at}-{codes.index(code)}"
            options = sorted({*free, *filter(None, [before.get(code)])})
            self.fields[field] = forms.ChoiceField(
                label=f"“{code}” in “{dim}” is the same as",
                choices=[_OWN, *((name, name) for name in options)],
                initial=before.get(code, ""),
                required=False,
            )
            self.asked[field] = (headings, dim, code)

    def asks_more(self) -> bool:
        """Say whether what was chosen leaves categories to ask about, which the form did not show yet."""
        return any(field not in self.data for field in self.asked)

    def meant(self) -> dict[str, list[naming.Line]]:
        """Return what was said, by the headings of the tables."""
        told: dict[str, list[naming.Line]] = {}
        for field, (headings, dim, code) in self.asked.items():
            lines = told.setdefault(headings, [])
            if means := self.cleaned_data.get(field):
                lines.append((dim, code, means))
        for headings, dim, code, means in self._not_asked():
            if self.meaning[headings, dim] == self._was(headings, dim):
                told[headings].append((dim, code, means))
        return told

    def _not_asked(self) -> Iterator[tuple[str, str, str, str]]:
        """Give what was said before of categories that this file does not have."""
        asked = set(self.asked.values())
        for headings in {headings for headings, *_ in asked} & set(self.said):
            for dim, codes in self.said[headings].codes.items():
                for code, means in codes.items():
                    if (headings, dim, code) not in asked and (headings, dim) in self.meaning:
                        yield headings, dim, code, means

    def clean(self) -> dict[str, Any]:
        """Refuse what would make two dimensions of a table one."""
        cleaned = super().clean() or {}
        taken: dict[tuple[str, str], str] = {}
        for field, (headings, dim, code) in self.asked.items():
            if code:
                continue
            means = cleaned.get(field) or dim
            if (headings, means) in taken:
                self.add_error(field, f"“{taken[headings, means]}” means “{means}” already.")
            taken.setdefault((headings, means), dim)
        return cleaned


@members_only
@require_http_methods(["GET", "POST"])
@never_cache
def names(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask what the names in a file mean, and remember it for the project."""
    output, now = output_of(request, pk), clock.now()
    found = selectors.latest_check(output)
    if found is None or checks.is_author(output, request.user):
        raise Http404
    why_not = naming.why_not_name(output, request.user, now)
    sheet: dict[str, Any] = {}
    try:
        sheet = json.loads(services.look(found, by=request.user, at=now))
    except Blocked as refusal:
        why_not = [*why_not, *refusal.reasons]
    choice = sheet.get("choice")
    form = NamesForm(
        choice or {"tables": [], "known": {}}, naming.names_now(output.project), request.POST or None
    )
    if request.method == "POST" and not why_not and form.is_valid():
        if form.asks_more():
            messages.info(request, "Now say what its categories mean.")
        elif tried(form, lambda: naming.say(output, form.meant(), by=request.user, at=now)):
            messages.success(request, f"Remembered for this project. {_NEXT[output.status]}")
            return redirect("disclosure:detail", pk=pk)
    context = {"form": form, "output": output, "why_not": why_not, "known": (choice or {}).get("known")}
    context["wholes"] = WholesForm(sheet)
    return render(request, "disclosure/names.html", context)
