"""The page on which an author or reviewer says how a table is read."""

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

from disclosure import by_hand, lifecycle, selectors, services
from disclosure.acting import output_of
from disclosure.engine.byhand import COUNT, DIMENSION, MOST_COLUMNS, MOST_HEADINGS, OTHER, PERCENTAGE, ByHand
from disclosure.models import OutputStatus
from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.acting import tried
from p20win.refusal import Blocked
from p20win.workflow import blockers

_ROLES: Final = (
    (DIMENSION, "Tells groups of people apart"),
    (COUNT, "Counts people"),
    (PERCENTAGE, "Percentage"),
    (OTHER, "Something else: it counts nobody"),
)
_COLUMN, _ROW = "column", "row"
_LONGEST: Final = 100  # characters of a name


class ByHandForm(forms.Form):
    """What each column of a table is, what its headings tell apart, and what means Total."""

    headings = forms.TypedChoiceField(
        label="Rows of headings",
        coerce=int,
        choices=[(number, str(number)) for number in range(1, MOST_HEADINGS + 1)],
        help_text="Counted from the first row shown above.",
    )
    totals = forms.CharField(
        label="What means all together",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Labels of rows or columns that are totals, one on a line. “Total”, “All” and the like are"
        " known.",
    )
    base = forms.MultipleChoiceField(
        label="Percentages are of all these together",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Such as the school, if each percentage tells how many of all schools’ pupils are at one.",
    )

    def __init__(self, table: Mapping[str, Any], said: ByHand | None, data: Any = None) -> None:
        """Ask about every column, as it was said before or as it looks."""
        self.rows: list[list[str]] = table["top"]
        width = table["width"]
        self.before = said if said and len(said.roles) == width else None
        super().__init__(data, initial=self._initial(width))
        self.columns = [self._ask_column(c) for c in range(width)]
        most = min(MOST_HEADINGS, max(1, table["height"] - 1))
        self.across = [self._ask_heading(r) for r in range(1, most + 1)]
        headings: Any = self.fields["headings"]
        headings.choices = [(number, str(number)) for number in range(1, most + 1)]
        base: Any = self.fields["base"]
        base.choices = [
            *((f"{_COLUMN}-{c}", f"Column {c}: {self._head(c)}") for c in range(1, width + 1)),
            *((f"{_ROW}-{r}", f"What row {r} of headings tells apart") for r in range(1, most + 1)),
        ]

    def _initial(self, width: int) -> dict[str, Any]:
        before = self.before
        if before is None:
            return {"headings": 1}
        own = {self._dimension(before, c): f"{_COLUMN}-{c}" for c in range(1, width + 1)}
        own |= {name: f"{_ROW}-{r}" for r, name in before.across.items()}
        return {
            "headings": before.headings,
            "totals": "\n".join(sorted(before.totals)),
            "base": [own[name] for name in before.base if name in own],
        }

    def _dimension(self, said: ByHand, column: int) -> str:
        return said.names.get(column) or self._head(column, said.headings)

    def _head(self, column: int, row: int = 1) -> str:
        return self.rows[row - 1][column - 1] if row <= len(self.rows) else ""

    def _ask_column(self, c: int) -> dict[str, Any]:
        number, before = c + 1, self.before
        cells = [row[c] for row in self.rows[1:]]
        self.fields[f"role-{number}"] = forms.ChoiceField(
            label="What it is",
            choices=_ROLES,
            initial=before.roles[c] if before else _looks_like(self.rows[0][c], cells),
        )
        name = (before.names.get(number) or before.codes.get(number)) if before else ""
        self.fields[f"name-{number}"] = forms.CharField(
            label="Called",
            required=False,
            max_length=_LONGEST,
            initial=name,
            help_text="Only if its heading does not say it: the dimension, or the group that it counts.",
        )
        return {
            "legend": f"Column {number}: {self._head(number) or 'no heading'}",
            "fields": [self[f"role-{number}"], self[f"name-{number}"]],
        }

    def _ask_heading(self, row: int) -> Any:
        field = f"across-{row}"
        self.fields[field] = forms.CharField(
            label=f"What row {row} of headings tells apart",
            required=False,
            max_length=_LONGEST,
            initial=self.before.across.get(row, "") if self.before else "",
            help_text="Such as sex, if columns count girls and boys. Blank if it names no groups.",
        )
        return self[field]

    def lines(self) -> list[by_hand.Line]:
        """Return what was said, line by line."""
        return [("headings", "", str(self.cleaned_data["headings"])), *self._lines()]

    def _lines(self) -> Iterator[by_hand.Line]:
        said, headings = self.cleaned_data, self.cleaned_data["headings"]
        for number in range(1, len(self.columns) + 1):
            role, name = said[f"role-{number}"], said[f"name-{number}"]
            yield "column", str(number), role
            if name and role != OTHER:
                yield "name" if role == DIMENSION else "code", str(number), name
        across = [(r, name) for r in range(1, headings + 1) if (name := said.get(f"across-{r}"))]
        yield from (("across", str(r), name) for r, name in across)
        labels = dict.fromkeys(label.strip() for label in said["totals"].splitlines() if label.strip())
        yield from (("total", label, "Total") for label in labels)
        for asked in said["base"]:
            kind, _, number = asked.partition("-")
            of = dict(across).get(int(number), "") if kind == _ROW else self._of_column(int(number))
            if of:
                yield "base", of, "Total"

    def _of_column(self, number: int) -> str:
        if self.cleaned_data[f"role-{number}"] != DIMENSION:
            return ""
        return self.cleaned_data[f"name-{number}"] or self._head(number, self.cleaned_data["headings"])


