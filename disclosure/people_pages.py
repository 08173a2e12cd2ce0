"""The page of who is counted in a project: its populations and periods, and how they stand to each other."""

import uuid
from functools import partial
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from disclosure import known_checks, people, together
from disclosure.acting import output_of, project_of
from disclosure.models import Known
from disclosure.people_forms import KinForm
from p20win import clock
from p20win.access import SignedInRequest, members_only, roles_only
from p20win.accounts.public import Role
from p20win.acting import tell, tried
from p20win.projects.public import Project

_CALLED: Final = {together.POPULATION: "Populations", together.PERIOD: "Periods"}


@members_only
@require_http_methods(["GET", "POST"])
def index(request: SignedInRequest, project_pk: uuid.UUID) -> HttpResponse:
    """List populations and periods, and take in how two of them stand to each other."""
    project, at = project_of(request, project_pk), clock.now()
    forms = {
        what: KinForm(
            request.POST if request.POST.get("what") == what else None,
            what=what,
            names=together.names(project, what),
        )
        for what in together.KINDS
    }
    form = forms.get(request.POST.get("what", ""))
    if request.method == "POST" and form is not None and form.is_valid():
        answer, what = form.cleaned_data, request.POST["what"]
        act = partial(people.say, project, what, **answer, by=request.user, at=at)
        if tried(form, act):
            return redirect("disclosure:people", project_pk=project.pk)
    context = {
        "project": project,
        "lists": [_listed(project, what, form) for what, form in forms.items()],
        "why_not": known_checks.why_not_load(project, request.user, at),
    }
    return render(request, "disclosure/people.html", context)


def _listed(project: Project, what: str, form: KinForm) -> dict[str, Any]:
    rows = Known.objects.filter(project=project, kind=together.KINDS[what]).select_related("loaded_by")
    return {
        "what": what,
        "called": _CALLED[what],
        "names": together.names(project, what),
        "said": [
            {"one": one, "how": people.IN_WORDS[how], "other": other}
            for one, how, other in together.said(project, what)
        ],
        "versions": rows.defer("content"),
        "form": form,
    }


@roles_only(Role.OPERATING_GROUP)
@require_POST
def part_data(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Say that an output's data are not those of another."""
    output = output_of(request, pk)
    tell(
        request,
        partial(people.part_data, output, by=request.user, at=clock.now()),
        "Its data now count as data of their own day. Checks from now on know it.",
    )
    return redirect("disclosure:detail", pk=pk)
