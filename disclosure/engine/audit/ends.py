"""How far a sum can go, in whole numbers of people."""

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from disclosure.engine.audit.system import EPS, System

if TYPE_CHECKING:
    from disclosure.engine.audit.walk import Walk
    from disclosure.engine.audit.walks import Walks


def ends(
    system: System,
    vector: sparse.csr_matrix,
    constant: float,
    seen: tuple[float, float],
    reach: tuple[float, float] = (-np.inf, np.inf),
    walk: "Walk | Walks | None" = None,
) -> tuple[float, float]:
    """Return the lowest and highest whole number a sum can be.

    `vector` and `constant` are the sum in the system's unknowns and what is known of it; `seen` are values
    known to be possible, `reach` bounds that are proven already.

    :raises SolverFailed: if the solver does not prove it
    """
    found = []
    for sign, reached, bound in ((-1, seen[0], reach[0]), (1, seen[1], reach[1])):
        if reached == bound:
            found.append(float(bound) + 0.0)
            continue
        soon = walk.farthest(vector, sign) if walk else None
        end = system.extreme(vector, 0, sign, whole=False) if soon is None else soon
        if np.isfinite(end):
            value = end + constant
            end = np.ceil(value - EPS) if sign < 0 else np.floor(value + EPS)
            goal = sign * (end - constant)
            if end == reached or (walk and walk.whole(vector, sign, goal) is not None):
                found.append(float(end) + 0.0)
                continue
            # rounded ends may still be out of reach for whole numbers
            exact = system.extreme(vector, 0, sign, whole=True)
            end = round(exact + constant) if np.isfinite(exact) else exact
        found.append(float(end) + 0.0)  # no minus zero
    return found[0], found[1]
