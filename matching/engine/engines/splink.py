"""The first engine: Splink on DuckDB. Chance is learnt from random pairs, agreement by EM."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from matching.engine import adapter, defaults
from matching.engine.engines import levels as levels_of
from matching.engine.engines.edges import Edges, Limits, Model, Pair
from matching.engine.spec import Block, Comparison, Level, Spec

NAME: Final = "splink"
_CHANCE_PAIRS: Final = 500_000
_TRAINING_PAIRS: Final = 300_000
_FEW: Final = 150
"""Below so many certain pairs nothing is learnt about agreement; the specification's own figures stand."""
_TOO_FEW: Final = (
    f"Fewer than {_FEW} certain pairs: how often true pairs agree is taken from the specification."
)
_OFTEN: Final = 0.2
_PURE: Final = 0.7
_TELLING_BITS: Final = 24.0
_LEAST: Final = 1e-5
_UNSEEN: Final = 5e-5
_STRONG: Final = frozenset({"exact", "edits", "jaro_winkler", "shared_part"})
"""Levels which, never seen by chance, are rare; the others, never seen, are just not in these files."""
_KEPT_BITS: Final = -9.0


def usable(spec: Spec, pair: Pair) -> tuple[list[Comparison], list[Block]]:
    """Return the comparisons and blocks whose fields both files have."""
    common = spec.fields_of(pair.left) & spec.fields_of(pair.right)
    compared = [comparison for comparison in spec.comparisons if comparison.field in common]
    blocks = [
        block for block in spec.blocks if all(defaults.COLUMNS[column] in common for column in block.on)
    ]
    return compared, blocks


def fit(spec: Spec, pair: Pair, left: pa.Table, right: pa.Table, *, limits: Limits) -> Model:
    """Learn from the two files how telling each level of agreement is.

    :raises NeedsMoreMemory: if the limit is reached
    """
    compared, _ = usable(spec, pair)
    with (
        adapter.quiet("learning the weights"),
        adapter.database(memory=limits.memory, threads=1) as connection,
    ):
        adapter.load(connection, adapter.LEFT, left, [])
        if not pair.one_file:
            adapter.load(connection, adapter.RIGHT, right, [])
        certain = max((_certain(connection, on, compared, pair) for on in defaults.CERTAIN), default=0)
        possible = _possible(pair, left.num_rows, right.num_rows)
        prior = min(max(certain, 1) / 0.9 / max(possible, 1), 0.5)
        settings = _settings(compared, [], pair, prior)
        splink = adapter.SplinkModel(connection, settings, one_file=pair.one_file)
        splink.learn_chance(pairs=_CHANCE_PAIRS, seed=spec.seed)
        notes = []
        if certain < _FEW:
            notes = [_TOO_FEW]
        else:
            sampled = _TRAINING_PAIRS if max(left.num_rows, right.num_rows) > _TRAINING_PAIRS // 6 else None
            for on in _training(connection, pair, _filled(compared, left, right), certain):
                splink.learn_agreement(on, pairs=sampled)
        learnt = splink.settings()
    weights = _weights(compared, learnt)
    return Model(pair=pair, prior=prior, weights=weights, blocks=[], settings={}, notes=notes)


def score(spec: Spec, model: Model, left: pa.Table, right: pa.Table, *, limits: Limits) -> Edges:
    """Score every candidate that the blocks find.

    :raises NeedsMoreMemory: if the limit is reached
    """
    pair = model.pair
    compared, blocks = usable(spec, pair)
    columns = [block.on for block in blocks]
    total_cap = spec.pairs_per_row * (left.num_rows + right.num_rows)
    with (
        adapter.quiet("scoring the candidates"),
        adapter.database(memory=limits.memory, threads=limits.threads) as connection,
    ):
        adapter.load(connection, adapter.LEFT, left, columns)
        if not pair.one_file:
            adapter.load(connection, adapter.RIGHT, right, columns)
        for number, block in enumerate(blocks):
            sizes = adapter.cap_block(
                connection, number, one_file=pair.one_file, key_cap=spec.block_cap, total_cap=total_cap
            )
            model.blocks.append({"block": block.name, **sizes})
        settings = _settings(compared, blocks, pair, model.prior, model.weights)
        splink = adapter.SplinkModel(connection, settings, one_file=pair.one_file)
        scored = splink.predict(least_weight=_KEPT_BITS)
        return _edges(scored, pair, model.prior)


def _certain(
    connection: adapter.Connection, on: Sequence[str], compared: Sequence[Comparison], pair: Pair
) -> int:
    if not set(on) <= {comparison.field for comparison in compared}:
        return 0
    return adapter.certain_pairs(connection, on, one_file=pair.one_file)


def _possible(pair: Pair, left: int, right: int) -> int:
    return left * (left - 1) // 2 if pair.one_file else left * right


