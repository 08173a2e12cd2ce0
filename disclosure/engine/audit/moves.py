"""Go from a table that fits to others that fit, by moving people around a few cells at a time.

A move takes one from half of the cells where some categories cross and adds one to the other half, by turns,
so that most totals stay as they are (basic moves: Diaconis and Sturmfels, Annals of Statistics 26, 1998).
Only moves that leave every fact as it is are made, so what is reached are whole numbers that agree with all
that is released. Many are made at once, where no corner of a linear programme would be whole.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from scipy import sparse

from disclosure.engine.audit.system import EPS, System, Wish
from disclosure.engine.audit.universe import Unknowns
from disclosure.engine.errors import SolverFailed

_TRIED: Final = 40_000  # moves drawn in one round
_FOR_ONE: Final = 5_000  # of them for one wish
_STIRRING: Final = 0.1  # of the moves that help nothing are made all the same, where there is room
_TURN: Final = 8  # rounds in which the same wishes go first
_WORTH: Final = 3  # wishes that a round has to grant: in its time a solver grants as many
_IDLE: Final = _TURN  # rounds that grant fewer, before wishes are asked for otherwise
_CROSSED: Final = 4  # categories that a move crosses at most
_CODES: Final = 400  # of a category, up to which is learnt which of them can be exchanged
_STEPS: Final = 2_000  # cells of a table that cost one step of work


@dataclass
class _Block:
    """Categories that are crossed, and what was learnt of them."""

    start: int
    dims: tuple[int, ...]
    strides: np.ndarray
    sizes: np.ndarray
    subsets: list[tuple[int, ...]]
    chosen: np.ndarray  # how often moves across each subset fitted, and a bit
    pairs: list[np.ndarray | None]  # the same of each two codes of a category


@dataclass
class _Drawn:
    """Moves: what each adds to a table, and what it was drawn for."""

    change: sparse.csc_matrix
    wish: np.ndarray
    helps: np.ndarray  # whether it brings that nearer, or only stirs
    subset: np.ndarray
    block: np.ndarray
    old: np.ndarray  # codes of the anchor
    new: np.ndarray  # codes it is exchanged with; the same where a category is not crossed


class Moves:
    """Moves between the tables of a system whose unknowns are crossings of categories."""

    def __init__(self, system: System, unknowns: Unknowns, seed: int) -> None:
        self.system = system
        self.rng = np.random.default_rng(seed)
        self.facts = system.part[system.telling].tocsr()
        self.low = system.rest_low[system.telling] - EPS
        self.high = system.rest_high[system.telling] + EPS
        self.place = np.full(unknowns.count, -1, dtype=np.int64)
        self.place[system.open] = system.family
        self.unknown = system.representative
        self.start = np.array(unknowns.start)
        self.deepest = max((len(dims) for dims in unknowns.blocks), default=0)
        self.blocks = [
            self._block(start, dims, [unknowns.universe.size[d] for d in dims])
            for start, dims in zip(unknowns.start, unknowns.blocks, strict=False)
        ]

    def _block(self, start: int, dims: tuple[int, ...], sizes: list[int]) -> _Block:
        strides = np.array([int(np.prod(sizes[i + 1 :])) for i in range(len(sizes))], dtype=np.int64)
        wide = [i for i, size in enumerate(sizes) if size > 1]
        subsets = [s for n in range(2, _CROSSED + 1) for s in combinations(wide, n)]
        pairs = [
            np.ones((n, n)) - np.eye(n) if 1 < n <= _CODES else None
            for n in sizes
        ]  # fmt: skip
        return _Block(start, dims, strides, np.array(sizes), subsets, np.ones(len(subsets)), pairs)

    def wander(
        self,
        table: np.ndarray,
        sums: sparse.csr_matrix,
        wishes: Sequence[Wish],
        see: Callable[[np.ndarray], list[Wish]],
    ) -> list[Wish]:
        """Show tables to `see`, which says what is still wished for; return that in the end."""
        left, idle, rounds = list(wishes), 0, 0
        table = np.round(table)
        while left and idle < _IDLE:
            try:
                self.system.work.ask()
            except SolverFailed:
                break
            self.system.work.spend(len(table) // _STEPS)
            if rounds % _TURN == 0:
                turn = {wish: self.rng.random() for wish in left}
            rounds += 1
            drawn = self._draw(table, sums, left)
            changed = self._moved(table, drawn, [turn[w] for w in left]) if drawn is not None else None
            if changed is None:
                idle += 1
                continue
            table = changed
            before = len(left)
            left = see(table)
            idle = idle + 1 if before - len(left) < min(_WORTH, max(1, before // 10)) else 0
        return left

    def _draw(self, table: np.ndarray, sums: sparse.csr_matrix, left: Sequence[Wish]) -> _Drawn | None:
        """Draw moves for wishes; only those that change no fact and no number that is known."""
        times = max(1, min(_FOR_ONE, _TRIED // len(left)))
        asked = np.repeat(self.rng.permutation(len(left))[:_TRIED], times)
        rows = np.array([w.sum for w in left])[asked]
        signs = np.array([w.sign for w in left])[asked]
        lengths = sums.indptr[rows + 1] - sums.indptr[rows]
        asked, rows, signs, lengths = (each[lengths > 0] for each in (asked, rows, signs, lengths))
        if not len(asked):
            return None
        at = sums.indptr[rows] + (self.rng.random(len(rows)) * lengths).astype(np.int64)
        anchor = sums.indices[at].astype(np.int64)
        signs = signs * np.sign(sums.data[at])
        enough = (signs > 0) | (table[anchor] > 0)
        asked, anchor, signs = asked[enough], anchor[enough], signs[enough]
        number = self.unknown[anchor]
        block = np.searchsorted(self.start, number, side="right") - 1
        entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        count = len(anchor)
        old, new = (np.zeros((count, self.deepest), dtype=np.int64) for _ in range(2))
        subset = np.full(count, -1)
        for b, one in enumerate(self.blocks):
            mine = np.flatnonzero(block == b)
            if not len(mine) or not one.subsets:
                continue
            codes = (number[mine] - one.start)[:, None] // one.strides % one.sizes
            others = self._exchanged(one, codes)
            subset[mine] = self.rng.choice(len(one.subsets), size=len(mine), p=one.chosen / one.chosen.sum())
            old[mine, : codes.shape[1]], new[mine, : codes.shape[1]] = codes, codes
            for s, dims in enumerate(one.subsets):
                inside = np.flatnonzero(subset[mine] == s)
                if len(inside):
                    moves = mine[inside]
                    crossed = np.array(dims)
                    new[np.ix_(moves, crossed)] = others[np.ix_(inside, crossed)]
                    entries += self._corners(one, dims, codes[inside], others[inside], moves, signs[moves])
                    entries += self._elsewhere(one, dims, codes[inside], others[inside], moves, signs[moves])
        if not entries:
            return None
        cells, moves, weights = (np.concatenate(each) for each in zip(*entries, strict=True))
        bad = np.zeros(count, dtype=bool)
        bad[moves[self.place[cells] < 0]] = True  # it would change what is known
        bad[subset < 0] = True
        keep = ~bad[moves]
        shape = (self.system.width, count)
        change = sparse.csc_matrix((weights[keep], (self.place[cells[keep]], moves[keep])), shape=shape)
        change.sum_duplicates()
        change.eliminate_zeros()
        broken = (self.facts @ change).tocsc()
        broken.data[abs(broken.data) < EPS] = 0.0  # percentages weigh people by fractions
        broken.eliminate_zeros()
        helps = self._helps(change, sums, left, asked)
        stirs = (self.rng.random(count) < _STIRRING) & (np.diff(change.indptr) > 0)
        good = np.flatnonzero((np.diff(broken.indptr) == 0) & (helps | stirs))
        if not len(good):
            return None
        drawn = _Drawn(
            change[:, good].tocsc(),
            asked[good],
            helps[good],
            subset[good],
            block[good],
            old[good],
            new[good],
        )
        self._learn(drawn)
        return drawn

    def _helps(
        self, change: sparse.csc_matrix, sums: sparse.csr_matrix, left: Sequence[Wish], asked: np.ndarray
    ) -> np.ndarray:
        """Say which moves bring the sum they were drawn for nearer to its goal."""
        signs = sparse.diags([float(w.sign) for w in left])
        gains = (change.T.tocsr() @ (signs @ sums[[w.sum for w in left]]).T).tocsr()
        return np.asarray(gains[np.arange(len(asked)), asked]).ravel() > EPS

    def _exchanged(self, one: _Block, codes: np.ndarray) -> np.ndarray:
        """Draw another code for each, oftener one that it could be exchanged with before."""
        found = codes.copy()
        for d, size in enumerate(one.sizes):
            pairs = one.pairs[d]
            if size < 2:
                continue
            if pairs is None:
                found[:, d] = (codes[:, d] + self.rng.integers(1, size, len(codes))) % size
                continue
            far = np.cumsum(pairs, axis=1)
            drawn = self.rng.random(len(codes)) * far[codes[:, d], -1]
            for code in np.unique(codes[:, d]):
                mine = codes[:, d] == code
                found[mine, d] = np.minimum(np.searchsorted(far[code], drawn[mine], side="right"), size - 1)
        return found

    def _corners(
        self,
        one: _Block,
        dims: tuple[int, ...],
        codes: np.ndarray,
        others: np.ndarray,
        moves: np.ndarray,
        signs: np.ndarray,
    ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return cell, move and weight of all corners that are crossed."""
        base = one.start + codes @ one.strides
        step = (others - codes) * one.strides
        found = []
        for mask in range(2 ** len(dims)):
            away = [dims[i] for i in range(len(dims)) if mask >> i & 1]
            turn = -1.0 if len(away) % 2 else 1.0
            found.append((base + step[:, away].sum(axis=1), moves, turn * signs))
        return found

    def _elsewhere(
        self,
        one: _Block,
        dims: tuple[int, ...],
        codes: np.ndarray,
        others: np.ndarray,
        moves: np.ndarray,
        signs: np.ndarray,
    ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return the corners of the same people, where they are crossed with other categories as well."""
        found = []
        crossed = {one.dims[d] for d in dims}
        for another in self.blocks:
            if another is one or not crossed <= set(another.dims):
                continue
            here = self.rng.integers(0, another.sizes, (len(codes), len(another.dims)))
            there = here.copy()
            for place, d in enumerate(another.dims):
                if d in one.dims:
                    here[:, place] = codes[:, one.dims.index(d)]
                    there[:, place] = others[:, one.dims.index(d)] if d in crossed else here[:, place]
            same = tuple(another.dims.index(d) for d in sorted(crossed))
            found += self._corners(another, same, here, there, moves, signs)
        return found

    def _learn(self, drawn: _Drawn) -> None:
        for b, one in enumerate(self.blocks):
            mine = (drawn.block == b) & drawn.helps
            if not mine.any():
                continue
            np.add.at(one.chosen, drawn.subset[mine], 1.0)
            for d, pairs in enumerate(one.pairs):
                if pairs is not None:
                    old, new = drawn.old[mine, d], drawn.new[mine, d]
                    other = old != new
                    np.add.at(pairs, (old[other], new[other]), 1.0)

    def _moved(self, table: np.ndarray, drawn: _Drawn, turn: Sequence[float]) -> np.ndarray | None:
        """Make moves that touch no cell of each other, each as far as it goes, or a part of that way.

        Wishes take turns in going first: two may pull at the same cells.
        """
        change = drawn.change
        count = change.shape[1]
        of = np.repeat(np.arange(count), np.diff(change.indptr))
        room = np.where(
            change.data < 0, np.floor(table[change.indices] / np.maximum(-change.data, 1.0)), np.inf
        )
        far = np.full(count, np.inf)
        np.minimum.at(far, of, room)
        able = np.isfinite(far) & (far >= 1)
        order = np.lexsort((self.rng.random(count), np.array(turn)[drawn.wish], ~drawn.helps))
        rank = np.empty(count, dtype=np.int64)
        rank[order] = np.arange(count)
        rank[~able] = count
        first = np.full(len(table), count)
        np.minimum.at(first, change.indices, rank[of])
        apart = able.copy()
        apart[of[first[change.indices] != rank[of]]] = False
        made = np.flatnonzero(apart)
        if not len(made):
            return None
        part = np.where(self.rng.random(len(made)) < 0.5, 1.0, self.rng.random(len(made)))
        steps = np.zeros(count)
        steps[made] = np.maximum(np.floor(far[made] * part), 1.0)
        moved = table + change @ steps
        told = self.facts @ moved
        fits = moved.min(initial=0.0) >= 0 and bool(((told >= self.low) & (told <= self.high)).all())
        return moved if fits else None
