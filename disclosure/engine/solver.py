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
_WIDE = 1_000  # where a look takes longer than so
_LARGE, _STEPS_A_ROW = 1_000_000, 12  # rows times columns, and steps that the beginning of a search takes
_LEAST_STEPS = 200  # of a question, however little work is left
_START = {False: 4.0, True: 120.0}  # what it takes to begin, in units of work; True: in whole numbers
_PATIENCE = 3.0  # seconds of the wall for one of the clock
_LATE, _FIRST_CAP = 1.5, 2.0  # of the limit


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

    A clock may stand behind it; a run it stops is marked, since it cannot be repeated exactly. Beyond the
    limit there is some room to end safely, stage by stage, and no more: then every solve is refused.
    """

    def __init__(self, work: float, *, left: Callable[[], float] | None = None) -> None:
        """Allow so much work; `left` tells how many seconds the clock still gives."""
        self.limit = work
        self.cap = _FIRST_CAP * work  # no solve goes beyond
        self.spent = 0.0
        self.by_wall = False
        self._left = left  # a far fence

    def seconds_left(self) -> float:
        """Return how many seconds the clock still gives."""
        return INFINITY if self._left is None else self._left()

    def part(self, share: float) -> "Budget":
        """Return a limit of its own for a share of the work, behind the same clock."""
        return Budget(share * self.limit, left=self._left)

    def take(self, part: "Budget") -> None:
        """Count what was spent of such a part."""
        self.spent += part.spent
        self.by_wall = self.by_wall or part.by_wall

    def extend(self, share: float) -> None:
        """Allow some work more, to end safely."""
        self.cap = max(self.cap, self.spent) + share * self.limit

    def insist(self) -> None:
        """Give up where nothing more may be asked.

        :raises Stopped: at the end of the room beyond the limit
        """
        if self.spent >= self.cap or self._is_out_of_time():
            raise Stopped("The limit was reached before a safe pattern was found. Allow more seconds.")

    def _is_out_of_time(self) -> bool:
        out = self.seconds_left() <= 0
        self.by_wall = self.by_wall or out
        return out

    def charge(self, iterations: int, size: int, *, integral: bool) -> None:
        """Count one solve by what such solves were measured to take, a unit being about 1/12,000 second."""
        self.spent += _START[integral] + iterations * price(size, integral=integral)

    def late(self) -> bool:
        """Say whether the limit is well past: so long may the search for a first good pattern take."""
        return self._is_out_of_time() or self.spent >= _LATE * self.limit

    def far_over(self) -> bool:
        """Say whether nothing more may be asked at this stage."""
        return self._is_out_of_time() or self.spent >= self.cap

    def used(self, share: float) -> bool:
        """Say whether a share of the limit is used up."""
        return self.over() or self.spent >= share * self.limit

    def over(self) -> bool:
        """Say whether the limit is reached."""
        return self._is_out_of_time() or self.spent >= self.limit


def price(size: int, *, integral: bool) -> float:
    """Return what one step costs in a problem of so many rows and columns."""
    return 1.5 + size / 1000 if integral else 0.1 + size / 3300


def run(
    solver: highspy.Highs, budget: Budget, *, size: int, integral: bool = False, until: float | None = None
) -> highspy.HighsModelStatus:
    """Solve, and return the model's status; every solve is fenced in by the work that is allowed.

    :raises SolverFailed: if the run itself failed, or the answer is not one of the known ones
    :raises Stopped: if the work that is allowed does not do for an answer
    """
    budget.insist()
    room = min(budget.cap, np.inf if until is None else until) - budget.spent
    if integral and _is_too_large(solver, size, room):
        return highspy.HighsModelStatus.kInterrupt
    if integral:
        _fence(solver, room if until is not None else room / 2, size)
    else:
        steps = max(_LEAST_STEPS, int(min(room / price(size, integral=False), 2**30)))
        solver.setOptionValue("simplex_iteration_limit", steps)
    if np.isfinite(budget.seconds_left()):  # the far fence: work decides long before
        wait = _PATIENCE * max(budget.seconds_left(), 0.1)  # the budget may count the processor's time
        solver.setOptionValue("time_limit", solver.getRunTime() + wait)
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
    if not integral and answer in (
        highspy.HighsModelStatus.kIterationLimit,
        highspy.HighsModelStatus.kTimeLimit,
    ):
        raise Stopped("The limit was reached in the middle of a question. Allow more seconds.")
    return answer


def _is_too_large(solver: highspy.Highs, size: int, room: float) -> bool:
    """Say whether a search may not even come to its first look, where no fence holds it."""
    rows = solver.getNumRow()
    return rows * size > _LARGE and _STEPS_A_ROW * rows * price(size, integral=True) > room


def _fence(solver: Any, work: float, size: int) -> None:
    """Interrupt a search after so many of the solver's looks at its limits: the same number every time."""
    look = min(size**2 / _LOOKS, size / 4)
    looks = max(_LEAST_LOOKS if size < _WIDE else _LEAST_LOOKS // 10, int(work / look))
    seen = 0

    def on_look(event: Any) -> None:
        nonlocal seen
        seen += 1
        if seen >= looks:
            event.interrupt()

    solver.cbMipInterrupt.subscribe(on_look)


def is_optimal(answer: highspy.HighsModelStatus) -> bool:
    """Say whether the answer is a proven optimum."""
    return answer == highspy.HighsModelStatus.kOptimal
