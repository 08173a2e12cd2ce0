"""Linear programmes that come to an end, however often a corner is the corner of many facts."""

from typing import Any, Final

import numpy as np
from scipy.optimize import OptimizeResult, linprog

from disclosure.engine.audit.work import Work

_STEPS: Final = 10_000
_EACH: Final = 10  # steps for each number and fact, beyond which the simplex method goes in circles
_STOPPED: Final = 1  # at a limit


def most_steps(numbers: int, facts: int) -> int:
    """Return how many steps the simplex method may need; where it takes more, it hardly ever ends."""
    return _STEPS + _EACH * (numbers + facts)


def solved(cost: np.ndarray, work: Work, **told: Any) -> OptimizeResult:
    """Solve a linear programme: by the simplex method, and by interior points where that does not end.

    `told` is what `scipy.optimize.linprog` takes. The answer's `nit` counts all steps; its status is 1 if
    neither ended.
    """
    facts = sum(matrix.shape[0] for name in ("A_ub", "A_eq") if (matrix := told.get(name)) is not None)
    limits = {"maxiter": most_steps(len(cost), facts), "time_limit": work.patience()}
    answer = linprog(cost, method="highs", options=limits, **told)
    if answer.status != _STOPPED or work.seconds() <= 0:
        return answer
    steps = int(answer.nit)
    answer = linprog(cost, method="highs-ipm", options={"time_limit": work.patience()}, **told)
    answer.nit = steps + int(answer.nit)
    return answer
