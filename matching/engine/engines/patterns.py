"""From two prepared files to candidates, each with the pattern of its agreement as one whole number.

Pairs that agree on so much that no doubt is left, by keys that stand once in each file, come first. Only what
they leave over is sought by the wider blocks: that is what keeps candidates few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matching.engine import adapter, defaults
from matching.engine.adapter import LEFT, RIGHT, Connection
from matching.engine.engines import levels
from matching.engine.engines.candidates import Candidates
from matching.engine.engines.edges import Limits, Pair
from matching.engine.spec import Block, Comparison, Spec

_BUCKETS: Final = (2.0**-7, 2.0**-9, 2.0**-11, 2.0**-13, 2.0**-15)
"""Agreement on a value is told apart by how common it is: above the first, …, below the last."""
_AT_ONCE: Final = 400_000
"""So many pairs stand side by side in memory at a time."""
_NUMBERS: Final = ("ssn", "sasid")
_MADE_FROM: Final = {
    "nickname": ("first_canonical",),
    "shared_part": ("last_a", "last_b"),
    "other_given_name": ("first_name", "middle_name"),
    "swapped_names": ("first_name", "last_name"),
    "swapped_day": ("birth_swapped",),
}


@dataclass(frozen=True)
class Scale:
    """How a comparison's levels are numbered in a pattern: 0 unknown, exact by bucket, then the rest."""

    comparison: Comparison
    stride: int

    @property
    def states(self) -> int:
        """Return how many values this comparison has in a pattern."""
        return 1 + BUCKETS + len(self.comparison.levels) - 1

    def level_of(self, state: int) -> int | None:
        """Return the number of the level in the specification, or None for “unknown”."""
        return None if state == 0 else max(0, state - BUCKETS)

    def states_in(self, patterns: np.ndarray) -> np.ndarray:
        """Return the state of this comparison in each pattern."""
        return (patterns // self.stride) % self.states


BUCKETS: Final = len(_BUCKETS) + 1


@dataclass(frozen=True)
class Patterns:
    """All candidates of a pair of files, and what chance looks like there."""

    scales: list[Scale]
    left: np.ndarray
    right: np.ndarray
    rule: np.ndarray
    pattern: np.ndarray
    sure: np.ndarray
    """Which candidates the certain passes found."""
    blocks: list[dict[str, Any]]
    chance: tuple[np.ndarray, np.ndarray]
    """Patterns of random pairs, and how many pairs had each."""
    exact_by_chance: dict[str, np.ndarray]
    """For each field, by bucket: the share of pairs of different records of one file that agree."""
    possible: float
    residue: float
    """How many pairs there are, and how many among the records that are not sure of each other."""


def find(
    spec: Spec,
    pair: Pair,
    left: pa.Table,
    right: pa.Table,
    compared: Sequence[Comparison],
    blocks: Sequence[Block],
    *,
    limits: Limits,
) -> Patterns:
    """Find the candidates and their patterns.

    :raises NeedsMoreMemory: if the limit is reached
    """
    sides = {LEFT: left} if pair.one_file else {LEFT: left, RIGHT: right}
    marks, by_chance = _buckets(list(sides.values()), compared)
    scales = _scales(compared)
    passes = sure_passes(compared)
    columns = _columns(compared)
    keyed = {column for on in [*passes, *(block.on for block in blocks)] for column in on}
    numbers = [number for number in _NUMBERS if number in columns]
    needed = sorted(keyed | set(numbers))
    with (
        adapter.quiet("comparing the records"),
        adapter.database(memory=limits.memory, threads=limits.threads) as connection,
    ):
        for name, table in sides.items():
            load(connection, name, table, needed, columns)
        query = Candidates(spec, pair, connection, list(sides))
        drawn = query.drawn(left.num_rows, right.num_rows)
        sure = query.sure(passes, numbers, blocks)
        sizes = query.candidates(blocks)
        one, other, rule = query.found()
        compare = _Compare(connection, list(sides.values()), marks, columns, _expression(scales))
        pattern = compare.patterns(one, other)
        chance = np.unique(compare.patterns(*drawn), return_counts=True)
    possible, residue = _possible(pair, left.num_rows, right.num_rows, sure, spec)
    return Patterns(
        scales=scales,
        left=one,
        right=other,
        rule=rule,
        pattern=pattern,
        sure=rule < 1,
        blocks=[{"block": SURE_RULE, "pairs": sure, "keys_left_out": 0, "pairs_left_out": 0}, *sizes],
        chance=(chance[0], chance[1].astype(float)),
        exact_by_chance=by_chance,
        possible=possible,
        residue=residue,
    )


SURE_RULE: Final = "agree on nearly everything"


def sure_passes(compared: Sequence[Comparison]) -> list[tuple[str, ...]]:
    """Return the passes whose fields both files have."""
    fields = {comparison.field for comparison in compared}
    return [on for on in defaults.SURE if {defaults.COLUMNS[column] for column in on} <= fields]


def _possible(pair: Pair, left: int, right: int, sure: int, spec: Spec) -> tuple[float, float]:
    if pair.one_file:
        return max(left * (left - 1) / 2, 1.0), max(left * (left - 1) / 2, 1.0)
    lefts = left - sure if spec.files[pair.right].unique else left
    rights = right - sure if spec.files[pair.left].unique else right
    return max(float(left) * right, 1.0), max(float(lefts) * rights, 1.0)


def _scales(compared: Sequence[Comparison]) -> list[Scale]:
    scales, stride = [], 1
    for comparison in compared:
        scales.append(Scale(comparison, stride))
        stride *= scales[-1].states
    return scales


def _columns(compared: Sequence[Comparison]) -> list[str]:
    """Return the columns that the comparisons read."""
    wanted = [comparison.field for comparison in compared]
    for comparison in compared:
        for level in comparison.levels:
            wanted += _MADE_FROM.get(level.kind, ())
    return list(dict.fromkeys(wanted))


def _expression(scales: Sequence[Scale]) -> str:
    """Return the SQL that gives a pair's pattern."""
    terms = []
    for scale in scales:
        field = scale.comparison.field
        cases = [f"WHEN l_{field} IS NULL OR r_{field} IS NULL THEN 0"]
        cases.append(f"WHEN l_{field} = r_{field} THEN 1 + l_{field}_often")
        for number, level in enumerate(scale.comparison.levels[1:], start=1):
            told = levels.condition(field, level, "l_{}".format, "r_{}".format)
            state = BUCKETS + number
            cases.append(f"ELSE {state}" if level.kind == "else" else f"WHEN {told} THEN {state}")
        terms.append(f"(CASE {' '.join(cases)} END)::BIGINT * {scale.stride}")
    return " + ".join(terms)


def _buckets(
    sides: Sequence[pa.Table], compared: Sequence[Comparison]
) -> tuple[list[dict[str, pa.Array]], dict[str, np.ndarray]]:
    """Return for each file and field how common each row's value is, and what agreement is worth there.

    Agreement by chance is counted within each file: no pair there, or hardly one, is the same person.
    """
    marks: list[dict[str, pa.Array]] = [{} for _ in sides]
    by_chance: dict[str, np.ndarray] = {}
    for comparison in compared:
        field = comparison.field
        chunks = [table[field].combine_chunks() for table in sides]
        encoded = pa.chunked_array(chunks, pa.string()).combine_chunks().dictionary_encode()
        codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
        counts, start = [], 0
        for chunk in chunks:
            own = codes[start : start + len(chunk)]
            counts.append(np.bincount(own[own >= 0], minlength=len(encoded.dictionary)).astype(float))
            start += len(chunk)
        total = np.sum(counts, axis=0)
        share = total / max(float(total.sum()), 1.0)
        if field in _NUMBERS:
            bucket = np.where(np.maximum.reduce(counts) > 1, 0, BUCKETS - 1).astype(np.int8)
        else:
            place = np.searchsorted(np.array(_BUCKETS[::-1]), share, side="right")
            bucket = (len(_BUCKETS) - place).astype(np.int8)
        by_row = np.append(bucket, np.int8(0))[codes]
        start = 0
        for mark, chunk in zip(marks, chunks, strict=True):
            mark[field] = pa.array(by_row[start : start + len(chunk)])
            start += len(chunk)
        by_chance[field] = _within(counts, bucket)
    return marks, by_chance


def _within(counts: Sequence[np.ndarray], bucket: np.ndarray) -> np.ndarray:
    agree, possible = np.zeros(BUCKETS), 0.0
    for own in counts:
        agree += np.bincount(bucket, weights=own * (own - 1) / 2, minlength=BUCKETS)
        possible += float(own.sum()) * (float(own.sum()) - 1) / 2
    return agree / max(possible, 1.0)


def load(
    connection: Connection, name: str, table: pa.Table, keyed: Sequence[str], compared: Sequence[str]
) -> None:
    """Copy into the database what keys are made of, and a hash of all that is compared."""
    wide = table.select(list(dict.fromkeys(["row", *keyed, *compared])))
    made = ", ".join(["row", *keyed, f"hash({', '.join(compared)}) AS mark"])
    adapter.copy(connection, f"{name}_keys", wide, made)


class _Compare:
    """Compares pairs of records: their values side by side, a piece at a time."""

    def __init__(
        self,
        connection: Connection,
        sides: Sequence[pa.Table],
        marks: Sequence[dict[str, pa.Array]],
        columns: Sequence[str],
        expression: str,
    ) -> None:
        self._connection, self._expression = connection, expression
        self._held = [
            {column: side[column].combine_chunks() for column in columns}
            | {f"{field}_often": mark for field, mark in own.items()}
            for side, own in zip(sides, marks, strict=True)
        ]

    def patterns(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the pattern of each pair, in the order of the pairs."""
        out = np.empty(len(left), dtype=np.int64)
        for start in range(0, len(left), _AT_ONCE):
            piece = slice(start, start + _AT_ONCE)
            taken: dict[str, pa.Array] = {}
            for side, held_there, rows in (
                ("l", self._held[0], pa.array(left[piece])),
                ("r", self._held[-1], pa.array(right[piece])),
            ):
                taken |= {f"{side}_{name}": values.take(rows) for name, values in held_there.items()}
            out[piece] = adapter.over(self._connection, pa.table(taken), f"{self._expression} AS pattern")[
                "pattern"
            ].to_numpy()
        return out
