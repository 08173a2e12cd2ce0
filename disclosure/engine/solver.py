"""HiGHS behind one door: one thread, fixed seed, every status checked."""

from collections.abc import Callable
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from disclosure.engine.errors import SolverFailed, Stopped

INFINITY = highspy.kHighsInf
_HIGHS: Any = highspy.Highs  # has no types
_OPTIONS: dict[str, Any] = {
    "output_flag": False,
    "threads": 1,  # a second value in the same process makes run() fail
    "random_seed": 1,
    "parallel": "off",
}
_LEAST_LOOKS, _LOOKS = 50, 4_000  # of a fenced search: a look at 63 rows and columns takes about a unit


def version() -> str:
    """Return the solver's name and version, for the record."""
    return f"HiGHS {_HIGHS().version()}"


def new_solver(**options: Any) -> highspy.Highs:
    """Return a quiet solver with the options of this house.

    :raises SolverFailed: if an option is refused
    """
    solver: highspy.Highs = _HIGHS()
    for name, value in (_OPTIONS | options).items():
        if solver.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise SolverFailed(f"The solver refused the option {name}.")
    return solver


def load(
    solver: highspy.Highs,
    *,
    cost: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    matrix: sparse.csr_matrix,
    row_lower: np.ndarray,
    row_upper: np.ndarray,
    integral: bool = False,
) -> None:
    """Hand a minimisation problem to the solver.

    :raises SolverFailed: if the solver does not take it
    """
    model = highspy.HighsLp()
    model.num_col_ = len(cost)
    model.num_row_ = matrix.shape[0]
    model.col_cost_ = np.asarray(cost, dtype=float)
    model.col_lower_ = np.asarray(lower, dtype=float)
    model.col_upper_ = np.asarray(upper, dtype=float)
    model.row_lower_ = np.asarray(row_lower, dtype=float)
    model.row_upper_ = np.asarray(row_upper, dtype=float)
    rows = sparse.csr_matrix(matrix)
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = rows.indptr.astype(np.int32)
    model.a_matrix_.index_ = rows.indices.astype(np.int32)
    model.a_matrix_.value_ = rows.data.astype(float)
    if integral:
        model.integrality_ = [highspy.HighsVarType.kInteger] * len(cost)
    if solver.passModel(model) == highspy.HighsStatus.kError:
        raise SolverFailed("The solver did not take the problem.")


class Budget:
    """A limit counted in solver work, so that the same input stops at the same place.

    A wall clock may stand behind it; a run it stops is marked, since it cannot be repeated exactly.
    """

    def __init__(self, work: float, *, left: Callable[[], float] | None = None) -> None:
        """Allow so much work; `left` tells how many seconds the wall clock still gives."""
        self.limit = work
        self.spent = 0.0
        self.by_wall = False
        self._left = left  # a far fence

    def seconds_left(self) -> float:
        """Return how many seconds the wall clock still gives."""
        return INFINITY if self._left is None else self._left()

    def insist(self) -> None:
        """Give up when even the search for a first safe pattern takes far too long.

        :raises Stopped: at four times the limit
        """
        if self.spent >= 4 * self.limit:
            raise Stopped("The limit was reached before a safe pattern was found. Allow more seconds.")

    def charge(self, iterations: int, size: int, *, integral: bool) -> None:
        """Count one solve by what such solves were measured to take, a unit being about 1/12,000 second."""
        if integral:
            self.spent += 120 + iterations * (0.7 + size / 300)
        else:
            self.spent += 4 + iterations * (0.15 + size / 8000)

    def twice_over(self) -> bool:
        """Say whether twice the limit is reached: so long may the search for a first good pattern take."""
        if self.seconds_left() <= 0:
            self.by_wall = True
        return self.by_wall or self.spent >= 2 * self.limit

    def far_over(self) -> bool:
        """Say whether three times the limit is reached: beyond that everything is withheld that may be."""
        return self.twice_over() and (self.by_wall or self.spent >= 3 * self.limit)

    def used(self, share: float) -> bool:
        """Say whether a share of the limit is used up."""
        return self.over() or self.spent >= share * self.limit

    def over(self) -> bool:
        """Say whether the limit is reached."""
        if self.seconds_left() <= 0:
            self.by_wall = True
        return self.by_wall or self.spent >= self.limit


def run(
    solver: highspy.Highs, budget: Budget, *, size: int, integral: bool = False, until: float | None = None
) -> highspy.HighsModelStatus:
    """Solve, and return the model's status; a long search may be fenced in by the work that is allowed.

    :raises SolverFailed: if the run itself failed, or the answer is not one of the known ones
    """
    if until is not None:
        _fence(solver, min(until, budget.limit) - budget.spent, size)
    if integral and np.isfinite(budget.seconds_left()):  # the far fence: work decides long before
        solver.setOptionValue("time_limit", max(budget.seconds_left(), 0.1))
    status = solver.run()
    budget.charge(max(int(solver.getInfo().simplex_iteration_count), 0), size, integral=integral)
    if status == highspy.HighsStatus.kError:
        raise SolverFailed("The solver returned an error.")
    answer = solver.getModelStatus()
    known = (
        highspy.HighsModelStatus.kOptimal,
        highspy.HighsModelStatus.kInfeasible,
        highspy.HighsModelStatus.kUnbounded,
        highspy.HighsModelStatus.kUnboundedOrInfeasible,
        highspy.HighsModelStatus.kSolutionLimit,
        highspy.HighsModelStatus.kIterationLimit,
        highspy.HighsModelStatus.kTimeLimit,
        highspy.HighsModelStatus.kInterrupt,  # by the fence
    )
    if answer not in known:
        raise SolverFailed(f"The solver answered {solver.modelStatusToString(answer)}.")
    if answer == highspy.HighsModelStatus.kTimeLimit:
        budget.by_wall = True
    return answer


def _fence(solver: Any, work: float, size: int) -> None:
    """Interrupt a search after so many of the solver's looks at its limits: the same number every time."""
    looks = max(_LEAST_LOOKS, int(work * _LOOKS / size**2))
    seen = 0

    def look(event: Any) -> None:
        nonlocal seen
        seen += 1
        if seen >= looks:
            event.interrupt()

    solver.cbMipInterrupt.subscribe(look)


def is_optimal(answer: highspy.HighsModelStatus) -> bool:
    """Say whether the answer is a proven optimum."""
    return answer == highspy.HighsModelStatus.kOptimal
