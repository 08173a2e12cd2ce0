"""The ledger of what a project has released: every table, and what outputs on their way would add."""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from disclosure import package, safe_checks, selectors, standing
from disclosure.acting import output_of, project_of
from disclosure.models import Output, OutputStatus
from p20win.access import SignedInRequest, members_only
from p20win.listing import Listing
from p20win.projects.public import Project

_LIST = Listing(
    sorts={
        "title": "found__output__title",
        "population": "found__output__population",
        "period": "found__output__period",
        "facts": "facts",
        "since": "found__output__released_at",
    },
    searched=("found__output__title", "found__output__population", "found__output__period", "digest"),
)


@members_only
@require_GET
def index(request: SignedInRequest, project_pk: uuid.UUID) -> HttpResponse:
    """List every table that a project has released, and say what those on their way would add."""
    project = project_of(request, project_pk)
    rows = standing.released_tables(project)
    context = _LIST.shown(rows, request) | {
        "project": project,
        "all": rows.count(),
        "facts": sum(filter(None, rows.values_list("facts", flat=True))),
        "coming": _coming(project, request),
    }
    return render(request, "disclosure/released.html", context)


def _coming(project: Project, request: SignedInRequest) -> list[dict[str, object]]:
    """Return the outputs that are checked and not released yet, with what each would add."""
    rows = list(
        selectors.visible_to(request.user).filter(
            project=project, status__in=[OutputStatus.CHECKED, OutputStatus.IN_REVIEW]
        )
    )
    tables, checks = standing.safe_tables_of(rows), standing.latest_checks(rows)
    return [
        {"output": output, "found": found}
        for output in rows
        if (found := checks.get(output.pk))
        and found.adds
        and not safe_checks.is_hidden_from(tables.get(output.pk), request.user)
    ]


@members_only
@require_GET
def record(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Hand out the audit record of a released output: how it was checked, without any withheld number."""
    output: Output = output_of(request, pk)
    found = standing.latest_check(output)
    if found is None or output.status != OutputStatus.RELEASED:
        raise Http404
    content = package.audit_record(output, found, list(standing.clean_tables(output)))
    response = HttpResponse(content, content_type="application/json")
    name = f"audit-{output.project.number}-{str(output.pk)[-8:]}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
