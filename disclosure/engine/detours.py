"""The cheapest way round: which cells must move so that one wish is granted.

A linear programme over moves away from the true counts. Cells that are withheld already move at a small
price, the others at their cost, so that a wish is granted by what is withheld for others where it can be.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import highspy
import numpy as np
from scipy import sparse

from disclosure.engine import solver
from disclosure.engine.attacker import TINY, Attacker, Wish

_REUSED = 1e-3  # price of moving a cell that is withheld anyway, as a share of its cost
_NODES = 60  # of a search for moves in whole numbers


class Detours:
    """The moves of all cells at a price, kept warm from wish to wish."""

    def __init__(self, attacker: Attacker, choice: np.ndarray, cost: np.ndarray) -> None:
        """Take in the cells that may be withheld, and what each costs."""
        self.a, self.choice, self.cost = attacker, choice, cost
        self.place = np.full(len(attacker.problem.keys), -1)
        self.place[choice] = np.arange(len(choice))
        targets = attacker.targets
        self.several = [
            t
            for t, target in enumerate(targets)
            if len(target.plus) + len(target.minus) > 1 or self.place[target.plus[0]] >= 0
        ]
        facts = sparse.vstack([attacker.matrix, attacker.in_unknowns[self.several]]).tocsr()
        self._rows(facts.shape[0])
        self._columns(facts)
        self.highs = solver.new_solver(presolve="off")
        self._load(self.highs, integral=False)

    def _rows(self, height: int) -> None:
        a, p = self.a, self.a.problem
        low, high = a.cell_bounds(a.must.astype(float))
        told, links = len(a.row_cells), p.incidence.links.shape[0]
        self.row_low, self.row_high = np.full(height, -np.inf), np.full(height, np.inf)
        self.row_low[:told], self.row_high[:told] = low[a.row_cells], high[a.row_cells]
        self.row_low[told : told + links] = self.row_high[told : told + links] = 0.0
        facts = slice(told + links, told + links + len(p.fact_low))
        self.row_low[facts], self.row_high[facts] = p.fact_low, p.fact_high
        self.row_of = {int(c): r for r, c in enumerate(a.row_cells)}
        self.row_of_target = {t: facts.stop + i for i, t in enumerate(self.several)}
        self.cell_low, self.cell_high = low, high

    def _columns(self, facts: sparse.csr_matrix) -> None:
        """Lay out the unknowns, then the moves up, then the moves down."""
        a, owner = self.a, self.a.column_cell
        self.width, moves = len(owner), len(self.choice)
        self.column_of = {int(c): j for j, c in enumerate(owner) if c >= 0}
        lower = np.where(owner >= 0, self.cell_low[owner], 0.0)
        upper = np.where(owner >= 0, self.cell_high[owner], np.inf)
        self.owned = np.array([self.column_of.get(int(c), -1) for c in self.choice], dtype=int)
        columns = facts.tocsc()
        mine = np.flatnonzero(self.owned >= 0)
        rest = np.flatnonzero(self.owned < 0)
        rows = [self.row_of[int(c)] for c in self.choice[rest]]
        shape = (facts.shape[0], moves)
        by_row = sparse.csr_matrix((-np.ones(len(rest)), (rows, rest)), shape=shape)
        spread = sparse.csr_matrix((np.ones(len(mine)), (np.arange(len(mine)), mine)), (len(mine), moves))
        by_column = columns[:, self.owned[mine]].tocsr() @ spread
        step = (by_row + by_column).tocsr()
        self.matrix = sparse.hstack([facts, step, -step]).tocsr()
        self.up, self.down = a.up[self.choice], a.down[self.choice]
        self.lower = np.concatenate((lower, np.zeros(2 * moves)))
        self.upper = np.concatenate((upper, self.up, self.down))
        self.price = np.concatenate((np.zeros(self.width), self.cost, self.cost))

    def _load(self, highs: highspy.Highs, *, integral: bool) -> None:
        solver.load(
            highs,
            cost=self.price,
            lower=self.lower,
            upper=self.upper,
            matrix=self.matrix,
            row_lower=self.row_low,
            row_upper=self.row_high,
            integral=integral,
        )

    def reprice(self, withheld: np.ndarray, guide: np.ndarray, taste: np.ndarray | float = 1.0) -> None:
        """Set the prices for a pattern; what the relaxation likes to withhold is cheaper."""
        price = np.where(withheld > 0.5, _REUSED, (1.0 - 0.9 * guide) * taste) * self.cost
        self._reprice(np.arange(len(self.choice)), price)

    def withhold(self, cells: np.ndarray) -> None:
        """Lower the price of some cells (by their place): they are withheld from now on."""
        self._reprice(cells, _REUSED * self.cost[cells])

    def _reprice(self, cells: np.ndarray, price: np.ndarray) -> None:
        up, down = self.width + cells, self.width + len(self.choice) + cells
        self.price[up] = self.price[down] = price
        columns = np.concatenate((up, down)).astype(np.int32)
        self.highs.changeColsCost(len(columns), columns, np.concatenate((price, price)))

    def bar(self, cells: Iterable[int], *, barred: bool) -> None:
        """Forbid some cells (by their place) to move, or allow it again."""
        for cell in cells:
            for column, most in self._both_ways(cell):
                self.upper[column] = 0.0 if barred else most
                self.highs.changeColBounds(column, 0.0, self.upper[column])

    def _both_ways(self, cell: int) -> list[tuple[int, float]]:
        moves = len(self.choice)
        up, down = self.width + cell, self.width + moves + cell
        return [(up, float(self.up[cell])), (down, float(self.down[cell]))]

    def ask(self, wish: Wish) -> np.ndarray | None:
        """Find the cheapest world that grants the wish; None if there is none."""
        with self._demanded(wish) as possible:
            if not possible:
                return None
            answer = solver.run(self.highs, self.a.budget, size=sum(self.matrix.shape))
            return self._world(self.highs) if solver.is_optimal(answer) else None

    def ask_whole(self, wish: Wish) -> np.ndarray | None:
        """Find a cheap world of whole numbers that grants the wish; None if none was met soon."""
        with self._demanded(wish) as possible:
            if not possible:
                return None
            highs = solver.new_solver(mip_max_nodes=_NODES, mip_rel_gap=0.2)
            self._load(highs, integral=True)
            solver.run(highs, self.a.budget, size=sum(self.matrix.shape), integral=True)
            return np.round(self._world(highs)) if highs.getSolution().value_valid else None

    @contextmanager
    def _demanded(self, wish: Wish) -> Iterator[bool]:
        """Narrow the one row or column that the wish is about, and say whether that leaves anything."""
        is_row, place = self._about(wish)
        lows, highs = (self.row_low, self.row_high) if is_row else (self.lower, self.upper)
        low, high = lows[place], highs[place]
        goal = wish[1] * self.a.goal[wish]
        self._bound(is_row, place, (max(low, goal), high) if wish[1] > 0 else (low, min(high, goal)))
        yield bool(lows[place] <= highs[place] + TINY)
        self._bound(is_row, place, (low, high))

    def _about(self, wish: Wish) -> tuple[bool, int]:
        if wish[0] in self.row_of_target:
            return True, self.row_of_target[wish[0]]
        cell = self.a.targets[wish[0]].plus[0]
        if cell in self.column_of:
            return False, self.column_of[cell]
        return True, self.row_of[cell]

    def _bound(self, is_row: bool, place: int, ends: tuple[float, float]) -> None:
        lows, highs = (self.row_low, self.row_high) if is_row else (self.lower, self.upper)
        lows[place], highs[place] = ends
        change = self.highs.changeRowBounds if is_row else self.highs.changeColBounds
        change(place, *ends)

    def _world(self, highs: highspy.Highs) -> np.ndarray:
        values = np.asarray(highs.getSolution().col_value)
        x = values[: self.width].copy()
        moves = len(self.choice)
        net = values[self.width : self.width + moves] - values[self.width + moves :]
        mine = self.owned >= 0
        x[self.owned[mine]] += net[mine]
        return x