def _looks_like(heading: str, cells: Sequence[str]) -> str:
    if not any(any(char.isdigit() for char in cell) for cell in cells):
        return DIMENSION
    if any(any(char.isalpha() for char in cell) for cell in cells):
        return DIMENSION
    return PERCENTAGE if "%" in heading or any("." in cell for cell in cells) else COUNT


@members_only
@require_http_methods(["GET", "POST"])
@never_cache
def by_hand_page(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask how a table of a file is read, and remember it for the project."""
    output, now = output_of(request, pk), clock.now()
    found = selectors.latest_check(output)
    why_not = by_hand.why_not_say(output, request.user, now)
    if found is None or (why_not and output.author_id != request.user.pk):
        raise Http404
    try:
        tables = json.loads(services.look(found, by=request.user, at=now)).get("grids") or []
    except Blocked as refusal:
        why_not, tables = [*why_not, *refusal.reasons], []
    number = _number(request.GET.get("table", "1"), len(tables))
    table = tables[number - 1] if tables else None
    form: ByHandForm | None = None
    if table and table["width"] <= MOST_COLUMNS and not why_not:
        said = by_hand.said_now(output.project).get(table["signature"])
        form = ByHandForm(table, said, request.POST or None)
        if request.method == "POST" and form.is_valid():
            sign, lines = table["signature"], form.lines()
            if tried(form, lambda: by_hand.say(output, sign, lines, by=request.user, at=now)):
                messages.success(request, f"Remembered for this project. {what_next(output, request.user)}")
                return redirect("disclosure:detail", pk=pk)
    context = {"output": output, "why_not": why_not, "tables": tables, "table": table, "number": number}
    return render(request, "disclosure/by_hand.html", context | {"form": form})


def _number(asked: str, most: int) -> int:
    return int(asked) if asked.isdecimal() and 1 <= int(asked) <= most else 1


def what_next(output: Any, person: Any) -> str:
    """Say what to do so that a check knows what was said."""
    if output.status == OutputStatus.IN_REVIEW:
        return "Return the output, so that its author has it checked with that."
    if blockers(lifecycle.CHECK_AGAIN, output, person):
        return "Send the file again to have it checked with it."
    return "Have the file checked again with it."
