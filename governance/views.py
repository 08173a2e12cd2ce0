"""Pages above the desks: home, where a request is, the demo's sign-in and clock."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from governance import closing_shown, selectors, services
from governance.forms import ClockForm
from governance.seed.directory import DEMO_PASSWORD
from p20win.access import SignedInRequest, members_only, public
from p20win.accounts.public import Role, User
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.projects import public as projects
from p20win.refusal import Blocked

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@members_only
@require_GET
def home(request: SignedInRequest) -> HttpResponse:
    """Show what waits for me, due next first, and where my projects are."""
    context = {
        "waiting": selectors.waiting_for(request.user),
        "projects": selectors.of_person(request.user),
        "may_request": request.user.has_role(Role.REQUESTOR),
    }
    return render(request, "governance/home.html", context)


@members_only
@require_GET
def project(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show where a project is: its whole way, who holds it, what is due, what happened."""
    row = get_object_or_404(projects.visible_to(request.user), pk=pk)
    quiet = "all" in request.GET
    context = {
        "project": row,
        "where": selectors.whereabouts(row),
        "deadlines": deadlines.open_of_project(row),
        "entries": selectors.happened(row, request.user, quiet=quiet),
        "holds": custody.holds_in_force(row),
        "may_ask_hold": not custody.why_not_ask_hold(row, request.user),
        "quiet": quiet,
        "doors": selectors.doors(row, request.user),
        "closing": closing_shown.shown(row, request.user),
    }
    return render(request, "governance/project.html", context)


def _only_in_the_demo() -> None:
    if not settings.DEMO_SIGN_IN:
        raise Http404


@public
@require_GET
def demo(request: HttpRequest) -> HttpResponse:
    """Show everyone one may become, and the clock. To a portal outside demo mode this page does not exist."""
    _only_in_the_demo()
    context = {
        "groups": selectors.demo_people(),
        "password": DEMO_PASSWORD,
        "form": ClockForm(),
        "signed_in": request.user.is_authenticated,
    }
    return render(request, "governance/demo.html", context)


@public
@require_POST
def demo_sign_in(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Sign in as one of the demo's people."""
    _only_in_the_demo()
    person = get_object_or_404(User, pk=pk, is_active=True, is_system=False)
    login(request, person, backend=BACKEND)
    request.session["demo_sign_in"] = True
    messages.success(request, f"You are now {person.name}.")
    return redirect("home")


@public
@require_http_methods(["POST"])
def demo_clock(request: HttpRequest) -> HttpResponse:
    """Move the demo clock forward."""
    _only_in_the_demo()
    form = ClockForm(request.POST)
    if not form.is_valid():
        for problems in form.errors.values():
            for problem in problems:
                messages.error(request, str(problem))
        return redirect("demo")
    try:
        services.move_clock(form.cleaned_data["step"])
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
    else:
        messages.success(
            request, "The clock was moved. What fell due meanwhile is dealt with in a few seconds."
        )
    return redirect("demo")
