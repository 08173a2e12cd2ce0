"""Pages of reviewers: the tables cell by cell, rulings on what is left open, and wishes to read before."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from disclosure import checks, pages, review_checks, review_services, selectors, services, standing, wishing
from disclosure.acting import output_of, project_of
from disclosure.models import Material, Output, OutputCheck, PriorReview, Ruling
from disclosure.sheet_shown import Sheet
from p20win import clock
from p20win.access import SignedInRequest, members_only, roles_only
from p20win.accounts.public import Role
from p20win.acting import tell, tried
from p20win.once import one_reading
from p20win.projects import public as projects
from p20win.refusal import Blocked

_REVIEWERS = (Role.DATA_STEWARD, Role.BOARD_MEMBER, Role.OPERATING_GROUP)
_TOLD = 20  # findings written out above a table; a table of thousands of cells may have hundreds
_REASON = "Everybody who reviews it reads this. Write no count that is withheld."


@members_only
@require_GET
@never_cache
def look(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one screen of the tables, relayed from the vault and kept nowhere."""
    output = output_of(request, pk)
    found = selectors.latest_check(output)
    if found is None:
        raise Http404
    try:
        content = services.look(found, by=request.user, at=clock.now())
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
        return redirect("disclosure:detail", pk=pk)
    with one_reading():
        return render(request, "disclosure/look.html", _told(request, output, found, Sheet(content, found)))


def _told(request: SignedInRequest, output: Output, found: OutputCheck, sheet: Sheet) -> dict[str, Any]:
    """Return what the page of the tables shows."""
    found.output = output
    leaks = sheet.said["leaks"]
    context = {
        "output": output,
        "found": found,
        "said": sheet.said,
        "may_wish": not wishing.why_not_wish(output, request.user, clock.now()),
        "without": wishing.without_wishes(found) if sheet.said.get("wishes") else None,
        "message": "" if checks.is_open_to_ruling(found) else sheet.said["message"],
        "beside": sheet.said.get("beside"),
        "averted": _first(sheet.said.get("averted", [])),
        "leaking": _first([leak for leak in leaks if not leak.get("unsettled")]),
        "unsettled": _first([leak for leak in leaks if leak.get("unsettled")]),
        "remarks": _first(sheet.said["warnings"]),
        "verdict": sheet.verdict() or pages.verdict(output, found),
        "utility": sheet.utility() if found.cells else [],
        "ruling": standing.ruling_on(found),
        "is_judged": bool(found.cells),
        "may_clear": not checks.why_not_clear(output, request.user, clock.now()),
    }
    return context | sheet.screen(request.GET.dict())


def _first(findings: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the first of many findings, and how many more there are; the walk leads through all."""
    return {"rows": findings[:_TOLD], "more": max(0, len(findings) - _TOLD)}


# --- rulings


class RulingForm(forms.Form):
    """Why what is left open may pass, and which agency is concerned."""

    agency: Any = forms.ModelChoiceField(queryset=None, label="Agency that is concerned")
    reason = forms.CharField(
        max_length=2000, label="Why may it pass?", help_text=_REASON, widget=forms.Textarea(attrs={"rows": 5})
    )


class AnswerForm(forms.Form):
    """The second person's reason."""

    answer = forms.CharField(
        max_length=2000, label="Your own reason", help_text=_REASON, widget=forms.Textarea(attrs={"rows": 5})
    )


@roles_only(*_REVIEWERS)
@require_http_methods(["GET", "POST"])
def ask_ruling(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask to let pass what the check left open."""
    output, now = output_of(request, pk), clock.now()
    form = RulingForm(request.POST or None)
    side = review_checks.side_of(output, request.user)
    mine = review_checks.agencies_of(output.project, request.user)
    agencies = projects.suppliers(output.project)
    asks_for_agency = side is not None and not side.is_operating_group
    chosen: Any = form.fields["agency"]
    chosen.queryset = agencies.filter(pk__in=[row.pk for row in mine]) if asks_for_agency else agencies
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        if tried(form, lambda: review_services.ask_ruling(output, by=request.user, at=now, **said)):
            messages.success(request, "Asked for. A person of the other side answers.")
            return redirect("disclosure:detail", pk=pk)
    context = {
        "output": output,
        "form": form,
        "found": standing.latest_check(output),
        "why_not": review_checks.why_not_ask_ruling(output, request.user, now),
    }
    return render(request, "disclosure/ruling.html", context)


@roles_only(*_REVIEWERS)
@require_http_methods(["GET", "POST"])
def answer_ruling(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Confirm or decline, as the second person, to let pass what the check left open."""
    rows = Ruling.objects.filter(found__output__in=selectors.visible_to(request.user))
    ruling = get_object_or_404(rows.select_related("found__output__project", "agency", "asked_by"), pk=pk)
    output, now = ruling.found.output, clock.now()
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        confirms, answer = "confirm" in request.POST, form.cleaned_data["answer"]
        act = {"confirms": confirms, "answer": answer, "by": request.user, "at": now}
        if tried(form, lambda: review_services.answer_ruling(ruling, **act)):
            messages.success(request, "Confirmed by two." if confirms else "Declined.")
            return redirect("disclosure:detail", pk=output.pk)
    context = {
        "output": output,
        "ruling": ruling,
        "form": form,
        "found": ruling.found,
        "why_not": review_checks.why_not_answer_ruling(ruling, request.user, now),
    }
    return render(request, "disclosure/ruling_answer.html", context)


# --- wishes


class WishForm(forms.Form):
    """What an agency wants to read before, and why."""

    agency: Any = forms.ModelChoiceField(queryset=None, label="For which agency?")
    material = forms.ChoiceField(label="What does it want to read before?", choices=Material.choices)
    reason = forms.CharField(
        max_length=500,
        label="Why?",
        help_text="The authors of this project read it.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@members_only
@require_http_methods(["GET", "POST"])
def wishes(request: SignedInRequest, project_pk: uuid.UUID) -> HttpResponse:
    """List what agencies want to read before it is released, and take another wish in."""
    project, now = project_of(request, project_pk), clock.now()
    why_not = review_checks.why_not_wish(project, request.user, now)
    mine = review_checks.agencies_of(project, request.user)
    form = WishForm(request.POST or None)
    chosen: Any = form.fields["agency"]
    chosen.queryset = projects.suppliers(project).filter(pk__in=[row.pk for row in mine])
    chosen.initial = mine[0] if mine else None
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        if tried(form, lambda: review_services.ask_prior_review(project, by=request.user, at=now, **said)):
            messages.success(request, "Noted. Outputs of this kind wait for your agency.")
            return redirect("disclosure:wishes", project_pk=project.pk)
    rows = PriorReview.objects.filter(project=project).select_related("agency", "asked_by", "ended_by")
    context = {
        "project": project,
        "form": form,
        "why_not": why_not,
        "rows": [(row, row.ended_at is None and row.agency in mine) for row in rows.order_by("-asked_at")],
    }
    return render(request, "disclosure/wishes.html", context)


@roles_only(Role.DATA_STEWARD, Role.BOARD_MEMBER)
@require_POST
def end_wish(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """End a wish of one's agency."""
    rows = PriorReview.objects.filter(project__in=projects.visible_to(request.user))
    wish = get_object_or_404(rows.select_related("project", "agency"), pk=pk)
    act = lambda: review_services.end_prior_review(wish, by=request.user, at=clock.now())  # noqa: E731
    tell(request, act, "Ended. Such outputs wait for your agency no more than for the others.")
    return redirect("disclosure:wishes", project_pk=wish.project_id)
