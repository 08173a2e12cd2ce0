"""Tables in whole numbers of people, a few people away from one that is known.

Where dimensions are tied together by pairs only, the corners of what the attacker must think possible are
rarely whole, and a search for whole numbers takes seconds for each question. From a table that is whole,
the nearest table that grants a wish is nearly always whole as well, and a few pivots away.
"""

from typing import TYPE_CHECKING

import highspy
import numpy as np
from scipy import sparse

from disclosure.engine import solver
from disclosure.engine.attacker import TINY, Attacker

if TYPE_CHECKING:
    from disclosure.engine.room import Room

_CORNERS = 4  # whose middle the search for a first whole table begins from
_SWEEPS = 12  # over all sums, to spread the people evenly
_FEW_NODES = 1  # of such a search, before another beginning is tried
_PUMPS = 12  # steps from rounded numbers to the nearest table and back
_SEARCHED = 200  # unknowns that may move in a search for the last step, beside the fractions
_NODES = 30  # of such a search
_WIDE = 2_500  # unknowns, from which on corners take too long
_LARGE = 4_000_000  # unknowns times sums, up to which a search is begun
_STEPS = 2  # people added or taken, for each unknown
_ANCHOR_SHARE = 0.3  # of the limit, for a first whole table
_TRIES = 6  # prices for the moves, before whole numbers are searched for among what they move
_MOVED = 250  # unknowns that move, from which on whole moves are not met soon
_BESIDE = 100  # unknowns that may move, too


class Nearby:
    """The moves away from a table of whole numbers, each at a price, kept beside a room."""

    def __init__(self, room: "Room", anchor: np.ndarray) -> None:
        """Take in a table in whole numbers that the room allows."""
        self.room, self.a = room, room.a
        self.anchor = anchor
        self.start = anchor[room.free]
        self.width = len(room.free)
        self.shift = room.part @ self.start
        self.highs = solver.new_solver(presolve="off")
        self.rng = np.random.default_rng(self.width)
        self._load(self.highs, np.arange(self.width), integral=False)
        self.index = np.arange(2 * self.width, dtype=np.int32)

    def _load(self, highs: highspy.Highs, among: np.ndarray, *, integral: bool) -> None:
        room = self.room
        part = room.part[:, among].tocsr()
        solver.load(
            highs,
            cost=np.ones(2 * len(among)),
            lower=np.zeros(2 * len(among)),
            upper=np.concatenate(
                (room.upper[among] - self.start[among], self.start[among] - room.lower[among])
            ),
            matrix=sparse.hstack([part, -part]).tocsr(),
            row_lower=room.row_low - self.shift,
            row_upper=room.row_high - self.shift,
            integral=integral,
        )

    def hold_column(self, place: int, low: float, high: float) -> None:
        """Take over that an unknown has another range."""
        start = self.start[place]
        self.highs.changeColBounds(place, 0.0, high - start)
        self.highs.changeColBounds(self.width + place, 0.0, start - low)

    def hold_row(self, place: int, low: float, high: float) -> None:
        """Take over that a sum has another range."""
        self.highs.changeRowBounds(place, low - self.shift[place], high - self.shift[place])

    def reach(self, vector: sparse.csr_matrix, goal: float) -> np.ndarray | None:
        """Find a table in whole numbers where a sum of free unknowns reaches a goal, if one is met."""
        need = goal - float((vector @ self.start)[0])
        if need <= TINY:
            return self.anchor.copy()
        row = sparse.hstack([vector, -vector]).tocsr()
        last = self.highs.getNumRow()
        self.highs.addRow(need, highspy.kHighsInf, row.nnz, row.indices.astype(np.int32), row.data)
        found, moved = None, np.zeros(self.width, dtype=bool)
        for turn in range(_TRIES):
            price = np.ones(2 * self.width)
            if turn:
                price += self.rng.integers(0, 4, 2 * self.width)
            self.highs.changeColsCost(len(self.index), self.index, price)
            self.highs.clearSolver()  # nothing moves: only the goal is not met, and few pivots mend that
            answer = solver.run(self.highs, self.a.budget, size=2 * self.width + len(self.room.rows))
            if not solver.is_optimal(answer):
                break
            values = np.asarray(self.highs.getSolution().col_value)
            moves = values[: self.width] - values[self.width :]
            if np.abs(moves - np.round(moves)).max(initial=0.0) < TINY:
                found = np.round(moves)
                break
            moved |= np.abs(moves) > TINY
        else:
            found = self._among(moved, row, need)
        self.highs.deleteRows(1, np.array([last], dtype=np.int32))
        return None if found is None else self._table(found)

    def _among(self, moved: np.ndarray, row: sparse.csr_matrix, need: float) -> np.ndarray | None:
        """Search for whole moves of the unknowns that moved, and some more."""
        if moved.sum() > _MOVED:
            return None
        more = self.rng.permutation(self.width)[:_BESIDE]
        among = np.union1d(np.flatnonzero(moved), more)
        highs = solver.new_solver(mip_max_nodes=_NODES, mip_max_improving_sols=1)
        self._load(highs, among, integral=True)
        part = row[:, np.concatenate((among, self.width + among))].tocsr()
        highs.addRow(need, highspy.kHighsInf, part.nnz, part.indices.astype(np.int32), part.data)
        solver.run(highs, self.a.budget, size=len(among), integral=True)
        solution = highs.getSolution()
        if not solution.value_valid:
            return None
        values = np.round(np.asarray(solution.col_value))
        moves = np.zeros(self.width)
        moves[among] = values[: len(among)] - values[len(among) :]
        return moves

    def _table(self, moves: np.ndarray) -> np.ndarray:
        x = self.anchor.copy()
        x[self.room.free] += moves
        return x


