"""Linkage by keyed tokens: exact joins, and a weight for every pattern of agreement, learnt in the run.

Evidence carries a grain that follows from the two records' tokens, far too small to weigh, so that pairs of
one pattern are taken in an order that does not depend on the rows'.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Final

import numpy as np
import pyarrow as pa

from matching.engine.engines import joins, worth
from matching.engine.engines.edges import Edges, Limits, Model, Pair
from matching.engine.rules import BY_FIELD, Rule
from matching.engine.spec import Spec

NAME: Final = "tokens"
_GRAIN: Final = 1e-6
_BYTES_OF_A_PAIR: Final = 64
"""What a candidate takes while its pattern is found."""
_UNSEEN: Final = "No file here has one row a person; how often chance agrees is taken from the rules."


@dataclass(frozen=True)
class _Pairs:
    """Pairs of records, their patterns, the rule that found each, and what every rule gave."""

    left: np.ndarray
    right: np.ndarray
    pattern: np.ndarray
    rule: np.ndarray
    blocks: list[joins.Block]

    @classmethod
    def joined(cls, parts: Sequence[_Pairs]) -> _Pairs:
        """Put the pairs of all rules together."""
        if not parts:
            none = np.empty(0, np.int64)
            return cls(none, none, none, none.astype(np.int16), [])
        columns = zip(*((p.left, p.right, p.pattern, p.rule) for p in parts), strict=True)
        left, right, pattern, rule = (np.concatenate(column) for column in columns)
        return cls(left, right, pattern, rule, [block for p in parts for block in p.blocks])


class Comparing:
    """Two files compared by their tokens, or one with itself."""

    def __init__(self, spec: Spec, pair: Pair, left: pa.Table, right: pa.Table, limits: Limits) -> None:
        self._spec, self._pair, self._limits = spec, pair, limits
        self._left, self._right = left, None if pair.one_file else right
        common = spec.fields_of(pair.left) & spec.fields_of(pair.right)
        wanted = {field for block in spec.blocks for field in block.on}
        self.rules: list[Rule] = [r for f, r in BY_FIELD.items() if f in common & wanted and self._takes(r)]
        self._columns = [joins.coded(left, self._right, rule.field) for rule in self.rules]

    @classmethod
    def fit(cls, spec: Spec, pair: Pair, left: pa.Table, right: pa.Table, *, limits: Limits) -> Model:
        """Learn what every pattern of agreement between two files is worth.

        :raises NeedsMoreMemory: if the limit is reached
        """
        return cls(spec, pair, left, right, limits).model()

    @classmethod
    def score(cls, spec: Spec, model: Model, left: pa.Table, right: pa.Table, *, limits: Limits) -> Edges:
        """Score every pair that shares a token, or whatever else makes a candidate here.

        :raises NeedsMoreMemory: if the limit is reached
        """
        return cls(spec, model.pair, left, right, limits).edges(model)

    @classmethod
    def fit_and_score(
        cls, spec: Spec, pair: Pair, left: pa.Table, right: pa.Table, *, limits: Limits
    ) -> tuple[Model, Edges]:
        """Learn and score in one go: tokens are compared with tokens once less.

        :raises NeedsMoreMemory: if the limit is reached
        """
        comparing = cls(spec, pair, left, right, limits)
        model = comparing.model()
        return model, comparing.edges(model)

    def _takes(self, rule: Rule) -> bool:
        return not rule.is_block

    def model(self) -> Model:
        """Return what was learnt."""
        rows = self._left.num_rows, self._other.num_rows
        possible = rows[0] * (rows[0] - 1) / 2 if self._pair.one_file else float(rows[0] * rows[1])
        within = [] if self._pair.one_file else list(self._within())
        learnt = worth.learn(self.rules, worth.counted(self._pairs.pattern, possible), within, self._held())
        return Model(
            pair=self._pair,
            prior=learnt.prior,
            weights=worth.shares(self.rules, learnt, possible),
            blocks=[],
            settings={"learnt": learnt},
            notes=[] if within else [_UNSEEN],
        )

    def edges(self, model: Model) -> Edges:
        """Return the scored pairs in the order of their rows."""
        learnt: worth.Learnt = model.settings["learnt"]
        pairs = self._pairs
        for rule, block in zip(self.rules, pairs.blocks, strict=True):
            model.blocks.append({"block": rule.words, **asdict(block)})
        order = np.lexsort((pairs.right, pairs.left))
        left, right = pairs.left[order], pairs.right[order]
        evidence = learnt.evidence_of(pairs.pattern[order]) + self._grain(left, right)
        return Edges(self._pair, left, right, evidence, pairs.rule[order], learnt.prior)

    @cached_property
    def _pairs(self) -> _Pairs:
        """The pairs that share a token."""
        return self._found(self._columns, self._left, self._right)

    @property
    def _other(self) -> pa.Table:
        return self._left if self._right is None else self._right

    def _found(self, columns: list[joins.Coded], left: pa.Table, right: pa.Table | None) -> _Pairs:
        """Return the pairs that share a token, with their patterns; each is counted to the first rule."""
        rows = left.num_rows + (left if right is None else right).num_rows
        caps = {"key_cap": self._spec.block_cap, "total_cap": self._spec.pairs_per_row * rows}
        parts: list[_Pairs] = []
        hold = partial(self._limits.hold, each=_BYTES_OF_A_PAIR)
        for place, one, other, block in joins.pairs(columns, one_file=right is None, hold=hold, **caps):
            agree = {at: column.agree(one, other) for at, column in enumerate(columns)}
            differ = {bit: columns[at].differ(one, other) for at, bit in worth.differing(self.rules).items()}
            level = self._level(left, right, one, other)
            pattern, kept = worth.patterns(agree, differ, level), self._worth(place, level)
            rule = np.full(int(kept.sum()), place, np.int16)
            parts.append(_Pairs(one[kept], other[kept], pattern[kept], rule, [block]))
        return _Pairs.joined(parts)

    def _level(
        self, left: pa.Table, right: pa.Table | None, one: np.ndarray, other: np.ndarray
    ) -> np.ndarray:
        """Return how alike the pairs are beyond their tokens: here nothing more is known."""
        return np.zeros(len(one), np.int8)

    def _worth(self, place: int, level: np.ndarray) -> np.ndarray:
        """Tell which pairs are kept."""
        return np.ones(len(level), bool)

    def _within(self) -> Iterator[worth.Counts]:
        """Yield the patterns that chance gives: of pairs within a file that has one row a person."""
        sides = (("left", self._pair.left, self._left), ("right", self._pair.right, self._other))
        for side, name, table in sides:
            if self._spec.files[name].unique and table.num_rows > 1:
                columns = [column.within(side) for column in self._columns]
                possible = table.num_rows * (table.num_rows - 1) / 2
                yield worth.counted(self._found(columns, table, None).pattern, possible)

    def _held(self) -> dict[int, float]:
        """Return how likely both records of a pair have each number."""

        def share(table: pa.Table, rule: Rule) -> float:
            return 1 - table[rule.field].null_count / max(table.num_rows, 1)

        return {
            place: share(self._left, self.rules[place]) * share(self._other, self.rules[place])
            for place in worth.differing(self.rules)
        }

    def _grain(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        if not self._columns:
            return np.zeros(len(left))
        one, other = joins.weights_of(self._columns, "left"), joins.weights_of(self._columns, "right")
        with np.errstate(over="ignore"):
            both = joins.mixed(one[left] + other[right])
        return (both >> np.uint64(11)).astype(float) / 2**53 * _GRAIN


fit, score, fit_and_score = Comparing.fit, Comparing.score, Comparing.fit_and_score
