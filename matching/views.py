"""Pages of the matching desk."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from matching import checks, list_shown, pages, reviewed, selectors, ssn, standing
from matching.engine import page as report_page
from matching.forms import AgreeForm, OpenForm, RejectForm
from matching.models import Match, MatchRun
from matching.services import judging, opening, signing
from p20win import clock
from p20win.access import SignedInRequest, members_only, roles_only
from p20win.accounts.public import Role
from p20win.acting import tried
from p20win.listing import Listing
from p20win.projects import public as projects
from p20win.refusal import Blocked

_LIST = Listing(
    sorts={
        "number": "project__number",
        "title": "project__title",
        "status": "status",
        "since": "status_since",
    },
    searched=("project__number", "project__title"),
)


def match_of(request: SignedInRequest, pk: uuid.UUID) -> Match:
    """Return a match that this person may see."""
    return get_object_or_404(selectors.visible_to(request.user), pk=pk)


def sent(request: SignedInRequest) -> Any:
    """Return what was sent, also if it is nothing; None when the page is only looked at."""
    return request.POST if request.method == "POST" else None


@members_only
@require_GET
def index(request: SignedInRequest) -> HttpResponse:
    """List the matches one may see, and the agreements in force that have none yet."""
    context = _LIST.shown(selectors.visible_to(request.user), request) | {
        "waiting": selectors.waiting_to_open(request.user),
    }
    return render(request, "matching/index.html", context)


@roles_only(Role.HUB_STAFF, Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def open_match(request: SignedInRequest, project_pk: uuid.UUID) -> HttpResponse:
    """Settle in which form the match is delivered, and open the upload of a project's files."""
    project = get_object_or_404(projects.visible_to(request.user), pk=project_pk)
    form = OpenForm(sent(request), agencies=standing.agencies(project))
    if form.is_valid() and tried(
        form, lambda: opening.open_match(project, by=request.user, at=clock.now(), **form.cleaned_data)
    ):
        messages.success(request, "The upload is open. The agencies have been told.")
        match = selectors.match_for(project)
        return redirect("matching:detail", pk=match.pk) if match else redirect("matching:index")
    why_not = checks.why_not_open(project, request.user, clock.now())
    context = {"project": project, "form": form, "why_not": why_not, "not_asked": _not_asked(project)}
    return render(request, "matching/open.html", context)


def _not_asked(project: projects.Project) -> list[str]:
    """Return whose SSN will not be asked for; nobody's where the elements make no file, as opening says."""
    try:
        return [agency.short_name for agency in ssn.not_asked_of(project)]
    except Blocked:
        return []


@members_only
@require_GET
@never_cache
def detail(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a match: where it stands, its files, runs, the parties' word, the extract."""
    return render(
        request, "matching/detail.html", pages.detail(match_of(request, pk), request.user, clock.now())
    )


def run_of(request: SignedInRequest, pk: uuid.UUID) -> MatchRun:
    """Return a run with a result that this person may see."""
    rows = MatchRun.objects.filter(match__in=selectors.visible_to(request.user), status="done")
    return get_object_or_404(rows.select_related("match", "match__project", "method", "started_by"), pk=pk)


@members_only
@require_GET
def report(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the report of a run."""
    run = run_of(request, pk)
    context = pages.report(run) | {
        "may_answer": not judging.why_not_answer(run, request.user),
        "lists": list_shown.counts(run, request.user),
    }
    return render(request, "matching/report.html", context)


@members_only
@require_GET
def report_file(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Hand out the report of a run as a file that stands alone."""
    run = run_of(request, pk)
    shown = report_page.html(run.report or {}, reviewed.said(run))
    response = HttpResponse(shown, content_type="text/html; charset=utf-8")
    name = f"match-report-{run.match.project.number}-run-{run.number}.html"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


@members_only
@require_http_methods(["GET", "POST"])
def agree(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Agree for one's party that a match is optimal."""
    match = match_of(request, pk)
    if not checks.signoffs_of(match, request.user):
        raise Http404
    form = AgreeForm(sent(request))
    if form.is_valid() and tried(
        form, lambda: signing.agree(match, by=request.user, at=clock.now(), **form.cleaned_data)
    ):
        messages.success(request, "Signed. Your organisation agrees that the match is optimal.")
        return redirect("matching:detail", pk=pk)
    context = {
        "match": match,
        "run": standing.latest_result(match),
        "form": form,
        "why_not": checks.why_not_agree(match, request.user, clock.now()),
        "terms": standing.terms(match),
        "intent": signing.INTENT.format(organisation=request.user.organisation),
    }
    return render(request, "matching/agree.html", context)


@members_only
@require_http_methods(["GET", "POST"])
def reject(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Say for one's party that a match is not optimal, and why."""
    match = match_of(request, pk)
    if not checks.signoffs_of(match, request.user):
        raise Http404
    form = RejectForm(sent(request))
    if form.is_valid() and tried(
        form, lambda: signing.reject(match, by=request.user, at=clock.now(), **form.cleaned_data)
    ):
        messages.success(request, "Your reasons are with the hub. The match is to be done again.")
        return redirect("matching:detail", pk=pk)
    return render(request, "matching/reject.html", {"match": match, "form": form})
