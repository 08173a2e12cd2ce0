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
from matching.engine.engines.edges import Limits, Pair
from matching.engine.engines.keys import held, key
from matching.engine.spec import Block, Comparison, Spec

_BUCKETS: Final = (2.0**-7, 2.0**-9, 2.0**-11, 2.0**-13, 2.0**-15)
"""Agreement on a value is told apart by how common it is: above the first, …, below the last."""
_CHANCE_PAIRS: Final = 200_000
_DRAWN: Final = 40_000
_STEP: Final = 7919
_AT_ONCE: Final = 400_000
"""So many pairs stand side by side in memory at a time."""
_NUMBERS: Final = ("ssn", "sasid")
_TIGHT: Final = frozenset({"ssn", "sasid", "birth_date"})
_REST: Final = {LEFT: "a_rest", RIGHT: "b_rest"}
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
        query = _Query(spec, pair, connection, list(sides))
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
        total = sum(counts)
        share = total / max(float(total.sum()), 1.0)
        if field in _NUMBERS:
            bucket = np.where(np.maximum.reduce(counts) > 1, 0, BUCKETS - 1)
        else:
            bucket = len(_BUCKETS) - np.searchsorted(_BUCKETS[::-1], share, side="right")
        bucket = bucket.astype(np.int8)
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
            taken = {}
            for side, held_there, rows in (
                ("l", self._held[0], pa.array(left[piece])),
                ("r", self._held[-1], pa.array(right[piece])),
            ):
                taken |= {f"{side}_{name}": values.take(rows) for name, values in held_there.items()}
            out[piece] = adapter.over(self._connection, pa.table(taken), f"{self._expression} AS pattern")[
                "pattern"
            ].to_numpy()
        return out