def evenly(attacker: Attacker) -> np.ndarray:
    """Spread the true counts over the unknowns as evenly as the sums allow."""
    low, high = attacker.cell_bounds(np.zeros(len(attacker.problem.keys)))
    rows = attacker.problem.incidence.cells
    spread = np.ones(rows.shape[1])
    told = [(c, rows.indices[rows.indptr[c] : rows.indptr[c + 1]]) for c in np.flatnonzero(low == high)]
    for _ in range(_SWEEPS):
        for cell, members in told:
            there = spread[members].sum()
            if there > 0:
                spread[members] *= low[cell] / there
    attacker.budget.spent += _SWEEPS * len(told) / 10
    return spread


def find_anchor(room: "Room", share: float = _ANCHOR_SHARE) -> np.ndarray | None:
    """Find a table in whole numbers for a room that shows all that is new; None if none is met soon."""
    budget = room.a.budget
    until = budget.spent + share * budget.limit
    if not len(room.free):
        return room.fixed_part.copy()
    if len(room.free) > _WIDE:
        return _mended(room, until)
    rng = np.random.default_rng(len(room.free))
    while budget.spent < until:
        middle = np.zeros(len(room.free))
        for _ in range(_CORNERS):
            x = room.corner(rng.random(len(room.free)))
            if x is None:
                return None
            if np.abs(x - np.round(x)).max(initial=0.0) < TINY:
                return np.round(x)
            middle += x[room.free] / _CORNERS
        found = _pumped(room, np.clip(np.round(middle), room.lower, room.upper), rng, until)
        if found is not None:
            return _filled(room, found)
    return None


def _pumped(room: "Room", guess: np.ndarray, rng: np.random.Generator, until: float) -> np.ndarray | None:
    """Go to the nearest table, round, and search for the last step among a few of the unknowns."""
    for _ in range(_PUMPS):
        near = _nearest(room, guess)
        if near is None or room.a.budget.spent >= until:
            return None
        blurred = np.abs(near - np.round(near)) > TINY
        guess = np.clip(np.round(near), room.lower, room.upper)
        if not blurred.any():
            return guess
    among = np.union1d(np.flatnonzero(blurred), rng.permutation(len(guess))[:_SEARCHED])
    return _nearest_whole(room, guess, among, until)


def _mended(room: "Room", until: float) -> np.ndarray | None:
    """Spread the people evenly, round, mend unknown by unknown, and search for what is left."""
    if room.part.shape[0] * room.part.shape[1] > _LARGE:
        return None  # such a search may not end soon
    guess = _descended(room, np.clip(np.round(evenly(room.a)[room.free]), room.lower, room.upper))
    everything = np.arange(len(guess))
    found = _moves(room, guess, everything, most=2.0, integral=True, until=until, price=1.0)
    return None if found is None else _filled(room, found)


def _descended(room: "Room", guess: np.ndarray) -> np.ndarray:
    """Add or take one person at a time, where that mends most, until no single one mends anything."""
    across, weight = room.part.T.tocsr(), np.asarray(room.part.power(2).sum(axis=0)).ravel()
    guess = guess.copy()
    told = room.part @ guess
    for _ in range(_STEPS * len(weight)):
        lacks = np.clip(told, room.row_low, room.row_high) - told
        pull = across @ lacks
        gain = np.where(pull > 0, guess < room.upper, guess > room.lower) * (2 * np.abs(pull) - weight)
        best = int(np.argmax(gain))
        if gain[best] <= TINY:
            break
        step = np.sign(pull[best])
        guess[best] += step
        told += step * across[best].toarray().ravel()
        room.a.budget.spent += len(weight) / 2000
    return guess


def _nearest(room: "Room", guess: np.ndarray) -> np.ndarray | None:
    """Return the table that is nearest to some numbers, people moved one by one."""
    return _moves(room, guess, np.arange(len(guess)), most=np.inf, integral=False, until=None)


def _nearest_whole(room: "Room", guess: np.ndarray, among: np.ndarray, until: float) -> np.ndarray | None:
    """Return a table in whole numbers near some numbers of which only a few may change."""
    return _moves(room, guess, among, most=2.0, integral=True, until=until)


def _moves(
    room: "Room",
    guess: np.ndarray,
    among: np.ndarray,
    *,
    most: float,
    integral: bool,
    until: float | None,
    price: float | None = None,
) -> np.ndarray | None:
    part, shift = room.part[:, among].tocsr(), room.part @ guess
    options: dict[str, int | str] = (
        {"mip_max_nodes": _NODES, "mip_max_improving_sols": 1} if integral else {"presolve": "off"}
    )
    highs = solver.new_solver(**options)
    up, down = np.minimum(room.upper - guess, most), np.minimum(guess - room.lower, most)
    solver.load(
        highs,
        cost=np.full(2 * len(among), (0.0 if integral else 1.0) if price is None else price),
        lower=np.zeros(2 * len(among)),
        upper=np.concatenate((up[among], down[among])),
        matrix=sparse.hstack([part, -part]).tocsr(),
        row_lower=room.row_low - shift,
        row_upper=room.row_high - shift,
        integral=integral,
    )
    size = len(among) if integral else 2 * len(among) + len(room.rows)
    answer = solver.run(highs, room.a.budget, size=size, integral=integral, until=until)
    solution = highs.getSolution()
    if not (solution.value_valid if integral else solver.is_optimal(answer)):
        return None
    values = np.asarray(solution.col_value)
    near = guess.copy()
    near[among] += values[: len(among)] - values[len(among) :]
    return np.round(near) if integral else near


def _filled(room: "Room", values: np.ndarray) -> np.ndarray:
    x = room.fixed_part.copy()
    x[room.free] = values
    return x
