"""The attacker: given what is shown, how far can a protected sum still move?

Cells that are withheld may move within a reach around their true count; what cannot move that far
gives a cut, read from the dual, that every safe pattern must satisfy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from disclosure.engine import solver
from disclosure.engine.errors import NoSafePattern
from disclosure.engine.problem import Problem
from disclosure.engine.rules import Target

TINY = 1e-6
_KEPT = 40_000_000  # counts of worlds that are remembered
Wish = tuple[int, int]  # (target, +1 to bring it up or -1 to bring it down)


@dataclass(frozen=True)
class Cut:
    """At least one (weighted) of these cells must be withheld: weights @ y >= 1."""

    cells: np.ndarray
    weights: np.ndarray
    wish: Wish


@dataclass(frozen=True)
class World:
    """A table the attacker must think possible."""

    moved: np.ndarray  # new cells that differ from the truth
    grants: np.ndarray  # wishes it grants, as numbers
    whole: bool  # all counts are whole numbers
    table: np.ndarray | None = None  # the counts, where they are whole and there was room to keep them


class Attacker:
    """Linear programmes over the unknowns, one pattern at a time."""

    def __init__(
        self,
        problem: Problem,
        targets: Sequence[Target],
        must: np.ndarray,
        *,
        reach: float,
        budget: solver.Budget,
    ) -> None:
        self.problem = problem
        self.targets = list(targets)
        self.must = must
        self.reach, self.budget = reach, budget
        self.worlds: list[World] = []
        self.anchor: np.ndarray | None = None  # a table in whole numbers that holds under every pattern
        self.anchor_sought = False
        self._room = _KEPT
        self._shape()
        self._bounds(reach)
        self._wishes()

    # What the attacker knows, as columns and rows.

    def _shape(self) -> None:
        p = self.problem
        cells = p.incidence.cells
        single = np.flatnonzero(np.diff(cells.indptr) == 1)
        columns = cells.indices[cells.indptr[single]]
        _, first = np.unique(columns, return_index=True)
        self.column_cell = np.full(p.incidence.size, -1)  # the cell that is exactly this unknown
        self.column_cell[columns[first]] = single[first]
        says = p.new | (p.low > 0) | np.isfinite(p.high)
        for target in self.targets:
            if not target.minus:
                says[list(target.plus)] = True  # so that a question can be capped
        says[single[first]] = False
        self.row_cells = np.flatnonzero(says)
        self.matrix = sparse.vstack([cells[self.row_cells], p.incidence.links, p.facts]).tocsr()
        self.by_column = self.matrix.tocsc()
        plus = [(t, c, 1.0) for t, target in enumerate(self.targets) for c in target.plus]
        minus = [(t, c, -1.0) for t, target in enumerate(self.targets) for c in target.minus]
        row, column, value = zip(*(plus + minus), strict=True) if plus or minus else ((), (), ())
        shape = (len(self.targets), len(p.keys))
        self.in_cells = sparse.csr_matrix((value, (row, column)), shape=shape)
        self.in_unknowns = (self.in_cells @ cells).tocsr()

    def _bounds(self, reach: float) -> None:
        p = self.problem
        count = np.where(p.new, p.count, 0.0)
        self.count = count
        self.down = np.where(p.new & ~p.fixed, np.minimum(reach, count - p.low), 0.0)
        self.up = np.where(p.new & ~p.fixed, np.minimum(reach, p.high - count), 0.0)

    def _wishes(self) -> None:
        p = self.problem
        self.wishes: list[Wish] = []
        self.goal: dict[Wish, float] = {}
        for t, target in enumerate(self.targets):
            if target.reach_high is not None:
                self.goal[(t, 1)] = target.reach_high
            if target.reach_low is not None:
                self.goal[(t, -1)] = -target.reach_low
        self.wishes = sorted(self.goal)
        truth = np.array([p.truth[target.plus[0]] for target in self.targets], dtype=float)
        self.may_cap = ~np.isnan(truth)  # a cap is no contradiction to the others where the truth keeps it
        self.wish_number = {wish: i for i, wish in enumerate(self.wishes)}
        self._wish_target = np.array([w[0] for w in self.wishes], dtype=int)
        self._wish_sign = np.array([w[1] for w in self.wishes], dtype=float)
        self._wish_goal = np.array([self.goal[w] for w in self.wishes], dtype=float)

    def cell_bounds(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the range of every cell when the withheld share is y."""
        p = self.problem
        low = np.where(p.new, self.count - self.down * y, p.low)
        high = np.where(p.new, self.count + self.up * y, p.high)
        return low, high

    def open_wishes(self, y: np.ndarray) -> list[Wish]:
        """Return the wishes that matter for a pattern."""
        return [
            (t, sign)
            for t, sign in self.wishes
            if not any(y[c] > 1 - TINY for c in self.targets[t].relaxed_by)
        ]

    def be_strict(self, y: np.ndarray) -> None:
        """Let no withheld neighbour excuse the residuals that a pattern gives away."""
        known = self.granted_by_known_worlds(y, whole=True)
        for t, sign in self.open_wishes(y):
            if self.targets[t].relaxed_by and self.wish_number[(t, sign)] not in known:
                self.targets[t] = replace(self.targets[t], relaxed_by=())

    def record(self, x: np.ndarray) -> World:
        """Remember a world and what it grants."""
        p = self.problem
        activity = p.incidence.cells @ x
        moved = np.flatnonzero(p.new & (np.abs(activity - self.count) > TINY))
        values = self.in_cells @ activity
        granted = values[self._wish_target] * self._wish_sign >= self._wish_goal - TINY
        whole = bool(np.abs(x - np.round(x)).max(initial=0.0) < TINY)
        keep = whole and len(x) <= self._room and x.max(initial=0.0) < 2**31
        self._room -= len(x) if keep else 0
        table = np.round(x).astype(np.int32) if keep else None
        world = World(moved, np.flatnonzero(granted), whole, table)
        self.worlds.append(world)
        return world

    def granted_by_known_worlds(self, y: np.ndarray, *, whole: bool) -> dict[int, int]:
        """Return, for wishes that known worlds grant under this pattern, the number of such a world."""
        found: dict[int, int] = {}
        shown = y < 1 - TINY
        for number in range(len(self.worlds) - 1, -1, -1):
            world = self.worlds[number]
            if (whole and not world.whole) or shown[world.moved].any():
                continue
            for wish in world.grants:
                found.setdefault(int(wish), number)
        return found

    # Cuts.

    def cut_from(self, wish: Wish, prices: np.ndarray) -> Cut | None:
        """Turn row prices into a cut that every safe pattern satisfies; None if it says nothing.

        :raises NoSafePattern: if no cell could ever satisfy it
        """
        p = self.problem
        t, sign = wish
        direction = sign * self.in_unknowns[t].toarray().ravel()
        left = direction - self.matrix.T @ prices
        weight = np.zeros(len(p.keys))
        constant = 0.0
        owned = self.column_cell >= 0
        constant += self._collect(weight, self.column_cell[owned], left[owned])
        if (left[~owned] > TINY).any():
            return None  # an unknown that nothing bounds from above
        rows = len(self.row_cells)
        constant += self._collect(weight, self.row_cells, prices[:rows])
        facts = prices[rows + p.incidence.links.shape[0] :]
        constant += _worst(facts, p.fact_low, p.fact_high)
        if not np.isfinite(constant):
            return None
        need = self.goal[wish] - constant - weight[self.must].sum()
        if need <= TINY:
            return None
        weight[self.must] = 0.0
        weight[list(self.targets[t].relaxed_by)] = need
        weight = np.minimum(weight / need, 1.0)
        weight[p.fixed | ~p.new] = 0.0
        cells = np.flatnonzero(weight > 1e-9)
        if not len(cells):
            raise NoSafePattern(self.why_impossible(t), self.facts_in(prices, left) or self.near(t))
        return Cut(cells, weight[cells], wish)

    def _collect(self, weight: np.ndarray, cells: np.ndarray, price: np.ndarray) -> float:
        p = self.problem
        new = p.new[cells]
        mine, cost = cells[new], price[new]
        np.add.at(weight, mine, self.up[mine] * np.maximum(cost, 0) + self.down[mine] * np.maximum(-cost, 0))
        constant = float(self.count[mine] @ cost)
        others, cost = cells[~new], price[~new]
        return constant + _worst(cost, p.low[others], p.high[others])

    def why_impossible(self, t: int) -> str:
        """Say in words which people can be worked out whatever is withheld."""
        target = self.targets[t]
        plus = " and ".join(self.problem.label(c) for c in target.plus)
        if target.kind == "difference":
            return (
                f"The difference between {plus} and {self.problem.label(target.minus[0])} is already known."
            )
        what = "The sum of " if len(target.plus) > 1 else ""
        return f"{what}{plus} is already known."

    def near(self, t: int) -> list[str]:
        """Name earlier numbers about the people of a target and those around them."""
        p = self.problem
        members = np.asarray(abs(self.in_unknowns[t]).todense()).ravel() > 0
        touching = np.asarray(p.incidence.cells @ members.astype(float)).ravel() > 0
        told = touching & ((p.low_before > 0) | np.isfinite(p.high))
        among = np.asarray(p.incidence.cells[np.flatnonzero(told)].sum(axis=0)).ravel() > 0
        beside = (
            np.asarray(p.incidence.cells @ among.astype(float)).ravel() > 0
        )  # bounds on the others in them
        bounds = beside & ~told & ((p.low_before > 1) | np.isfinite(p.high)) & (p.low_before < p.high)
        cells = [int(c) for c in (*np.flatnonzero(told), *np.flatnonzero(bounds))][:20]
        said = [f"{p.label(c)}: {_range(p.low_before[c], p.high[c])} ({p.released[c]})" for c in cells]
        return said + sorted(set(p.fact_names))[: max(0, 20 - len(said))]

    def facts_in(self, prices: np.ndarray, left: np.ndarray) -> list[str]:
        """Name the earlier facts that carry a bound."""
        p = self.problem
        rows = len(self.row_cells)
        used = [c for c, price in zip(self.row_cells, prices[:rows], strict=True) if abs(price) > TINY]
        used += [c for c, price in zip(self.column_cell, left, strict=True) if c >= 0 and abs(price) > TINY]
        cells = sorted({int(c) for c in used if not p.new[c] or p.fixed[c]})
        said = [f"{p.label(c)}: {_range(p.low[c], p.high[c])} ({p.released[c]})" for c in cells]
        facts = prices[rows + p.incidence.links.shape[0] :]
        said += sorted({p.fact_names[i] for i in np.flatnonzero(np.abs(facts) > TINY)})
        return [fact for fact in said if "0 or more" not in fact]


def _worst(price: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    if (np.isinf(high) & (price > TINY)).any() or (np.isinf(low) & (price < -TINY)).any():
        return float("inf")
    bounded_high = np.where(np.isinf(high), 0.0, high)
    bounded_low = np.where(np.isinf(low), 0.0, low)
    return float(bounded_high @ np.maximum(price, 0) - bounded_low @ np.maximum(-price, 0))


def _range(low: float, high: float) -> str:
    if low == high:
        return f"{low:.0f}"
    return f"{low:.0f} to {high:.0f}" if np.isfinite(high) else f"{low:.0f} or more"
