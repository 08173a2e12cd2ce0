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
from disclosure.acting import output_of, tried
from disclosure.engine.names import Names
from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.refusal import Blocked

_MOST: Final = 40  # categories asked about for one dimension
_OWN: Final = ("", "A name of its own")
_TOLD: Final = 6  # categories named as an example


class NamesForm(forms.Form):
    """For each dimension of the file, and each category that is not known: which known one it is."""

    def __init__(self, choice: Mapping[str, Any], said: Mapping[str, Names], data: Any = None) -> None:
        """Ask about every table with headings of its own."""
        super().__init__(data)
        self.known: dict[str, list[str]] = choice["known"]
        self.said = said
        self.asked: dict[str, tuple[str, str, str]] = {}  # by field: headings, dimension, code
        self.meaning: dict[tuple[str, str], str] = {}  # of a dimension, when its categories were asked about
        for t, table in enumerate(choice["tables"]):
            names = said.get(table["headings"])
            for d, (dim, codes) in enumerate(table["dimensions"].items()):
                self._ask_dimension(f"{t}-{d}", table, dim, names)
                means = (names.dimensions.get(dim) if names else None) or dim
                self.meaning[table["headings"], dim] = means
                if means in self.known:
                    self._ask_codes(f"{t}-{d}", table["headings"], dim, codes, means, names)

    def _ask_dimension(self, at: str, table: Mapping[str, Any], dim: str, names: Names | None) -> None:
        codes = table["dimensions"][dim]
        now = names.dimensions.get(dim, "") if names else naming.proposed(dim, codes, self.known, self.said)
        told = ", ".join(codes[:_TOLD]) + (" …" if len(codes) > _TOLD else "")
        why = "" if names or not now else f" Proposed: {now}."
        self.fields[f"dimension-{at}"] = forms.ChoiceField(
            label=f"“{dim}” is the same as",
            choices=[
                _OWN,
                *((name, name) for name in sorted({*self.known, *filter(None, [now])}) if name != dim),
            ],
            initial=now,
            required=False,
            help_text=f"Categories: {told or 'none but Total'}.{why}",
        )
        self.asked[f"dimension-{at}"] = (table["headings"], dim, "")

    def _ask_codes(
        self, at: str, headings: str, dim: str, codes: list[str], means: str, names: Names | None
    ) -> None:
        now = names.codes.get(dim, {}) if names else {}
        there = set(self.known[means])
        free = [code for code in self.known[means] if code not in codes]
        unknown = [code for code in codes if code in now or code not in there]
        for code in sorted(unknown, key=lambda code: code not in now)[:_MOST]:
            k = codes.index(code)  # the same whatever was said meanwhile
            options = sorted({*free, *filter(None, [now.get(code)])})
            if not options:
                return
            self.fields[f"code-{at}-{k}"] = forms.ChoiceField(
                label=f"“{code}” in “{dim}” is the same as",
                choices=[_OWN, *((name, name) for name in options)],
                initial=now.get(code, ""),
                required=False,
            )
            self.asked[f"code-{at}-{k}"] = (headings, dim, code)

    def meant(self) -> dict[str, list[naming.Line]]:
        """Return what was said, by the headings of the tables."""
        told: dict[str, list[naming.Line]] = {}
        chosen = {
            (headings, dim): self.cleaned_data.get(field) or dim
            for field, (headings, dim, code) in self.asked.items()
            if not code
        }
        for field, (headings, dim, code) in self.asked.items():
            lines = told.setdefault(headings, [])
            is_stale = code and chosen[headings, dim] != self.meaning[headings, dim]
            if (means := self.cleaned_data.get(field)) and not is_stale:
                lines.append((dim, code, means))
        for headings, dim, code, means in self._not_asked():
            if chosen[headings, dim] == self.meaning[headings, dim]:
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
    try:
        choice = json.loads(services.look(found, by=request.user, at=now)).get("choice")
    except Blocked as refusal:
        why_not, choice = [*why_not, *refusal.reasons], None
    form = NamesForm(
        choice or {"tables": [], "known": {}}, naming.names_now(output.project), request.POST or None
    )
    if (
        request.method == "POST"
        and not why_not
        and form.is_valid()
        and tried(form, lambda: naming.say(output, form.meant(), by=request.user, at=now))
    ):
        messages.success(request, "Remembered for this project. Have the file checked again with it.")
        return redirect("disclosure:detail", pk=pk)
    context = {"form": form, "output": output, "why_not": why_not, "known": (choice or {}).get("known")}
    return render(request, "disclosure/names.html", context)
