"""Clerical review: keeping what was drawn, looking at a pair, saying what it is, and taking it back."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from matching import grouped, layouts, readings, reviewed, standing
from matching.engine import likeness
from matching.models import Look, Match, MatchRun, Reading, ReviewSample, ReviewSheet, Verdict
from p20win.accounts.public import system_user
from p20win.audit.public import first_in_line
from p20win.custody import public as custody
from p20win.refusal import Blocked
from p20win.workflow import amend, create

if TYPE_CHECKING:
    from matching.engine.child import Outcome
    from p20win.accounts.models import User

OPENING: Final = "matching.review_pair"
PAIRS: Final = 120
"""About so many pairs are drawn of a run."""
GROUPS: Final = 20
"""At most so many contested groups are drawn with them."""


# --- in the vault


def setup(match: Match) -> dict[str, Any]:
    """Return what a run is told of earlier reviews: the salt, and every decided pair by its digests.

    Those of the project's earlier matches count, too: a repeat asks nothing anew of records that say the same
    (O-71). A later decision on the same two records stands above an earlier one. In the vault alone.
    """
    salt, decided = "", {}
    for sample in reviewed.samples_so_far(match):
        index = json.loads(b"".join(custody.open_bytes(sample.index)))
        salt = salt or index["salt"]
        for pair in reviewed.pairs(sample):
            if pair.state.verdict in (readings.LINK, readings.NOT):
                known = index["pairs"][pair.number]
                decided[_key(known)] = {**known, "verdict": pair.state.verdict}
        for group, place, verdict in grouped.decided(sample):
            known = index["groups"][group][place]
            decided[_key(known)] = {**known, "verdict": verdict}
    size, groups = (0, 0) if standing.encoding(match) else (PAIRS, GROUPS)
    return {"size": size, "groups": groups, "salt": salt, "decided": list(decided.values())}


def _key(known: dict[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((name, digest) for name, digest in (known["left"], known["right"]))


def keep(run: MatchRun, outcome: "Outcome", *, at: dt.datetime) -> ReviewSample | None:
    """Seal the sheets, each under its agency's key, and write down what was drawn. In the vault alone."""
    if not outcome.sample.get("pairs"):
        return None
    project, by = run.match.project, system_user()

    def sealed(name: str, content: bytes, organisation: Any, data_class: str) -> custody.SealedFile:
        return custody.seal_bytes(
            project=project,
            organisation=organisation,
            data_class=data_class,
            name=f"{name}-{project.number}-run-{run.number}.jsonl",
            chunks=[content],
            by=by,
            at=at,
            meta={"run": str(run.pk)},
        )

    index = sealed("review-index", outcome.index, standing.keeper(project), custody.DataClass.KEY)
    sample = ReviewSample(
        run=run,
        strata=outcome.sample["strata"],
        pairs=outcome.sample["pairs"],
        groups=outcome.sample["groups"],
        index=index,
        drawn_at=at,
    )
    create(
        "review.drawn",
        sample,
        by=by,
        at=at,
        details={"pairs": len(sample.pairs), "groups": len(sample.groups)},
    )
    for agency in standing.agencies(project):
        name = layouts.file_name(agency)
        if content := outcome.sheets.get(name):
            file = sealed(f"review-{agency.slug}", content, agency, custody.DataClass.MATCHING)
            sheet = ReviewSheet(sample=sample, name=name, file=file)
            create("review.sheet_sealed", sheet, by=by, at=at, details={"agency": agency.slug})
    return sample


def give(look: Look, person: "User") -> Iterator[bytes]:
    """Give the two records of a pair beside each other. In the vault alone, for a capability.

    Each sheet is verified whole once for this look, before a record of it is read.

    :raises Blocked: if a sheet is gone
    """
    pair = look.sample.pairs[look.pair]
    stratum = look.sample.strata[pair["stratum"]]
    held = {sheet.name: sheet.file for sheet in reviewed.sheets(look.sample)}
    sides = []
    for side in ("left", "right"):
        if stratum[side] not in held:
            raise Blocked("The records of this pair are not there.")
        start, stop = pair[side]
        chunks = custody.open_range(held[stratum[side]], start, stop, within=look.pk)
        sides.append(json.loads(b"".join(chunks)))
    yield json.dumps(likeness.beside(*sides, masked=not look.revealed)).encode()


# --- for people


@transaction.atomic
def look(sample: ReviewSample, number: int, *, revealed: bool, by: "User", at: dt.datetime) -> str:
    """Write down that a person looks at a pair, and return the token that opens it once, within a minute.

    :raises Blocked: if the person may not, or there is no such pair
    """
    first_in_line()
    _expect_pair(sample, number)
    row = Look(
        sample=sample, project=sample.run.match.project, pair=number, person=by, revealed=revealed, at=at
    )
    event = "review.revealed" if revealed else "review.looked"
    create(event, row, by=by, at=at, details={"pair": number + 1, "run": str(sample.run_id)})
    return custody.capability(by, OPENING, row, at)


def why_not_look(row: Look, person: "User", at: dt.datetime) -> list[str]:
    """Say why a pair cannot be opened; custody asks, and again while it gives."""
    if row.person_id != person.pk:
        return ["This is another person's look. Open the pair yourself."]
    if row.project_id != row.sample.run.match.project_id:
        return ["This look and its pairs are of different projects."]
    return reviewed.why_not_read(row.sample, person, at)


def _expect_pair(sample: ReviewSample, number: int) -> None:
    if not 0 <= number < len(sample.pairs):
        raise Blocked("There is no such pair.")


@transaction.atomic
def read(sample: ReviewSample, number: int, verdict: str, *, by: "User", at: dt.datetime) -> Reading:
    """Say what a pair is. The next person to read it does not see this word.

    :raises Blocked: if the person may not, has read it, never looked at it, or it is decided
    """
    first_in_line()
    _expect_pair(sample, number)
    if verdict not in Verdict.values:
        raise Blocked("Say whether it is one person, two people, or cannot be told.")
    pair = reviewed.pairs(sample)[number]
    refused = reviewed.why_not_read(sample, by, at)
    if by.pk in pair.readers:
        refused.append("You have read this pair. Another person reads it next.")
    elif not pair.state.waits_for:
        refused.append("This pair is decided.")
    if not sample.looks.filter(pair=number, person=by).exists():
        refused.append("Look at the two records first.")
    if refused:
        raise Blocked(refused)
    row = Reading(sample=sample, pair=number, reader=by, verdict=verdict, at=at)
    details = {"pair": number + 1, "reading": pair.state.waits_for}
    return create("review.read", row, by=by, at=at, details=details)


@transaction.atomic
def take_back(reading: Reading, *, by: "User", at: dt.datetime) -> Reading:
    """Take one's own word back; the pair waits for a reading again. What runs applied meanwhile stays theirs.

    :raises Blocked: if it is another's word, was taken back, or nothing is reviewed any more
    """
    first_in_line()
    reading = Reading.objects.select_for_update(no_key=True, of=("self",)).get(pk=reading.pk)
    refused = reviewed.why_not_read(reading.sample, by, at)
    if reading.reader_id != by.pk:
        refused.append("Only who said it can take it back.")
    if reading.taken_back_at is not None:
        refused.append("It was taken back.")
    if refused:
        raise Blocked(refused)
    return amend("review.taken_back", reading, by=by, at=at, taken_back_at=at)
