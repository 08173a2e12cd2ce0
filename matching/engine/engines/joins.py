"""Which records share a token: exact joins on codes, each pair found once, whatever the order of the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_TOKEN: Final = 24  # letters of a token
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_TURN: Final = np.uint64(29)


@dataclass(frozen=True)
class Coded:
    """One column of both sides as numbers that are equal where the tokens are; -1 for none."""

    left: np.ndarray
    right: np.ndarray
    tokens: pa.Array
    """The token of each number."""

    def within(self, side: str) -> Coded:
        """Return the column of one side, compared with itself."""
        codes = getattr(self, side)
        return Coded(codes, codes, self.tokens)

    def agree(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Tell which pairs share the token."""
        one = self.left[left]
        return (one == self.right[right]) & (one >= 0)

    def differ(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Tell which pairs both have a token, and not the same."""
        one, other = self.left[left], self.right[right]
        return (one != other) & (one >= 0) & (other >= 0)


def coded(left: pa.Table, right: pa.Table | None, column: str) -> Coded:
    """Return a column of two files, or of one, as codes."""
    sides = [left] if right is None else [left, right]
    text = pa.chunked_array([chunk for table in sides for chunk in table[column].chunks], pa.string())
    encoded = text.combine_chunks().dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    first = codes[: left.num_rows]
    return Coded(first, first if right is None else codes[left.num_rows :], encoded.dictionary)


def _weights(tokens: pa.Array) -> np.ndarray:
    if not len(tokens):
        return np.empty(0, np.uint64)
    cut = pc.utf8_rpad(pc.utf8_slice_codeunits(tokens, 0, _TOKEN), _TOKEN).cast(pa.binary())
    plain = np.frombuffer(b"".join(cut.to_pylist()), np.uint64).reshape(-1, _TOKEN // 8)
    return mixed(mixed(mixed(plain[:, 0]) + plain[:, 1]) + plain[:, 2])


def mixed(numbers: np.ndarray) -> np.ndarray:
    """Spread numbers over all of 64 bits."""
    with np.errstate(over="ignore"):
        turned = (numbers ^ (numbers >> _TURN)) * _MIX
        return (turned ^ (turned >> _TURN)) * _MIX


def weights_of(columns: Sequence[Coded], side: str) -> np.ndarray:
    """Return a number for each record that follows from its tokens alone, never from its place."""
    total = np.zeros(len(getattr(columns[0], side)), np.uint64)
    for place, column in enumerate(columns):
        codes = getattr(column, side)
        held = np.flatnonzero(codes >= 0)
        total[held] += mixed(_weights(column.tokens)[codes[held]] + np.uint64(place))
    return total


@dataclass
class Block:
    """What one column gave: its pairs, and what was left out because too many records share it."""

    pairs: int = 0
    keys_left_out: int = 0
    pairs_left_out: int = 0


def pairs(
    columns: Sequence[Coded],
    *,
    one_file: bool,
    key_cap: int,
    total_cap: int,
    hold: Callable[[int], None] = lambda pairs: None,
) -> Iterator[tuple[int, np.ndarray, np.ndarray, Block]]:
    """Yield for each column the pairs that it is the first to find; `hold` may refuse their number."""
    kept: list[np.ndarray] = []
    for place, column in enumerate(columns):
        keep, block = _caps(column, one_file=one_file, key_cap=key_cap, total_cap=total_cap)
        hold(block.pairs)
        left, right = _joined(column, keep)
        if one_file:
            once = left < right
            left, right = left[once], right[once]
        for earlier, taken in zip(columns[:place], kept, strict=True):
            fresh = ~(earlier.agree(left, right) & taken[earlier.left[left]])
            left, right = left[fresh], right[fresh]
        kept.append(keep)
        yield place, left, right, block


def _caps(column: Coded, *, one_file: bool, key_cap: int, total_cap: int) -> tuple[np.ndarray, Block]:
    """Return which codes are joined: the fullest go first, all of one size together."""
    size = len(column.tokens)
    one = np.bincount(column.left[column.left >= 0], minlength=size)
    other = one if one_file else np.bincount(column.right[column.right >= 0], minlength=size)
    count = one * (one - 1) // 2 if one_file else one * other
    sizes, number = np.unique(count, return_counts=True)
    fits = (sizes <= key_cap) & (np.cumsum(sizes * number) <= total_cap)
    largest = int(sizes[fits].max(initial=0))
    keep = (count > 0) & (count <= largest)
    block = Block(int(count[keep].sum()), int((count > largest).sum()), int(count[count > largest].sum()))
    # One place more, so that the code of no token finds “not kept”.
    return np.append(keep, False), block


def _joined(column: Coded, keep: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    left = np.flatnonzero(keep[column.left])
    left = left[np.argsort(column.left[left], kind="stable")]
    right = np.flatnonzero(keep[column.right])
    codes = column.left[left]
    start = np.searchsorted(codes, column.right[right], side="left")
    stop = np.searchsorted(codes, column.right[right], side="right")
    times = stop - start
    place = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
    return left[np.repeat(start, times) + place], np.repeat(right, times)