class _Query:
    """The queries on one pair of files that are loaded."""

    def __init__(self, spec: Spec, pair: Pair, connection: Connection, names: Sequence[str]) -> None:
        self._spec, self._pair, self._connection = spec, pair, connection
        self._left, self._right = names[0], names[-1]

    def _run(self, query: str) -> None:
        adapter.run(self._connection, query)

    def sure(self, passes: Sequence[Sequence[str]], numbers: Sequence[str], blocks: Sequence[Block]) -> int:
        """Find the pairs without doubt, and say how many; what they leave stands in tables of its own."""
        self._run("CREATE TABLE sure (l INTEGER, r INTEGER)")
        apart = " AND ".join(f"(a.{n} = b.{n} OR a.{n} IS NULL OR b.{n} IS NULL)" for n in numbers) or "true"
        for on in passes if not self._pair.one_file else ():
            one, other = (
                f"(SELECT {key(on)} AS k, min(row) AS row, {self._any(numbers)} FROM {name}_keys f"  # noqa: S608
                f" ANTI JOIN sure s ON f.row = s.{column}"
                f" WHERE {held(on)} GROUP BY 1 HAVING count(*) = 1)"
                for name, column in ((self._left, "l"), (self._right, "r"))
            )
            self._run(
                f"INSERT INTO sure SELECT a.row, b.row FROM {one} a"  # noqa: S608
                f" JOIN {other} b ON a.k = b.k WHERE {apart}"
            )
        keys = ", ".join(["row", *(f"{key(block.on)} AS k{n}" for n, block in enumerate(blocks))])
        for name, column in {self._left: "l", self._right: "r"}.items():
            self._run(
                f"CREATE TABLE {name}_rest AS SELECT {keys} FROM {name}_keys f"  # noqa: S608
                f" ANTI JOIN sure s ON f.row = s.{column}"
            )
            if any(f"{name}_all" in self._sides(block) for block in blocks):
                self._run(f"CREATE TABLE {name}_all AS SELECT {keys} FROM {name}_keys")  # noqa: S608
            self._run(f"DROP TABLE {name}_keys")
        return int(adapter.table(self._connection, "SELECT count(*) AS n FROM sure")["n"][0].as_py())

    @staticmethod
    def _any(numbers: Sequence[str]) -> str:
        return ", ".join(f"min({n}) AS {n}" for n in numbers) or "0 AS none"

    def candidates(self, blocks: Sequence[Block]) -> list[dict[str, Any]]:
        """Find what the blocks give, each pair once, under the first block that has it."""
        sizes, parts = [], ["SELECT (l::BIGINT << 32) | r::BIGINT AS pair, 0::SMALLINT AS rule FROM sure"]
        for number, block in enumerate(blocks):
            left, right = self._sides(block)
            dropped, size = self._full_keys(number, left, right)
            sizes.append({"block": block.name, **size})
            if not size["pairs"]:
                continue
            name, apart = f"k{number}", "AND l.row < r.row" if self._pair.one_file else ""
            some = f"AND l.{name} NOT IN (SELECT k FROM {dropped})"  # noqa: S608
            kept = some if size["keys_left_out"] else ""
            parts.append(
                f"SELECT (l.row::BIGINT << 32) | r.row::BIGINT AS pair, {number + 1}::SMALLINT AS rule"  # noqa: S608
                f" FROM {left} l JOIN {right} r ON l.{name} = r.{name} WHERE true {apart} {kept}"
            )
        self._run(
            "CREATE TABLE found AS SELECT (pair >> 32)::INTEGER AS l, (pair & 4294967295)::INTEGER AS r, rule"  # noqa: S608
            f" FROM (SELECT pair, min(rule) AS rule FROM ({' UNION ALL '.join(parts)}) GROUP BY pair)"
        )
        for name in {self._left, self._right}:
            self._run(f"DROP TABLE IF EXISTS {name}_all; DROP TABLE {name}_rest")
        return sizes

    def _sides(self, block: Block) -> tuple[str, str]:
        """Return the tables in which a block looks: all records, or those that are not yet sure.

        A record that is sure of its one partner in a file of one row a person has no other there.
        """
        loose = not _TIGHT & set(block.on)
        files = self._spec.files
        left = loose or files[self._pair.right].unique
        right = loose or files[self._pair.left].unique
        if self._pair.one_file:
            left = right = True  # nobody is sure in a single file: the rest is all
        return (
            f"{self._left}_{'rest' if left else 'all'}",
            f"{self._right}_{'rest' if right else 'all'}",
        )

    def _full_keys(self, number: int, left: str, right: str) -> tuple[str, dict[str, int]]:
        """Find the keys of a block that would alone, or all together, give too many pairs."""
        of, name = f"k{number}", f"full_{number}"
        rows = f"((SELECT count(*) FROM {left}) + (SELECT count(*) FROM {right}))"  # noqa: S608
        pairs = "a.n * (a.n - 1) // 2" if self._pair.one_file else "a.n * b.n"
        one, other = (
            f"(SELECT {of} AS k, count(*)::HUGEINT AS n FROM {t} WHERE {of} IS NOT NULL GROUP BY 1)"  # noqa: S608
            for t in (left, right)
        )
        self._run(
            f"CREATE TEMP TABLE sizes AS SELECT a.k, {pairs} AS pairs"  # noqa: S608
            f" FROM {one} a JOIN {other} b ON a.k = b.k"
        )
        self._run(
            f"""CREATE TEMP TABLE {name} AS
            WITH by_size AS (SELECT pairs, count(*) AS keys FROM sizes GROUP BY 1),
                 running AS (SELECT pairs, sum(pairs * keys) OVER (ORDER BY pairs) AS so_far FROM by_size)
            SELECT k, pairs FROM sizes WHERE pairs > {self._spec.block_cap}
            OR pairs IN (SELECT pairs FROM running WHERE so_far > {self._spec.pairs_per_row} * {rows})"""  # noqa: S608
        )
        told = adapter.table(
            self._connection,
            "SELECT (SELECT coalesce(sum(pairs), 0)::DOUBLE FROM sizes) AS every, count(*) AS keys,"  # noqa: S608
            f" coalesce(sum(pairs), 0)::DOUBLE AS lost FROM {name}",
        ).to_pylist()[0]
        self._run("DROP TABLE sizes")
        size = {
            "pairs": int(told["every"] - told["lost"]),
            "keys_left_out": int(told["keys"]),
            "pairs_left_out": int(told["lost"]),
        }
        return name, size

    def found(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the candidates in the order of their rows, and which block found each first."""
        both = adapter.table(self._connection, "SELECT l, r, rule FROM found ORDER BY l, r")
        self._run("DROP TABLE found")
        left, right = (both[name].to_numpy().astype(np.int64) for name in ("l", "r"))
        return left, right, both["rule"].to_numpy().astype(np.int16)

    def drawn(self, left: int, right: int) -> tuple[np.ndarray, np.ndarray]:
        """Return pairs drawn by chance.

        Records are drawn by a hash of what they hold, each side by its own, never by their place in the file:
        the same records give the same sample in whatever order they come.
        """
        rows = []
        for side, name in enumerate((self._left, self._right)):
            told = adapter.table(
                self._connection,
                f"SELECT row FROM {name}_keys"  # noqa: S608
                f" ORDER BY hash(mark, {int(self._spec.seed) + side}) LIMIT {_DRAWN}",
            )
            rows.append(told["row"].to_numpy().astype(np.int64))
        if not len(rows[0]) or not len(rows[1]):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        number = np.arange(_CHANCE_PAIRS)
        lefts, rights = len(rows[0]), len(rows[1])
        one = rows[0][number % lefts]
        other = rows[1][(number + number // lefts * _STEP) % rights]
        apart = one != other if self._pair.one_file else np.ones(len(one), dtype=bool)
        return one[apart], other[apart]
