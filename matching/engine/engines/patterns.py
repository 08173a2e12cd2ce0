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

from matching.engine import adapter, coded, defaults
from matching.engine.adapter import Connection
from matching.engine.coded import Records
from matching.engine.engines.candidates import Candidates
from matching.engine.engines.comparing import Comparing, Rows
from matching.engine.engines.edges import Limits, Pair
from matching.engine.page_words import roughly
from matching.engine.spec import Block, Comparison, Spec

_BUCKETS: Final = (2.0**-7, 2.0**-9, 2.0**-11, 2.0**-13, 2.0**-15)
"""Agreement on a value is told apart by how common it is: above the first, …, below the last."""
_NUMBERS: Final = ("ssn", "sasid")
_FOUND: Final = 0.3
_COMPARED: Final = 0.8
"""About which share of the work is done when the candidates are found, and when they are compared."""


@dataclass(frozen=True)
class Scale:
    """How a comparison's levels are numbered in a pattern: 0 unknown, exact by bucket, then the rest."""

    comparison: Comparison
    stride: int

    @property
    def states(self) -> int:
        """Return how many values this comparison has in a pattern."""
        return 1 + BUCKETS + len(self.comparison.levels) - 1

    @property
    def exact(self) -> int:
        """Return the last state of exact agreement; the levels after it follow."""
        return BUCKETS

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
    kind: np.ndarray
    """For each candidate which of the kinds below it is."""
    kinds: np.ndarray
    kind_sure: np.ndarray
    number: np.ndarray
    """For each kind its pattern, whether the certain passes found it, and how many candidates are of it."""
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
    left: Records | pa.Table,
    right: Records | pa.Table,
    compared: Sequence[Comparison],
    blocks: Sequence[Block],
    *,
    limits: Limits,
) -> Patterns:
    """Find the candidates and their patterns.

    :raises NeedsMoreMemory: if the limit is reached
    """
    ours, theirs = coded.together(left, right)
    if pair.one_file:
        theirs = ours
    often, by_chance = _buckets([ours] if pair.one_file else [ours, theirs], compared)
    scales = _scales(compared)
    fields = [comparison.field for comparison in compared]
    passes = sure_passes(compared)
    read = {column for on in [*passes, *(block.on for block in blocks)] for column in on}
    ours.coding.ready(sorted(read), limits.threads)
    query = Candidates(spec, pair, ours, theirs, limits)
    sure = query.sure(passes, [number for number in _NUMBERS if number in fields])
    sizes = query.candidates(blocks)
    one, other, rule = query.found()
    limits.tell(_FOUND, f"Comparing {pair.label}: {roughly(len(one))} candidates found")

    def done(pairs: int) -> None:
        told = f"Comparing {pair.label}: {roughly(pairs)} of {roughly(len(one))} candidates compared"
        limits.tell(_FOUND + (_COMPARED - _FOUND) * pairs / len(one), told)

    with (
        adapter.quiet("comparing the records"),
        adapter.database(memory=limits.memory, threads=limits.threads) as connection,
    ):
        compare = Comparing(connection, ours, theirs, threads=limits.threads)
        pattern = compare.patterns(scales, often, Rows(one, other), done=done)
        drawn = query.drawn([(field, _weights(connection, ours, field)) for field in fields])
        chance = np.unique(compare.patterns(scales, often, Rows(*drawn)), return_counts=True)
    kinds, kind, number = np.unique(pattern * 2 + (rule < 1), return_inverse=True, return_counts=True)
    possible, residue = _possible(pair, ours.num_rows, theirs.num_rows, sure, spec)
    return Patterns(
        scales=scales,
        left=one,
        right=other,
        rule=rule,
        kind=kind,
        kinds=kinds // 2,
        kind_sure=kinds % 2 == 1,
        number=number,
        blocks=[{"block": SURE_RULE, "pairs": sure, "keys_left_out": 0, "pairs_left_out": 0}, *sizes],
        chance=(chance[0], chance[1].astype(float)),
        exact_by_chance=by_chance,
        possible=possible,
        residue=residue,
    )


def _weights(connection: Connection, records: Records, field: str) -> np.ndarray:
    """Return for each value of a field a number that follows from it alone."""
    made = adapter.over(connection, pa.table({"value": records.values(field)}), "hash(value) AS weight")
    return np.asarray(made["weight"].to_numpy())


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


def _buckets(
    sides: Sequence[Records], compared: Sequence[Comparison]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return for each field how common each value is, and what agreement is worth there.

    Agreement by chance is counted within each file: no pair there, or hardly one, is the same person.
    """
    often: dict[str, np.ndarray] = {}
    by_chance: dict[str, np.ndarray] = {}
    for comparison in compared:
        field = comparison.field
        column = sides[0].coding.column(field)
        counts = [column.held(side.place).astype(float) for side in sides]
        total = np.sum(counts, axis=0)
        share = total / max(float(total.sum()), 1.0)
        if field in _NUMBERS:
            bucket = np.where(np.maximum.reduce(counts) > 1, 0, BUCKETS - 1).astype(np.int8)
        else:
            place = np.searchsorted(np.array(_BUCKETS[::-1]), share, side="right")
            bucket = (len(_BUCKETS) - place).astype(np.int8)
        often[field] = bucket
        by_chance[field] = _within(counts, bucket)
    return often, by_chance


def _within(counts: Sequence[np.ndarray], bucket: np.ndarray) -> np.ndarray:
    agree, possible = np.zeros(BUCKETS), 0.0
    for own in counts:
        agree += np.bincount(bucket, weights=own * (own - 1) / 2, minlength=BUCKETS)
        possible += float(own.sum()) * (float(own.sum()) - 1) / 2
    return agree / max(possible, 1.0)
