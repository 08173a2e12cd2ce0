"""Percentages that no rule lets be printed, whatever else can be worked out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from disclosure.engine.audit.findings import Finding
from disclosure.engine.audit.questions import Cell
from disclosure.engine.policy import CellPolicy


@dataclass(frozen=True)
class Printed:
    """A printed percentage of one cell among another."""

    part: int
    base: int
    low: float
    high: float
    name: str
    place: str
    ours: bool
    marked_withheld: bool  # the reviewer's file says that the public file has it blank


def too_telling(
    shares: Sequence[Printed], cells: Sequence[Cell], words: Callable[[int], str], policy: CellPolicy
) -> Iterator[tuple[bool, Finding]]:
    """Judge each percentage by the true counts, where they are lent; yield leaks (True) and warnings."""
    for share in shares:
        if not share.ours:
            continue
        part, base = cells[share.part], cells[share.base]
        people = f"{words(share.part)} among {words(share.base)}"
        if share.marked_withheld:
            why = f"{share.name} is marked as withheld. Make sure that the public file has it blank."
            yield False, Finding("percentage", people, 0, float("inf"), why, (share.place,))
            continue
        yield from _of_few(share, part, people, policy)
        if base.truth is None:
            continue
        n, k = base.truth, part.truth
        if n < policy.min_pct_base:
            why = f"{share.name}: the base counts fewer than {policy.min_pct_base}."
            yield True, Finding("base", words(share.base), n, n, why, (share.place,))
        if k is None or share.part == share.base:  # 100 % of itself tells nothing
            continue
        if policy.is_small(k) and part.listed:
            why = f"{share.name}: a percentage of a count below {policy.min_count}."
            yield True, Finding("percentage", people, k, k, why, (share.place,))
        elif (k <= 1 or k >= n - 1) and not (_allowed(part, k, policy) and _allowed(base, n, policy)):
            why = f"{share.name}: nobody, everybody, or all but one."
            yield True, Finding("percentage", people, k, k, why, (share.place,))
        elif part.withheld:
            why = f"{share.name}: a percentage of a withheld count."
            yield False, Finding("percentage", people, k, k, why, (share.place,))


def _of_few(share: Printed, part: Cell, people: str, policy: CellPolicy) -> Iterator[tuple[bool, Finding]]:
    """Find a percentage that stands for fewer people than the policy asks for, where that is known."""
    count = part.low if part.exact else part.truth
    if count is not None and count < policy.min_pct_count:
        why = f"{share.name}: it stands for fewer than {policy.min_pct_count}."
        yield True, Finding("percentage", people, count, count, why, (share.place,))


def _allowed(cell: Cell, count: int, policy: CellPolicy) -> bool:
    """Say whether a count may be printed and is, where zeros are: its percentage then says no more."""
    return not policy.hide_zeros and not policy.is_small(count) and cell.known == count
