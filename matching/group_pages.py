"""Pages of the review of groups: all records of one side by side, and a word on each of its pairs."""

import json
import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from matching import grouped, selectors
from matching.engine import page_words
from matching.engine.defaults import WORDS
from matching.models import GroupReading, ReviewSample, Verdict
from matching.review_pages import sample_of
from matching.services import grouped_reviewing
from p20win import clock
from p20win.access import SignedInRequest, roles_only
from p20win.accounts.public import Role
from p20win.custody import public as custody
from p20win.refusal import Blocked

_LETTERS = "ABCDEFGH"
_SAID = {"link": "linked", "review": "not linked, in doubt", "refused": "refused"}


@roles_only(Role.HUB_STAFF)
@require_http_methods(["GET", "POST"])
@never_cache
def group(request: SignedInRequest, pk: uuid.UUID, number: int) -> HttpResponse:
    """Show one group, behind dots until it is revealed; words on its pairs lead to the next."""
    sample = sample_of(request, pk)
    if not 1 <= number <= len(sample.groups):
        raise Http404
    if request.method == "POST" and "reveal" not in request.POST:
        return _said(request, sample, number)
    revealed = request.method == "POST"  # a reveal is an act, and is on record; so it is no address
    found = grouped.groups(sample)[number - 1]
    context = _shown(sample, found, request) | {"revealed": revealed}
    try:
        token = grouped_reviewing.look(sample, number - 1, revealed=revealed, by=request.user, at=clock.now())
        told = json.loads(b"".join(custody.relay(token)))
        context["fields"] = [entry | {"field": WORDS[entry["field"]]} for entry in told]
    except (Blocked, custody.Cut) as refusal:
        context["why_not"] = getattr(refusal, "reasons", ["The vault went away. Open the group again."])
    return render(request, "matching/review_group.html", context)


def _said(request: SignedInRequest, sample: ReviewSample, number: int) -> HttpResponse:
    try:
        grouped_reviewing.read(sample, number - 1, _verdicts(request.POST), by=request.user, at=clock.now())
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
        return redirect("matching:review-group", pk=sample.pk, number=number)
    messages.success(request, "Written down. It counts in the next run.")
    coming = grouped.next_for(grouped.groups(sample), request.user, after=number - 1)
    if coming is None:
        return redirect("matching:review", pk=sample.pk)
    return redirect("matching:review-group", pk=sample.pk, number=coming.number + 1)


def _verdicts(given: QueryDict) -> dict[int, str]:
    """Return what was said of which pair; what is no pair of the form is left out."""
    named = ((name.removeprefix("pair-"), word) for name, word in given.items() if name.startswith("pair-"))
    return {int(place) - 1: str(word) for place, word in named if place.isdecimal() and len(place) < 5}


def _shown(sample: ReviewSample, found: grouped.Group, request: SignedInRequest) -> dict[str, Any]:
    return {
        "sample": sample,
        "match": sample.run.match,
        "number": found.number + 1,
        "of": len(sample.groups),
        "records": [
            {"letter": letter, "file": record["file"]}
            for letter, record in zip(_LETTERS, found.records, strict=False)
        ],
        "pairs": [_pair(pair, request) for pair in found.pairs],
        "asks": found.waits_for(request.user),
        "ways": [(verdict.value, verdict.label) for verdict in Verdict],
    }


def _pair(pair: grouped.Pair, request: SignedInRequest) -> dict[str, Any]:
    mine = next((word for word in pair.words if word.reader_id == request.user.pk), None)
    return {
        "number": pair.number + 1,
        "name": f"{_LETTERS[pair.drawn['one']]} and {_LETTERS[pair.drawn['other']]}",
        "probability": page_words.percent(pair.drawn["probability"]),
        "rule": pair.drawn["rule"],
        "run_says": _SAID[pair.drawn["decision"]],
        "asks": pair.waits_for(request.user),
        "mine": mine,
        "stands": _standing(pair),
    }


def _standing(pair: grouped.Pair) -> str:
    if pair.drawn["told"]:
        return "Decided before this run"
    if not pair.state.waits_for:
        return f"Decided: {Verdict(pair.state.verdict).label.lower()}"
    return "Waits for another reader" if pair.words else "Not read yet"


@roles_only(Role.HUB_STAFF)
@require_POST
def take_back(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Take one's own word on a pair of a group back, and look at the group again."""
    rows = GroupReading.objects.filter(sample__run__match__in=selectors.visible_to(request.user))
    row = get_object_or_404(rows.select_related("sample"), pk=pk, reader=request.user)
    try:
        grouped_reviewing.take_back(row, by=request.user, at=clock.now())
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
    else:
        messages.success(request, "Taken back.")
    return redirect("matching:review-group", pk=row.sample_id, number=row.group + 1)
