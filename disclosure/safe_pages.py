"""The page on which an approved user has a table counted from the extract."""

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from disclosure import safe_checks, safe_services
from disclosure.acting import project_of
from disclosure.models import SafeTable
from disclosure.safe_forms import SafeTableForm
from matching import public as matching
from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.acting import tried
from requests_app import public as requests


@members_only
@require_http_methods(["GET", "POST"])
def define(request: SignedInRequest, project_pk: uuid.UUID) -> HttpResponse:
    """Take in the definition of a table."""
    project, now = project_of(request, project_pk), clock.now()
    context = {"project": project, "why_not": safe_checks.why_not_define(project, request.user, now)}
    delivery = matching.extract_for(project)
    if context["why_not"] or delivery is None:
        return render(request, "disclosure/safe_table.html", context)
    form = SafeTableForm(
        request.POST or None,
        planned=requests.planned_outputs(project),
        delivery=delivery,
        before=list(safe_checks.standing_tables(delivery)),
    )
    if request.method == "POST" and form.is_valid():
        made: list[SafeTable] = []
        said = form.asked()
        if tried(form, lambda: made.append(safe_services.define(project, by=request.user, at=now, **said))):
            messages.success(request, "Handed to the vault to be counted.")
            return redirect("disclosure:detail", pk=made[0].output_id)
    return render(request, "disclosure/safe_table.html", context | {"form": form, "delivery": delivery})
