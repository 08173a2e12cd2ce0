"""Walk from corner to corner of all tables that fit: most corners are whole numbers of people.

A corner is found by a linear programme kept warm. What it shows is a table that fits; what it does not
show is left to the searches in whole numbers.
"""

from typing import Any

import highspy
import numpy as np
from scipy import sparse

from disclosure.engine.audit.linear import most_steps
from disclosure.engine.audit.system import EPS, System

_HIGHS: Any = highspy.Highs  # has no types
_NODES = 100  # of the search for whole numbers close to the middle
_LARGE = 500  # unknowns, from which on corners are seldom whole
_TRIES = 12  # corners looked at for one wish
_OPTIONS = {"output_flag": False, "threads": 1, "random_seed": 1, "presolve": "off"}


class Walk:
    """All tables that fit, up to a ceiling that is far above every count that is told."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.rng = np.random.default_rng(system.width)
        told = system.telling
        low, high = system.rest_low[told], system.rest_high[told]
        ends = np.concatenate((low, high))
        self.ceiling = 1000.0 + 2 * float(np.abs(ends[np.isfinite(ends)]).max(initial=0.0))
        self.columns = np.arange(system.width, dtype=np.int32)
        self.rows: dict[tuple[bytes, bytes], int] = {}
        self.height = len(told)
        self.out_of_reach = False
        self.lost = system.width == 0  # the solver gave no answer: nothing more is asked of it
        self.highs = _HIGHS()
        for name, value in _OPTIONS.items():
            self.highs.setOptionValue(name, value)
        self.highs.setOptionValue("simplex_iteration_limit", most_steps(system.width, len(told)))
        self._load(system.part[told].tocsr(), low, high)

    def _load(self, facts: sparse.csr_matrix, low: np.ndarray, high: np.ndarray) -> None:
        model = highspy.HighsLp()
        width = self.system.width
        model.num_col_, model.num_row_ = width, self.height
        model.col_cost_ = np.zeros(width)
        model.col_lower_, model.col_upper_ = np.zeros(width), np.full(width, self.ceiling)
        model.row_lower_, model.row_upper_ = low, high
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = facts.indptr.astype(np.int32)
        model.a_matrix_.index_ = facts.indices.astype(np.int32)
        model.a_matrix_.value_ = facts.data.astype(float)
        self.lost = self.lost or self.highs.passModel(model) == highspy.HighsStatus.kError

    def corner(self, cost: np.ndarray) -> np.ndarray | None:
        """Return the cheapest corner; None if there is none, or no answer."""
        if self.lost:
            return None
        self.system.work.ask()
        self.highs.changeColsCost(len(self.columns), self.columns, cost)
        self.highs.setOptionValue("time_limit", self.highs.getRunTime() + self.system.work.patience())
        status = self.highs.run()
        self.system.work.spend(max(int(self.highs.getInfo().simplex_iteration_count), 0))
        answer = self.highs.getModelStatus()
        if status != highspy.HighsStatus.kError and answer == highspy.HighsModelStatus.kOptimal:
            return np.asarray(self.highs.getSolution().col_value)
        self.lost = answer != highspy.HighsModelStatus.kInfeasible
        return None

    def middle(self) -> np.ndarray | None:
        """Return a table of whole numbers close to the middle of all tables; None if none was met.

        The middle is far from every bound, so it shows at once that most cells can be large.
        """
        if self.lost:
            return None
        self.system.work.ask()
        inner = self._solver(solver="ipm", run_crossover="off")
        if inner.run() == highspy.HighsStatus.kError:
            return None
        self.system.work.spend(max(int(inner.getInfo().ipm_iteration_count), 0))
        if inner.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        low = np.maximum(np.floor(np.asarray(inner.getSolution().col_value) + EPS), 0.0)
        near = self._solver(presolve="choose")
        near.changeColsBounds(len(low), self.columns, low, low + 1)
        kinds = np.full(len(low), int(highspy.HighsVarType.kInteger), dtype=np.uint8)
        near.changeColsIntegrality(len(low), self.columns, kinds)
        near.setOptionValue("mip_max_nodes", _NODES)
        if near.run() == highspy.HighsStatus.kError:
            return None
        self.system.work.spend(100 * max(int(near.getInfo().mip_node_count), 0))
        if near.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.round(np.asarray(near.getSolution().col_value))

    def _solver(self, **options: str) -> Any:
        """Return a solver of its own with the same facts."""
        other = _HIGHS()
        for name, value in (_OPTIONS | options).items():
            other.setOptionValue(name, value)
        other.setOptionValue("time_limit", self.system.work.patience())
        other.passModel(self.highs.getLp())
        return other

    def farthest(self, vector: sparse.csr_matrix, sign: int) -> float | None:
        """Return the highest (+1) or lowest (-1) value of a sum; None if that cannot be said here."""
        x = self.corner(-sign * vector.toarray().ravel())
        if x is None or x.max(initial=0.0) > self.ceiling / 2:
            return None
        return float((vector @ x)[0])

    def whole(self, vector: sparse.csr_matrix, sign: int, goal: float) -> np.ndarray | None:
        """Find a corner of whole numbers where a sum, times its sign, reaches a goal; None if none was met.

        `out_of_reach` then says whether there is no table at all, whole or not.
        """
        self.out_of_reach = False
        if self.lost or not vector.nnz:
            return None
        row = self._row(vector)
        infinity = highspy.kHighsInf
        self.highs.changeRowBounds(row, *((goal, infinity) if sign > 0 else (-infinity, -goal)))
        found = self.middle() if self.system.width > _LARGE else None
        if found is None:
            found = self._any_whole()
        self.highs.changeRowBounds(row, -infinity, infinity)
        return found

    def _any_whole(self) -> np.ndarray | None:
        for _ in range(_TRIES):
            x = self.corner(self.rng.random(self.system.width))
            if x is None:
                self.out_of_reach = not self.lost
                return None
            whole = np.round(x)
            if np.abs(x - whole).max(initial=0.0) <= EPS:
                return whole
        return None

    def _row(self, vector: sparse.csr_matrix) -> int:
        """Give a sum a row of its own, free to be anything."""
        mark = vector.indices.tobytes(), vector.data.tobytes()
        if mark not in self.rows:
            infinity = highspy.kHighsInf
            index, data = vector.indices.astype(np.int32), vector.data.astype(float)
            self.highs.addRow(-infinity, infinity, len(index), index, data)
            self.rows[mark] = self.height
            self.height += 1
        return self.rows[mark]
