"""Clerical review of groups: looking at one, saying what each of its pairs is, and taking that back."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from matching import grouped, reviewed
from matching.engine import likeness
from matching.models import GroupLook, GroupReading, ReviewSample, Verdict
from p20win.audit.public import first_in_line
from p20win.custody import public as custody
from p20win.refusal import Blocked
from p20win.workflow import amend, create

if TYPE_CHECKING:
    from p20win.accounts.models import User

OPENING: Final = "matching.review_group"


# --- in the vault


def give(look: GroupLook, person: "User") -> Iterator[bytes]:
    """Give the records of a group side by side. In the vault alone, for a capability.

    Each sheet is verified whole once for this look, before a record of it is read.

    :raises Blocked: if a sheet is gone
    """
    held = {sheet.name: sheet.file for sheet in reviewed.sheets(look.sample)}
    records = []
    for record in look.sample.groups[look.group]["records"]:
        if record["file"] not in held:
            raise Blocked("The records of this group are not there.")
        start, stop = record["place"]
        chunks = custody.open_range(held[record["file"]], start, stop, within=look.pk)
        records.append(json.loads(b"".join(chunks)))
    yield json.dumps(likeness.side_by_side(records, masked=not look.revealed)).encode()


# --- for people


@transaction.atomic
def look(sample: ReviewSample, number: int, *, revealed: bool, by: "User", at: dt.datetime) -> str:
    """Write down that a person looks at a group, and return the token that opens it once, within a minute.

    :raises Blocked: if the person may not, or there is no such group
    """
    first_in_line()
    _expect_group(sample, number)
    row = GroupLook(
        sample=sample, project=sample.run.match.project, group=number, person=by, revealed=revealed, at=at
    )
    event = "review.group_revealed" if revealed else "review.group_looked"
    create(event, row, by=by, at=at, details={"group": number + 1, "run": str(sample.run_id)})
    return custody.capability(by, OPENING, row, at)


def why_not_look(row: GroupLook, person: "User", at: dt.datetime) -> list[str]:
    """Say why a group cannot be opened; custody asks, and again while it gives."""
    if row.person_id != person.pk:
        return ["This is another person's look. Open the group yourself."]
    if row.project_id != row.sample.run.match.project_id:
        return ["This look and its group are of different projects."]
    return reviewed.why_not_read(row.sample, person, at)


def _expect_group(sample: ReviewSample, number: int) -> None:
    if not 0 <= number < len(sample.groups):
        raise Blocked("There is no such group.")


@transaction.atomic
def read(
    sample: ReviewSample, number: int, verdicts: Mapping[int, str], *, by: "User", at: dt.datetime
) -> list[GroupReading]:
    """Say what some pairs of a group are, each by itself; all of it or nothing is kept.

    :raises Blocked: if the person may not, never looked at the group, nothing is said, or a pair is decided
    """
    first_in_line()
    _expect_group(sample, number)
    group = grouped.groups(sample)[number]
    refused = reviewed.why_not_read(sample, by, at)
    if not verdicts:
        refused.append("Say of at least one pair what it is.")
    if not set(verdicts) <= {pair.number for pair in group.pairs}:
        refused.append("There is no such pair.")
    elif not set(verdicts.values()) <= set(Verdict.values):
        refused.append("Say whether it is one person, two people, or cannot be told.")
    elif not all(group.pairs[place].waits_for(by) for place in verdicts):
        refused.append("One of these pairs is decided, or you have read it.")
    if not sample.group_looks.filter(group=number, person=by).exists():
        refused.append("Look at the records first.")
    if refused:
        raise Blocked(refused)
    return [_read(sample, group, place, verdicts[place], by=by, at=at) for place in sorted(verdicts)]


def _read(
    sample: ReviewSample, group: grouped.Group, place: int, verdict: str, *, by: "User", at: dt.datetime
) -> GroupReading:
    row = GroupReading(sample=sample, group=group.number, pair=place, reader=by, verdict=verdict, at=at)
    details: dict[str, Any] = {"group": group.number + 1, "pair": place + 1}
    details |= {"reading": group.pairs[place].state.waits_for}
    return create("review.group_read", row, by=by, at=at, details=details)


@transaction.atomic
def take_back(reading: GroupReading, *, by: "User", at: dt.datetime) -> GroupReading:
    """Take one's own word back; the pair waits for a reading again. What runs applied meanwhile stays theirs.

    :raises Blocked: if it is another's word, was taken back, or nothing is reviewed any more
    """
    first_in_line()
    rows = GroupReading.objects.select_for_update(no_key=True, of=("self",))
    reading = rows.select_related("sample__run__match__project").get(pk=reading.pk)
    refused = reviewed.why_not_read(reading.sample, by, at)
    if reading.reader_id != by.pk:
        refused.append("Only who said it can take it back.")
    if reading.taken_back_at is not None:
        refused.append("It was taken back.")
    if refused:
        raise Blocked(refused)
    return amend("review.group_taken_back", reading, by=by, at=at, taken_back_at=at)
