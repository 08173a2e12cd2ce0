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
from matching.engine import page_words, stops
from matching.engine.defaults import WORDS
from matching.models import GroupReading, ReviewSample, Verdict
from matching.review_pages import KEYS, sample_of
from matching.services import grouped_reviewing
from p20win import clock
from p20win.access import SignedInRequest, roles_only
from p20win.accounts.public import Role
from p20win.custody import public as custody
from p20win.refusal import Blocked

_LETTERS = "ABCDEFGH"


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
    every = grouped.groups(sample)
    found, coming = every[number - 1], grouped.next_for(every, request.user, after=number - 1)
    context = _shown(sample, found, request) | {
        "revealed": revealed,
        "next": coming.number + 1 if coming and coming is not found else None,
    }
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
        "made": _made(found),
        "pairs": [_pair(pair, request) for pair in found.pairs],
        "decided": found.decided,
        "asks": found.waits_for(request.user),
        "ways": [(verdict.value, verdict.label, KEYS[verdict.value]) for verdict in Verdict],
    }


def _made(found: grouped.Group) -> list[str]:
    """Say which records the run made one person, and which stand alone."""
    one_person = [person for person in found.people() if len(person) > 1]
    alone = [_LETTERS[record] for person in found.people() if len(person) == 1 for record in person]
    said = [f"{page_words.listed([_LETTERS[r] for r in person])} are one person" for person in one_person]
    if alone:
        said.append(f"{page_words.listed(alone)} stand{'' if len(alone) > 1 else 's'} alone")
    return said


def _pair(pair: grouped.Pair, request: SignedInRequest) -> dict[str, Any]:
    mine = next((word for word in pair.words if word.reader_id == request.user.pk), None)
    return {
        "number": pair.number + 1,
        "name": f"{_LETTERS[pair.drawn['one']]} and {_LETTERS[pair.drawn['other']]}",
        "probability": page_words.percent(pair.drawn["probability"]),
        "rule": pair.drawn["rule"],
        "run_says": _run_says(pair.drawn),
        "asks": pair.waits_for(request.user),
        "mine": mine,
        "stands": _standing(pair),
    }


def _run_says(drawn: dict[str, Any]) -> str:
    if drawn["decision"] == "link":
        return "The run linked them."
    if why := stops.words(drawn.get("stopped", "")):  # samples of before do not tell
        return f"The run did not link them: {why}."
    if drawn["decision"] == "refused":
        return "The run refused to link them."
    return "The run did not link them: that is too uncertain."


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
