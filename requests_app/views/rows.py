"""The lists of a request: look, add, change, remove, import."""

import csv
import io
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.acting import tell, tried
from p20win.custody import public as custody
from p20win.refusal import Blocked
from requests_app import checks, outline, row_forms, selectors
from requests_app.forms import ImportForm, SearchForm
from requests_app.models import DataElement, DataRequest
from requests_app.services import importing, people, rows
from requests_app.sheets import TITLES
from requests_app.views.shared import find_own, trail

ERRORS_SHOWN: Final = 100
Column = tuple[str, Callable[[Any], Any]]


@dataclass(frozen=True)
class RowPage:
    """How one list is shown and asked for."""

    one: str
    form: type[row_forms.RowForm]
    columns: tuple[Column, ...]


PAGES: Final[dict[str, RowPage]] = {
    "discussions": RowPage(
        "a person you talked to",
        row_forms.DiscussionForm,
        (("Name", lambda r: r.person_name), ("Agency", lambda r: r.agency.legal_name)),
    ),
    "questions": RowPage(
        "a research question",
        row_forms.QuestionForm,
        (
            ("Number", lambda r: r.code),
            ("Question", lambda r: r.text),
            ("Part of", lambda r: r.parent.code if r.parent else ""),
        ),
    ),
    "elements": RowPage(
        "a data element",
        row_forms.ElementForm,
        (
            ("Element", lambda r: r.name),
            ("Source", lambda r: r.source.short_name if r.source else "Schools and districts"),
            ("Name at the source", lambda r: r.source_element),
            ("Use", lambda r: "Matching only" if r.is_matching_identifier else "Delivered"),
            ("Questions", lambda r: ", ".join(question.code for question in r.questions.all())),
        ),
    ),
    "populations": RowPage(
        "a population",
        row_forms.PopulationForm,
        (
            ("Population", lambda r: r.name),
            ("Kind", lambda r: r.get_kind_display()),
            ("Years", lambda r: " to ".join(filter(None, (r.start_year, r.end_year)))),
            ("Supplier", lambda r: r.supplier_name),
        ),
    ),
    "tables": RowPage(
        "a file of identifiers",
        row_forms.TableForm,
        (
            ("Table", lambda r: r.title),
            ("Population", lambda r: r.population.name),
            ("School year", lambda r: r.school_year),
            ("Flag", lambda r: r.flag_column),
        ),
    ),
    "outputs": RowPage(
        "a planned document",
        row_forms.OutputForm,
        (("Document", lambda r: r.document), ("Audience", lambda r: r.audience)),
    ),
    "people": RowPage(
        "a person",
        row_forms.PersonForm,
        (
            ("Name", lambda r: r.name),
            ("Organisation", lambda r: r.organisation),
            ("Role in the project", lambda r: r.project_role),
            ("Side", lambda r: r.get_side_display()),
        ),
    ),
}
READ_WITH: Final = {
    "elements": ("source",),
    "questions": ("parent",),
    "tables": ("population",),
    "discussions": ("agency",),
}


def _known_quality(shown: Iterable[DataElement]) -> tuple[Column, ...]:
    """Return the column that tells how good each element was when its agency last sent it (O-97)."""
    asked = {each.pk: [(each.source_id, name) for name in (each.name, each.source_element)] for each in shown}
    known = custody.known_quality(pair for pairs in asked.values() for pair in pairs)

    def told(each: DataElement) -> str:
        pairs = ((owner, name.lower()) for owner, name in asked[each.pk])
        found = next((known[pair] for pair in pairs if pair in known), None)
        if found is None:
            return "Not known yet"
        when = clock.state_date(found.received_at)
        return f"Filled: {found.filled}. Not of the agreed form: {found.unfit}. File of {when:%B %Y}."

    return (("Known quality", told),)


def _page_of(kind: str) -> RowPage:
    if kind not in PAGES:
        raise Http404
    return PAGES[kind]


def _rows_of(row: DataRequest, kind: str) -> Any:
    if kind == "people":
        return selectors.people_of(row)
    found: Any = getattr(row, "identifier_tables" if kind == "tables" else kind)
    found = found.select_related(*READ_WITH[kind]) if kind in READ_WITH else found.all()
    return found.prefetch_related("questions") if kind == "elements" else found


def _why_not(row: DataRequest, kind: str, request: SignedInRequest) -> str | None:
    ask = checks.why_not_name if kind == "people" else checks.why_not_edit
    return ask(row, request.user)


