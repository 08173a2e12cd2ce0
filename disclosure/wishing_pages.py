"""Buttons by which an author asks that a withheld cell be shown."""

import json
import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from disclosure import selectors, services, wishing
from disclosure.acting import output_of
from p20win import clock
from p20win.access import SignedInRequest, members_only
from p20win.refusal import Blocked

_NEXT = "Have the file checked again: others are withheld in its place, if that keeps every small count safe."


@members_only
@require_POST
def wish(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask that one cell be shown."""
    output, now = output_of(request, pk), clock.now()
    found = selectors.latest_check(output)
    if found is None:
        raise Http404
    try:
        tables = json.loads(services.look(found, by=request.user, at=now))["tables"]
        table = tables[_place(request, "table", len(tables))]
        row = table["rows"][_place(request, "cell", len(table["rows"]))]
        codes = dict(zip(table["dimensions"], row["codes"], strict=True))
        wishing.wish(output, codes, by=request.user, at=now)
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
    else:
        messages.success(request, f"Asked for. {_NEXT}")
    return redirect("disclosure:detail", pk=pk)


def _place(request: SignedInRequest, name: str, most: int) -> int:
    asked = request.POST.get(name, "")
    if not asked.isdecimal() or not 1 <= int(asked) <= most:
        raise Http404
    return int(asked) - 1


@members_only
@require_POST
def end(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask for no cell any more."""
    output = output_of(request, pk)
    try:
        wishing.end_wishes(output, by=request.user, at=clock.now())
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
    else:
        messages.success(request, "No cell is asked for any more. Have the file checked again.")
    return redirect("disclosure:detail", pk=pk)
