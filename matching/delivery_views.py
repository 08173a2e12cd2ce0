"""Pages of a delivery: its versions, papers and downloads; recall and replacement."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from matching import checks, delivery_pages, selectors, standing, streaming
from matching.forms import (
    AcknowledgeForm,
    AgreeForm,
    LimitationsForm,
    MoreTimeForm,
    ReasonForm,
    ReceiptForm,
)
from matching.models import Delivery, DeliveryStatus, Download
from matching.services import attesting, delivering, fetching, recalling
from matching.views import match_of, sent
from p20win import clock
from p20win.access import SignedInRequest, by_download_ticket, members_only, roles_only
from p20win.accounts.public import Role
from p20win.acting import tell, tried


def delivery_of(request: SignedInRequest, pk: uuid.UUID) -> Delivery:
    """Return a version that this person may see."""
    return get_object_or_404(selectors.deliveries_for(request.user), pk=pk)


def _own(request: SignedInRequest, pk: uuid.UUID) -> Download:
    rows = Download.objects.select_related("delivery__project", "delivery__match", "delivery__extract")
    return get_object_or_404(rows, pk=pk, person=request.user)


@members_only
@require_GET
@never_cache
def delivery(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a version: where it stands, what it holds, who fetched it, questions, and the other versions."""
    context = delivery_pages.delivery(delivery_of(request, pk), request.user, clock.now())
    return render(request, "matching/delivery.html", context)


