"""Deterministic passes: records that agree exactly on one of a dozen combinations, the most telling first.

What each pass is worth is counted, not assumed: within a file, where hardly a pair is one person, it shows
how often strangers agree on the combination, and with that how many of the pairs it finds are chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from matching.engine import adapter, defaults
from matching.engine.adapter import LEFT, RIGHT, Connection
from matching.engine.engines.edges import Edges, Limits, Model, Pair
from matching.engine.engines.keys import key
from matching.engine.engines.splink import usable
from matching.engine.spec import Spec

NAME: Final = "cascade"
_LEAST_WRONG: Final = 1e-4
_LEAST_RIGHT: Final = 0.01
"""However a pass counts, its pairs are taken to be right and wrong at least this often."""


def fit(spec: Spec, pair: Pair, left: pa.Table, right: pa.Table, *, limits: Limits) -> Model:
    """Count for each pass how many pairs it finds, and how many of them are chance.

    :raises NeedsMoreMemory: if the limit is reached
    """
    passes = _passes(spec, pair)
    with (
        adapter.quiet("counting the passes"),
        adapter.database(memory=limits.memory, threads=limits.threads) as connection,
    ):
        _load(connection, pair, left, right, passes)
        counted = [_count(connection, number, pair, spec.block_cap) for number, _ in enumerate(passes)]
    rows = (left.num_rows, right.num_rows)
    possible = max(rows[0] * (rows[0] - 1) / 2 if pair.one_file else float(rows[0]) * rows[1], 1.0)
    blocks: list[dict[str, Any]] = []
    for on, (found, keys, lost, within, of) in zip(passes, counted, strict=True):
        share = 2.0 ** -sum(defaults.BITS[defaults.COLUMNS[column]] for column in on)
        chance = possible * (share if pair.one_file else within / max(of, 1.0))
        right_share = 1 - min(chance / found, 1.0) if found else 1.0
        blocks.append(
            {
                "block": " + ".join(on), "pairs": int(found - lost), "keys_left_out": int(keys),
                "pairs_left_out": int(lost),
                "right": min(max(right_share, _LEAST_RIGHT), 1 - _LEAST_WRONG),
            }
        )  # fmt: skip
    links = max((block["pairs"] * block["right"] for block in blocks), default=1.0)
    prior = min(max(links, 1.0) / possible, 0.5)
    return Model(pair=pair, prior=prior, weights=[], blocks=blocks, settings={}, notes=[])


def score(spec: Spec, model: Model, left: pa.Table, right: pa.Table, *, limits: Limits) -> Edges:
    """Find the pairs of every pass, each pair once, under the first pass that has it.

    :raises NeedsMoreMemory: if the limit is reached
    """
    pair, passes = model.pair, _passes(spec, model.pair)
    with (
        adapter.quiet("going through the passes"),
        adapter.database(memory=limits.memory, threads=limits.threads) as connection,
    ):
        _load(connection, pair, left, right, passes)
        for number, _ in enumerate(passes):
            adapter.run(connection, _without_full_keys(number, pair, spec.block_cap))
        parts = [_pairs(number, pair) for number, _ in enumerate(passes)]
        parts.append("SELECT 0::BIGINT AS pair, 0::SMALLINT AS rule WHERE false")
        found = adapter.table(
            connection,
            "SELECT pair, min(rule) AS rule"  # noqa: S608
            f" FROM ({' UNION ALL '.join(parts)}) GROUP BY pair ORDER BY pair",
        )
    both, rule = found["pair"].to_numpy(), found["rule"].to_numpy().astype(np.int16)
    prior_bits = math.log2(model.prior / (1 - model.prior))
    bits = np.array([math.log2(b["right"] / (1 - b["right"])) - prior_bits for b in model.blocks] or [0.0])
    return Edges(
        pair=pair,
        left=both >> 32,
        right=both & 0xFFFFFFFF,
        evidence=bits[rule],
        rule=rule,
        prior=model.prior,
    )


def _passes(spec: Spec, pair: Pair) -> list[tuple[str, ...]]:
    fields = {comparison.field for comparison in usable(spec, pair)[0]}
    return [on for on in defaults.CASCADE if {defaults.COLUMNS[column] for column in on} <= fields]


def _load(
    connection: Connection, pair: Pair, left: pa.Table, right: pa.Table, passes: Sequence[Sequence[str]]
) -> None:
    needed = ["row", *dict.fromkeys(column for on in passes for column in on)]
    keys = ", ".join(["row", *(f"{key(on)} AS k{number}" for number, on in enumerate(passes))])
    sides = {LEFT: left} if pair.one_file else {LEFT: left, RIGHT: right}
    for name, table in sides.items():
        adapter.copy(connection, name, table.select(needed), keys)


def _count(
    connection: Connection, number: int, pair: Pair, cap: int
) -> tuple[float, float, float, float, float]:
    """Return how many pairs agree on a pass, its keys that have too many and their pairs.

    Then how many pairs within the files agree on it, and of how many.
    """
    key_of, other = f"k{number}", LEFT if pair.one_file else RIGHT
    within = [
        adapter.table(
            connection,
            f"SELECT coalesce(sum(n * (n - 1) / 2), 0)::DOUBLE AS agree, coalesce(sum(n), 0)::DOUBLE AS rows"  # noqa: S608
            f" FROM ({_sizes(name, key_of)})",
        ).to_pylist()[0]
        for name in (LEFT, other)
    ]
    pairs = "a.n * (a.n - 1) / 2" if pair.one_file else "a.n * b.n"
    told = adapter.table(
        connection,
        f"SELECT coalesce(sum(pairs), 0) AS found, count(*) FILTER (pairs > {cap}) AS keys,"  # noqa: S608
        f" coalesce(sum(pairs) FILTER (pairs > {cap}), 0) AS lost FROM"
        f" (SELECT {pairs} AS pairs FROM ({_sizes(LEFT, key_of)}) a"
        f" JOIN ({_sizes(other, key_of)}) b USING (k))",
    ).to_pylist()[0]
    of = sum(side["rows"] * (side["rows"] - 1) / 2 for side in within)
    return told["found"], told["keys"], told["lost"], sum(side["agree"] for side in within), of


def _sizes(name: str, key_of: str) -> str:
    return f"SELECT {key_of} AS k, count(*)::DOUBLE AS n FROM {name} WHERE {key_of} IS NOT NULL GROUP BY 1"  # noqa: S608


def _without_full_keys(number: int, pair: Pair, cap: int) -> str:
    """Return the SQL that forgets the keys of a pass which alone would give too many pairs.

    It comes before the join: left to the join itself, half a million equal keys are paired first.
    """
    key_of, other = f"k{number}", LEFT if pair.one_file else RIGHT
    pairs = "a.n * (a.n - 1) / 2" if pair.one_file else "a.n * b.n"
    full = (
        f"SELECT k FROM ({_sizes(LEFT, key_of)}) a JOIN ({_sizes(other, key_of)}) b USING (k)"  # noqa: S608
        f" WHERE {pairs} > {cap}"
    )
    return f"UPDATE {LEFT} SET {key_of} = NULL WHERE {key_of} IN ({full})"  # noqa: S608


def _pairs(number: int, pair: Pair) -> str:
    """Return the SQL that gives the pairs of a pass."""
    key_of, other = f"k{number}", LEFT if pair.one_file else RIGHT
    apart = "AND l.row < r.row" if pair.one_file else ""
    return (
        f"SELECT (l.row::BIGINT << 32) | r.row::BIGINT AS pair, {number}::SMALLINT AS rule"  # noqa: S608
        f" FROM {LEFT} l JOIN {other} r ON l.{key_of} = r.{key_of} {apart}"
    )
