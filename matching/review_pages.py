"""Pages of clerical review: where it stands, and one pair after the other."""

import json
import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from matching import grouped, reviewed, selectors
from matching.engine import page_charts, page_words, stops
from matching.engine.defaults import WORDS
from matching.models import Reading, ReviewSample, Verdict
from matching.services import reviewing
from p20win import clock
from p20win.access import SignedInRequest, roles_only
from p20win.accounts.public import Role
from p20win.custody import public as custody
from p20win.refusal import Blocked

KEYS = {"link": "l", "not": "n", "unsure": "u"}


def sample_of(request: SignedInRequest, pk: uuid.UUID) -> ReviewSample:
    """Return a sample of a match that this person may see."""
    rows = ReviewSample.objects.filter(run__match__in=selectors.visible_to(request.user))
    return get_object_or_404(rows.select_related("run", "run__match", "run__match__project"), pk=pk)


@roles_only(Role.HUB_STAFF)
@require_GET
@never_cache
def overview(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show how the review of a run stands and what it says of the run."""
    sample = sample_of(request, pk)
    found = reviewed.pairs(sample)
    groups = grouped.groups(sample)
    kappa, both = reviewed.agreement(sample.run.match)
    estimate = reviewed.estimate(sample)
    mine = [(pair, word) for pair in found for word in pair.words if word.reader_id == request.user.pk]
    context = {
        "sample": sample,
        "match": sample.run.match,
        "progress": reviewed.progress(found),
        "next": reviewed.next_for(found, request.user),
        "why_not": reviewed.why_not_read(sample, request.user, clock.now()),
        "estimate": estimate,
        "precision": reviewed.interval(estimate.precision),
        "missed": reviewed.interval(estimate.missed, least=1),
        "engine_precision": page_words.percent((sample.run.report or {})["estimates"]["precision"]),
        "kappa": kappa,
        "both": len(both),
        "error": page_words.percent(estimate.error),
        "strata": _strata(sample, found),
        "groups": groups,
        "next_group": grouped.next_for(groups, request.user),
        "mine": sorted(mine, key=lambda entry: entry[1].at, reverse=True)[:30],
    }
    return render(request, "matching/review.html", context)


def _strata(sample: ReviewSample, found: list[reviewed.Pair]) -> list[dict[str, Any]]:
    shown = []
    for number, stratum in enumerate(sample.strata):
        own = [pair for pair in found if pair.drawn["stratum"] == number]
        verdicts = [pair.state.verdict for pair in own if pair.state.verdict]
        shown.append(
            stratum
            | {
                "chances": f"{page_words.percent(stratum['from'])} to {page_words.percent(stratum['to'])}",
                "pattern_words": pattern_words(stratum["pattern"]),
                "drawn": len(own),
                "decided": len(verdicts),
                "links": verdicts.count("link"),
            }
        )
    return shown


def pattern_words(pattern: str) -> str:
    """Return a pattern of a stratum in words."""
    if "|" not in pattern:
        return pattern.capitalize()
    differ, lack = ([WORDS[f] for f in part.split(",") if f] for part in pattern.split("|"))
    said = [f"{', '.join(differ)} different"] if differ else ["nothing different"]
    if lack:
        said.append(f"{', '.join(lack)} missing")
    return "; ".join(said).capitalize()


@roles_only(Role.HUB_STAFF)
@require_http_methods(["GET", "POST"])
@never_cache
def pair(request: SignedInRequest, pk: uuid.UUID, number: int) -> HttpResponse:
    """Show one pair, behind dots until it is revealed; a word on it leads to the next."""
    sample = sample_of(request, pk)
    if not 1 <= number <= len(sample.pairs):
        raise Http404
    if request.method == "POST" and "verdict" in request.POST:
        return _said(request, sample, number)
    revealed = request.method == "POST"  # a reveal is an act, and is on record; so it is no address
    found = reviewed.pairs(sample)
    context = _shown(sample, found[number - 1]) | {
        "mine": [word for word in found[number - 1].words if word.reader_id == request.user.pk],
        "last": _last(sample, request),
        "left_to_read": sum(
            1 for each in found if each.state.waits_for and request.user.pk not in each.readers
        ),
        "revealed": revealed,
    }
    try:
        token = reviewing.look(sample, number - 1, revealed=revealed, by=request.user, at=clock.now())
        context["fields"] = _fields(json.loads(b"".join(custody.relay(token))))
    except (Blocked, custody.Cut) as refusal:
        context["why_not"] = getattr(refusal, "reasons", ["The vault went away. Open the pair again."])
    return render(request, "matching/review_pair.html", context)


def _said(request: SignedInRequest, sample: ReviewSample, number: int) -> HttpResponse:
    try:
        reviewing.read(sample, number - 1, request.POST["verdict"], by=request.user, at=clock.now())
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
        return redirect("matching:review-pair", pk=sample.pk, number=number)
    coming = reviewed.next_for(reviewed.pairs(sample), request.user, after=number - 1)
    if coming is None:
        messages.success(request, "There is no pair left for you to read.")
        return redirect("matching:review", pk=sample.pk)
    return redirect("matching:review-pair", pk=sample.pk, number=coming.number + 1)


def _last(sample: ReviewSample, request: SignedInRequest) -> Reading | None:
    own = sample.readings.filter(reader=request.user, taken_back_at__isnull=True)
    return own.order_by("-at", "-id").first()


def _shown(sample: ReviewSample, found: reviewed.Pair) -> dict[str, Any]:
    stratum = sample.strata[found.drawn["stratum"]]
    ways = [
        {"value": verdict.value, "label": verdict.label, "key": KEYS[verdict.value]} for verdict in Verdict
    ]
    return {
        "sample": sample,
        "match": sample.run.match,
        "pair": found,
        "number": found.number + 1,
        "of": len(sample.pairs),
        "left": stratum["left"],
        "right": stratum["right"],
        "linked": stratum["linked"],
        "stopped": stops.words(found.drawn.get("stopped", "")),
        "probability": page_words.percent(found.drawn["probability"]),
        "total": f"{page_charts.total_of(found.drawn):+.1f}",
        "chart": SafeString(page_charts.drawn_pair_chart(found.drawn)),
        "steps": [(label, f"{bits:+.1f}") for label, bits in page_charts.steps_of(found.drawn)],
        "ways": ways,
        "may_read": bool(found.state.waits_for),
    }


def _fields(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry | {"field": WORDS[entry["field"]]} for entry in told]


@roles_only(Role.HUB_STAFF)
@require_POST
def take_back(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Take one's own word on a pair back, and look at the pair again."""
    rows = Reading.objects.filter(sample__run__match__in=selectors.visible_to(request.user))
    row = get_object_or_404(
        rows.select_related("sample", "sample__run__match__project"), pk=pk, reader=request.user
    )
    try:
        reviewing.take_back(row, by=request.user, at=clock.now())
    except Blocked as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason)
    else:
        messages.success(request, "Taken back.")
    return redirect("matching:review-pair", pk=row.sample_id, number=row.pair + 1)
