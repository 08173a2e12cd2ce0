"""Pages about the quality of data: the questions about a run, and the log of issues by source and element."""

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from matching import pages
from matching.forms import AnswersForm, IssueForm, ResolveForm
from matching.models import QualityIssue
from matching.services import judging
from matching.views import run_of, sent
from p20win import clock
from p20win.access import SignedInRequest, members_only, roles_only
from p20win.accounts.public import Role, agencies
from p20win.acting import tell, tried
from p20win.listing import Listing

_LIST = Listing(
    sorts={"source": "source__short_name", "element": "element", "status": "status", "raised": "raised_at"},
    searched=("source__short_name", "source__legal_name", "element", "title", "description"),
    first="-raised",
)


@roles_only(Role.HUB_STAFF)
@require_http_methods(["GET", "POST"])
def answers(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Answer the questions about the quality of a run, beginning from what its report says."""
    run = run_of(request, pk)
    known = {row.question: row.text for row in run.answers.all()}
    begin, beside = judging.told_by_the_run(run.report or {})
    form = AnswersForm(sent(request), initial=begin | known, beside=beside)
    if form.is_valid() and tried(
        form, lambda: judging.answer(run, form.cleaned_data, by=request.user, at=clock.now())
    ):
        messages.success(request, "The answers are with the report.")
        return redirect("matching:report", pk=pk)
    context = {
        "run": run,
        "match": run.match,
        "form": form,
        "why_not": judging.why_not_answer(run, request.user),
    }
    return render(request, "matching/answers.html", context)


@members_only
@require_GET
def report_pdf(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Hand out the report of a run as a paper."""
    run = run_of(request, pk)
    response = HttpResponse(pages.report_pdf(run), content_type="application/pdf")
    name = f"match-report-{run.match.project.number}-run-{run.number}.pdf"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


@members_only
@require_GET
def issues(request: SignedInRequest) -> HttpResponse:
    """List what is known of the quality of data, by source and element."""
    context = _LIST.shown(QualityIssue.objects.select_related("source"), request) | {
        "may_keep": request.user.has_role(Role.OPERATING_GROUP)
    }
    return render(request, "matching/issues.html", context)


@members_only
@require_GET
def issue(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one issue."""
    row = get_object_or_404(QualityIssue.objects.select_related("source", "raised_by"), pk=pk)
    may_keep = request.user.has_role(Role.OPERATING_GROUP)
    context = {"issue": row, "may_keep": may_keep, "form": ResolveForm() if may_keep else None}
    return render(request, "matching/issue.html", context)


@roles_only(Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def raise_issue(request: SignedInRequest) -> HttpResponse:
    """Write an issue into the log."""
    form = IssueForm(sent(request), sources=list(agencies()))
    made: list[QualityIssue] = []
    if form.is_valid() and tried(
        form,
        lambda: made.append(judging.raise_issue(by=request.user, at=clock.now(), **form.cleaned_data)),
    ):
        messages.success(request, "It is in the log. Everybody who asks for data can read it.")
        return redirect("matching:issue", pk=made[0].pk)
    return render(request, "matching/issue_new.html", {"form": form})


@roles_only(Role.OPERATING_GROUP)
@require_POST
def resolve(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Note that an issue is resolved."""
    row = get_object_or_404(QualityIssue, pk=pk)
    words = request.POST.get("resolution", "")
    tell(
        request, lambda: judging.resolve(row, resolution=words, by=request.user, at=clock.now()), "Resolved."
    )
    return redirect("matching:issue", pk=pk)


@roles_only(Role.OPERATING_GROUP)
@require_POST
def reopen(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Note that an issue is there again."""
    row = get_object_or_404(QualityIssue, pk=pk)
    tell(request, lambda: judging.reopen(row, by=request.user, at=clock.now()), "It is open again.")
    return redirect("matching:issue", pk=pk)