@members_only
@require_GET
def papers(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show what explains a version: dictionary, grain, counts, quality by agency, limitations."""
    return render(request, "matching/papers.html", delivery_pages.papers(delivery_of(request, pk)))


@roles_only(Role.HUB_STAFF)
@require_http_methods(["GET", "POST"])
def limitations(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Write what the recipient must know of the limits of a result."""
    match = match_of(request, pk)
    terms = standing.terms(match)
    form = LimitationsForm(sent(request), initial={"limitations": terms.limitations})
    if form.is_valid() and tried(
        form, lambda: delivering.describe(match, by=request.user, at=clock.now(), **form.cleaned_data)
    ):
        messages.success(request, "The limitations are written down. They go out with the data.")
        return redirect("matching:detail", pk=pk)
    why_not = checks.why_not_describe(match, request.user)
    return render(request, "matching/limitations.html", {"match": match, "form": form, "why_not": why_not})


@members_only
@require_http_methods(["GET", "POST"])
def attest(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Attest that one's organisation's own link is destroyed."""
    match = match_of(request, pk)
    organisation = request.user.organisation
    if organisation is None or not checks.must_attest(match, request.user):
        raise Http404
    form = AgreeForm(sent(request))
    if form.is_valid() and tried(
        form, lambda: attesting.attest(match, by=request.user, at=clock.now(), **form.cleaned_data)
    ):
        messages.success(request, "Signed. The agencies have been told.")
        return redirect("matching:detail", pk=pk)
    context = {
        "match": match,
        "form": form,
        "intent": attesting.words(match, organisation),
        "why_not": checks.why_not_attest(match, request.user, clock.now()),
    }
    return render(request, "matching/attest.html", context)


@members_only
@require_http_methods(["GET", "POST"])
def download(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Acknowledge how the files must be kept, and begin a download."""
    row = delivery_of(request, pk)
    if not request.user.has_perm("projects.download_extract", row.project):
        raise Http404
    form = AcknowledgeForm(sent(request), rules=fetching.rules_for(row, request.user))
    if form.is_valid():
        begun: list[Download] = []
        act = lambda: begun.append(  # noqa: E731
            fetching.begin(row, by=request.user, acknowledges=True, at=clock.now())
        )
        if tried(form, act):
            by_program = "program" in request.POST
            return redirect("matching:ticket" if by_program else "matching:download-file", pk=begun[0].pk)
    context = {
        "delivery": row,
        "match": row.match,
        "form": form,
        "why_not": fetching.why_not_begin(row, request.user, clock.now()),
    }
    return render(request, "matching/download.html", context)


@members_only
@require_safe
def file(request: SignedInRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Give a download, or a range of it, to the person whom it is for."""
    return streaming.answer(request, _own(request, pk), request.user)


@by_download_ticket
@require_safe
def file_by_program(request: SignedInRequest, pk: uuid.UUID, of: str) -> HttpResponseBase:
    """Give a download, or a range of it, to a program of the person whom it is for."""
    if of != str(pk):
        raise Http404
    return streaming.answer(request, _own(request, pk), request.user)


@members_only
@require_http_methods(["GET", "POST"])
@never_cache
def ticket(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show how a program fetches a download, and give it a ticket, which is shown once."""
    row = _own(request, pk)
    given: list[str] = []
    if request.method == "POST":
        act = lambda: given.append(fetching.ticket(row, by=request.user, at=clock.now()))  # noqa: E731
        tell(request, act, "Copy the ticket now. It is not shown again.")
    context = {
        "delivery": row.delivery,
        "match": row.delivery.match,
        "download": row,
        "address": request.build_absolute_uri(reverse("matching:download-by-program", args=[pk])),
        "ticket": given[0] if given else "",
        "why_not": checks.why_not_continue(row, request.user, clock.now()),
    }
    return render(request, "matching/ticket.html", context)


@members_only
@require_http_methods(["GET", "POST"])
def receipt(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Confirm what was received, by its hash or in words."""
    row = _own(request, pk)
    form = ReceiptForm(sent(request))
    if form.is_valid() and tried(
        form, lambda: fetching.confirm_receipt(row, by=request.user, at=clock.now(), **form.cleaned_data)
    ):
        messages.success(request, "Confirmed.")
        return redirect(row.delivery)
    context = {"delivery": row.delivery, "match": row.delivery.match, "download": row, "form": form}
    return render(request, "matching/receipt.html", context)


@roles_only(Role.HUB_STAFF, Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def recall(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Recall a version."""
    row = delivery_of(request, pk)
    form = ReasonForm(sent(request))
    if form.is_valid() and tried(
        form, lambda: recalling.recall(row, by=request.user, at=clock.now(), **form.cleaned_data)
    ):
        messages.success(request, "Recalled. Downloads have stopped, and the recipient has been told.")
        return redirect(row)
    return render(request, "matching/recall.html", {"delivery": row, "match": row.match, "form": form})


@roles_only(Role.OPERATING_GROUP)
@require_http_methods(["GET", "POST"])
def more_time(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Let a version be fetched for longer."""
    row = delivery_of(request, pk)
    form = MoreTimeForm(sent(request))
    if form.is_valid() and tried(
        form, lambda: delivering.give_more_time(row, by=request.user, at=clock.now(), **form.cleaned_data)
    ):
        messages.success(request, "The time is extended. The recipient is told.")
        return redirect(row)
    context = {"delivery": row, "match": row.match, "form": form}
    return render(
        request,
        "matching/more_time.html",
        context | {"why_not": checks.why_not_more_time(row, request.user)},
    )


@members_only
@require_http_methods(["GET", "POST"])
def deleted(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Confirm that one's copies of a recalled version are deleted."""
    row = delivery_of(request, pk)
    if row.status != DeliveryStatus.RECALLED or not row.downloads.filter(person=request.user).exists():
        raise Http404
    form = AcknowledgeForm(sent(request), rules=[fetching.DELETED])
    if form.is_valid() and tried(
        form, lambda: fetching.confirm_deletion(row, by=request.user, at=clock.now())
    ):
        messages.success(request, "Confirmed. Thank you.")
        return redirect(row)
    return render(request, "matching/deleted.html", {"delivery": row, "match": row.match, "form": form})


@roles_only(Role.HUB_STAFF)
@require_http_methods(["GET", "POST"])
def replace(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Have a new version made of the same match."""
    match = match_of(request, pk)
    form = ReasonForm(sent(request))
    if form.is_valid() and tried(
        form, lambda: delivering.replace(match, by=request.user, at=clock.now(), **form.cleaned_data)
    ):
        messages.success(request, "The vault makes a new version. The recipient is told when it is ready.")
        return redirect(match)
    context: dict[str, Any] = {
        "match": match,
        "form": form,
        "why_not": checks.why_not_replace(match, request.user),
    }
    return render(request, "matching/replace.html", context)
