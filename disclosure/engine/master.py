"""The cheapest set of cells to withhold by cutting planes: relaxation, rounding, whole-number solves."""

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from disclosure.engine import solver
from disclosure.engine.attacker import TINY, Attacker, Cut, Wish
from disclosure.engine.errors import NoSafePattern, SolverFailed
from disclosure.engine.room import open_room
from disclosure.engine.separation import broken_in_whole_numbers, separate
from disclosure.engine.tidy import Tidy

_PROVEN = 1e-5  # below this, bound and pattern differ by the solver's tolerance only
_ROUND_CUTS = 150
_FINISHES = 6
_RELAX_SHARE = 0.3  # of the limit, before a first pattern is made of it


@dataclass(frozen=True)
class Pattern:
    """The cells to withhold, and how good that choice is known to be."""

    withheld: np.ndarray  # of all cells
    cost: float
    bound: float
    stopped_by_wall: bool

    @property
    def gap(self) -> float:
        """How much cheaper a safe pattern could at most be, as a share."""
        gap = 0.0 if self.cost <= 0 else (self.cost - self.bound) / self.cost
        return gap if gap > _PROVEN else 0.0


class Master:
    """The choice of cells, with every cut found so far."""

    def __init__(self, attacker: Attacker, cost: np.ndarray) -> None:
        self.a = attacker
        problem = attacker.problem
        self.choice = np.flatnonzero(problem.new & ~problem.fixed & ~attacker.must & (cost < np.inf))
        self.place = np.full(len(problem.keys), -1)
        self.place[self.choice] = np.arange(len(self.choice))
        self.cost = cost[self.choice]
        self.cuts: list[Cut] = []
        self._seen: set[bytes] = set()
        self.highs = solver.new_solver(presolve="off")
        empty = sparse.csr_matrix((0, len(self.choice)))
        nothing = np.zeros(0)
        solver.load(
            self.highs,
            cost=self.cost,
            lower=np.zeros(len(self.choice)),
            upper=np.ones(len(self.choice)),
            matrix=empty,
            row_lower=nothing,
            row_upper=nothing,
        )
        self._matrix: sparse.csr_matrix | None = None
        self.doubts: dict[int, Wish] = {}
        self.bound = 0.0
        self.assumed_from: float | None = None  # the bound before a cut that is not proven
        self.safe: np.ndarray | None = None  # the best pattern found so far

    @property
    def proven(self) -> float:
        """Return the bound that rests on proven cuts only."""
        return self.bound if self.assumed_from is None else self.assumed_from

    def add(self, cuts: list[Cut]) -> int:
        """Add cuts that are new; return how many were."""
        added = 0
        for cut in cuts:
            columns = self.place[cut.cells]
            keep = columns >= 0
            columns, weights = columns[keep].astype(np.int32), cut.weights[keep]
            if not len(columns):
                raise NoSafePattern(self.a.why_impossible(cut.wish[0]), self.a.near(cut.wish[0]))
            mark = columns.tobytes() + np.round(weights, 7).tobytes()
            if mark in self._seen:
                continue
            self._seen.add(mark)
            self.highs.addRow(1 - TINY, highspy.kHighsInf, len(columns), columns, weights)
            self.cuts.append(Cut(columns, weights, cut.wish))
            self._matrix = None
            added += 1
        return added

    def forbid(self, y: np.ndarray, wish: tuple[int, int], *, proven: bool) -> None:
        """Demand one cell more than this pattern withholds: for breaks that give no cut."""
        if not proven and self.assumed_from is None:
            self.assumed_from = self.bound
        cells = self.choice[y[self.choice] < 1 - TINY]
        if not len(cells):
            raise NoSafePattern(self.a.why_impossible(wish[0]), self.a.near(wish[0]))
        self.add([Cut(cells, np.ones(len(cells)), wish)])

    def full(self, values: np.ndarray) -> np.ndarray:
        """Return a value for every cell: 1 for those that must be withheld."""
        y = self.a.must.astype(float)
        y[self.choice] = values
        return y

    def relax(self) -> np.ndarray:
        """Solve the relaxation with cuts until no more are found, or they stop helping."""
        values = np.zeros(len(self.choice))
        stale, last = 0, 0.0
        while True:
            if not is_solved(self.highs, self.a.budget, len(self.choice)):
                raise SolverFailed("The relaxation has no optimum.")
            values = np.asarray(self.highs.getSolution().col_value)
            values = np.where(values < TINY, 0.0, np.minimum(values, 1.0))
            self.bound = max(self.bound, float(self.highs.getInfo().objective_function_value))
            until = _RELAX_SHARE * self.a.budget.limit
            finding = separate(self.a, self.full(values), most=_ROUND_CUTS, until=until)
            if not self.add(finding.cuts) or self.a.budget.used(_RELAX_SHARE):
                return values
            stale = stale + 1 if self.bound <= last * (1 + 1e-3) + 1e-9 else 0
            last = self.bound
            if stale >= 12:
                return values

    def solve_whole(
        self, *, start: np.ndarray, nodes: int, until: float = np.inf
    ) -> tuple[np.ndarray | None, bool]:
        """Solve with whole choices; return them, and whether they are proven cheapest for these cuts."""
        highs = solver.new_solver(mip_max_nodes=nodes, mip_rel_gap=1e-6, mip_abs_gap=1e-5)
        rows = len(self.cuts)
        solver.load(
            highs,
            cost=self.cost,
            lower=np.zeros(len(self.choice)),
            upper=np.ones(len(self.choice)),
            matrix=self.cut_matrix(),
            row_lower=np.full(rows, 1 - TINY),
            row_upper=np.full(rows, highspy.kHighsInf),
            integral=True,
        )
        known = highspy.HighsSolution()
        known.col_value = start.tolist()
        highs.setSolution(known)
        size = rows + len(np.unique(self.cut_matrix().indices))
        answer = solver.run(highs, self.a.budget, size=size, integral=True, until=until)
        info = highs.getInfo()
        if np.isfinite(info.mip_dual_bound):
            self.bound = max(self.bound, float(info.mip_dual_bound))
        solution = highs.getSolution()
        if not solution.value_valid:
            return None, False
        return np.round(np.asarray(solution.col_value)), solver.is_optimal(answer)

    def broken_cuts(self, values: np.ndarray) -> list[Cut]:
        """Return the known cuts that a choice does not keep."""
        broken = self.cut_matrix() @ values < 1 - 2 * TINY if self.cuts else ()
        return [self.cuts[i] for i in np.flatnonzero(broken)]

    def keeps_cuts(self, values: np.ndarray) -> bool:
        """Say whether a choice keeps all known cuts."""
        return not self.cuts or bool((self.cut_matrix() @ values >= 1 - 2 * TINY).all())

    def cut_matrix(self) -> sparse.csr_matrix:
        """Return the known cuts as rows."""
        if self._matrix is None:
            rows = [c.cells for c in self.cuts]
            starts = np.concatenate(([0], np.cumsum([len(r) for r in rows]))).astype(np.int64)
            self._matrix = sparse.csr_matrix(
                (np.concatenate([c.weights for c in self.cuts]), np.concatenate(rows), starts),
                shape=(len(rows), len(self.choice)),
            )
        return self._matrix

    def is_settled(self, best: np.ndarray) -> bool:
        """Say whether bound and pattern meet."""
        found = float(self.cost @ best)
        return found - self.bound <= 1e-5 + 1e-6 * found

    def cover(self, values: np.ndarray, guide: np.ndarray) -> np.ndarray | None:
        """Withhold more cells, cheapest for what they mend first, until all known cuts are kept."""
        values = values.copy()
        price = self.cost * (1.0 - 0.9 * guide) + 1e-3
        broken = self.broken_cuts(values)
        while broken:
            gain = np.zeros(len(values))
            for cut in broken:
                need = 1 - cut.weights @ values[cut.cells]
                open_cells = values[cut.cells] < 0.5
                gain[cut.cells[open_cells]] += np.minimum(cut.weights[open_cells], need)
            best = int(np.argmax(gain / price))
            if gain[best] <= 0:
                return None
            values[best] = 1.0
            broken = [c for c in broken if c.weights @ values[c.cells] < 1 - 2 * TINY]
        return values

    def make_safe(
        self,
        values: np.ndarray,
        guide: np.ndarray,
        *,
        until: float = np.inf,
        patient: bool = False,
    ) -> np.ndarray | None:
        """Withhold more cells until the pattern is safe; None if that takes too long, or nothing is."""
        budget = self.a.budget
        current = self.cover(values, guide)
        while current is not None:
            if self._judge(current):
                return current
            if budget.spent >= until or (self.safe is not None and not patient and budget.late()):
                return None
            current = self.cover(current, guide)
        return None

    def _judge(self, values: np.ndarray) -> bool:
        """Say whether a choice is safe; if not, add what speaks against it."""
        y = self.full(values)
        finding = separate(self.a, y, most=60, patient=True)
        added = self.add(finding.cuts)
        if finding.safe:
            broken = broken_in_whole_numbers(self.a, y)
            for wish, settled in broken[:1]:
                self.forbid(y, wish, proven=settled)
            return not broken
        for wish in finding.unprovable[:1]:
            self.forbid(y, wish, proven=True)
        if finding.cuts and not added and not finding.unprovable and not self.broken_cuts(values):
            self.forbid(y, finding.cuts[0].wish, proven=False)  # known cuts that numbers blur
        return False

    def thin(self, values: np.ndarray, guide: np.ndarray) -> np.ndarray:
        """Show every withheld cell again that need not be withheld."""
        extra = np.flatnonzero(values > 0.5)
        order = extra[np.lexsort((extra, -self.cost[extra], guide[extra]))]
        shown = self.show_again(values, order, whole=False)
        if broken_in_whole_numbers(self.a, self.full(shown)):
            return self.show_again(values, order, whole=True)
        return shown

    def show_again(self, values: np.ndarray, order: np.ndarray, *, whole: bool) -> np.ndarray:
        """Show the cells of an order, one after the other, as far as that is safe (in whole numbers too)."""
        values = values.copy()
        tidy = Tidy(self.a, self.full(values), whole=whole, doubts=self.doubts)
        for cell in order:
            if self.a.budget.over():
                break
            values[cell] = 0.0
            if not self.keeps_cuts(values) or not tidy.show(int(self.choice[cell])):
                values[cell] = 1.0
            self.add(tidy.cuts)
            tidy.cuts.clear()
        return values

    def settle(self, values: np.ndarray) -> np.ndarray:
        """Show the cells that anybody could work out anyway: withholding them hides nothing."""
        values = values.copy()
        y = self.full(values)
        moving = np.zeros(len(y), dtype=bool)
        for world in self.a.worlds:
            if world.whole and (y[world.moved] > 0.5).all():
                moving[world.moved] = True
        idle = [c for c in np.flatnonzero(values > 0.5) if not moving[self.choice[c]]]
        if idle:
            room = open_room(self.a, y)
            for cell in idle:
                if moving[self.choice[cell]]:
                    continue
                other = room.moved(int(self.choice[cell]))
                if other is None:
                    values[cell] = 0.0
                else:
                    moving[self.a.record(other).moved] = True
        return values

    def finish(self, values: np.ndarray, guide: np.ndarray) -> np.ndarray:
        """Settle the pattern, and mend it where a residual leant on a cell that hid nothing."""
        for _ in range(_FINISHES):
            settled = self.settle(values)
            if (settled == values).all() or self.still_safe(settled):
                return settled
            self.a.be_strict(self.full(settled))
            mended = self.make_safe(settled, guide, patient=True)
            if mended is None:
                break
            values = self.thin(mended, guide)
        return values

    def cut_off(self, values: np.ndarray) -> int:
        """Add what a choice breaks as cuts; return how many were new."""
        y = self.full(values)
        finding = separate(self.a, y, most=_ROUND_CUTS)
        new = self.add(finding.cuts)
        broken = [(wish, True) for wish in finding.unprovable]
        if finding.safe:
            broken = broken_in_whole_numbers(self.a, y)
        for wish, settled in broken[:1]:
            self.forbid(y, wish, proven=settled)
            new += 1
        return new

    def still_safe(self, values: np.ndarray) -> bool:
        """Say whether a choice is safe, and remember what speaks against it."""
        y = self.full(values)
        finding = separate(self.a, y, most=1)
        self.add(finding.cuts)
        return finding.safe and not broken_in_whole_numbers(self.a, y)


def is_solved(highs: highspy.Highs, budget: solver.Budget, size: int) -> bool:
    """Solve and say whether the optimum is proven."""
    return solver.is_optimal(solver.run(highs, budget, size=size))
