"""Records that share a key: sorted side by side, so that nobody is compared with everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from matching.engine.coded import Column, Records
from matching.engine.engines.joins import mixed

_ROOM: Final = 2**63
_SLOTS: Final = 3
"""Two to the power of this, at least so many slots has each record where keys are looked for first."""
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)


class Side:
    """Some records of one file, for which keys are made."""

    def __init__(self, records: Records, rows: np.ndarray) -> None:
        self.rows = rows
        self._records = records
        self._whole = len(rows) == records.num_rows
        self._cut: dict[int, tuple[Column, np.ndarray]] = {}

    def keys(self, on: Sequence[str]) -> Keyed:
        """Return the records that hold all these columns, each with its key; nothing never equals nothing."""
        parts = [part for column in on for part in self._records.coding.parts(column)]
        codes = [self._codes(part) for part in parts]
        known = np.bitwise_or.reduce(codes) >= 0 if len(codes) > 1 else codes[0] >= 0
        key, room = np.zeros(len(self.rows), np.int64), 1
        for part, own in zip(parts, codes, strict=True):
            size = max(len(part.values), 1)
            room *= size
            if room >= _ROOM:
                key = mixed(key.view(np.uint64)).view(np.int64)
            elif room > size:
                key *= size
            key += own
        return Keyed(self.rows[known], key.view(np.uint64)[known])

    def _codes(self, part: Column) -> np.ndarray:
        whole = part.codes[self._records.place]
        if self._whole:
            return whole
        if id(part) not in self._cut:
            self._cut[id(part)] = part, whole[self.rows]
        return self._cut[id(part)][1]


@dataclass(frozen=True)
class Keyed:
    """Records and the key of each."""

    rows: np.ndarray
    keys: np.ndarray

    def some(self, chosen: np.ndarray) -> Keyed:
        """Return some of them."""
        return Keyed(self.rows[chosen], self.keys[chosen])


@dataclass(frozen=True)
class Groups:
    """Records of two sides by the keys that both have: one group's stand side by side."""

    left: np.ndarray
    right: np.ndarray
    lefts: np.ndarray
    rights: np.ndarray
    """How many records each group has on either side."""

    def some(self, kept: np.ndarray) -> Groups:
        """Return some of the groups."""
        return Groups(
            self.left[np.repeat(kept, self.lefts)], self.right[np.repeat(kept, self.rights)],
            self.lefts[kept], self.rights[kept],
        )  # fmt: skip

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Return every pair of records of one group."""
        each = np.repeat(self.rights, self.lefts)
        start = np.repeat(np.cumsum(self.rights) - self.rights, self.lefts)
        place = np.arange(int(each.sum())) - np.repeat(np.cumsum(each) - each - start, each)
        return np.repeat(self.left, each), self.right[place]


def met(left: Keyed, right: Keyed) -> Groups:
    """Return who shares a key across two sides."""
    left, right = _who_may_meet(left, right)
    order, group, count = _sorted(np.concatenate([left.keys, right.keys]))
    ours = order < len(left.keys)
    lefts = np.bincount(group[ours], minlength=count)
    rights = np.bincount(group[~ours], minlength=count)
    both = (lefts > 0) & (rights > 0)
    kept = both[group]
    return Groups(
        left.rows[order[ours & kept]],
        right.rows[order[~ours & kept] - len(left.keys)],
        lefts[both],
        rights[both],
    )


def met_within(records: Keyed) -> Groups:
    """Return who shares a key on one side, which then stands on both."""
    order, group, count = _sorted(records.keys)
    size = np.bincount(group, minlength=count)
    rows, several = records.rows[order[size[group] > 1]], size[size > 1]
    return Groups(rows, rows, several, several)


def once(left: Keyed, right: Keyed) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs whose key stands once on either side."""
    groups = met(left, right)
    single = groups.some((groups.lefts == 1) & (groups.rights == 1))
    return single.left, single.right


def _sorted(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the order of the keys, the group of each in that order, and how many groups there are."""
    if not len(keys):
        none = np.empty(0, np.int64)
        return none, none, 0
    order = np.argsort(keys)
    held = keys[order]
    group = np.cumsum(np.concatenate([[False], held[1:] != held[:-1]]))
    return order, group, int(group[-1]) + 1


def _who_may_meet(left: Keyed, right: Keyed) -> tuple[Keyed, Keyed]:
    """Leave out most of those whose key the other side does not have, before anything is sorted."""
    bits = max(len(left.keys), len(right.keys)).bit_length() + _SLOTS
    slots, other = (_slots(side.keys, bits) for side in (left, right))
    taken = np.zeros(1 << bits, dtype=bool)
    taken[other] = True
    ours = np.flatnonzero(taken[slots])
    taken[:] = False
    taken[slots[ours]] = True
    return left.some(ours), right.some(np.flatnonzero(taken[other]))


def several(keys: np.ndarray) -> np.ndarray:
    """Return the places of all keys that stand more than once, and of a few others."""
    slots = _slots(keys.view(np.uint64), max(len(keys), 1).bit_length() + _SLOTS)
    return np.flatnonzero(np.bincount(slots, minlength=1)[slots] > 1)


def _slots(keys: np.ndarray, bits: int) -> np.ndarray:
    with np.errstate(over="ignore"):
        return ((keys * _SPREAD) >> np.uint64(64 - bits)).view(np.int64)
