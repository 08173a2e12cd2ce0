"""What is known, as linear facts over whole numbers, and how far a sum can still move."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp

from disclosure.engine.audit.linear import solved
from disclosure.engine.audit.pieces import split
from disclosure.engine.audit.work import Contradiction, Work
from disclosure.engine.errors import SolverFailed

__all__ = ["EPS", "Contradiction", "Piece", "System", "Wish", "Work"]

EPS = 1e-6
SAME: Final = "the same people"  # the name of a fact that ties two crossings, and tells nothing new
_WIDE, _VAST = 1_000, 1.5  # unknowns; of them for each fact
_NODES = 2_000  # of one question's search for whole numbers


@dataclass(frozen=True)
class Wish:
    """Bring a sum (a row of `sums`) up (+1) or down (-1) to a goal."""

    sum: int
    sign: int
    goal: float


class System:
    """Facts `low <= facts @ x <= high`, x whole and not negative, reduced to what is unknown."""

    def __init__(
        self,
        facts: sparse.csr_matrix,
        low: np.ndarray,
        high: np.ndarray,
        names: Sequence[str],
        gone: np.ndarray,
        work: Work,
        implied: np.ndarray | None = None,
    ) -> None:
        """Reduce the facts; those that are `implied` by others are no longer asked of a table."""
        self.work = work
        self.base: np.ndarray | None = None  # a table of whole numbers that fits, once one was seen
        self.first: np.ndarray | None = None  # a table that agrees with all facts, if one was looked for
        self.facts, self.low, self.high, self.names = facts, low, high, list(names)
        self.gone = gone
        self.known = np.full(facts.shape[1], np.nan)
        self.known[gone] = 0.0
        self._settle()
        value = np.nan_to_num(self.known)
        self.value = value
        self.open = np.flatnonzero(np.isnan(self.known))
        part = facts[:, self.open].tocsr()
        shift = facts @ value
        with np.errstate(invalid="ignore"):
            self.rest_low, self.rest_high = low - shift, high - shift
        empty = np.diff(part.indptr) == 0
        self._refuse_broken(empty)
        self.rows = np.flatnonzero(~empty)
        self._merge(part[self.rows])
        self.rest_low, self.rest_high = self.rest_low[self.rows], self.rest_high[self.rows]
        tells = (self.rest_low > 0) | np.isfinite(self.rest_high) | self._has_minus()
        if implied is not None:
            tells &= ~implied[self.rows]
        self.equal = np.flatnonzero(tells & (self.rest_low == self.rest_high))
        self.between = np.flatnonzero(tells & (self.rest_low != self.rest_high))
        self.telling = np.flatnonzero(tells)

    @cached_property
    def pieces(self) -> "list[Piece]":
        """Return what hangs together, each for itself; nothing where all does, or little is unknown."""
        if self.width <= _WIDE:
            return []
        self.inside = split(self.part[self.telling])
        order = np.argsort(self.inside, kind="stable")
        columns = np.split(order, np.flatnonzero(np.diff(self.inside[order])) + 1)
        first = self.part.indices[self.part.indptr[self.telling]]
        height = self.inside[first]
        ordered = self.telling[np.argsort(height, kind="stable")]
        rows = np.split(ordered, np.cumsum(np.bincount(height, minlength=len(columns)))[:-1])
        return [Piece(self, c, r) for c, r in zip(columns, rows, strict=True)] if len(columns) > 1 else []

    def pieces_of(self, vector: sparse.csr_matrix) -> list[int]:
        """Return the numbers of the pieces that a sum touches."""
        return [int(n) for n in np.unique(self.inside[vector.indices])] if self.pieces else []

    def near(self, goal: np.ndarray) -> np.ndarray:
        """Mark the facts that touch no other piece than a sum does: the others say nothing of it."""
        if not self.pieces:
            return np.ones(self.facts.shape[0], dtype=bool)
        inside = self.inside[self.family]
        elsewhere = np.zeros(self.facts.shape[1])
        elsewhere[self.open] = ~np.isin(inside, np.unique(inside[goal[self.open] != 0]))
        return np.asarray((abs(self.facts) @ elsewhere) == 0)

    def _one_piece(self, vector: sparse.csr_matrix, *, whole: bool) -> "Piece | None":
        """Return the only piece a sum touches; of whole numbers only if the others are known to have some."""
        touched = self.pieces_of(vector) if self.base is not None or not whole else []
        return self.pieces[touched[0]] if len(touched) == 1 else None

    @property
    def is_vast(self) -> bool:
        """Say whether far more is crossed than is told: then each corner takes long, and few are whole."""
        return self.width > _WIDE and self.facts.shape[1] > _VAST * self.facts.shape[0]

    def _has_minus(self) -> np.ndarray:
        return np.asarray(self.part.minimum(0).sum(axis=1)).ravel() < 0

    def _settle(self) -> None:
        """Read off unknowns that a fact states outright: single ones, and members of an empty group."""
        counts = np.diff(self.facts.indptr)
        exact = self.low == self.high
        positive = np.ones(self.facts.shape[0], dtype=bool)
        negative_rows = np.unique(self.facts.tocoo().row[self.facts.tocoo().data < 0])
        positive[negative_rows] = False
        for row in np.flatnonzero(exact & positive & ((counts == 1) | (self.low == 0))):
            start, end = self.facts.indptr[row], self.facts.indptr[row + 1]
            for column, weight in zip(self.facts.indices[start:end], self.facts.data[start:end], strict=True):
                told = self.low[row] / weight
                if not np.isnan(self.known[column]) and abs(self.known[column] - told) > EPS:
                    raise Contradiction(f"Contradiction: {self.names[row]} against another released number.")
                self.known[column] = told

    def _refuse_broken(self, empty: np.ndarray) -> None:
        wrong = empty & ((self.rest_low > EPS) | (self.rest_high < -EPS))
        if wrong.any():
            raise Contradiction(
                f"Contradiction: {self.names[int(np.flatnonzero(wrong)[0])]} does not add up."
            )

    def _merge(self, part: sparse.csr_matrix) -> None:
        """Give unknowns that no fact tells apart one number."""
        columns = part.tocsc()
        seen: dict[bytes, int] = {}
        keep: list[int] = []
        self.family = family = np.zeros(len(self.open), dtype=np.int64)  # the number of each open unknown
        for j in range(len(self.open)):
            start, end = columns.indptr[j], columns.indptr[j + 1]
            mark = columns.indices[start:end].tobytes() + columns.data[start:end].tobytes()
            if mark not in seen:
                seen[mark] = len(keep)
                keep.append(j)
            family[j] = seen[mark]
        self.representative = self.open[keep]  # a sum holds a family whole or not at all
        self.width = len(keep)
        self.part = columns[:, keep].tocsr()

    def express(self, sums: sparse.csr_matrix) -> tuple[sparse.csr_matrix, np.ndarray]:
        """Write sums of unknowns as sums of merged unknowns, and what is known of them already."""
        return sums[:, self.representative].tocsr(), np.asarray(sums @ self.value)

    def _solve(
        self,
        cost: np.ndarray,
        extra: sparse.csr_matrix | None,
        upper: np.ndarray | None,
        *,
        whole: bool,
        nodes: int,
    ) -> OptimizeResult:
        self.work.ask()
        answer = self._whole(cost, extra, upper, nodes) if whole else self._real(cost, extra, upper)
        steps = 100 * int(getattr(answer, "mip_node_count", 0) or 0) if whole else int(answer.nit)
        self.work.spend(steps)
        return answer

    def _whole(
        self, cost: np.ndarray, extra: sparse.csr_matrix | None, upper: np.ndarray | None, nodes: int
    ) -> OptimizeResult:
        width = self.width
        add = 0 if extra is None else extra.shape[1] - width
        rows = []
        if len(self.telling):
            told = _wide(self.part[self.telling], add)
            rows.append(LinearConstraint(told, self.rest_low[self.telling], self.rest_high[self.telling]))
        if extra is not None:
            rows.append(LinearConstraint(extra, -np.inf, 0.0 if add else upper))
        top = np.concatenate((np.full(width, np.inf), upper if add and upper is not None else []))
        floor = np.concatenate((np.zeros(width), np.full(add, -np.inf)))
        kind = np.concatenate((np.ones(width), np.zeros(add)))
        return milp(
            cost,
            constraints=rows,
            integrality=kind,
            bounds=Bounds(floor, top),
            options={"node_limit": nodes, "mip_rel_gap": 0.0, "time_limit": self.work.patience()},
        )

    def _real(
        self, cost: np.ndarray, extra: sparse.csr_matrix | None, upper: np.ndarray | None
    ) -> OptimizeResult:
        width = self.width
        add = 0 if extra is None else extra.shape[1] - width
        equal, between = self.part[self.equal], self.part[self.between]
        high, low = self.rest_high[self.between], self.rest_low[self.between]
        stack = [between[np.isfinite(high)], -between[np.isfinite(low)]]
        limit = [high[np.isfinite(high)], -low[np.isfinite(low)]]
        upper_rows = _wide(sparse.vstack(stack).tocsr(), add)
        right = np.concatenate(limit)
        bounds: list[tuple[float | None, float | None]] = [(0.0, None)] * width
        if extra is not None:
            upper_rows = sparse.vstack([upper_rows, extra]).tocsr()
            right = np.concatenate((right, np.zeros(extra.shape[0])))
            bounds = bounds + [(None, float(u)) for u in (upper if upper is not None else [])]
        return solved(
            cost,
            self.work,
            A_ub=upper_rows if upper_rows.shape[0] else None,
            b_ub=right if upper_rows.shape[0] else None,
            A_eq=_wide(equal, add) if equal.shape[0] else None,
            b_eq=self.rest_low[self.equal] if equal.shape[0] else None,
            bounds=bounds,
        )

    def agrees(self, table: np.ndarray) -> bool:
        """Say whether an offered table is one: whole numbers, none below 0, true to every fact."""
        if table.shape != self.known.shape or (table != np.round(table)).any() or (table < 0).any():
            return False
        if table[self.gone].any():
            return False
        said = self.facts @ table
        return bool((said >= self.low - EPS).all() and (said <= self.high + EPS).all())

    def holds(self, table: np.ndarray) -> bool:
        """Say whether a table of merged unknowns is one: none below 0, true to every fact that is left."""
        said = self.part @ table
        above, below = said >= self.rest_low - EPS, said <= self.rest_high + EPS
        return bool((table >= 0).all() and above.all() and below.all())

    def fits(self) -> bool:
        """Say whether any table agrees with all facts.

        :raises SolverFailed: if the solver does not answer
        """
        if not self.width:
            return True
        if self.pieces:
            return self._all_fit()
        answer = self._solve(np.zeros(self.width), None, None, whole=False, nodes=0)
        if answer.status == 2:
            return False
        if answer.status != 0:
            raise SolverFailed(f"The checker's solver answered {answer.status}.")
        self.first = np.asarray(answer.x)
        return True

    def _all_fit(self) -> bool:
        found = np.zeros(self.width)
        for piece in self.pieces:
            if not piece.fits() or piece.first is None:
                return False
            found[piece.columns] = piece.first
        self.first = found
        return True

    def extreme(self, sums: sparse.csr_matrix, number: int, sign: int, *, whole: bool) -> float:
        """Return the highest (+1) or lowest (-1) value a sum can take, in whole numbers if asked.

        :raises SolverFailed: if the solver does not prove it
        """
        cost = -sign * sums[number].toarray().ravel()
        if not self.width or not cost.any():
            return 0.0
        if piece := self._one_piece(sums[number], whole=whole):
            return piece.extreme(sums[number][:, piece.columns], 0, sign, whole=whole)
        answer = self._solve(cost, None, None, whole=whole, nodes=_NODES)
        if answer.status == 3 or (answer.status == 4 and not whole):
            return sign * np.inf
        if answer.status != 0:
            raise SolverFailed(f"The checker's solver answered {answer.status}.")
        return float(-sign * answer.fun)

    def world(
        self, sums: sparse.csr_matrix, wishes: Sequence[Wish], *, whole: bool, nodes: int = 200
    ) -> np.ndarray | None:
        """Find a world that goes as far as it can for many wishes at once.

        :raises SolverFailed: if the solver does not answer
        """
        if (
            self.base is not None
            and (found := self._worlds(sums, wishes, whole=whole, nodes=nodes)) is not None
        ):
            return found
        count = len(wishes)
        picked = sums[[w.sum for w in wishes]]
        signs = sparse.diags([float(w.sign) for w in wishes])
        extra = sparse.hstack([-(signs @ picked), sparse.identity(count)]).tocsr()
        cost = np.concatenate((np.zeros(self.width), -np.ones(count)))
        goals = np.array([w.goal for w in wishes])
        answer = self._solve(cost, extra, goals, whole=whole, nodes=nodes)
        if answer.x is None:
            if whole and answer.status == 1:
                return None
            if whole and answer.status == 2:
                raise Contradiction(
                    "Contradiction: no whole numbers of people agree with all released numbers."
                )
            raise SolverFailed(f"The checker's solver answered {answer.status}.")
        return np.asarray(answer.x[: self.width])

    def _worlds(
        self, sums: sparse.csr_matrix, wishes: Sequence[Wish], *, whole: bool, nodes: int
    ) -> np.ndarray | None:
        """Find a world piece by piece; wishes that touch several wait, and None if there are no others."""
        of: dict[int, list[Wish]] = {}
        for wish in wishes:
            touched = self.pieces_of(sums[wish.sum])
            if len(touched) == 1:
                of.setdefault(touched[0], []).append(wish)
        found = self.base
        if not of or found is None:
            return None
        for number, theirs in sorted(of.items()):
            piece = self.pieces[number]
            rows = sums[[w.sum for w in theirs]][:, piece.columns]
            mine = [Wish(i, w.sign, w.goal) for i, w in enumerate(theirs)]
            if (x := piece.world(rows, mine, whole=whole, nodes=nodes)) is not None:
                found = piece.put_into(found, x)
        return found

    def grants_whole(self, sums: sparse.csr_matrix, wish: Wish) -> np.ndarray | None:
        """Find a world of whole numbers that grants one wish; None if there is none.

        :raises SolverFailed: if the solver can neither find nor exclude one
        """
        if self.base is not None and (piece := self._one_piece(sums[wish.sum], whole=True)):
            x = piece.grants_whole(sums[wish.sum][:, piece.columns], Wish(0, wish.sign, wish.goal))
            return None if x is None else piece.put_into(self.base, x)
        row = (-wish.sign * sums[wish.sum]).tocsr()
        answer = self._solve(np.zeros(self.width), row, np.array([-wish.goal]), whole=True, nodes=_NODES)
        if answer.status == 2:
            return None
        if answer.status != 0 or answer.x is None:
            raise SolverFailed(f"The checker's solver answered {answer.status}.")
        return np.round(answer.x)


class Piece(System):
    """Unknowns and facts that no fact ties to any other."""

    def __init__(self, whole: System, columns: np.ndarray, rows: np.ndarray) -> None:
        self.columns = columns
        self.work, self.base, self.first = whole.work, None, None
        self.part = whole.part[rows][:, columns].tocsr()
        self.rest_low, self.rest_high = whole.rest_low[rows], whole.rest_high[rows]
        same = self.rest_low == self.rest_high
        self.equal, self.between = np.flatnonzero(same), np.flatnonzero(~same)
        self.telling = np.arange(len(rows))
        self.width = len(columns)

    @cached_property
    def pieces(self) -> "list[Piece]":
        """Return nothing: this is one."""
        return []

    def put_into(self, table: np.ndarray, mine: np.ndarray) -> np.ndarray:
        """Return a table with these numbers in place of its own."""
        found = table.copy()
        found[self.columns] = mine
        return found


def _wide(matrix: sparse.csr_matrix, add: int) -> sparse.csr_matrix:
    if not add:
        return matrix
    return sparse.hstack([matrix, sparse.csr_matrix((matrix.shape[0], add))]).tocsr()
