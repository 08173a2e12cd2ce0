"""Tells what became of the lines of a ledger: edited, deleted, added, moved, or cut off at the end.

It is given where each line of an export stood at first, as far as that can be told, and how many there were.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

EDITED, DELETED, ADDED, REORDERED = "edited", "deleted", "added", "reordered"
ROLLED_BACK, REWRITTEN, ALTERED, FORKED, END = "rolled back", "rewritten", "altered", "forked", "end"
_NEAR = 256  # places on either side where a moved line is looked for first
_TRIES = 4_000_000  # how often at most a hash is tried for lines that moved further

Fits = Callable[[int, int], bool]  # (place in the export, number at first): is it the same line?


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and which lines it is about."""

    kind: str
    first: int
    last: int
    says: str

    def as_dict(self) -> dict[str, str | int]:
        """This will give it for a program to read."""
        return {"kind": self.kind, "first": self.first, "last": self.last, "says": self.says}


def origins(wrong: Sequence[int], free: Iterable[int], fits: Fits) -> dict[int, int]:
    """This will find which of the free numbers each wrong line had at first; those not found are left out.

    A line that was deleted with all later ones renumbered moves them alike, so the last shift is tried first.
    """
    left, found, shift, tries = dict.fromkeys(sorted(free)), {}, 0, 0
    for place in wrong:
        for number in _candidates(place, shift, left):
            tries += 1
            if fits(place, number):
                found[place], shift = number, number - place
                del left[number]
                break
        if tries > _TRIES:
            break
    return found


def _candidates(place: int, shift: int, left: dict[int, None]) -> Iterator[int]:
    if place + shift in left:
        yield place + shift
    near = [
        each for each in range(place - _NEAR, place + _NEAR + 1) if each in left and each != place + shift
    ]
    yield from sorted(near, key=lambda each: abs(each - place))
    if len(left) <= 2 * _NEAR:
        yield from (each for each in left if abs(each - place) > _NEAR and each != place + shift)


def explain(stood: Sequence[int | None], numbers: Sequence[int], total: int) -> list[Finding]:
    """This will say what happened.

    `stood` gives for each line in order its number at first, or None; `numbers` the number that it says now.
    """
    lost = set(range(1, total + 1)).difference(each for each in stood if each is not None)
    edited, added, before = set(), set(), 0
    for number, was in zip(numbers, stood, strict=True):
        if was is None and before + 1 in lost:  # it stands where a line is missing: it was that line
            edited.add(before + 1)
            before += 1
        elif was is None and before < total:  # after the last known line the ledger just grew
            added.add(number)
        elif was is not None:
            before = was
    deleted = runs(lost - edited)
    tail = next((run for run in deleted if run[1] == total), None)
    findings = [changed(*run) for run in runs(edited)]
    findings += [_of_run(DELETED, *run, "was deleted", "were deleted") for run in deleted if run != tail]
    findings += [_of_run(ADDED, *run, "was put in later", "were put in later") for run in runs(added)]
    findings += _moved(stood)
    if tail:
        says = f"{ended(tail[0] - 1)}, but there were {total} lines."
        findings.append(Finding(ROLLED_BACK, *tail, says))
    return sorted(findings, key=lambda each: (each.first, each.kind))


def ended(after: int) -> str:
    """This will tell of a ledger that ends too early, after this line."""
    if not after:
        return "The ledger was emptied: it holds no line as it was written"
    return f"The ledger was rolled back: it ends after line {after}"


def changed(first: int, last: int) -> Finding:
    """This will tell of lines that were changed where they stand."""
    return _of_run(EDITED, first, last, "was changed", "were changed")


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """This will give numbers as runs from first to last."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def named(first: int, last: int) -> str:
    """This will name a run of lines."""
    return f"Line {first}" if first == last else f"Lines {first} to {last}"


def _of_run(kind: str, first: int, last: int, one: str, more: str) -> Finding:
    return Finding(kind, first, last, f"{named(first, last)} {one if first == last else more}.")


def _moved(stood: Sequence[int | None]) -> Iterator[Finding]:
    """Tell of the lines outside the longest part that is still in order."""
    places = [place for place, was in enumerate(stood) if was is not None]
    in_order = _longest_rising([stood[place] or 0 for place in places])
    for rank, place in enumerate(places):
        if rank not in in_order:
            was = stood[place] or 0
            yield Finding(REORDERED, was, was, f"Line {was} was moved: it stands at place {place + 1} now.")


def _longest_rising(values: Sequence[int]) -> set[int]:
    ends: list[int] = []
    ranks: list[int] = []
    before: list[int] = []
    for rank, value in enumerate(values):
        at = bisect_left(ends, value)
        before.append(ranks[at - 1] if at else -1)
        ends[at : at + 1], ranks[at : at + 1] = [value], [rank]
    kept: set[int] = set()
    rank = ranks[-1] if ranks else -1
    while rank >= 0:
        kept.add(rank)
        rank = before[rank]
    return kept
