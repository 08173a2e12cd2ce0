"""Finding candidates: pairs without doubt, then what the blocks give, and pairs by chance."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np

from matching.engine.coded import Records
from matching.engine.engines.edges import Limits, Pair
from matching.engine.engines.joins import mixed
from matching.engine.engines.meetings import Groups, Side, met, met_within, once
from matching.engine.spec import Block, Spec

_CHANCE_PAIRS: Final = 200_000
_DRAWN: Final = 40_000
_STEP: Final = 7919
_TIGHT: Final = frozenset({"ssn", "sasid", "birth_date"})
_BYTES_OF_A_PAIR: Final = 64
"""What a candidate takes until it is scored."""


class Candidates:
    """The candidates of one pair of files."""

    def __init__(self, spec: Spec, pair: Pair, left: Records, right: Records, limits: Limits) -> None:
        self._spec, self._pair, self._limits = spec, pair, limits
        self._sides = left, right
        self._rest = [np.arange(side.num_rows) for side in self._sides]
        self._pairs: list[np.ndarray] = []
        self._count = 0

    def sure(self, passes: Sequence[Sequence[str]], numbers: Sequence[str]) -> int:
        """Find the pairs without doubt, and say how many; the others are what is left."""
        found = 0
        for on in passes if not self._pair.one_file else ():
            one, other = once(*(side.keys(on) for side in self._all_or_rest(rest=(True, True))))
            fits = np.ones(len(one), dtype=bool)
            for number in numbers:
                mine, theirs = self._sides[0].codes(number)[one], self._sides[1].codes(number)[other]
                fits &= (mine == theirs) | (mine < 0) | (theirs < 0)
            pair = one[fits], other[fits]
            self._rest = [_without(*both) for both in zip(self._rest, pair, strict=True)]
            self._keep(*pair, rule=0)
            found += int(fits.sum())
        return found

    def candidates(self, blocks: Sequence[Block]) -> list[dict[str, Any]]:
        """Find what the blocks give, and return how many pairs each gave and left out."""
        sides = {rest: self._all_or_rest(rest) for rest in {self._where(block) for block in blocks}}
        sizes = []
        with ThreadPoolExecutor(self._limits.threads) as pool:
            groups = pool.map(lambda block: self._groups(block, *sides[self._where(block)]), blocks)
            for number, (block, found) in enumerate(zip(blocks, groups, strict=True), start=1):
                one, other = found.lefts, found.rights
                pairs = one * (one - 1) // 2 if self._pair.one_file else one * other
                full = self._full(pairs, rows=sum(len(side.rows) for side in sides[self._where(block)]))
                sizes.append(
                    {
                        "block": block.name,
                        "pairs": int(pairs[~full].sum()),
                        "keys_left_out": int(full.sum()),
                        "pairs_left_out": int(pairs[full].sum()),
                    }
                )
                self._take(found.some(~full) if full.any() else found, number)
        return sizes

    def _groups(self, block: Block, left: Side, right: Side) -> Groups:
        if self._pair.one_file:
            return met_within(left.keys(block.on))
        return met(left.keys(block.on), right.keys(block.on))

    def _all_or_rest(self, rest: tuple[bool, bool]) -> tuple[Side, Side]:
        left, right = (
            Side(side, left_over if only else np.arange(side.num_rows))
            for side, left_over, only in zip(self._sides, self._rest, rest, strict=True)
        )
        return left, right

    def _where(self, block: Block) -> tuple[bool, bool]:
        """Tell for either side whether a block looks only among those that are not yet sure.

        A record that is sure of its one partner in a file of one row a person has no other there.
        """
        if self._pair.one_file:
            return True, True  # nobody is sure in a single file: the rest is all
        loose = not _TIGHT & set(block.on)
        files = self._spec.files
        return loose or files[self._pair.right].unique, loose or files[self._pair.left].unique

    def _full(self, pairs: np.ndarray, *, rows: int) -> np.ndarray:
        """Tell which keys of a block would alone, or all together, give too many pairs: the fullest go."""
        cap = self._spec.pairs_per_row * rows
        full: np.ndarray = pairs > self._spec.block_cap
        if int(pairs.sum()) > cap:
            size, keys = np.unique(pairs, return_counts=True)
            over = np.cumsum(size * keys) > cap
            full |= pairs >= size[over][0]
        return full

    def _take(self, groups: Groups, rule: int) -> None:
        self._allow(int((groups.lefts * groups.rights).sum()))
        left, right = groups.pairs()
        if self._pair.one_file:
            once_each = left < right
            left, right = left[once_each], right[once_each]
        self._keep(left, right, rule)

    def _allow(self, more: int) -> None:
        """Pass if so many more pairs fit into memory.

        :raises NeedsMoreMemory: if they do not
        """
        self._count += more
        self._limits.hold(self._count, each=_BYTES_OF_A_PAIR)

    def _keep(self, left: np.ndarray, right: np.ndarray, rule: int) -> None:
        wide, narrow = self._bits()
        self._pairs.append((left << wide) | (right << narrow) | rule)

    def _bits(self) -> tuple[int, int]:
        """Return by how much a row on the left and one on the right are moved in a pair's one number."""
        narrow = (len(self._spec.blocks) + 1).bit_length()
        return narrow + max(self._sides[1].num_rows, 1).bit_length(), narrow

    def found(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the candidates in the order of their rows, each once, and which block found each first."""
        wide, narrow = self._bits()
        pairs = np.sort(np.concatenate([*self._pairs, np.empty(0, np.int64)]))
        self._pairs = []
        both = pairs >> narrow
        first = np.concatenate([[True], both[1:] != both[:-1]])[: len(both)]
        both, rule = both[first], pairs[first] & ((1 << narrow) - 1)
        return both >> (wide - narrow), both & ((1 << (wide - narrow)) - 1), rule.astype(np.int16)

    def drawn(self, weights: Sequence[tuple[str, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        """Return pairs drawn by chance.

        Records are drawn by a number made of what they hold, each side by its own, never by their place in
        the file: the same records give the same sample in whatever order they come.
        """
        rows = []
        for side, records in enumerate(self._sides):
            mark = np.full(records.num_rows, self._spec.seed + side, np.uint64)
            with np.errstate(over="ignore"):
                for column, weight in weights:
                    mark = mixed(mark) + np.append(weight, np.uint64(1))[records.codes(column)]
            mark = mixed(mark)
            few = np.argpartition(mark, _DRAWN)[:_DRAWN] if len(mark) > _DRAWN else np.arange(len(mark))
            rows.append(few[np.argsort(mark[few], kind="stable")])
        if not len(rows[0]) or not len(rows[1]):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        number = np.arange(_CHANCE_PAIRS)
        lefts, rights = len(rows[0]), len(rows[1])
        one = rows[0][number % lefts]
        other = rows[1][(number + number // lefts * _STEP) % rights]
        apart = one != other if self._pair.one_file else np.ones(len(one), dtype=bool)
        return one[apart], other[apart]


def _without(rows: np.ndarray, gone: np.ndarray) -> np.ndarray:
    kept = np.ones(int(rows.max(initial=-1)) + 1, dtype=bool)
    kept[gone] = False
    return rows[kept[rows]]
