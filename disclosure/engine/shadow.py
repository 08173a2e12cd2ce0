"""Cells that no table lists, but that anybody can add up: they count as published.

A missing member of a line, the rest of a line, a group of a hierarchy, in every dimension. Whether such
a cell needs guarding is asked once, of the attacker who sees everything: what even that attacker does
not know to be small, nobody can learn from less.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from disclosure.engine import solver
from disclosure.engine.lines import Context, Line, Lines
from disclosure.engine.outlook import Outlook
from disclosure.engine.policy import CellPolicy
from disclosure.engine.problem import Gathered, Problem
from disclosure.engine.rules import Target, far_end
from disclosure.engine.space import Key, cliques

_CROSSED = 1_500  # summands of all crossings up to which dimensions are crossed that no table crosses


@dataclass(frozen=True)
class Shadow:
    """An unlisted cell that is small when all is shown, and how far it must still be able to move."""

    key: Key
    low: float | None
    high: float | None
    count: float | None = None  # where showing everything would tell it


def find_shadows(
    gathered: Gathered, problem: Problem, lines: Lines, policy: CellPolicy, budget: solver.Budget
) -> list[Shadow]:
    """Find the unlisted cells that need guarding."""
    keys = _candidates(gathered, problem, lines, policy)
    if not keys:
        return []
    rests = _rests(problem, lines)
    most = np.array([_at_most(problem, key, rests) for key in keys])
    floor, top = float(policy.smallest_hidden), float(policy.min_count - 1)
    far = far_end(policy, floor)
    sure = (most <= top) & policy.hide_zeros & (not gathered.earlier)
    asked = [key for key, told, limit in zip(keys, sure, most, strict=True) if not told and limit >= floor]
    found = [
        Shadow(key, floor, far, 0.0 if limit == 0 else None)
        for key, told, limit in zip(keys, sure, most, strict=True)
        if told
    ]
    nobody = _nobody(gathered, [shadow.key for shadow in found])
    return [s for s in found if s.key not in nobody] + _asked(gathered, asked, policy, budget)


def _nobody(gathered: Gathered, keys: Sequence[Key]) -> set[Key]:
    """Return the cells that structural zeros make impossible."""
    if not gathered.impossible or not keys:
        return set()
    problem = gathered.problem([key for key in keys if key not in gathered.known])
    empty = np.asarray(problem.incidence.cells.sum(axis=1)).ravel() == 0
    return {key for key in keys if empty[problem.number[key]]}


def _asked(
    gathered: Gathered, keys: Sequence[Key], policy: CellPolicy, budget: solver.Budget
) -> list[Shadow]:
    """Ask for each cell how far it can move when everything is shown."""
    if not keys:
        return []
    floor = float(policy.smallest_hidden)
    far = far_end(policy, floor)
    problem = gathered.problem([key for key in keys if key not in gathered.known])
    somebody = np.asarray(problem.incidence.cells.sum(axis=1)).ravel() > 0
    keys = [key for key in keys if somebody[problem.number[key]]]
    probes = [Target("cell", (problem.number[k],), (), floor, float(policy.min_count)) for k in keys]
    outlook = Outlook(problem, probes, budget)
    room = outlook.all_shown()
    upper = outlook.out_of_reach(room, [(t, 1) for t in range(len(keys))])
    small = [(t, high) for (t, _), high in upper.items() if high >= floor]
    if not policy.hide_zeros:  # a cell that may well be empty is no small cell where zeros are shown
        small = [(t, high) for t, high in small if outlook.end(room, t, -1) >= floor]
    lower = outlook.out_of_reach(room, [(t, -1) for t, _ in small])  # those that are not 0 in any world
    before = outlook.before() if gathered.earlier else None
    found = []
    for t, high in small:
        ends = floor, far
        if before is not None:
            ends = max(floor, outlook.end(before, t, -1)), min(far, outlook.end(before, t, 1))
        low = lower.get((t, -1), floor)
        reach = ends[0] if low > ends[0] else None, ends[1] if high < ends[1] else None
        found.append(Shadow(keys[t], *reach, low if low == high else None))
    return found


def _candidates(gathered: Gathered, problem: Problem, lines: Lines, policy: CellPolicy) -> list[Key]:
    """List the unlisted crossings of codes and of their parts, and the rests of lines."""
    listed = {
        key
        for key, entry in gathered.known.items()
        if entry.count is not None or entry.shown_before or entry.withheld_before
    }
    found = dict.fromkeys(_crossings(problem, listed))
    found |= dict.fromkeys(plus[0] for kind, plus, _ in gathered.wanted if kind == "cell")
    for context, group, line in lines.placed():
        left = _left(problem, line)
        if not line.whole and not (left == 0 and policy.hide_zeros):  # nobody is left: each part is asked
            rest = problem.space.part(context.d, _rest(problem, lines, context, group, line))
            found[(*context.rest[: context.d], rest, *context.rest[context.d + 1 :])] = None
    return [key for key in found if key not in listed]


def _crossings(problem: Problem, listed: Collection[Key]) -> Iterator[Key]:
    """Return every crossing of codes and atoms in each table; across tables, too, where these are few."""
    space = problem.space
    for d, dim in enumerate(space.dims):
        for atom in range(dim.size):
            space.part(d, frozenset((atom,)))
    choices = [range(len(sets)) for sets in space.sets]
    tables = {space.dims_of(key) for key in listed}
    widest = [dims for dims in tables if not any(dims < other for other in tables)]
    blocks = cliques(tables)
    summands = sum(prod(sum(len(s) for s in space.sets[d]) for d in dims) for dims in blocks)
    for dims in sorted(blocks if summands <= _CROSSED else widest, key=sorted):
        yield from product(*(choices[d] if d in dims else (0,) for d in range(len(space.dims))))


def _rest(problem: Problem, lines: Lines, context: Context, group: int, line: Line) -> frozenset[int]:
    side = lines.sides[context.d]
    there = {problem.keys[cell][context.d] for cell in line.members}
    return side.sets[group].difference(*(side.sets[n] for n in there))


def _left(problem: Problem, line: Line) -> float:
    """Return how many people of a group its members leave over; not a number where that is not told."""
    if line.parent < 0:
        return float("nan")
    return float(problem.count[line.parent] - problem.count[list(line.members)].sum())


def _rests(problem: Problem, lines: Lines) -> dict[tuple[int, Key], list[tuple[frozenset[int], float]]]:
    """Return what each line with a shown group and shown members leaves to those it does not list."""
    found: dict[tuple[int, Key], list[tuple[frozenset[int], float]]] = {}
    for context, group, line in lines.placed():
        if line.parent < 0 or line.whole:
            continue
        left = _left(problem, line)
        if not np.isnan(left):
            rest = _rest(problem, lines, context, group, line)
            found.setdefault((context.d, context.rest), []).append((rest, float(left)))
    return found


def _at_most(
    problem: Problem, key: Key, rests: dict[tuple[int, Key], list[tuple[frozenset[int], float]]]
) -> float:
    most = float("inf")
    for d, number in enumerate(key):
        for rest, left in rests.get((d, (*key[:d], -1, *key[d + 1 :])), ()):
            if left < most and problem.space.sets[d][number] <= rest:
                most = left
    return most
