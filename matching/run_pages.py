"""Pages of how a match is linked: settings and their versions, try-outs, starting, comparing, choosing."""

import json
import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agreements import public as agreements
from matching import compared, lifecycle, selectors, ssn, standing
from matching.engine import defaults, page_words
from matching.engine import spec as specs
from matching.forms import SpecForm, StartForm
from matching.models import LinkSpec, Match, MatchRun
from matching.services import choosing, running, specifying
from matching.views import match_of, sent
from p20win import clock
from p20win.access import SignedInRequest, members_only, roles_only
from p20win.accounts.public import Role
from p20win.acting import tell, tried
from p20win.jobs import public as jobs
from p20win.workflow import blockers

NEW = "usual:"


@roles_only(Role.HUB_STAFF)
@require_http_methods(["GET", "POST"])
def start(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Choose the settings and start the match."""
    match = match_of(request, pk)
    again = standing.results(match).exists()
    form = StartForm(sent(request), versions=_choices(match), again=again)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        method, version = _chosen(match, said["version"])
        act = lambda: running.start_run(  # noqa: E731
            match,
            method,
            link_spec=version,
            reason=said.get("reason", ""),
            by=request.user,
            at=clock.now(),
        )
        if tried(form, act):
            messages.success(request, "Started. The vault links the files.")
            return redirect("matching:detail", pk=pk)
    lists = [row for row in match.expected_files.filter(is_required=False) if row.slot.status == "open"]
    context = {
        "match": match,
        "form": form,
        "why_not": blockers(lifecycle.START, match, request.user),
        "open_lists": len(lists),
        "before": None if match.specs.exists() else specifying.spec_before(match),
        "rejections": standing.rejections(match),
    }
    return render(request, "matching/start.html", context)


def _choices(match: Match) -> list[tuple[str, str]]:
    """Return what can be started: versions, newest first, then each method's usual settings."""
    methods = standing.methods(match, clock.now())
    own = match.specs.filter(method__in=methods).select_related("method")
    made = [(str(row.pk), f"Version {row.number}: {row.note} ({row.method})") for row in own]
    usual = [(f"{NEW}{method.pk}", f"The usual settings of {method}") for method in methods]
    return [*made, *usual]


def _chosen(match: Match, value: str) -> tuple[Any, LinkSpec | None]:
    if value.startswith(NEW):
        return get_object_or_404(agreements.MatchMethod, pk=value.removeprefix(NEW)), None
    row = get_object_or_404(match.specs.select_related("method"), pk=value)
    return row.method, row


@roles_only(Role.HUB_STAFF)
@require_GET
def versions(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the history of a match's settings."""
    match = match_of(request, pk)
    rows = list(match.specs.select_related("method", "made_by").prefetch_related("runs", "try_outs"))
    shown = []
    for number, row in enumerate(rows):
        before = rows[number + 1] if number + 1 < len(rows) else None
        shown.append(
            {
                "row": row,
                "changes": specifying.changes(before.spec, row.spec) if before else [],
                "first": not before,
            }
        )
    why_not = specifying.why_not_make(match, request.user)
    return render(request, "matching/specs.html", {"match": match, "versions": shown, "why_not": why_not})


@roles_only(Role.HUB_STAFF)
@require_http_methods(["GET", "POST"])
def edit(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Make a version of the settings, starting from the latest one."""
    match = match_of(request, pk)
    methods = standing.methods(match, clock.now())
    files = specifying.files_of(match)
    known = specs.default(files)
    held = [c.field for c in known.comparisons]
    form = SpecForm(
        sent(request),
        methods=methods,
        held=[(field, defaults.WORDS[field].capitalize()) for field in held],
        blocks=[(block.name, block.name.capitalize()) for block in known.blocks],
        initial=_initial(match, methods),
    )
    made: list[LinkSpec] = []
    if form.is_valid() and tried(
        form,
        lambda: made.append(specifying.make(match, by=request.user, at=clock.now(), **form.chosen())),
    ):
        messages.success(request, f"This is version {made[0].number}. Try it, or start the match with it.")
        return redirect("matching:spec", pk=made[0].pk)
    context = {
        "match": match,
        "form": form,
        "ssn": ssn.needed_by(files),
        "meetings": specifying.meetings(known),
        "ssn_not_asked_of": [agency.short_name for agency in ssn.not_asked_of(match.project)],
        "files": [
            (name, ", ".join(defaults.WORDS[field] for field in defaults.WORDS if field in file.columns))
            for name, file in files.items()
        ],
        "why_not": specifying.why_not_make(match, request.user),
    }
    return render(request, "matching/spec_new.html", context)


def _initial(match: Match, methods: Any) -> dict[str, Any]:
    latest, method = match.specs.order_by("-number").first(), methods.first()
    before = None if latest else specifying.spec_before(match)
    from_which = latest or before
    if from_which and methods.filter(pk=from_which.method_id).exists():
        method = from_which.method
    engine = method.engine if method else ""
    spec = from_which.spec if from_which else specs.as_dict(specifying.usual(match, engine))
    return {
        "method": method,
        "note": f"As match {before.match.number} was linked." if before else "",
        "fields_compared": [entry["field"] for entry in spec["comparisons"]],
        "blocks": [entry["name"] for entry in spec["blocks"]],
        "accept": spec["accept"],
        "auto_precision": round(spec["auto_precision"] * 100, 2),
        "grey_floor": round(spec["grey_floor"] * 100, 1),
    }


def _version(request: SignedInRequest, pk: uuid.UUID) -> LinkSpec:
    rows = LinkSpec.objects.filter(match__in=selectors.visible_to(request.user))
    return get_object_or_404(rows.select_related("match__project", "method", "made_by"), pk=pk)


@roles_only(Role.HUB_STAFF)
@require_GET
@never_cache
def version(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one version: its settings, its try-outs and runs."""
    row = _version(request, pk)
    trials = list(row.try_outs.select_related("started_by"))
    running_now = next((trial for trial in trials if trial.status == "running"), None)
    context = {
        "version": row,
        "meetings": specifying.meetings(specs.from_json(json.dumps(row.spec))),
        "match": row.match,
        "spec": row.spec,
        "fields": [
            (defaults.WORDS[c["field"]], [page_words.level(level) for level in c["levels"]])
            for c in row.spec["comparisons"]
        ],
        "auto": page_words.percent(row.spec["auto_precision"]),
        "grey": page_words.percent(row.spec["grey_floor"]),
        "try_outs": [{"row": trial, **compared.told(trial.report)} for trial in trials],
        "runs": row.runs.all(),
        "job": jobs.latest("matching.try_spec", try_out_id=running_now.pk) if running_now else None,
        "why_not_try": specifying.why_not_try(row, row.match, request.user, clock.now()),
    }
    return render(request, "matching/spec.html", context)


@roles_only(Role.HUB_STAFF)
@require_POST
def try_out(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Have a version tried on a share of the rows."""
    row = _version(request, pk)
    tell(
        request,
        lambda: specifying.try_out(row, by=request.user, at=clock.now()),
        "The vault tries it. Nothing but the report is kept.",
    )
    return redirect("matching:spec", pk=pk)


@members_only
@require_GET
def compare(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show two runs beside each other."""
    match = match_of(request, pk)
    return render(request, "matching/compare.html", compared.page(match, request.user, request.GET))


@roles_only(Role.HUB_STAFF)
@require_POST
def choose(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Put a run before the parties."""
    rows = MatchRun.objects.filter(match__in=selectors.visible_to(request.user))
    run = get_object_or_404(rows.select_related("match__project"), pk=pk)
    tell(
        request,
        lambda: choosing.choose(run, by=request.user, at=clock.now()),
        f"Run {run.number} is before the parties now.",
    )
    return redirect("matching:detail", pk=run.match_id)
