"""Writing a request: the list, a new one, its task list, its sections, check answers, submit."""

import uuid
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.acting import tried
from p20win.listing import Listing
from p20win.workflow import blockers
from requests_app import checks, completeness, content, lifecycle, outline, selectors, texts
from requests_app.forms import ContradictionForm, ListForm, NewRequestForm, SectionForm, SubmitForm
from requests_app.models import DataRequest
from requests_app.reading import problem_url, read_sections, standing, tasks
from requests_app.services import drafting, review
from requests_app.views.reviewing import read
from requests_app.views.shared import find, find_own

_LIST = Listing(
    sorts={"number": "project__number", "title": "title", "status": "status", "since": "status_since"},
    searched=("project__number", "title", "requestor__name"),
)


@members_only
def index(request: SignedInRequest) -> HttpResponse:
    """List the requests this person may see."""
    form = ListForm(request.GET or None)
    rows = selectors.visible_to(request.user)
    said = form.cleaned_data if form.is_valid() else {}
    if status := said.get("status"):
        rows = rows.filter(status=status)
    context = _LIST.shown(rows, request) | {"form": form, "filtered": bool(said.get("q") or status)}
    return render(
        request, "requests_app/index.html", context | {"why_not_new": drafting.why_not_draft(request.user)}
    )


@members_only
def new(request: SignedInRequest) -> HttpResponse:
    """Begin a request."""
    form = NewRequestForm(request.POST or None)
    made: list[DataRequest] = []

    def begin() -> None:
        title = form.cleaned_data["title"]
        made.append(drafting.create_draft(title, by=request.user, at=clock.now()))

    if request.method == "POST" and form.is_valid() and tried(form, begin):
        return redirect(made[0])
    why_not = drafting.why_not_draft(request.user)
    return render(request, "requests_app/new.html", {"form": form, "why_not": why_not})


@members_only
def home(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the task list to the requestor who may write, and the request itself to all others."""
    row = find(request, pk)
    if checks.why_not_edit(row, request.user):
        return read(request, row)
    problems = completeness.problems(row)
    context = {
        "row": row,
        "standing": standing(row),
        "tasks": tasks(row, problems),
        "done": sum(task.status == "complete" for task in tasks(row, problems)),
        "comments": row.comments.filter(round=row.round),
        "decisions": selectors.decisions(row) if row.round else [],
        "people_count": selectors.people_of(row).count(),
    }
    return render(request, "requests_app/home.html", context)


@members_only
def section(request: SignedInRequest, pk: uuid.UUID, slug: str) -> HttpResponse:
    """Write one section."""
    row = find_own(request, pk)
    what = outline.BY_SLUG[slug]
    form = SectionForm(row, what, request.POST or None)
    if request.method == "POST" and form.is_valid() and tried(form, lambda: _save(row, form, request)):
        messages.success(request, f"“{what.title}” is saved.")
        return redirect("requests_app:section", pk, slug) if what.rows else redirect(row)
    context: dict[str, Any] = {
        "row": row,
        "section": what,
        "form": form,
        "why_not": checks.why_not_edit(row, request.user),
        "lists": [(rows, outline.ROW_TITLES[rows], count_rows(row, rows)) for rows in what.rows],
        "comments": [c for c in row.comments.filter(round=row.round) if c.about in parts(what)],
    }
    return render(request, "requests_app/section.html", context)


def _save(row: DataRequest, form: SectionForm, request: SignedInRequest) -> None:
    by, at, said = request.user, clock.now(), form.cleaned_data
    if form.section.fields:
        drafting.save_section(row, form.section.slug, by=by, at=at, **form.values())
    if "agencies" in said:
        drafting.ask_agencies(row, list(said["agencies"]), by=by, at=at)
    if "affirmations" in said:
        drafting.affirm(row, [int(number) for number in said["affirmations"]], by=by, at=at)


def parts(what: outline.Section) -> set[str]:
    """Return the fields and lists of a section."""
    own = {name for name, slug in outline.SECTION_OF_FIELD.items() if slug == what.slug}
    return own | set(what.rows)


def count_rows(row: DataRequest, kind: str) -> int:
    """Return how many rows a list has."""
    if kind == "people":
        return selectors.people_of(row).count()
    rows: Any = getattr(row, "identifier_tables" if kind == "tables" else kind)
    return int(rows.count())


@members_only
def answers(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show all answers, with what is missing or contradictory, each linked to where it is mended."""
    row = find_own(request, pk)
    problems = completeness.problems(row)
    context = {
        "row": row,
        "missing": [(problem, problem_url(row, problem)) for problem in problems if not problem.key],
        "contradictions": [
            (
                problem,
                problem_url(row, problem),
                ContradictionForm(initial={"key": problem.key}, auto_id=f"id_{place}_%s"),
            )
            for place, problem in enumerate(problems)
            if problem.key
        ],
        "sections": read_sections(content.content(row)),
        "why_not": checks.why_not_edit(row, request.user),
    }
    return render(request, "requests_app/answers.html", context)


@members_only
@require_POST
def explain(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Keep the reason for a contradiction."""
    row = find_own(request, pk)
    form = ContradictionForm(request.POST)
    if form.is_valid():
        key, reason = form.cleaned_data["key"], form.cleaned_data["reason"]
        act = partial(drafting.explain_contradiction, row, key, reason, by=request.user, at=clock.now())
        if tried(form, act):
            messages.success(request, "The reason is kept with the request.")
    for error in form.errors.values():
        messages.error(request, " ".join(str(each) for each in error))
    return redirect("requests_app:answers", pk)


@members_only
def submit(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Sign 4.b and 6.a, and submit."""
    row = find_own(request, pk)
    form = SubmitForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        act = partial(review.submit, row, by=request.user, at=clock.now(), **form.cleaned_data)
        if tried(form, act):
            row.project.refresh_from_db()
            messages.success(request, f"Submitted as {row.project.number}.")
            return redirect(row)
    step = lifecycle.submission(row.status)
    context = {
        "row": row,
        "form": form,
        "step": step,
        "blockers": blockers(step, row, request.user),
        "statements": texts.current("confidentiality").statements,
        "certification": texts.current("certification").statements,
        "intents": (review.INTENT_4B, review.INTENT_6A),
    }
    return render(request, "requests_app/submit.html", context)
