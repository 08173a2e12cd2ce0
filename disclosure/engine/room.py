"""The attacker's linear programme for one state of knowledge, kept warm between questions."""

from collections.abc import Iterable

import highspy
import numpy as np
from scipy import sparse

from disclosure.engine import solver
from disclosure.engine.attacker import TINY, Attacker, Wish
from disclosure.engine.errors import SolverFailed
from disclosure.engine.nearby import Nearby, find_anchor

_CORNERS = 12  # looked at for a world in whole numbers, before one is searched


def open_room(attacker: Attacker, y: np.ndarray) -> "Room":
    """Open the attacker's problem for a pattern (shares between 0 and 1 allowed)."""
    return Room(attacker, *attacker.cell_bounds(y))


def anchor_of(attacker: Attacker, **share: float) -> np.ndarray | None:
    """Return a world in whole numbers that holds under every pattern; it is looked for once."""
    if not attacker.anchor_sought:
        attacker.anchor_sought = True
        attacker.anchor = find_anchor(open_room(attacker, np.zeros(len(attacker.problem.keys))), **share)
    return attacker.anchor


class Room:
    """The attacker's linear programme for what is known of each cell, kept warm between questions."""

    def __init__(
        self,
        attacker: Attacker,
        low: np.ndarray,
        high: np.ndarray,
        *,
        facts: np.ndarray | None = None,
        ceiling: float = np.inf,
    ) -> None:
        """Take in the ranges of the cells, and which percentages are known (all, unless told)."""
        self.a = attacker
        owner = attacker.column_cell
        lower = np.where(owner >= 0, low[owner], 0.0)
        upper = np.minimum(np.where(owner >= 0, high[owner], np.inf), np.maximum(ceiling, lower))
        self.free = np.flatnonzero(upper - lower > TINY / 10)
        self.fixed_part = lower.copy()
        self.fixed_part[self.free] = 0.0
        p = attacker.problem
        rows = len(attacker.row_cells)
        links = np.zeros(p.incidence.links.shape[0])
        shift = attacker.matrix @ self.fixed_part
        told = np.ones(len(p.fact_low), dtype=bool) if facts is None else facts
        fact_low, fact_high = np.where(told, p.fact_low, -np.inf), np.where(told, p.fact_high, np.inf)
        row_low = np.concatenate((low[attacker.row_cells], links, fact_low)) - shift
        row_high = np.concatenate((high[attacker.row_cells], links, fact_high)) - shift
        part = attacker.by_column[:, self.free].tocsr()
        self.rows = np.flatnonzero(np.diff(part.indptr) > 0)
        self._row_place = {int(attacker.row_cells[r]): i for i, r in enumerate(self.rows) if r < rows}
        self.lower, self.upper = lower[self.free], upper[self.free]
        self._column_place = {int(owner[j]): i for i, j in enumerate(self.free) if owner[j] >= 0}
        self.row_low, self.row_high = row_low[self.rows], row_high[self.rows]
        self.shift = shift[self.rows]
        self.part = part[self.rows]
        self.targets = attacker.in_unknowns[:, self.free].tocsr()
        self.base = attacker.in_unknowns @ self.fixed_part
        self.highs = solver.new_solver(presolve="off")
        solver.load(
            self.highs,
            cost=np.zeros(len(self.free)),
            lower=self.lower,
            upper=self.upper,
            matrix=self.part,
            row_lower=self.row_low,
            row_upper=self.row_high,
        )
        self.index = np.arange(len(self.free), dtype=np.int32)
        self._nearby: Nearby | None = None
        self.a.budget.spent += 15 + len(self.free) / 100  # to open it takes time, too

    def feasible(self) -> bool:
        """Say whether any table fits what is known."""
        if not len(self.free):
            return bool((self.row_low <= TINY).all() and (self.row_high >= -TINY).all())
        answer = solver.run(self.highs, self.a.budget, size=len(self.free))
        return solver.is_optimal(answer)

    def ask(self, wishes: Iterable[tuple[Wish, float]], *, capped: bool = True) -> np.ndarray:
        """Find the world that goes furthest towards the wishes, none further than it needs to.

        :raises SolverFailed: if there is no optimum
        """
        if not len(self.free):
            return self.fixed_part.copy()  # nothing is left to be known
        cost = np.zeros(len(self.free))
        caps: list[tuple[int, bool]] = []
        wishes = list(wishes)
        for (t, sign), weight in wishes:
            start, end = self.targets.indptr[t], self.targets.indptr[t + 1]
            cost[self.targets.indices[start:end]] -= sign * weight * self.targets.data[start:end]
            target = self.a.targets[t]
            alone = len(target.plus) == 1 and not target.minus
            if capped and alone and (len(wishes) == 1 or self.a.may_cap[t]):
                self._cap(target.plus[0], sign, self.a.goal[(t, sign)], caps)
        self.highs.changeColsCost(len(self.index), self.index, cost)
        answer = solver.run(self.highs, self.a.budget, size=len(self.free) + len(self.rows))
        if not solver.is_optimal(answer):
            raise SolverFailed(f"The attacker's problem ended {self.highs.modelStatusToString(answer)}.")
        x = self._world()
        for place, is_row in caps:
            if is_row:
                self.highs.changeRowBounds(place, self.row_low[place], self.row_high[place])
            else:
                self.highs.changeColBounds(place, self.lower[place], self.upper[place])
        return x

    def _cap(self, cell: int, sign: int, goal: float, caps: list[tuple[int, bool]]) -> None:
        if (place := self._column_place.get(cell)) is not None:
            low, high = self.lower[place], self.upper[place]
            low, high = (low, min(high, goal)) if sign > 0 else (max(low, -goal), high)
            self.highs.changeColBounds(place, low, high)
            caps.append((place, False))
        elif (place := self._row_place.get(cell)) is not None:
            shift = self.shift[place]
            low, high = self.row_low[place], self.row_high[place]
            low, high = (low, min(high, goal - shift)) if sign > 0 else (max(low, -goal - shift), high)
            self.highs.changeRowBounds(place, low, high)
            caps.append((place, True))

    def pin(self, cell: int) -> None:
        """Show a cell at its true count from now on."""
        count = float(self.a.count[cell])
        self._hold(cell, count, count)

    def unpin(self, cell: int) -> None:
        """Withhold a cell again that was pinned."""
        a = self.a
        self._hold(cell, float(a.count[cell] - a.down[cell]), float(a.count[cell] + a.up[cell]))

    def _hold(self, cell: int, low: float, high: float) -> None:
        if (place := self._column_place.get(cell)) is not None:
            self.lower[place], self.upper[place] = low, high
            self.highs.changeColBounds(place, low, high)
            if self._nearby:
                self._nearby.hold_column(place, low, high)
        elif (place := self._row_place.get(cell)) is not None:
            shift = self.shift[place]
            self.row_low[place], self.row_high[place] = low - shift, high - shift
            self.highs.changeRowBounds(place, low - shift, high - shift)
            if self._nearby:
                self._nearby.hold_row(place, low - shift, high - shift)

    def _world(self) -> np.ndarray:
        x = self.fixed_part.copy()
        x[self.free] = self.highs.getSolution().col_value
        return x

    def prices(self) -> np.ndarray:
        """Return what each row is worth at the last answer."""
        full = np.zeros(self.a.matrix.shape[0])
        if not len(self.free):
            return full
        full[self.rows] = -np.asarray(self.highs.getSolution().row_dual)
        return full

    def value(self, wish: Wish, x: np.ndarray) -> float:
        """Return how far a world goes for a wish."""
        return float(wish[1] * (self.a.in_unknowns[wish[0]] @ x)[0])

    def moved(self, cell: int) -> np.ndarray | None:
        """Find a world in whole numbers where a withheld cell is not its true count; None if none is."""
        unknowns = self.a.problem.incidence.cells[cell]
        vector = unknowns[:, self.free].tocsr()
        base = float((unknowns @ self.fixed_part)[0])
        for sign in (1, -1):
            cost = -sign * vector.toarray().ravel()
            self.highs.changeColsCost(len(self.index), self.index, cost)
            answer = solver.run(self.highs, self.a.budget, size=len(self.free) + len(self.rows))
            if not solver.is_optimal(answer):
                raise SolverFailed(f"The attacker's problem ended {self.highs.modelStatusToString(answer)}.")
            end = sign * (float((unknowns @ self._world())[0]) - self.a.count[cell])
            if end > 1 - TINY:
                world = self._whole(sign * vector, sign * (self.a.count[cell] - base) + 1)[0]
                if world is not None:
                    return world
        return None

    def whole_world(self, wish: Wish, *, nodes: int = 2000) -> tuple[np.ndarray | None, bool]:
        """Find a world in whole numbers that grants the wish, and say whether the answer is settled."""
        t, sign = wish
        vector, goal = sign * self.targets[t], self.a.goal[wish] - sign * self.base[t]
        soon = self.near_world(wish) if self.a.anchor is not None else None
        if soon is None:
            soon = self._whole_corner(wish)
        if soon is not None:
            return soon, True
        return self._whole(vector, goal, nodes=nodes) if nodes else (None, False)

    def near_world(self, wish: Wish) -> np.ndarray | None:
        """Find a world that grants the wish near the one in whole numbers that is known."""
        return self._near(wish[1] * self.targets[wish[0]], self.a.goal[wish] - wish[1] * self.base[wish[0]])

    def corner(self, cost: np.ndarray) -> np.ndarray | None:
        """Return the cheapest corner; None if there is none."""
        self.highs.changeColsCost(len(self.index), self.index, cost)
        answer = solver.run(self.highs, self.a.budget, size=len(self.free) + len(self.rows))
        return self._world() if solver.is_optimal(answer) else None

    def _near(self, vector: sparse.csr_matrix, goal: float) -> np.ndarray | None:
        """Look for a world near the one in whole numbers that holds under every pattern."""
        anchor = anchor_of(self.a)
        if anchor is None:
            return None
        if self._nearby is None:
            self._nearby = Nearby(self, anchor)
        return self._nearby.reach(vector, goal)

    def _whole_corner(self, wish: Wish) -> np.ndarray | None:
        """Look at a few corners where the wish is granted: most are whole, and need no search."""
        cell, goal = self.a.targets[wish[0]].plus[0], self.a.goal[wish]
        alone = len(self.a.targets[wish[0]].plus) == 1 and not self.a.targets[wish[0]].minus
        if not alone or (cell not in self._column_place and cell not in self._row_place):
            return None
        rng = np.random.default_rng(cell)
        undo = self._at_least(cell, wish[1], goal)
        found = None
        for _ in range(_CORNERS):
            self.highs.changeColsCost(len(self.index), self.index, rng.random(len(self.index)))
            answer = solver.run(self.highs, self.a.budget, size=len(self.free) + len(self.rows))
            x = self._world()
            if not solver.is_optimal(answer):
                break
            if np.abs(x - np.round(x)).max(initial=0.0) < TINY:
                found = np.round(x)
                break
        self._hold(cell, *undo)
        return found

    def _at_least(self, cell: int, sign: int, goal: float) -> tuple[float, float]:
        """Bring a cell to a goal or beyond; return the range it had."""
        if (place := self._column_place.get(cell)) is not None:
            low, high = float(self.lower[place]), float(self.upper[place])
        else:
            place = self._row_place[cell]
            shift = float(self.shift[place])
            low, high = float(self.row_low[place]) + shift, float(self.row_high[place]) + shift
        self._hold(cell, *((goal, high) if sign > 0 else (low, -goal)))
        return low, high

    def whole_many(self, wishes: Iterable[tuple[Wish, float]]) -> np.ndarray | None:
        """Find a world in whole numbers that goes far towards many wishes; None if none was met soon."""
        cost = np.zeros(len(self.free))
        lower, upper = self.lower.copy(), self.upper.copy()
        row_low, row_high = self.row_low.copy(), self.row_high.copy()
        for (t, sign), weight in wishes:
            start, end = self.targets.indptr[t], self.targets.indptr[t + 1]
            cost[self.targets.indices[start:end]] -= sign * weight * self.targets.data[start:end]
            cell, goal = self.a.targets[t].plus[0], self.a.goal[(t, sign)]
            if not self.a.may_cap[t]:
                continue
            if (place := self._column_place.get(cell)) is not None:
                bound, limit = (upper, goal) if sign > 0 else (lower, -goal)
            elif (place := self._row_place.get(cell)) is not None:
                bound, limit = (row_high, goal) if sign > 0 else (row_low, -goal)
                limit -= self.shift[place]
            else:
                continue
            bound[place] = min(bound[place], limit) if sign > 0 else max(bound[place], limit)
        return self._milp(self.part, cost, (lower, upper), (row_low, row_high), nodes=20)[0]

    def _whole(
        self, vector: sparse.csr_matrix, goal: float, *, nodes: int = 2000
    ) -> tuple[np.ndarray | None, bool]:
        if not len(self.free):
            return (self.fixed_part.copy(), True) if goal <= TINY else (None, True)
        near = self._near(vector, goal)
        if near is not None:
            return near, True
        rows = np.append(self.row_low, goal), np.append(self.row_high, highspy.kHighsInf)
        matrix = sparse.vstack([self.part, vector]).tocsr()
        return self._milp(matrix, np.zeros(len(self.free)), (self.lower, self.upper), rows, nodes=nodes)

    def _milp(
        self,
        matrix: sparse.csr_matrix,
        cost: np.ndarray,
        bounds: tuple[np.ndarray, np.ndarray],
        rows: tuple[np.ndarray, np.ndarray],
        *,
        nodes: int,
    ) -> tuple[np.ndarray | None, bool]:
        """Return a world in whole numbers, and whether there surely is none when none was found."""
        highs = solver.new_solver(mip_max_nodes=nodes, mip_rel_gap=0.05)
        telling = np.flatnonzero(
            (rows[0] > TINY) | np.isfinite(rows[1]) | (matrix.min(axis=1).toarray().ravel() < 0)
        )
        matrix, rows = matrix[telling], (rows[0][telling], rows[1][telling])
        solver.load(
            highs,
            cost=cost,
            lower=np.ceil(bounds[0] - TINY),
            upper=np.floor(bounds[1] + TINY),
            matrix=matrix,
            row_lower=rows[0],
            row_upper=rows[1],
            integral=True,
        )
        answer = solver.run(highs, self.a.budget, size=len(self.free), integral=True)
        solution = highs.getSolution()
        if answer == highspy.HighsModelStatus.kInfeasible or not solution.value_valid:
            return None, answer == highspy.HighsModelStatus.kInfeasible
        x = self.fixed_part.copy()
        x[self.free] = np.round(solution.col_value)
        return x, True
