"""Linkage by keyed tokens: exact joins, and a weight for every pattern of agreement, learnt in the run.

Evidence carries a grain that follows from the two records' tokens, far too small to weigh, so that pairs of
one pattern are taken in an order that does not depend on the rows'.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pyarrow as pa

from matching.engine.engines import joins, worth
from matching.engine.engines.edges import Edges, Limits, Model, Pair
from matching.engine.rules import BY_FIELD, Rule
from matching.engine.spec import Spec

NAME: Final = "tokens"
_GRAIN: Final = 1e-6
_UNSEEN: Final = "No file here has one row a person; how often chance agrees is taken from the rules."


def fit(spec: Spec, pair: Pair, left: pa.Table, right: pa.Table, *, limits: Limits) -> Model:
    """Learn what every pattern of agreement between two files is worth."""
    return Comparing(spec, pair, left, right).model()


def score(spec: Spec, model: Model, left: pa.Table, right: pa.Table, *, limits: Limits) -> Edges:
    """Score every pair that shares a token."""
    return Comparing(spec, model.pair, left, right).edges(model)


class Comparing:
    """Two files compared by their tokens, or one with itself."""

    def __init__(self, spec: Spec, pair: Pair, left: pa.Table, right: pa.Table) -> None:
        self._spec, self._pair = spec, pair
        self._left, self._right = left, None if pair.one_file else right
        common = spec.fields_of(pair.left) & spec.fields_of(pair.right)
        wanted = {field for block in spec.blocks for field in block.on}
        self.rules: list[Rule] = [r for f, r in BY_FIELD.items() if f in common & wanted and self._takes(r)]

    def _takes(self, rule: Rule) -> bool:
        return not rule.is_block

    def model(self) -> Model:
        """Return what was learnt."""
        blocks: list[joins.Block] = []
        rows = self._left.num_rows, self._other.num_rows
        possible = rows[0] * (rows[0] - 1) / 2 if self._pair.one_file else float(rows[0] * rows[1])
        across = worth.counted([p for _, _, _, p in self._found(self._left, self._right, blocks)], possible)
        within = [] if self._pair.one_file else list(self._within())
        learnt = worth.learn(self.rules, across, within, self._held())
        return Model(
            pair=self._pair,
            prior=learnt.prior,
            weights=worth.shares(self.rules, learnt, possible),
            blocks=[],
            settings={"learnt": learnt, "blocks": blocks},
            notes=[] if within else [_UNSEEN],
        )

    def edges(self, model: Model) -> Edges:
        """Return the scored pairs in the order of their rows."""
        learnt: worth.Learnt = model.settings["learnt"]
        none = np.empty(0, np.int64)
        parts: list[list[np.ndarray]] = [[none], [none], [none], [none]]
        for place, left, right, pattern in self._found(self._left, self._right, []):
            found = (left, right, pattern, np.full(len(left), place, np.int16))
            for part, values in zip(parts, found, strict=True):
                part.append(values)
        left, right, pattern, rule = (np.concatenate(part) for part in parts)
        for rule_of, block in zip(self.rules, model.settings["blocks"], strict=True):
            model.blocks.append({"block": rule_of.words, **asdict(block)})
        order = np.lexsort((right, left))
        left, right = left[order], right[order]
        evidence = learnt.evidence_of(pattern[order]) + self._grain(left, right)
        return Edges(self._pair, left, right, evidence, rule[order].astype(np.int16), learnt.prior)

    @property
    def _other(self) -> pa.Table:
        return self._left if self._right is None else self._right

    def _columns(self, left: pa.Table, right: pa.Table | None) -> list[joins.Coded]:
        return [joins.coded(left, right, rule.field) for rule in self.rules]

    def _found(self, left: pa.Table, right: pa.Table | None, blocks: list[joins.Block]) -> Any:
        """Yield for each rule its number and the pairs that it is the first to find, with their patterns."""
        columns = self._columns(left, right)
        rows = left.num_rows + (right or left).num_rows
        caps = {"key_cap": self._spec.block_cap, "total_cap": self._spec.pairs_per_row * rows}
        for place, one, other, block in joins.pairs(columns, one_file=right is None, **caps):
            agree = {at: column.agree(one, other) for at, column in enumerate(columns)}
            differ = {bit: columns[at].differ(one, other) for at, bit in worth.differing(self.rules).items()}
            level = self._level(left, right, one, other)
            kept = self._worth(place, level)
            blocks.append(block)
            yield place, one[kept], other[kept], worth.patterns(agree, differ, level)[kept]

    def _level(
        self, left: pa.Table, right: pa.Table | None, one: np.ndarray, other: np.ndarray
    ) -> np.ndarray:
        """Return how alike the pairs are beyond their tokens: here nothing more is known."""
        return np.zeros(len(one), np.int8)

    def _worth(self, place: int, level: np.ndarray) -> np.ndarray:
        """Tell which pairs are kept."""
        return np.ones(len(level), bool)

    def _within(self) -> Any:
        """Yield the patterns that chance gives: of pairs within a file that has one row a person."""
        for name, table in ((self._pair.left, self._left), (self._pair.right, self._other)):
            if self._spec.files[name].unique and table.num_rows > 1:
                possible = table.num_rows * (table.num_rows - 1) / 2
                yield worth.counted([p for _, _, _, p in self._found(table, None, [])], possible)

    def _held(self) -> dict[int, float]:
        """Return how likely both records of a pair have each number."""

        def share(table: pa.Table, rule: Rule) -> float:
            return 1 - table[rule.field].null_count / max(table.num_rows, 1)

        return {
            place: share(self._left, self.rules[place]) * share(self._other, self.rules[place])
            for place in worth.differing(self.rules)
        }

    def _grain(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        columns = self._columns(self._left, self._right)
        if not columns:
            return np.zeros(len(left))
        one, other = joins.weights_of(columns, "left"), joins.weights_of(columns, "right")
        with np.errstate(over="ignore"):
            both = joins.mixed(one[left] + other[right])
        return (both >> np.uint64(11)).astype(float) / 2**53 * _GRAIN
