"""Sums along one dimension: which cells lie side by side inside which."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from disclosure.engine.errors import BadTable
from disclosure.engine.problem import Problem
from disclosure.engine.space import Key

_MOST = 64  # ways to cut one group that are looked at; what is missed, the audit hands back

Family = tuple[int, ...]  # numbers of codes that do not overlap


@dataclass(frozen=True)
class Line:
    """A group and the disjoint cells directly inside it, along one dimension."""

    parent: int  # -1 when no table shows it
    members: tuple[int, ...]
    whole: bool  # the members make up all of the parent


class Side:
    """The codes of one dimension as sets, and how groups fall into disjoint families of them."""

    def __init__(self, sets: Sequence[frozenset[int]], groups: Sequence[int]) -> None:
        self.sets = sets
        self.groups = groups
        self._families: dict[tuple[int, tuple[int, ...]], list[Family]] = {}

    def families(self, group: int, present: tuple[int, ...]) -> list[Family]:
        """Return the families of the widest codes inside a group, each widest code in one at least."""
        place = (group, present)
        if place not in self._families:
            top = self.sets[group]
            inside = [n for n in present if n != group and self.sets[n] < top]
            self._families[place] = self._disjoint(inside)
        return self._families[place]

    def _disjoint(self, inside: Sequence[int]) -> list[Family]:
        if not inside:
            return []
        broad = [n for n in inside if len(self.sets[n]) > 1]
        if not broad:
            return [tuple(inside)]  # a flat list: the usual case, and a long one
        widest = [n for n in inside if not any(self.sets[n] < self.sets[w] for w in broad)]
        widest.sort(key=lambda n: (-len(self.sets[n]), sorted(self.sets[n])))
        families: list[Family] = []
        left = list(widest)
        while left:
            family: list[int] = []
            taken: set[int] = set()
            for n in [*left, *widest]:  # first those in no family yet, then whatever still fits
                if taken.isdisjoint(self.sets[n]):
                    family.append(n)
                    taken |= self.sets[n]
            families.append(tuple(family))
            left = [n for n in left if n not in family]
        return families

    def antichains(self, group: int, present: tuple[int, ...], opened: frozenset[int]) -> list[Family]:
        """Return families inside a group in which each of the `opened` codes stays whole or falls apart."""
        found: dict[Family, None] = dict.fromkeys(tuple(sorted(f)) for f in self.families(group, present))
        for family in list(found):
            found.setdefault(self._open_all(family, present, opened))
        waiting = list(found)
        while waiting and len(found) < _MOST:
            family = waiting.pop(0)
            for n in family:
                if n not in opened:
                    continue
                for parts in self.families(n, present):
                    finer = tuple(sorted([*(m for m in family if m != n), *parts]))
                    if finer not in found:
                        found[finer] = None
                        waiting.append(finer)
        return list(found)

    def _open_all(self, family: Family, present: tuple[int, ...], opened: frozenset[int]) -> Family:
        """Let every opened code fall apart, as far down as that goes."""
        finest: list[int] = []
        waiting = list(family)
        while waiting:
            n = waiting.pop()
            parts = self.families(n, present) if n in opened else []
            if parts:
                waiting.extend(parts[0])
            else:
                finest.append(n)
        return tuple(sorted(finest))


@dataclass(frozen=True)
class Context:
    """All cells that differ in one dimension only."""

    d: int
    rest: Key  # the cell's codes, with -1 in that dimension
    cells: dict[int, int]  # code -> cell

    @property
    def present(self) -> tuple[int, ...]:
        """Return the codes there are, in order."""
        return tuple(sorted(self.cells))


class Lines:
    """Every context of a problem, and the sums in it."""

    def __init__(self, problem: Problem) -> None:
        space = problem.space
        self.problem = problem
        self.sides = []
        for d, sets in enumerate(space.sets):
            used = {key[d] for key in problem.keys} | {0}
            self.sides.append(Side(sets, [n for n in sorted(used) if n == 0 or len(sets[n]) > 1]))
        self.contexts: list[Context] = []
        for d in range(len(space.dims)):
            there: dict[Key, dict[int, int]] = defaultdict(dict)
            for cell, key in enumerate(problem.keys):
                there[(*key[:d], -1, *key[d + 1 :])][key[d]] = cell
            self.contexts += [Context(d, rest, cells) for rest, cells in there.items() if len(cells) > 1]

    def all(self) -> list[Line]:
        """Return every group with the cells directly inside it."""
        return [line for _, _, line in self.placed()]

    def placed(self) -> Iterator[tuple[Context, int, Line]]:
        """Return every sum with where it stands, and the group it is part of."""
        for context in self.contexts:
            side, present = self.sides[context.d], context.present
            for group in side.groups:
                for family in side.families(group, present):
                    size = sum(len(side.sets[n]) for n in family)
                    members = tuple(context.cells[n] for n in family)
                    whole = size == len(side.sets[group])
                    yield context, group, Line(context.cells.get(group, -1), members, whole)

    def residuals(self, hidden: np.ndarray) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Return sets of hidden cells that one sum holds together, each with the other cells of the sum."""
        found: dict[tuple[int, ...], tuple[int, ...]] = {}
        for context in self.contexts:
            side, present = self.sides[context.d], context.present
            dark = {n for n, cell in context.cells.items() if hidden[cell]}
            if len(dark) < 2:
                continue
            broad = [n for n in present if len(side.sets[n]) > 1 and n not in dark]
            opened = frozenset(b for b in broad if any(side.sets[n] < side.sets[b] for n in dark))
            for group in side.groups:
                if sum(side.sets[n] < side.sets[group] for n in dark) < 2:
                    continue
                for family in side.antichains(group, present, opened):
                    small = tuple(context.cells[n] for n in family if n in dark)
                    if len(small) > 1:
                        others = tuple(context.cells[n] for n in family if n not in dark)
                        found.setdefault(small, others)
        return list(found.items())


def refuse_sums_that_disagree(problem: Problem, lines: Sequence[Line]) -> None:
    """Check that groups equal the sum of their parts.

    :raises BadTable: naming the first cell that does not add up
    """
    for line in lines:
        if line.parent < 0:
            continue
        parts, total = problem.count[list(line.members)], problem.count[line.parent]
        if np.isnan(total) or np.isnan(parts).any():
            continue
        if parts.sum() > total or (line.whole and parts.sum() != total):
            raise BadTable(
                f"{problem.places[line.parent]}: {problem.label(line.parent)} is not the sum of its parts. "
                "List every category (or give a hierarchy that does), and check the totals."
            )