def _filled(compared: Sequence[Comparison], left: pa.Table, right: pa.Table) -> list[str]:
    """Return the compared fields that enough records of both files hold to learn from."""

    def share(table: pa.Table, field: str) -> float:
        return 1 - table[field].null_count / max(table.num_rows, 1)

    fields = [comparison.field for comparison in compared]
    return [field for field in fields if min(share(left, field), share(right, field)) >= _OFTEN]


def _training(
    connection: adapter.Connection, pair: Pair, fields: Sequence[str], certain: int
) -> Iterator[tuple[str, ...]]:
    """Yield the blocks that agreement is learnt from.

    Where chance pairs are many among those that agree on a block, and what is left to compare cannot tell
    them from the true ones, EM would take namesakes for people whose birth date changed. It is left out then.
    """
    for on in defaults.TRAINING:
        rest = [field for field in fields if field not in on]
        if not rest or not set(on) <= set(fields):
            continue
        telling = sum(defaults.BITS[field] for field in rest) >= _TELLING_BITS
        pairs = adapter.agreeing_pairs(connection, on, one_file=pair.one_file)
        if pairs >= _FEW and (telling or pairs <= certain / _PURE):
            yield on


def _settings(
    compared: Sequence[Comparison],
    blocks: Sequence[Block],
    pair: Pair,
    prior: float,
    weights: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    learnt = {(entry["field"], entry["level"]): entry for entry in weights}
    return {
        "link_type": "dedupe_only" if pair.one_file else "link_only",
        "unique_id_column_name": "row",
        "probability_two_random_records_match": prior,
        "comparisons": [_comparison(comparison, learnt) for comparison in compared],
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": f"l.k{number} = r.k{number}"} for number, _ in enumerate(blocks)
        ],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
        "max_iterations": 20,
        "em_convergence": 0.001,
    }


def _comparison(comparison: Comparison, learnt: dict[tuple[str, int], dict[str, Any]]) -> dict[str, Any]:
    name = comparison.field
    levels: list[dict[str, Any]] = [
        {
            "sql_condition": f"{name}_l IS NULL OR {name}_r IS NULL",
            "label_for_charts": "null",
            "is_null_level": True,
        }
    ]
    for number, level in enumerate(comparison.levels):
        known = learnt.get((name, number), {})
        said: dict[str, Any] = {
            "sql_condition": levels_of.condition(name, level, "{}_l".format, "{}_r".format),
            "label_for_charts": str(number),
            "m_probability": known.get("m", level.m),
        }
        if known or level.u is not None:
            said["u_probability"] = known.get("u", level.u)
        if level.u is not None:
            said["fix_u_probability"] = True
        if level.by_frequency:
            said |= {"tf_adjustment_column": name, "tf_adjustment_weight": 1.0, "tf_minimum_u_value": 1e-5}
        levels.append(said)
    return {"output_column_name": name, "comparison_levels": levels}


def _weights(compared: Sequence[Comparison], settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return m, u and weight of every level; what training never saw gets the specification's."""
    trained = {entry["output_column_name"]: entry["comparison_levels"] for entry in settings["comparisons"]}
    weights: list[dict[str, Any]] = []
    for comparison in compared:
        # Splink leaves a comparison out when the pairs it trained on never differed in it.
        untrained: list[dict[str, Any]] = [{} for _ in comparison.levels]
        found = trained.get(comparison.field, untrained)
        levels = [level for level in found if not level.get("is_null_level")]
        m = [
            max(said.get("m_probability") or level.m, _LEAST)
            for said, level in zip(levels, comparison.levels, strict=True)
        ]
        u = [_chance(said, level) for said, level in zip(levels, comparison.levels, strict=True)]
        for number, level in enumerate(comparison.levels):
            share, chance = m[number] / sum(m), u[number] / sum(u)
            weights.append(
                {
                    "field": comparison.field,
                    "level": number,
                    "kind": level.kind,
                    "at": level.at,
                    "m": share,
                    "u": chance,
                    "weight": math.log2(share / chance),
                }
            )
    return weights


def _chance(said: dict[str, Any], level: Level) -> float:
    """Return the chance of a level: given, learnt, or, where it was never seen, one that tells little."""
    if level.u is not None:
        return level.u
    learnt = said.get("u_probability")
    if isinstance(learnt, float) and learnt > 0:
        return learnt
    return _UNSEEN if level.kind in _STRONG else level.m


def _edges(scored: pa.Table, pair: Pair, prior: float) -> Edges:
    left = scored["row_l"].to_numpy().astype(np.int64)
    right = scored["row_r"].to_numpy().astype(np.int64)
    if pair.one_file:
        left, right = np.minimum(left, right), np.maximum(left, right)
    order = np.lexsort((right, left))
    prior_bits = math.log2(prior / (1 - prior))
    return Edges(
        pair=pair,
        left=left[order],
        right=right[order],
        evidence=scored["match_weight"].to_numpy()[order] - prior_bits,
        rule=scored["match_key"].to_numpy().astype(np.int16)[order],
        prior=prior,
    )
