"""Pages on which a project is closed: one person asks, another confirms, for an hour it can be withdrawn."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from governance import closing, closing_shown
from governance.forms import CloseForm, KeepOpenForm
from p20win import clock
from p20win.access import SignedInRequest, members_only, roles_only
from p20win.accounts.public import Role
from p20win.projects import public as projects
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from django.forms import Form

    from governance.models import Closing
    from p20win.projects.models import Project

GOES = [
    "The key of each organisation in this project is destroyed, then its files. Nobody can undo this.",
    "When all of it is gone the hub certifies it, with the proofs.",
]


def _project(request: SignedInRequest, pk: uuid.UUID) -> Project:
    return get_object_or_404(projects.visible_to(request.user), pk=pk)


def _closing(request: SignedInRequest, pk: uuid.UUID) -> Closing:
    row = closing.of(_project(request, pk))
    if row is None:
        raise Http404
    return row


def _asked(
    request: SignedInRequest,
    project: Project,
    perform: Callable[[dict[str, Any]], object],
    *,
    success: str,
    form: Form | None = None,
    **words: Any,
) -> HttpResponse:
    """Show the whole list and ask once more; then do it, and say how it came out."""
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            perform(form.cleaned_data if form else {})
        except Blocked as refusal:
            for reason in refusal.reasons:
                if form is None:
                    messages.error(request, reason)
                else:  # what was typed stays
                    form.add_error(None, reason)
        else:
            messages.success(request, success)
        if form is None or form.is_valid():
            return redirect("project", pk=project.pk)
    back = reverse("project", args=[project.pk])
    context = words | {
        "form": form,
        "url": request.path,
        "back_url": f"{back}#closing",
        "trail": [(project.number or project.title, back)],
        "list": closing_shown.inventory(project),
    }
    return render(request, "governance/closing.html", context)


@roles_only(Role.OPERATING_GROUP, Role.HUB_STAFF)
@require_http_methods(["GET", "POST"])
def ask(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask that a project be closed."""
    project = _project(request, pk)
    return _asked(
        request,
        project,
        lambda said: closing.ask(project, reason=said["reason"], by=request.user, at=clock.now()),
        success="Asked for. Another person must confirm it.",
        form=CloseForm(request.POST if request.method == "POST" else None),
        title=f"Close {project.number or 'this project'}?",
        lead=project.title,
        act="Ask to close the project",
        prevents=closing_shown.shown(project, request.user)["why_not_ask"],
        consequences=[
            "Another person of the operating group or the hub must confirm it; one of you two must be of the"
            " operating group. Until then nothing changes.",
            "Then everyone concerned is told, nothing new starts in the project, and an hour passes in which"
            " it can be withdrawn. A legal hold stops it.",
            *GOES,
        ],
    )


@roles_only(Role.OPERATING_GROUP, Role.HUB_STAFF)
@require_http_methods(["GET", "POST"])
def confirm(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Confirm what another person asked for."""
    row = _closing(request, pk)
    return _asked(
        request,
        row.project,
        lambda _: closing.confirm(row, by=request.user, at=clock.now()),
        success="Confirmed. Everyone is told; in an hour the project is closed.",
        title=f"Confirm that {row.project.number or 'the project'} is closed?",
        lead=f"{row.asked_by.name} asked for it: {row.reason}",
        act="Confirm the closing",
        prevents=closing_shown.shown(row.project, request.user)["why_not_confirm"],
        consequences=[
            "Everyone concerned is told now. From now on nothing is uploaded, matched, downloaded or"
            " submitted in this project.",
            "For an hour either of you, or anyone of the operating group, can withdraw it. A legal hold stops"
            " it.",
            *GOES,
        ],
    )


@members_only
@require_http_methods(["GET", "POST"])
def withdraw(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Withdraw a closing before its hour is over; to whom may not, the page does not exist."""
    row = _closing(request, pk)
    if not closing_shown.shown(row.project, request.user)["may_withdraw"]:
        raise Http404
    return _asked(
        request,
        row.project,
        lambda said: closing.withdraw(row, reason=said["reason"], by=request.user, at=clock.now()),
        success="Withdrawn. The project goes on as it was.",
        form=KeepOpenForm(request.POST if request.method == "POST" else None),
        title="Withdraw the closing?",
        lead=f"{row.project.number or 'The project'} goes on as it was, and nothing is destroyed.",
        act="Withdraw the closing",
        consequences=["Everyone who heard of the closing is told, with your reason."],
    )
