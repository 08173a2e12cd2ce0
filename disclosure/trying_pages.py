"""Pages of the self-check: a table is checked, and the same file may then be submitted."""

import uuid
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from disclosure import checks, trying, workbooks
from disclosure.acting import output_of, project_of
from disclosure.forms import AboutForm, ContextForm
from disclosure.models import Output
from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.acting import tried
from p20win.refusal import Blocked
from requests_app import public as requests

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@members_only
@require_http_methods(["GET", "POST"])
def try_out(request: SignedInRequest, project_pk: uuid.UUID) -> HttpResponse:
    """Take in a table for a self-check."""
    project, now = project_of(request, project_pk), clock.now()
    form = ContextForm(request.POST or None, request.FILES or None, project=project, user=request.user)
    if request.method == "POST" and form.is_valid():
        said, made = form.said(), list[Output]()
        file = said.pop("file")
        act = {"name": file.name, "content": file.chunks(), "by": request.user, "at": now}
        if tried(form, lambda: made.append(trying.try_out(project, **act, **said))):
            messages.success(request, "The file has arrived sealed. The vault is checking it.")
            return redirect("disclosure:detail", pk=made[0].pk)
    why_not = checks.why_not_submit(project, request.user, now)
    return render(request, "disclosure/try.html", {"form": form, "project": project, "why_not": why_not})


@members_only
@require_http_methods(["GET", "POST"])
def submit_tried(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Submit what was checked."""
    output, now = output_of(request, pk), clock.now()
    if not output.is_trial:
        raise Http404
    form = AboutForm(request.POST or None, planned=requests.planned_outputs(output.project))
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        if tried(form, lambda: trying.submit_tried(output, by=request.user, at=now, **said)):
            messages.success(request, "Submitted, with the check it had.")
            return redirect("disclosure:detail", pk=pk)
    why_not = trying.why_not_submit_tried(output, request.user, now)
    return render(request, "disclosure/try_submit.html", {"form": form, "output": output, "why_not": why_not})


@members_only
@require_POST
def fetch_workbook(request: SignedInRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Hand out the workbook of a self-check, its withheld numbers marked, as the vault gives it."""
    output = output_of(request, pk)
    try:
        content = workbooks.fetch(output, by=request.user, at=clock.now())
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
        return redirect("disclosure:detail", pk=pk)
    response = StreamingHttpResponse(content, content_type=_XLSX)
    response["Content-Disposition"] = f'attachment; filename="self-check-{str(pk)[-8:]}.xlsx"'
    response["Cache-Control"] = "no-store"
    return response
