"""The progress of a job, for the part of a page that polls; and what to do about those that failed."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from p20win import clock
from p20win.access import SignedInRequest, members_only, roles_only
from p20win.jobs import lines, selectors, services
from p20win.jobs.models import Job
from p20win.listing import Listing
from p20win.refusal import Blocked

_LIST = Listing(
    sorts={"what": "name", "ended": "finished_at", "attempts": "attempts"},
    searched=("name", "id"),
    first="-ended",
)
STOP_POLLING = 286  # htmx: swap this in, and ask no more


@members_only
@require_GET
@never_cache
def progress(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show how far a job is. When it is over, the answer ends the polling and reloads the page."""
    job = selectors.visible_job(request.user, pk)
    if job is None:
        raise Http404
    response = render(request, "components/job_progress.html", {"job": job, "polled": True})
    if job.is_over:
        response.status_code = STOP_POLLING
        response["HX-Refresh"] = "true"
    return response


@roles_only("operating_group", "hub_staff")
@require_GET
@never_cache
def failed(request: SignedInRequest) -> HttpResponse:
    """List the jobs that were given up, by the reference that people were told."""
    shown = _LIST.shown(selectors.failed(), request)
    return render(request, "jobs/failed.html", {**shown, "begins_anew": lines.begins_anew()})


@roles_only("operating_group", "hub_staff")
@require_POST
def again(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Try a failed job again."""
    try:
        services.try_again(get_object_or_404(Job, pk=pk), by=request.user, at=clock.now())
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
    else:
        messages.success(request, "The job waits for a worker again.")
    return redirect("jobs:failed")
