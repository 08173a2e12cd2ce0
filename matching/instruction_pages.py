"""Pages of an agency's extract instruction: to read, as a paper, for programs (O-125)."""

import uuid
from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from matching import instruction_shown
from matching.views import match_of
from p20win import clock
from p20win.access import SignedInRequest, members_only


def _shown(request: SignedInRequest, pk: uuid.UUID, slug: str) -> dict[str, Any]:
    """Return what is asked for. Who is neither of that agency nor runs the process finds nothing."""
    match = match_of(request, pk)
    agency = next(
        (each for each in instruction_shown.agencies_for(match, request.user) if each.slug == slug), None
    )
    revision = request.GET.get("revision", "")
    if agency is None or (revision and not (revision.isdecimal() and len(revision) < 5)):
        raise Http404
    context = instruction_shown.shown(match, agency, int(revision) if revision else None)
    if context is None:
        raise Http404
    return context


@members_only
@require_GET
def instruction(request: SignedInRequest, pk: uuid.UUID, agency: str) -> HttpResponse:
    """Show what an agency takes from its records, in one approved version."""
    return render(request, "matching/instruction.html", _shown(request, pk, agency))


@members_only
@require_GET
def instruction_json(request: SignedInRequest, pk: uuid.UUID, agency: str) -> HttpResponse:
    """Hand it out for programs."""
    said = _shown(request, pk, agency)["said"]
    response = JsonResponse(said, json_dumps_params={"indent": 2, "ensure_ascii": False})
    return _as_file(response, said, "json")


@members_only
@require_GET
def instruction_pdf(request: SignedInRequest, pk: uuid.UUID, agency: str) -> HttpResponse:
    """Hand it out as a paper."""
    told = _shown(request, pk, agency)
    content = instruction_shown.paper(told, clock.now())
    return _as_file(HttpResponse(content, content_type="application/pdf"), told["said"], "pdf")


def _as_file(response: HttpResponse, said: dict[str, Any], ending: str) -> HttpResponse:
    name = f"extract-instruction-{said['number']}-{said['agency_slug']}-revision-{said['revision']}.{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
