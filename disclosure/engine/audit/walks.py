"""Walk through the pieces of a system side by side: a corner of each, put together, is a corner of all."""

import numpy as np
from scipy import sparse

from disclosure.engine.audit.system import EPS, System
from disclosure.engine.audit.walk import Walk


class Walks:
    """What `Walk` is for one system, for a system in pieces."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.walks = [Walk(piece) for piece in system.pieces]
        self.kept: list[np.ndarray | None] = [None] * len(self.walks)
        self.out_of_reach = False
        self._together: Walk | None = None

    def corner(self, cost: np.ndarray) -> np.ndarray | None:
        """Return a cheap table: of each piece its cheapest corner, or the last that was whole.

        None if a piece has none, or gives no answer.
        """
        for number, (walk, piece) in enumerate(zip(self.walks, self.system.pieces, strict=True)):
            there, kept = cost[piece.columns], self.kept[number]
            if kept is not None and not there.any():
                continue
            x = walk.corner(there)
            if x is None:
                return None
            self._keep(number, x)
        return self._assembled()

    def middle(self) -> np.ndarray | None:
        """Return a table of whole numbers far from all bounds; None if not all pieces have one."""
        for number, walk in enumerate(self.walks):
            x = walk.middle()
            if x is not None:
                self._keep(number, x)
        return self._assembled()

    def _keep(self, number: int, x: np.ndarray) -> None:
        if self.kept[number] is None or np.abs(x - np.round(x)).max(initial=0.0) <= EPS:
            self.kept[number] = x

    def _assembled(self) -> np.ndarray | None:
        found = np.zeros(self.system.width)
        for piece, x in zip(self.system.pieces, self.kept, strict=True):
            if x is None:
                return None
            found[piece.columns] = x
        return found

    def farthest(self, vector: sparse.csr_matrix, sign: int) -> float | None:
        """Return the highest (+1) or lowest (-1) value of a sum; None if that cannot be said here."""
        far = 0.0
        for number in self.system.pieces_of(vector):
            found = self.walks[number].farthest(vector[:, self.system.pieces[number].columns], sign)
            if found is None:
                return None
            far += found
        return far

    def whole(self, vector: sparse.csr_matrix, sign: int, goal: float) -> np.ndarray | None:
        """Find a table of whole numbers where a sum, times its sign, reaches a goal; None if none was met.

        `out_of_reach` then says whether there is no table at all, whole or not.
        """
        touched, base = self.system.pieces_of(vector), self.system.base
        if len(touched) != 1 or base is None:
            if self._together is None:
                self._together = Walk(self.system)
            found = self._together.whole(vector, sign, goal)
            self.out_of_reach = self._together.out_of_reach
            return found
        (number,) = touched
        piece = self.system.pieces[number]
        found = self.walks[number].whole(vector[:, piece.columns], sign, goal)
        self.out_of_reach = self.walks[number].out_of_reach
        return None if found is None else piece.put_into(base, found)
