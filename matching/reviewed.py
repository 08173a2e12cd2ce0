"""How a review stands: which pairs wait for whom, what was decided, and what that says of the run."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matching import readings
from matching.engine import page, page_words, sampled
from matching.models import Match, MatchRun, MatchStatus, Reading, ReviewSample
from matching.standing import min_cell_count
from p20win import access
from p20win.accounts.public import Role
from p20win.custody import public as custody

if TYPE_CHECKING:
    from p20win.accounts.models import User

OPEN_WHILE = frozenset({MatchStatus.READY, MatchStatus.LINKING, MatchStatus.LINKED})


@dataclass(frozen=True)
class Pair:
    """One pair of a sample with what was said of it."""

    number: int
    drawn: dict[str, Any]
    words: tuple[Reading, ...]
    state: readings.State

    @property
    def readers(self) -> set[Any]:
        """Return who has read it."""
        return {word.reader_id for word in self.words}


def samples(match: Match) -> list[ReviewSample]:
    """Return the samples of all runs of a match, the first run's first."""
    return list(
        ReviewSample.objects.filter(run__match=match)
        .select_related("run", "run__match", "run__match__project", "index")
        .order_by("run__number")
    )


def samples_so_far(match: Match) -> list[ReviewSample]:
    """Return those of a match and of the matches of its project before it whose index is kept, in order."""
    rows = ReviewSample.objects.filter(
        run__match__project=match.project_id,
        run__match__number__lte=match.number,
        index__status=custody.FileStatus.ACCEPTED,
    )
    return list(
        rows.select_related("run__match__project", "index").order_by("run__match__number", "run__number")
    )


def pairs(sample: ReviewSample) -> list[Pair]:
    """Return the pairs of a sample in the order in which they are read."""
    said: dict[int, list[Reading]] = defaultdict(list)
    for word in sample.readings.filter(taken_back_at__isnull=True).select_related("reader"):
        said[word.pair].append(word)
    return [_pair(number, drawn, said.get(number, [])) for number, drawn in enumerate(sample.pairs)]


def _pair(number: int, drawn: dict[str, Any], words: Iterable[Reading]) -> Pair:
    own = tuple(words)
    stands = readings.state([word.verdict for word in own], twice=drawn["twice"])
    return Pair(number, drawn, own, stands)


def next_for(found: list[Pair], person: "User", *, after: int = -1) -> Pair | None:
    """Return the next pair for this person: conflicts first, then second readings, then new ones."""
    waiting = [pair for pair in found if pair.state.waits_for and person.pk not in pair.readers]
    order = sorted(waiting, key=lambda pair: (-pair.state.waits_for, pair.number <= after, pair.number))
    return order[0] if order else None


def progress(found: list[Pair]) -> dict[str, int]:
    """Return how many pairs were drawn, are decided, and wait for which reading."""
    waits = [pair.state.waits_for for pair in found]
    return {
        "drawn": len(found),
        "decided": waits.count(0),
        "first": waits.count(1),
        "second": waits.count(2),
        "third": waits.count(3),
        "unsure": sum(pair.state.verdict == readings.UNSURE for pair in found),
    }


def double(found: Iterable[Pair]) -> list[tuple[str, str]]:
    """Return the first two readings of the pairs that were drawn to be read twice."""
    return [
        (pair.words[0].verdict, pair.words[1].verdict)
        for pair in found
        if pair.drawn["twice"] and len(pair.words) > 1
    ]


def agreement(match: Match) -> tuple[float | None, list[tuple[str, str]]]:
    """Return kappa over all samples of a match, and the readings it comes from."""
    both = [words for sample in samples(match) for words in double(pairs(sample))]
    return sampled.kappa(both), both


def estimate(sample: ReviewSample) -> sampled.Estimate:
    """Return what the review says of the run's precision and of what it missed, with intervals."""
    others = [row for row in samples(sample.run.match) if row.pk != sample.pk]
    both = [words for row in others for words in double(pairs(row)) if readings.UNSURE not in words]
    read = [
        (pair.drawn["stratum"], tuple(word.verdict for word in pair.words))
        for pair in pairs(sample)
        if pair.state.verdict
    ]
    return sampled.estimate(
        sample.strata, read, compared=len(both), differing=sum(one != other for one, other in both)
    )


def interval(found: sampled.Interval | None, *, least: int | None = None) -> str:
    """Return an estimated share with its interval in words; with `least`, a count, small ones not told."""
    if found is None:
        return ""
    numbers = (found.value, found.low, found.high)
    if least is None:
        said = [page_words.percent(value) for value in numbers]
    else:
        few = f"fewer than {least}"
        said = [few if round(value) < least else f"{round(value):,}" for value in numbers]
    return f"{said[0]} (95 % interval {said[1]} to {said[2]})"


def said(run: MatchRun) -> page.Said:
    """Return what people said of a run by now, for a report that stands alone."""
    answers = {row.question: row.text for row in run.answers.all()}
    sample = ReviewSample.objects.filter(run=run).first()
    if sample is None or not (found := estimate(sample)).reviewed:
        return page.Said(answers)
    kappa, both = agreement(run.match)
    least = min_cell_count(run.match.project)
    rows = [
        ("Pairs judged, drawn by chance from every stratum", f"{found.reviewed:,}"),
        ("Links that are right", interval(found.precision)),
        ("Pairs of one person among those not linked", interval(found.missed, least=least)),
        (
            "Agreement of readers (Cohen’s kappa)",
            "" if kappa is None else f"{kappa:.2f}, from {len(both)} pairs read twice",
        ),
    ]
    return page.Said(answers, tuple((label, words) for label, words in rows if words))


def why_not_read(sample: ReviewSample, person: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot look at the records of a sample now; an empty list means they can."""
    match = sample.run.match
    if not person.has_role(Role.HUB_STAFF):
        return ["Only staff of the data integration hub review pairs."]
    if sample.run.outdated_by_id:
        return ["This run was made on an earlier file, which is closed; its pairs are reviewed no more."]
    if match.abandoned_at:
        return ["The match has ended without a result; nothing is reviewed any more."]
    if match.status not in OPEN_WHILE:
        return ["Every party has agreed to the match; nothing is reviewed any more."]
    if any(sheet.file.status != custody.FileStatus.ACCEPTED for sheet in sheets(sample)):
        return ["The records are destroyed."]
    return access.why_not(person, "match", match.project, "matching", at)


def sheets(sample: ReviewSample) -> list[Any]:
    """Return the sealed sheets of a sample."""
    return list(sample.sheets.select_related("file"))


def applied(match: Match) -> int:
    """Return how many decisions the next run of a match applies."""
    return sum(
        pair.state.verdict in (readings.LINK, readings.NOT)
        for sample in samples(match)
        for pair in pairs(sample)
    )
