"""Pages of the matching methods: which the governing board approved, and recording and retiring one."""

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from agreements import selectors, statements
from agreements.engines import engines
from agreements.forms import MethodForm, RetireForm
from p20win import clock
from p20win.access import SignedInRequest, members_only, roles_only
from p20win.accounts.public import Role
from p20win.refusal import Blocked


@members_only
@require_GET
def index(request: SignedInRequest) -> HttpResponse:
    """List the matching methods that the governing board approved, and those that were retired."""
    approved = selectors.approved_methods(clock.now())
    context = {
        "methods": approved,
        "others": selectors.methods().exclude(pk__in=approved),
        "may_record": request.user.has_role(Role.OPERATING_GROUP),
        "engines": engines(),
    }
    return render(request, "agreements/methods.html", context)


@roles_only(Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def record(request: SignedInRequest) -> HttpResponse:
    """Record a method that the governing board approved."""
    form = MethodForm(request.POST if request.method == "POST" else None, engines=engines())
    if form.is_valid():
        try:
            method = statements.record_method(by=request.user, at=clock.now(), **form.cleaned_data)
        except Blocked as refusal:
            for reason in refusal.reasons:
                form.add_error(None, reason)
        else:
            messages.success(request, f"On record: {method}. The hub’s staff are told.")
            return redirect("agreements:methods")
    return render(request, "agreements/method_new.html", {"form": form})


@roles_only(Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def retire(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Retire a version of a method, so that nobody can choose it any more."""
    method = get_object_or_404(selectors.methods(), pk=pk)
    form = RetireForm(
        request.POST if request.method == "POST" else None,
        initial={"retired_on": clock.state_date(clock.now())},
    )
    if form.is_valid():
        try:
            statements.retire_method(method, by=request.user, at=clock.now(), **form.cleaned_data)
        except Blocked as refusal:
            for reason in refusal.reasons:
                form.add_error(None, reason)
        else:
            messages.success(request, f"Retired: {method}. The hub’s staff are told.")
            return redirect("agreements:methods")
    why_not = statements.why_not_retire(method, request.user)
    return render(
        request, "agreements/method_retire.html", {"method": method, "form": form, "why_not": why_not}
    )
