"""Pages of what a project's checks know: hierarchies of dimensions, and tables that others published."""

import csv
import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from disclosure import known_checks, known_services, standing
from disclosure.acting import project_of
from disclosure.models import Known
from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.acting import tried
from p20win.listing import Listing
from p20win.projects import public as projects
from p20win.uploading import small

_LIST = Listing(
    sorts={"name": "name", "kind": "kind", "since": "loaded_at", "as_of": "as_of"},
    searched=("name", "source", "population"),
)
_SHOWN = 200  # lines of a list on its page
_CSV = forms.ClearableFileInput(attrs={"accept": ".csv"})


class HierarchyForm(forms.Form):
    """The hierarchy of a dimension."""

    dimension = forms.CharField(
        max_length=200,
        label="Dimension",
        help_text="The name of the column, exactly as it stands in the tables. A name that is here already"
        " gets a new version.",
    )
    file = forms.FileField(
        label="The hierarchy, as CSV",
        validators=[small],
        help_text="Two columns, parent and child: each line puts one code below a group or below Total."
        " List every code there is, also those that no table shows.",
        widget=_CSV,
    )


class TableForm(forms.Form):
    """A table that others published, and what it is."""

    name = forms.CharField(
        max_length=200,
        label="What is it called?",
        help_text="A name that is here already gets a new version.",
    )
    source = forms.CharField(
        max_length=300, label="Where was it published?", help_text="An address, or a title with its year."
    )
    as_of = forms.DateField(label="As of when?", widget=forms.DateInput(attrs={"type": "date"}))
    population = forms.CharField(
        max_length=200,
        label="Who is counted?",
        help_text="In the same words as in the outputs about these people: only they are held against it.",
    )
    period = forms.CharField(
        max_length=100, label="Period", help_text="In the same words as in the outputs, too."
    )
    file = forms.FileField(
        label="The table, as CSV",
        validators=[small],
        help_text="One column for each dimension, named as in the outputs, and one called released with the"
        " published number. Leave it blank where nothing was published.",
        widget=_CSV,
    )


@members_only
@require_GET
def index(request: SignedInRequest, project_pk: uuid.UUID) -> HttpResponse:
    """List what the checks of a project know, with every version."""
    project = project_of(request, project_pk)
    rows = Known.objects.filter(project=project).select_related("loaded_by").defer("content")
    holds = {row.pk for row in standing.known_now(project)}
    context = _LIST.shown(rows, request) | {
        "project": project,
        "holds": holds,
        "why_not": known_checks.why_not_load(project, request.user, clock.now()),
    }
    return render(request, "disclosure/known.html", context)


@members_only
@require_http_methods(["GET", "POST"])
def load_hierarchy(request: SignedInRequest, project_pk: uuid.UUID) -> HttpResponse:
    """Load the hierarchy of a dimension."""
    project = project_of(request, project_pk)
    form = HierarchyForm(request.POST or None, request.FILES or None)
    return _loaded(request, project, form, known_services.load_hierarchy, "Load a hierarchy")


@members_only
@require_http_methods(["GET", "POST"])
def load_table(request: SignedInRequest, project_pk: uuid.UUID) -> HttpResponse:
    """Load a table that others published."""
    project = project_of(request, project_pk)
    form = TableForm(request.POST or None, request.FILES or None)
    return _loaded(request, project, form, known_services.load_public_table, "Load a public table")


def _loaded(
    request: SignedInRequest, project: projects.Project, form: forms.Form, act: Any, title: str
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        said = dict(form.cleaned_data)
        content = said.pop("file").read()
        if tried(form, lambda: act(project, content=content, by=request.user, at=clock.now(), **said)):
            messages.success(request, "Loaded. Checks from now on know it.")
            return redirect("disclosure:known", project_pk=project.pk)
    why_not = known_checks.why_not_load(project, request.user, clock.now())
    context = {"project": project, "form": form, "title": title, "why_not": why_not}
    return render(request, "disclosure/known_load.html", context)


def _known(request: SignedInRequest, pk: uuid.UUID) -> Known:
    rows = Known.objects.filter(project__in=projects.visible_to(request.user))
    return get_object_or_404(rows.select_related("project", "loaded_by", "removed_by"), pk=pk)


@members_only
@require_GET
def one(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one version: what it is, its lines, what was released with it, and its other versions."""
    row = _known(request, pk)
    lines = list(csv.reader(bytes(row.content).decode().splitlines()))
    others = Known.objects.filter(project=row.project, kind=row.kind, name=row.name).exclude(pk=row.pk)
    context = {
        "row": row,
        "header": lines[0],
        "lines": [line for line in lines[1:] if any(line)][:_SHOWN],
        "most": _SHOWN,
        "others": others.defer("content"),
        "released_with": [found.output for found in known_checks.released_with(row)],
        "holds": row.pk in {each.pk for each in standing.known_now(row.project)},
        "why_not_remove": known_checks.why_not_remove(row, request.user, clock.now()),
    }
    return render(request, "disclosure/known_one.html", context)


class RemoveForm(forms.Form):
    """Why it is removed."""

    reason = forms.CharField(max_length=300, label="Why is it removed?")


@members_only
@require_http_methods(["GET", "POST"])
def remove(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Remove a record that nothing was released with."""
    row = _known(request, pk)
    form = RemoveForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        if tried(form, lambda: known_services.remove(row, reason=reason, by=request.user, at=clock.now())):
            messages.success(request, "Removed. Checks from now on do not know it.")
            return redirect("disclosure:known", project_pk=row.project_id)
    why_not = known_checks.why_not_remove(row, request.user, clock.now())
    return render(request, "disclosure/known_remove.html", {"row": row, "form": form, "why_not": why_not})
