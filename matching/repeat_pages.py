"""Pages of the schedule by which a standing project's match is done again."""

import uuid
from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from matching import checks, selectors
from matching.forms import WithdrawForm
from matching.models import Every, Match, Repeat, RepeatStatus
from matching.services import repeating
from matching.views import sent
from p20win import clock
from p20win.access import SignedInRequest, roles_only
from p20win.accounts.public import Role
from p20win.acting import tried
from p20win.projects import public as projects

if TYPE_CHECKING:
    from p20win.projects.models import Project


class RepeatForm(forms.Form):
    """When the match is done again."""

    every = forms.ChoiceField(label="How often", choices=Every.choices, widget=forms.RadioSelect)
    first_on = forms.DateField(
        label="First day",
        help_text="The upload opens on this day, and so often after it, once the last inputs are destroyed.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    agreed_in = forms.CharField(
        label="Where the parties agreed on it",
        help_text="Such as “Agreement, section on frequency”. Every party reads it.",
        max_length=300,
    )
    map_agreed_in = forms.CharField(
        label="Where the agreement allows a list of old and new link ids",
        help_text="Then each delivery tells which link id of the match before is which of its own. Leave it"
        " empty if the agreement does not allow it.",
        max_length=300,
        required=False,
    )


@roles_only(Role.HUB_STAFF, Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def set_up(request: SignedInRequest, project_pk: uuid.UUID) -> HttpResponse:
    """Settle how often the match of a project is done again."""
    project = get_object_or_404(projects.visible_to(request.user), pk=project_pk)
    match = _latest(project)
    form = RepeatForm(sent(request))
    if form.is_valid() and tried(
        form, lambda: repeating.set_up(project, by=request.user, at=clock.now(), **form.cleaned_data)
    ):
        messages.success(request, "The match will be repeated. The parties have been told.")
        return redirect(match)
    why_not = checks.why_not_repeat(project, request.user, clock.now())
    return render(request, "matching/repeat.html", {"match": match, "form": form, "why_not": why_not})


@roles_only(Role.HUB_STAFF, Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def end(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Open no more matches by a schedule."""
    rows = Repeat.objects.filter(project__in=projects.visible_to(request.user), status=RepeatStatus.RUNNING)
    repeat = get_object_or_404(rows.select_related("project"), pk=pk)
    match = _latest(repeat.project)
    form = WithdrawForm(sent(request))
    form.fields["reason"].label = "Why is the match not repeated any more?"
    if form.is_valid() and tried(
        form, lambda: repeating.end(repeat, by=request.user, at=clock.now(), **form.cleaned_data)
    ):
        messages.success(request, "The schedule has ended. The parties have been told.")
        return redirect(match)
    return render(request, "matching/repeat_end.html", {"match": match, "repeat": repeat, "form": form})


def _latest(project: "Project") -> Match:
    """Return a project's latest match; where none was ever opened there is nothing to repeat."""
    match = selectors.match_for(project)
    if match is None:
        raise Http404
    return match
