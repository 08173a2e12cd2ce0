"""Tokens first, hardened Bloom filters for the residue: what shares a looser block is compared by filter.

How alike two filters are becomes part of the pattern, and its worth is learnt as that of the tokens is.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from matching.engine import bloom
from matching.engine.engines import tokens
from matching.engine.engines.edges import Limits, Pair
from matching.engine.rules import CLK_FIELD, Rule
from matching.engine.spec import Spec

NAME: Final = "clk"
_STEPS: Final = np.array([0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95])
_CHUNK: Final = 1 << 18


class Comparing(tokens.Comparing):
    """Two files compared by tokens and filters."""

    def __init__(self, spec: Spec, pair: Pair, left: pa.Table, right: pa.Table, limits: Limits) -> None:
        self._filtered = CLK_FIELD in spec.fields_of(pair.left) & spec.fields_of(pair.right)
        self._read: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        super().__init__(spec, pair, left, right, limits)

    def _takes(self, rule: Rule) -> bool:
        return self._filtered or not rule.is_block

    def _level(
        self, left: pa.Table, right: pa.Table | None, one: np.ndarray, other: np.ndarray
    ) -> np.ndarray:
        """Return for each pair the step of likeness that its filters reach; 0 where there is none."""
        level = np.zeros(len(one), np.int8)
        if not self._filtered:
            return level
        (ours, have), (theirs, they_have) = (
            self._filters(left),
            self._filters(left if right is None else right),
        )
        both = np.flatnonzero(have[one] & they_have[other])
        for start in range(0, len(both), _CHUNK):
            at = both[start : start + _CHUNK]
            level[at] = 1 + np.searchsorted(_STEPS, bloom.alike(ours[one[at]], theirs[other[at]]), "right")
        return level

    def _filters(self, table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        if id(table) not in self._read:
            self._read[id(table)] = bloom.read(table[CLK_FIELD])
        return self._read[id(table)]

    def _worth(self, place: int, level: np.ndarray) -> np.ndarray:
        """Keep what a token found, and of what a block found that which is alike."""
        return level > 1 if self.rules[place].is_block else np.ones(len(level), bool)


fit, score, fit_and_score = Comparing.fit, Comparing.score, Comparing.fit_and_score
