"""The page on which an author or reviewer says which cells the numbers in a text are about."""

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

from disclosure import by_hand_pages, selectors, sentences, services
from disclosure.acting import output_of
from disclosure.engine.said import OF, Fact
from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.acting import tried
from p20win.refusal import Blocked

TOTAL: Final = "Total"


class SentencesForm(forms.Form):
    """Of each number in a text: whether it is confirmed, and which cell it is about."""

    def __init__(
        self,
        said: Sequence[Mapping[str, Any]],
        cells: Mapping[str, Sequence[str]],
        facts: Mapping[int, Fact],
        data: Any = None,
    ) -> None:
        """Ask about every number, as it was said before or as its words and size propose."""
        super().__init__(data)
        self.cells = {dim: list(codes) for dim, codes in cells.items()}
        self.said = said
        self.numbers = [self._ask(each, facts.get(each["number"])) for each in said]

    def _ask(self, each: Mapping[str, Any], fact: Fact | None) -> dict[str, Any]:
        number = each["number"]
        told = each.get("told") or (f"{each['says']} %" if each["is_share"] else each["says"])
        asked: dict[str, Any] = {"quote": each["quote"], "place": each["place"], "told": told, "fields": []}
        if each.get("is_open"):
            return asked
        codes: Mapping[str, str] = fact.codes if fact else each["proposed"]
        names = [f"confirm-{number}"]
        self.fields[names[0]] = forms.BooleanField(
            label="It is about this cell of the tables", required=False, initial=fact is not None
        )
        for at, (dim, known) in enumerate(self.cells.items()):
            names.append(f"code-{number}-{at}")
            self.fields[names[-1]] = forms.ChoiceField(
                label=dim,
                choices=[(TOTAL, f"{TOTAL}: all together"), *((code, code) for code in known)],
                initial=codes.get(dim, TOTAL),
                required=False,
            )
        if each["is_share"]:
            names.append(f"of-{number}")
            self.fields[names[-1]] = forms.MultipleChoiceField(
                label="It is a percentage of all in",
                choices=[(dim, dim) for dim in self.cells],
                initial=list(fact.of) if fact else [],
                required=False,
                widget=forms.CheckboxSelectMultiple,
            )
        return asked | {"fields": [self[name] for name in names]}

    def clean(self) -> dict[str, Any]:
        """Refuse a percentage of nothing."""
        cleaned = super().clean() or {}
        for each in self.said:
            number = each["number"]
            if each["is_share"] and cleaned.get(f"confirm-{number}") and not cleaned.get(f"of-{number}"):
                self.add_error(f"of-{number}", "Say what it is a percentage of.")
        return cleaned

    def lines(self) -> list[sentences.Line]:
        """Return what was confirmed, line by line."""
        return list(self._lines())

    def _lines(self) -> Iterator[sentences.Line]:
        for each in self.said:
            number = each["number"]
            if not self.cleaned_data.get(f"confirm-{number}"):
                continue
            for at, dim in enumerate(self.cells):
                yield str(number), dim, self.cleaned_data[f"code-{number}-{at}"] or TOTAL
            yield from ((str(number), dim, OF) for dim in self.cleaned_data.get(f"of-{number}", ()))


@members_only
@require_http_methods(["GET", "POST"])
@never_cache
def confirm(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask which cells the numbers in a text are about."""
    output, now = output_of(request, pk), clock.now()
    found = selectors.latest_check(output)
    why_not = sentences.why_not_confirm(output, request.user, now)
    if found is None or (why_not and output.author_id != request.user.pk):
        raise Http404
    sheet: dict[str, Any] = {}
    try:
        sheet = json.loads(services.look(found, by=request.user, at=now))
    except Blocked as refusal:
        why_not = [*why_not, *refusal.reasons]
    said: list[dict[str, Any]] = sheet.get("sentences") or []
    form: SentencesForm | None = None
    if said and not why_not:
        facts = sentences.confirmed_now(output)
        form = SentencesForm(said, sheet["cells"], facts, request.POST or None)
        if request.method == "POST" and form.is_valid():
            lines = form.lines()
            if tried(form, lambda: sentences.confirm(output, lines, by=request.user, at=now)):
                told = by_hand_pages.what_next(output, request.user)
                messages.success(request, f"Remembered for this file. {told}")
                return redirect("disclosure:detail", pk=pk)
    context = {"output": output, "why_not": why_not, "said": said, "form": form}
    return render(request, "disclosure/sentences.html", context)
