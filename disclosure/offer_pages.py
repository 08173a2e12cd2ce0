"""Pages of other ways to tell an output's tables: have them tried, and send one in the file's place."""

import uuid

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from disclosure import offering, selectors
from disclosure.models import Offer, OutputCheck
from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.acting import tell


@members_only
@require_POST
def ask(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Have other ways tried than a check's."""
    mine = selectors.visible_to(request.user)
    found = get_object_or_404(OutputCheck.objects.select_related("output"), pk=pk, output__in=mine)
    act = lambda: offering.ask(found, by=request.user, at=clock.now())  # noqa: E731
    tell(request, act, "The vault is trying other ways.")
    return redirect("disclosure:detail", pk=found.output_id)


@members_only
@require_POST
def take(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Send one way in the file's place."""
    mine = selectors.visible_to(request.user)
    rows = Offer.objects.select_related("found__output__project", "file")
    offer = get_object_or_404(rows, pk=pk, found__output__in=mine)
    tell(
        request,
        lambda: offering.take(offer, by=request.user, at=clock.now()),
        "It takes the file’s place. The vault is checking it.",
    )
    return redirect("disclosure:detail", pk=offer.found.output_id)
