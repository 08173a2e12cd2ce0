"""The inventory of keys, for those who look after them."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from p20win import clock, policy
from p20win.access import SignedInRequest, roles_only
from p20win.accounts.public import Organisation
from p20win.custody import ceremony, key_desk
from p20win.custody.agency_key_pages import ProofForm
from p20win.custody.used_ids import IN_NO_PROJECT
from p20win.projects.public import Project
from p20win.refusal import Blocked

PER_PAGE = 50
OF_USED_IDS = "Every request: ids used before"


@roles_only("operating_group", "hub_staff")
@require_GET
@never_cache
def inventory(request: SignedInRequest) -> HttpResponse:
    """List every key: what for, which version, since when, when to renew it."""
    told = key_desk.published()
    if told is None:
        return render(request, "custody/keys.html", {"told": None})
    keys = [_shown(key) for key in told["keys"]]
    query = request.GET.get("q", "").strip()
    page = Paginator(_found(keys, query), PER_PAGE).get_page(request.GET.get("page"))
    _name(list(page.object_list))
    shown = {
        "query": query,
        "told": told,
        "as_of": _moment(told["at"]),
        "keys": [key for key in keys if not key["project"]],
        "page": page,
        "snapshots": [
            {"taken": _moment(each["taken"]), "expires": _moment(each["expires"]), "keys": each["keys"]}
            for each in reversed(told["snapshots"])
        ],
        "missing": len(told["missing_keys"]),
    }
    return render(request, "custody/keys.html", shown)


def _found(keys: list[dict[str, Any]], query: str) -> list[dict[str, Any]]:
    """Return the keys of data, those alone whose request, organisation or fingerprint fits a search."""
    found = [key for key in keys if key["project"]]
    if not query:
        return found
    _name(found)
    words = query.casefold()
    told = ("number", "whose", "fingerprint")
    return [key for key in found if any(words in str(key[name]).casefold() for name in told)]


def _shown(key: dict[str, Any]) -> dict[str, Any]:
    renew_by = _moment(key["renew_by"])
    overdue = renew_by is not None and renew_by < clock.real_now() and key["state"] != "retired"
    return key | {"created": _moment(key["created"]), "renew_by": renew_by, "overdue": overdue}


def _moment(text: str) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if "T" in text else None


def _name(keys: list[dict[str, Any]]) -> None:
    """Write the number of the project and the name of the organisation beside their ids."""
    projects = Project.objects.filter(pk__in={key["project"] for key in keys})
    organisations = Organisation.objects.filter(pk__in={key["organisation"] for key in keys})
    numbers = {str(row.pk): row.number for row in projects}
    names = {str(row.pk): row.short_name for row in organisations}
    for key in keys:
        key["number"] = OF_USED_IDS if key["project"] == IN_NO_PROJECT else numbers.get(key["project"], "")
        key["whose"] = names.get(key["organisation"], "")


class CeremonyForm(ProofForm):
    """What is to be done with the master key: something new, or what another opened."""

    what = forms.ChoiceField(label="What is to be done", widget=forms.RadioSelect)
    field_order = ["what", "typed_name", "password"]

    def __init__(self, held: list[ceremony.Ceremony], *args: Any, **kwargs: Any) -> None:
        """Offer what others opened first."""
        super().__init__(*args, **kwargs)
        opened = [
            (f"{each.purpose}:{each.id}", f"Agree: {each.purpose.label} (opened by {each.signers[0].name})")
            for each in held
            if not each.is_agreed
        ]
        new = [(f"{value}:", f"Open: {label}") for value, label in ceremony.Purpose.choices]
        what: Any = self.fields["what"]
        what.choices = [*opened, *new]


@roles_only("operating_group", "hub_staff")
@require_http_methods(["GET", "POST"])
@never_cache
def ceremonies(request: SignedInRequest) -> HttpResponse:
    """Open a ceremony with the master key, or agree to one: two people, then the vault's terminal."""
    held = ceremony.open_ceremonies(now=clock.real_now())
    form = CeremonyForm(held, request.POST or None)
    if request.method == "POST" and form.is_valid():
        purpose, _, opened = form.cleaned_data["what"].partition(":")
        proof = form.proof()
        try:
            ceremony.agree(
                purpose,
                ceremony=opened,
                typed_name=proof.typed_name,
                password=proof.password,
                by=request.user,
                at=clock.now(),
            )
        except Blocked as refusal:
            for reason in refusal.reasons:
                form.add_error(None, reason)
        else:
            messages.success(request, "Your signature is under the ceremony.")
            return redirect("custody:key-ceremonies")
    shown = {"held": held, "form": form, "intent": ceremony.INTENT, "hours": policy.CEREMONY_HOURS}
    return render(request, "custody/key_ceremonies.html", shown)
