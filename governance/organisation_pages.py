"""Pages on which the operating group looks after organisations: what each has set for itself."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from governance.forms import InputRuleForm
from p20win import clock, policy
from p20win.access import SignedInRequest, roles_only
from p20win.accounts.public import Organisation, Role, User, set_input_rule
from p20win.audit.public import events_of
from p20win.listing import Listing
from p20win.refusal import Blocked

_LIST = Listing(
    sorts={"name": "short_name", "legal": "legal_name"},
    searched=("short_name", "legal_name", "slug"),
    first="name",
)


@roles_only(Role.OPERATING_GROUP)
@require_GET
def index(request: SignedInRequest) -> HttpResponse:
    """List the organisations, with the terms that each has set for itself."""
    context = _LIST.shown(Organisation.objects.all(), request) | {"usual": policy.INPUT_DESTRUCTION}
    return render(request, "governance/organisations.html", context)


def _history(organisation: Organisation) -> list[dict[str, Any]]:
    """Return who set the rule when and why, newest first."""
    rows = events_of(organisation).filter(event="organisation.input_rule_set").order_by("-seq")
    people = User.objects.in_bulk({row.actor_id for row in rows})
    usual = "as agreements say"
    return [
        {
            "at": row.at,
            "title": f"{row.details['before'] or usual} → {row.details['after'] or usual}",
            "who": people[row.actor_id].name if row.actor_id in people else "",
            "note": row.note,
        }
        for row in rows
    ]


@roles_only(Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def input_rule(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Set within what an organisation's inputs are destroyed after a match."""
    organisation = get_object_or_404(Organisation, pk=pk)
    form = InputRuleForm(
        request.POST if request.method == "POST" else None, initial=InputRuleForm.of(organisation.input_rule)
    )
    if form.is_valid():
        try:
            set_input_rule(
                organisation,
                form.cleaned_data["rule"],
                reason=form.cleaned_data["reason"],
                by=request.user,
                at=clock.now(),
            )
        except Blocked as refusal:
            for reason in refusal.reasons:
                form.add_error(None, reason)
        else:
            messages.success(request, f"Set for {organisation.short_name}. Its data stewards are told.")
            return redirect("organisations")
    context = {
        "organisation": organisation,
        "form": form,
        "entries": _history(organisation),
        "usual": policy.INPUT_DESTRUCTION,
    }
    return render(request, "governance/organisation_input_rule.html", context)
