"""How far a withheld sum can move for somebody who knows all that is shown, and what he pays himself.

Unknown are the inner cells, as moves away from the truth. A fact is a row `low <= cells @ x <= high`. An
employer also knows that no inner cell holds less than he pays there, and which ones he has to himself.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from disclosure.engine.audit.system import Work
from disclosure.engine.errors import SolverFailed
from disclosure.engine.magnitude.hearing import World

FAR = 1e3  # moves are looked for up to so many times what is needed; a shorter reach only finds more leaks
_STILL = 1e-9


@dataclass(frozen=True)
class Move:
    """The farthest world found: `step` has shape (free cells,), `gain` is how far the sum moved in it.

    `facts` weighs the facts that stop it, by their numbers: together they are the bound.
    """

    step: np.ndarray
    gain: float
    facts: Callable[[], dict[int, float]]


class Movement:
    """The linear programme of one attack, set up once."""

    def __init__(self, world: World, work: Work) -> None:
        self.world, self.work = world, work
        size = len(world.truth)
        self.cell_low, self.cell_high = np.zeros(size), np.full(size, np.inf)
        self.low_fact, self.high_fact = np.full(size, -1), np.full(size, -1)
        many = []
        for number, fact in enumerate(world.facts):
            if len(fact.cells) != 1:
                many.append(number)
                continue
            cell = fact.cells[0]
            if fact.low > self.cell_low[cell]:
                self.cell_low[cell], self.low_fact[cell] = fact.low, number
            if fact.high < self.cell_high[cell]:
                self.cell_high[cell], self.high_fact[cell] = fact.high, number
        self.free = np.flatnonzero((self.cell_low < self.cell_high) & ~world.gone)
        self._take(many)
        self.truth = world.truth[self.free]
        paid = world.paid[:, self.free].tocoo()
        self.payer, self.where, self.pay = paid.row, paid.col, paid.data
        alone = np.bincount(self.where, minlength=len(self.free)) == 1
        self.alone = alone[self.where]  # of each payment: it is the only one in its cell
        employers = world.paid.shape[0]
        # What each employer, and last the outsider, pays in cells that may move: who pays much knows much.
        self.weight = np.append(np.bincount(self.payer, weights=self.pay, minlength=employers), 0.0)

    def _take(self, many: list[int]) -> None:
        facts = self.world.facts
        index = np.concatenate([facts[n].cells for n in many]) if many else np.zeros(0, dtype=np.int64)
        start = np.concatenate(([0], np.cumsum([len(facts[n].cells) for n in many]))).astype(np.int64)
        shape = (len(many), len(self.world.truth))
        self.whole = sparse.csr_matrix((np.ones(len(index)), index, start), shape=shape)
        part = self.whole[:, self.free]
        true = np.asarray(self.whole @ self.world.truth)
        low = np.array([facts[n].low for n in many]) - true
        high = np.array([facts[n].high for n in many]) - true
        tells = np.diff(part.indptr) > 0
        self.numbers = np.array(many, dtype=np.int64)
        self.equal = np.flatnonzero(tells & (low == high))
        self.between = np.flatnonzero(tells & (low != high))
        self.part, self.low, self.high = part, low, high

    def _marked(self, cells: np.ndarray) -> np.ndarray:
        marked = np.zeros(len(self.world.truth))
        marked[cells] = 1.0
        return marked

    def _fixed(self, weights: np.ndarray) -> dict[int, float]:
        """Weigh the facts that print a single inner cell exactly, by the weights of the cells."""
        printed = (np.abs(weights) > 1e-7) & (self.high_fact >= 0) & (self.cell_low == self.cell_high)
        return {int(self.high_fact[cell]): float(weights[cell]) for cell in np.flatnonzero(printed)}

    def farthest(
        self, cells: np.ndarray, sign: int, *, knows: np.ndarray, scale: float, enough: float | None
    ) -> Move:
        """Move a sum up (+1) or down (-1) as far as the facts let each of some employers believe.

        `cells` are the numbers of its inner cells; `scale` is the size of the move that matters, `enough` one
        to stop at. `knows` are employers' numbers: none for somebody who knows what is shown and pays nobody,
        several for a world that all of them find possible.

        :raises SolverFailed: if the solver does not answer, or the limit is reached
        """
        marked = self._marked(cells)
        sum_of = marked[self.free]
        if not sum_of.any():
            return Move(np.zeros(len(self.free)), 0.0, lambda: self._fixed(marked))
        own, alone = self._own(knows)
        least = np.maximum(self.cell_low[self.free], own) - self.truth
        most = self.cell_high[self.free] - self.truth
        least[alone] = most[alone] = 0.0
        least, most = np.maximum(least / scale, -FAR), np.minimum(most / scale, FAR)
        part = self.part
        rows = [part[self.between], -part[self.between]]
        right = [self.high[self.between] / scale, -self.low[self.between] / scale]
        if enough is not None:
            rows.append(sparse.csr_matrix(sign * sum_of))
            right.append(np.array([enough / scale]))
        self.work.ask()
        answer = linprog(
            -sign * sum_of,
            A_ub=sparse.vstack(rows).tocsr(),
            b_ub=np.concatenate(right),
            A_eq=part[self.equal] if len(self.equal) else None,
            b_eq=np.zeros(len(self.equal)) if len(self.equal) else None,
            bounds=np.column_stack((least, most)),
            method="highs",
        )
        if answer.status != 0:
            raise SolverFailed(f"The solver of the attack on sums answered {answer.status}.")
        self.work.spend(int(answer.nit))
        step = np.asarray(answer.x) * scale
        return Move(step, float(sum_of @ step), lambda: self._behind(answer, marked, sign, own))

    def _own(self, knows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the most that one of them pays in each free cell, and which cells one has to itself."""
        among = np.zeros(self.world.paid.shape[0], dtype=bool)
        among[knows] = True
        theirs = among[self.payer]
        own = np.zeros(len(self.free))
        np.maximum.at(own, self.where[theirs], self.pay[theirs])
        return own, self.where[theirs & self.alone]

    def _behind(self, answer: object, marked: np.ndarray, sign: int, own: np.ndarray) -> dict[int, float]:
        """Read the facts behind the bound, and their weights, from the dual."""
        weight = np.zeros(len(self.numbers))
        upper = np.asarray(answer.ineqlin.marginals)  # type: ignore[attr-defined]
        size = len(self.between)
        weight[self.between] += -sign * upper[:size] + sign * upper[size : 2 * size]
        if len(self.equal):
            weight[self.equal] += -sign * np.asarray(answer.eqlin.marginals)  # type: ignore[attr-defined]
        used = {int(self.numbers[n]): float(w) for n, w in enumerate(weight) if abs(w) > 1e-7}
        ends = (
            (answer.upper.marginals, self.high_fact),  # type: ignore[attr-defined]
            (answer.lower.marginals, self.low_fact),  # type: ignore[attr-defined]
        )
        for marginals, of in ends:
            for place in np.flatnonzero(np.abs(marginals) > 1e-7):
                fact = int(of[self.free[place]])
                if fact >= 0 and (of is self.high_fact or own[place] <= self.cell_low[self.free[place]]):
                    used[fact] = used.get(fact, 0.0) - sign * float(marginals[place])
        return used | self._fixed(marked - np.asarray(weight @ self.whole))

    def believed(self, move: Move) -> np.ndarray:
        """Return how far each employer, and last the outsider, can believe a move: shape (employers + 1,).

        Part of the way from the truth to a possible world is possible, too. An employer follows until some
        cell would hold less than he pays there, and not at all if it changes a cell that he has to himself.
        """
        share = np.ones(self.world.paid.shape[0] + 1)
        step = move.step[self.where]
        tiny = _STILL * max(abs(move.gain), 1.0)
        down = step < -tiny
        room = (self.truth[self.where[down]] - self.pay[down]) / -step[down]
        np.minimum.at(share, self.payer[down], np.maximum(room, 0.0))
        share[self.payer[self.alone & (np.abs(step) > tiny)]] = 0.0
        return np.minimum(share, 1.0) * move.gain
