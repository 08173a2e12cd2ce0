"""Which cells must be withheld, and what nobody may be able to work out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from disclosure.engine.errors import BadTable
from disclosure.engine.lines import Line, Lines
from disclosure.engine.policy import CellPolicy, Dominance
from disclosure.engine.problem import Problem
from disclosure.engine.space import Key


@dataclass(frozen=True)
class Target:
    """A sum of cells that the attacker must find possible at both ends."""

    kind: str  # cell, residual, difference
    plus: tuple[int, ...]
    minus: tuple[int, ...]
    reach_low: float | None  # some world must bring it down to this
    reach_high: float | None  # some world must bring it up to this
    relaxed_by: tuple[int, ...] = ()  # withholding one of these makes the target moot


def small_cells(problem: Problem, policy: CellPolicy) -> np.ndarray:
    """Mark new cells whose count must not be shown; structural zeros may be shown."""
    floor = policy.smallest_hidden
    empty = np.asarray(problem.incidence.cells.sum(axis=1)).ravel() == 0
    with np.errstate(invalid="ignore"):
        small = (problem.count >= floor) & (problem.count < policy.min_count)
    return np.asarray(small & problem.new & ~empty)


def dominated(contributions: Sequence[float], rule: Dominance) -> bool:
    """Say whether a sum of money gives one of its contributors away."""
    shares = sorted((float(c) for c in contributions), reverse=True)
    if any(share < 0 for share in shares):
        raise BadTable("Dominance: contributions cannot be negative.")
    total = sum(shares)
    if len(shares) < rule.min_contributors or total <= 0:
        return True
    if 100 * sum(shares[: rule.n]) > rule.k_percent * total:
        return True
    return total - sum(shares[:2]) < rule.p_percent / 100 * shares[0]


def raise_floors(problem: Problem, lines: Sequence[Line]) -> None:
    """Note what everybody knows where zeros are shown: a withheld cell counts somebody.

    A withheld total then counts at least one person for each of its withheld parts, a part whose
    neighbours are shown as 0 counts whom its total counts, and no pattern can change that.
    """
    problem.low = np.where(problem.new & (problem.count > 0), np.maximum(problem.low, 1.0), problem.low)
    size = np.diff(problem.incidence.cells.indptr)
    whole = [one for one in lines if one.parent >= 0 and problem.count[one.parent] > 0]
    whole.sort(key=lambda one: size[one.parent])
    grew = [True]
    while any(grew):
        grew = [_raise_floor(problem, line) for line in whole]


def _raise_floor(problem: Problem, line: Line) -> bool:
    """Carry floors from the parts of a line to its total, and from the total to a part that is alone."""
    parts = np.asarray(line.members)
    some = parts[np.nan_to_num(problem.count[parts], nan=1.0) > 0]
    before = problem.low[line.parent], problem.low[some].sum()
    problem.low[line.parent] = max(before[0], min(before[1], problem.count[line.parent]))
    if line.whole and len(some) == 1 and problem.new[some[0]]:
        problem.low[some] = max(problem.low[some[0]], min(problem.low[line.parent], problem.count[some[0]]))
    return bool((problem.low[line.parent], problem.low[some].sum()) != before)


def far_end(policy: CellPolicy, floor: float) -> float:
    """Say how far up a small cell must be able to go: to the top of its class, and never nowhere.

    Where the class has one value only (`min_count` 1, or what a withheld cell counts for certain), a cell
    known to lie in it would be exact: such a cell must be able to leave the class.
    """
    return max(float(policy.min_count - 1), floor + 1)


def find_targets(problem: Problem, policy: CellPolicy, lines: Lines, must: np.ndarray) -> list[Target]:
    """List all that must stay uncertain: small cells, small residuals, small differences."""
    targets = [_cell_target(problem, int(cell), policy) for cell in np.flatnonzero(must)]
    targets += _residuals(problem, lines, must, policy)
    targets += _differences(problem, lines.all(), policy)
    return targets


def _cell_target(problem: Problem, cell: int, policy: CellPolicy) -> Target:
    if policy.is_small(int(problem.count[cell])):
        floor = max(float(policy.smallest_hidden), float(problem.low[cell]))
        return Target("cell", (cell,), (), floor, far_end(policy, floor))
    return Target(
        "cell", (cell,), (), None, problem.count[cell] + 1
    )  # withheld for another reason: never exact


def _residuals(problem: Problem, lines: Lines, must: np.ndarray, policy: CellPolicy) -> list[Target]:
    found = []
    told_few = np.flatnonzero(problem.high < policy.min_count)
    for small, others in lines.residuals(must):
        if 1 <= problem.count[list(small)].sum() < policy.min_count:
            excuse = tuple(m for m in others if may_excuse(problem, must, m))
            if len(told_few) and _inside(problem, small, told_few):  # then it must be able to be nobody
                found.append(Target("residual", small, (), 0.0, None, excuse))
            else:
                found.append(Target("residual", small, (), None, float(policy.min_count), excuse))
    return found


def _inside(problem: Problem, parts: Sequence[int], cells: np.ndarray) -> bool:
    """Say whether the people of some parts are all in one of these cells."""
    people = np.asarray(problem.incidence.cells[list(parts)].sum(axis=0)).ravel()
    return bool((problem.incidence.cells[cells] @ people == people.sum()).any())


def may_excuse(problem: Problem, must: np.ndarray, cell: int) -> bool:
    """Say whether withholding a neighbour makes a residual too large to matter."""
    return bool(problem.new[cell] and not must[cell] and not problem.fixed[cell])


def _differences(problem: Problem, lines: Sequence[Line], policy: CellPolicy) -> list[Target]:
    """Find populations, both shown or showable, that differ by few people."""
    value = np.where(problem.new, problem.count, np.where(problem.fixed, problem.low, np.nan))
    covered = {(line.parent, m) for line in lines if line.whole for m in line.members}
    marks = _marks(problem)
    shown_sets = set(map(tuple, marks))
    above = problem.space.above
    found = []
    for cell, key in enumerate(problem.keys):
        if np.isnan(value[cell]) or value[cell] < policy.min_count:
            continue
        for wide in _wider(key, above):
            parent = problem.number.get(wide)
            if parent is None or np.isnan(value[parent]):
                continue
            gap = value[parent] - value[cell]
            if not 0 <= gap < policy.min_count or (gap == 0 and not policy.hide_zeros):
                continue
            mark = tuple(marks[parent] - marks[cell])
            if mark in shown_sets or not any(mark):
                continue  # a cell of its own, or nobody at all
            apart = sum(a != b for a, b in zip(key, wide, strict=True))
            if (parent, cell) in covered and not gap:
                continue  # made of empty cells, each protected on its own
            low: float | None = None
            high = float(policy.min_count) if gap else far_end(policy, 0.0)
            if policy.hide_zeros and gap and apart == 1 and (parent, cell) not in covered:
                # people whom no table counts by themselves
                low, high = float(policy.smallest_hidden), float(policy.min_count - 1)
            found.append(Target("difference", (parent,), (cell,), low, high))
    return found


def _marks(problem: Problem) -> np.ndarray:
    """Return two 64-bit sums for each cell, over the inner cells it is made of."""
    rng = np.random.default_rng(21)
    weights = rng.integers(1, 2**63, size=(problem.incidence.size, 2), dtype=np.uint64)
    cells = problem.incidence.cells
    owner = np.repeat(np.arange(cells.shape[0]), np.diff(cells.indptr))
    marks = np.zeros((cells.shape[0], 2), dtype=np.uint64)
    for side in (0, 1):
        np.add.at(marks[:, side], owner, weights[cells.indices, side])
    return marks


def _wider(key: Key, above: Sequence[Sequence[Sequence[int]]]) -> list[Key]:
    wider: list[tuple[int, ...]] = [()]
    for d, number in enumerate(key):
        wider = [(*start, n) for start in wider for n in (number, *above[d][number])]
    return [w for w in wider if w != key]
