"""Look for a table near one that is known: few numbers may change, all others stay as they are."""

import heapq

import numpy as np
from scipy import sparse

from disclosure.engine.audit.system import Piece, System
from disclosure.engine.audit.walk import Walk

_SIZE = 2_500  # unknowns that may change


class Neighbourhood(Piece):
    """Some unknowns of a system, and the facts that touch them, as the other unknowns leave them."""

    def __init__(self, whole: System, columns: np.ndarray, table: np.ndarray) -> None:
        """Take the other unknowns from a `table` of the whole that fits."""
        touched = np.zeros(whole.width)
        touched[columns] = 1.0
        told = whole.part[whole.telling]
        rows = whole.telling[np.asarray(abs(told) @ touched) > 0]
        super().__init__(whole, columns, rows)
        fixed = whole.part[rows] @ np.where(touched > 0, 0.0, table)
        self.rest_low, self.rest_high = self.rest_low - fixed, self.rest_high - fixed


def whole_nearby(system: System, vector: sparse.csr_matrix, sign: int, goal: float) -> np.ndarray | None:
    """Find a table near `system.base` where a sum, times its sign, reaches a goal; None if none was met."""
    base = system.base
    if base is None or system.width <= _SIZE:
        return None
    columns = _around(system, vector.indices)  # with all of the sum
    near = Neighbourhood(system, columns, base)
    found = Walk(near).whole(vector[:, columns], sign, goal)
    return None if found is None else near.put_into(base, found)


def _around(system: System, start: np.ndarray) -> np.ndarray:
    """Return unknowns that hang together with some by the facts about the fewest, nearest first."""
    told = system.part[system.telling].tocsr()
    facts = told.T.tocsr()  # of each unknown
    length = np.diff(told.indptr)
    inside, heard = np.zeros(system.width, dtype=bool), np.zeros(len(length), dtype=bool)
    queue: list[tuple[int, int]] = []
    new = np.unique(start)
    while len(new):
        inside[new] = True
        for row in np.unique(
            np.concatenate([facts.indices[facts.indptr[c] : facts.indptr[c + 1]] for c in new])
        ):
            if not heard[row]:
                heard[row] = True
                heapq.heappush(queue, (int(length[row]), int(row)))
        new = np.zeros(0, dtype=np.int64)
        while queue and not len(new):
            _, row = heapq.heappop(queue)
            there = told.indices[told.indptr[row] : told.indptr[row + 1]]
            new = there[~inside[there]]
        if inside.sum() + len(new) > _SIZE:
            break
    return np.flatnonzero(inside)