@members_only
def index(request: SignedInRequest, pk: uuid.UUID, kind: str) -> HttpResponse:
    """Show one list."""
    row, page = find_own(request, pk), _page_of(kind)
    found = _rows_of(row, kind)
    search = SearchForm(request.GET or None) if kind == "elements" else None
    if search and search.is_valid() and search.cleaned_data["q"]:
        found = found.filter(name__icontains=search.cleaned_data["q"])
    shown = Paginator(found, 50).get_page(request.GET.get("page"))
    columns = [*page.columns, *_known_quality(shown)] if kind == "elements" else page.columns
    context = {
        "row": row,
        "kind": kind,
        "page": page,
        "title": outline.ROW_TITLES[kind],
        "section": outline.BY_SLUG[outline.SECTION_OF_ROWS[kind]],
        "headings": [heading for heading, _ in columns],
        "shown": shown,
        "lines": [(each, [read(each) for _, read in columns]) for each in shown],
        "search": search,
        "why_not": _why_not(row, kind, request),
    }
    return render(request, "requests_app/rows.html", context)


@members_only
def edit(request: SignedInRequest, pk: uuid.UUID, kind: str, row_pk: uuid.UUID | None = None) -> HttpResponse:
    """Add a row, or change one."""
    row, page = find_own(request, pk), _page_of(kind)
    existing = get_object_or_404(_rows_of(row, kind), pk=row_pk) if row_pk else None
    form = page.form(row, request.POST or None, instance=existing)
    store = partial(_store, row, kind, existing, request)
    if request.method == "POST" and form.is_valid() and tried(form, lambda: store(form.cleaned_data)):
        messages.success(request, "Saved.")
        return redirect("requests_app:row-new" if "again" in request.POST else "requests_app:rows", pk, kind)
    context = {
        "row": row,
        "kind": kind,
        "title": f"Change {page.one}" if existing else f"Add {page.one}",
        "list_title": outline.ROW_TITLES[kind],
        "form": form,
        "is_new": existing is None,
        "why_not": _why_not(row, kind, request),
    }
    return render(request, "requests_app/row_edit.html", context)


def _store(
    row: DataRequest, kind: str, existing: Any, request: SignedInRequest, said: dict[str, Any]
) -> None:
    by, at = request.user, clock.now()
    if kind == "people":
        people.change(existing, by=by, at=at, **said) if existing else people.name(row, by=by, at=at, **said)
    elif existing:
        rows.change(existing, by=by, at=at, **said)
    else:
        rows.add(row, kind, by=by, at=at, **said)


@members_only
def remove(request: SignedInRequest, pk: uuid.UUID, kind: str, row_pk: uuid.UUID) -> HttpResponse:
    """Ask, then remove a row."""
    row, page = find_own(request, pk), _page_of(kind)
    existing = get_object_or_404(_rows_of(row, kind), pk=row_pk)
    back = reverse("requests_app:rows", args=[pk, kind])
    name = page.columns[0][1](existing)
    if request.method == "POST":
        act = people.take_off if kind == "people" else rows.take_out
        tell(request, lambda: act(existing, by=request.user, at=clock.now()), f"{name} is removed.")
        return redirect(back)
    lead = "Their access ends at once." if kind == "people" else "The history of the row is kept."
    context = {
        "title": f"Remove {name}?",
        "lead": lead,
        "act": "Remove",
        "url": request.path,
        "back_url": back,
        "trail": [*trail(row), (outline.ROW_TITLES[kind], back)],
    }
    return render(request, "components/confirm.html", context)


@members_only
def import_elements(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Import data elements from a spreadsheet."""
    row = find_own(request, pk)
    form = ImportForm(request.POST or None, request.FILES or None)
    errors: list[Any] = []
    if request.method == "POST" and form.is_valid():
        sheet = form.cleaned_data["sheet"]
        try:
            count = importing.import_elements(
                row, name=sheet.name, content=sheet.read(), by=request.user, at=clock.now()
            )
        except importing.ImportRefused as refusal:
            errors = refusal.errors
        except Blocked as refusal:
            form.add_error(None, " ".join(refusal.reasons))
        else:
            messages.success(request, f"{count} data element{'' if count == 1 else 's'} imported.")
            return redirect("requests_app:rows", pk, "elements")
    context = {
        "row": row,
        "form": form,
        "errors": errors[:ERRORS_SHOWN],
        "more": max(0, len(errors) - ERRORS_SHOWN),
        "columns": list(TITLES.values()),
        "why_not": _why_not(row, "elements", request),
    }
    return render(request, "requests_app/import.html", context)


@members_only
def template(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Give an empty sheet with the headers."""
    find_own(request, pk)
    sheet = io.StringIO()
    csv.writer(sheet).writerow(TITLES.values())
    return HttpResponse(
        sheet.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="data-elements.csv"'},
    )
