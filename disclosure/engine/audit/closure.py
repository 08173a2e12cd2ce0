"""Cells that no table lists but anybody can add up, and the sums that give them."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from disclosure.engine.audit.system import Contradiction
from disclosure.engine.audit.universe import Universe, Who
from disclosure.engine.errors import Stopped

LIMIT = 1_000_000
_FAMILIES = 8  # ways to fill one group with groups that overlap


@dataclass(frozen=True)
class Sum:
    """A cell that is the sum of other cells."""

    whole: int
    parts: np.ndarray


def missing(universe: Universe, heard: Sequence[Who]) -> list[Who]:
    """List the cells between the lines of every table: each crossing of sets that have a name.

    :raises Stopped: if there are too many to ask about
    """
    scopes = sorted({universe.narrow(who) for who in heard}, key=lambda s: (-len(s), sorted(s)))
    widest = [s for i, s in enumerate(scopes) if not any(s < t for t in scopes[:i])]
    size = sum(prod(len(universe.sets[d]) for d in scope) for scope in widest)
    if size > LIMIT:
        raise Stopped(
            f"The tables cross into {size:,} cells that could be asked about; the limit is {LIMIT:,}."
        )
    there = set(heard)
    found: dict[Who, None] = {}
    everybody = [frozenset(range(n)) for n in universe.size]
    for scope in widest:
        choices = [universe.sets[d] if d in scope else (everybody[d],) for d in range(len(universe.names))]
        for who in product(*choices):
            if who not in there:
                found.setdefault(who)
    return list(found)


def contexts(cells: Sequence[Who], d: int) -> Iterator[dict[frozenset[int], int]]:
    """Gather cells that differ in one dimension only: their numbers by the set they name there."""
    beside: dict[tuple[object, ...], dict[frozenset[int], int]] = defaultdict(dict)
    for number, who in enumerate(cells):
        beside[(*who[:d], None, *who[d + 1 :])][who[d]] = number
    yield from beside.values()


def sums(universe: Universe, cells: Sequence[Who]) -> list[Sum]:
    """Write cells as sums of others along one dimension, wherever all of them are there."""
    found = []
    for d in range(len(universe.names)):
        ways = _ways(universe.sets[d])
        for there in contexts(cells, d):
            if len(there) < 2:
                continue
            for group, family in ways:
                if group in there and all(part in there for part in family):
                    found.append(Sum(there[group], np.array([there[part] for part in family])))
    return found


def add_up(along: Sequence[Sum], values: np.ndarray, *, refuse: str = "") -> np.ndarray:
    """Fill in every value that a sum gives, again and again until nothing is new.

    :raises Contradiction: with the words of `refuse`, if a sum does not add up
    """
    values = values.copy()
    waiting = list(along)
    while True:
        left = []
        for line in waiting:
            if values[line.whole] == 0:  # nobody in all is nobody in each
                values[line.parts] = np.where(np.isnan(values[line.parts]), 0.0, values[line.parts])
            there = np.isnan(values[line.parts])
            gaps = int(there.sum()) + bool(np.isnan(values[line.whole]))
            if gaps > 1:
                left.append(line)
            elif gaps == 1:
                known = float(np.nansum(values[line.parts]))
                if there.any():
                    gap = line.parts[int(np.flatnonzero(there)[0])]
                    values[gap] = values[line.whole] - known
                else:
                    gap = line.whole
                    values[gap] = known
                if values[gap] < 0 and refuse:
                    raise Contradiction(refuse)
            elif refuse and values[line.parts].sum() != values[line.whole]:
                raise Contradiction(refuse)
        if len(left) == len(waiting):
            return values
        waiting = left


def _ways(named: Mapping[frozenset[int], str]) -> list[tuple[frozenset[int], tuple[frozenset[int], ...]]]:
    """Split each group into disjoint smaller ones, in a few ways where they overlap."""
    sets = sorted(named, key=lambda s: (-len(s), sorted(s)))
    groups = [s for s in sets if len(s) > 1]
    found = []
    for group in groups:
        inside = [s for s in groups if s < group]
        widest = [s for i, s in enumerate(inside) if not any(s < t for t in inside[:i])]
        for family in packings(widest, _FAMILIES):
            covered = frozenset().union(*family)
            rest = tuple(frozenset((atom,)) for atom in sorted(group - covered))
            found.append((group, (*family, *rest)))
    return found


def packings(sets: Sequence[frozenset[int]], most: int) -> list[tuple[frozenset[int], ...]]:
    """List the largest selections of sets that do not overlap: each set in one, and others up to `most`."""
    often = Counter(atom for s in sets for atom in s)
    apart = [s for s in sets if all(often[atom] == 1 for atom in s)]
    mixed = [s for s in sets if any(often[atom] > 1 for atom in s)]
    if not mixed:
        return [tuple(apart)]
    found: dict[tuple[frozenset[int], ...], None] = {}
    for first in mixed:  # each one at least once
        taken, family = first, [first]
        for other in mixed:
            if not other & taken:
                family.append(other)
                taken |= other
        found.setdefault(tuple(sorted(family, key=sorted)))
    steps = 0
    stack: list[tuple[tuple[frozenset[int], ...], list[frozenset[int]]]] = [((), mixed)]
    while stack and len(found) < most and steps < 50 * most:
        steps += 1
        chosen, open_ = stack.pop()
        if not open_:
            found.setdefault(tuple(sorted(chosen, key=sorted)))
            continue
        pivot = open_[0]
        # Every largest selection holds the first open set or one that overlaps it.
        rivals = [s for s in open_ if s & pivot][::-1]
        stack.extend(((*chosen, one), [s for s in open_ if not s & one]) for one in rivals)
    return [(*apart, *family) for family in found]
