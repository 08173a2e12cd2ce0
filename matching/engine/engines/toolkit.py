"""The second engine: the Python Record Linkage Toolkit, the reference on small files.

The toolkit finds candidates and compares them; weights come from random pairs (chance) and the specification
(agreement), for its own EM, trained on tight blocks, went astray on files like these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import jellyfish
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matching.engine import adapter
from matching.engine.engines.edges import Edges, Limits, Model, Pair
from matching.engine.engines.splink import usable
from matching.engine.spec import Block, Comparison, Level, Spec

if TYPE_CHECKING:
    import pandas as pd

NAME: Final = "toolkit"
_CHANCE_PAIRS: Final = 60_000
_LEAST: Final = 1 / 30_000
_KEPT_BITS: Final = -9.0
_BYTES_OF_A_PAIR: Final = 200
"""What a candidate takes as the toolkit holds and compares it."""
_UNKNOWN: Final = -1


def fit(spec: Spec, pair: Pair, left: pa.Table, right: pa.Table, *, limits: Limits) -> Model:
    """Learn from random pairs how often each level of agreement is chance."""
    compared, _ = usable(spec, pair)
    with adapter.quiet("learning the weights"):
        other = None if pair.one_file else right.num_rows
        pairs = adapter.toolkit_random_pairs(left.num_rows, other, pairs=_CHANCE_PAIRS, seed=spec.seed)
        levels = levels_of(pairs, left, None if pair.one_file else right, compared)
    weights: list[dict[str, Any]] = []
    for comparison in compared:
        seen = levels[comparison.field].to_numpy()
        seen = seen[seen != _UNKNOWN]
        counts = np.bincount(seen, minlength=len(comparison.levels)) / max(len(seen), 1)
        chance = [
            lv.u if lv.u is not None else max(float(counts[n]), _LEAST)
            for n, lv in enumerate(comparison.levels)
        ]
        agree = [level.m for level in comparison.levels]
        for number, level in enumerate(comparison.levels):
            m, u = agree[number] / sum(agree), chance[number] / sum(chance)
            said = {"field": comparison.field, "level": number, "kind": level.kind, "at": level.at}
            weights.append({**said, "m": m, "u": u, "weight": math.log2(m / u)})
    possible = left.num_rows * (left.num_rows - 1) // 2 if pair.one_file else left.num_rows * right.num_rows
    prior = min(0.5 * min(left.num_rows, right.num_rows) / max(possible, 1), 0.5)
    notes = ["How often true pairs agree is taken from the specification."]
    return Model(pair=pair, prior=prior, weights=weights, blocks=[], settings={}, notes=notes)


def score(spec: Spec, model: Model, left: pa.Table, right: pa.Table, *, limits: Limits) -> Edges:
    """Score every candidate that the blocks find.

    :raises NeedsMoreMemory: if the limit is reached
    """
    import pandas as pd  # where it is used: every run of another engine would start later for it

    pair = model.pair
    compared, blocks = usable(spec, pair)
    total_cap = spec.pairs_per_row * (left.num_rows + right.num_rows)
    with adapter.quiet("scoring the candidates"):
        found = pd.MultiIndex.from_arrays([np.empty(0, np.int64), np.empty(0, np.int64)])
        rule: list[np.ndarray] = []
        for block in blocks:
            keyed, sizes = _keyed(block, left, None if pair.one_file else right, spec.block_cap, total_cap)
            limits.hold(len(found) + sizes["pairs"], each=_BYTES_OF_A_PAIR)
            pairs = adapter.toolkit_pairs(keyed[0], None if pair.one_file else keyed[1], "key")
            model.blocks.append({"block": block.name, **sizes})
            fresh = pairs.difference(found, sort=False)
            rule.append(np.full(len(fresh), len(model.blocks) - 1, dtype=np.int16))
            found = found.append(fresh)
        levels = levels_of(found, left, None if pair.one_file else right, compared)
    one, other = (found.get_level_values(n).to_numpy().astype(np.int64) for n in (0, 1))
    evidence = _evidence(compared, model, levels, one, left, right)
    kept = evidence + math.log2(model.prior / (1 - model.prior)) >= _KEPT_BITS
    order = np.flatnonzero(kept)
    low, high = (np.minimum(one, other), np.maximum(one, other)) if pair.one_file else (one, other)
    order = order[np.lexsort((high[order], low[order]))]
    return Edges(
        pair=pair,
        left=low[order],
        right=high[order],
        evidence=evidence[order],
        rule=np.concatenate(rule)[order],
        prior=model.prior,
    )


def _evidence(
    compared: Sequence[Comparison],
    model: Model,
    levels: pd.DataFrame,
    one: np.ndarray,
    left: pa.Table,
    right: pa.Table,
) -> np.ndarray:
    total = np.zeros(len(one))
    for comparison in compared:
        of_field = [entry for entry in model.weights if entry["field"] == comparison.field]
        weight = np.array([entry["weight"] for entry in of_field] + [0.0])
        level = levels[comparison.field].to_numpy()
        total += weight[level]
        if comparison.levels[0].by_frequency:
            exact = np.flatnonzero(level == 0)
            share = _shares(left[comparison.field], right[comparison.field])[one[exact]]
            total[exact] += np.log2(of_field[0]["u"] / np.maximum(share, 1e-5))
    return total


def _shares(values: pa.ChunkedArray, others: pa.ChunkedArray) -> np.ndarray:
    """Return for each row of a column how common its value is in both files."""
    import pandas as pd

    both = pd.concat([values.to_pandas(), others.to_pandas()], ignore_index=True)
    return both.map(both.value_counts(normalize=True)).iloc[: len(values)].to_numpy()


def _keyed(
    block: Block, left: pa.Table, right: pa.Table | None, key_cap: int, total_cap: int
) -> tuple[list[pa.Table], dict[str, int]]:
    """Return the keys of a block for both files, without those that would give too many pairs."""
    import pandas as pd

    keys = [
        pc.binary_join_element_wise(*[table[column] for column in block.on], "|")
        for table in (left, right if right is not None else left)
    ]
    counts = [pd.Series(key.to_pandas()).value_counts() for key in keys]
    if right is None:
        pairs = counts[0] * (counts[0] - 1) // 2
    else:
        pairs = (counts[0] * counts[1]).dropna()
    pairs = pairs.rename("pairs").rename_axis("key").reset_index().sort_values(["pairs", "key"])
    dropped = (pairs["pairs"] > key_cap) | (pairs["pairs"].cumsum() > total_cap)
    left_out = pa.array(pairs["key"][dropped].tolist(), pa.string())
    kept = [pc.if_else(pc.is_in(key, left_out), pa.scalar(None, pa.string()), key) for key in keys]
    sizes = {
        "pairs": int(pairs["pairs"][~dropped].sum()),
        "keys_left_out": int(dropped.sum()),
        "pairs_left_out": int(pairs["pairs"][dropped].sum()),
    }
    return [pa.table({"key": key}) for key in kept], sizes


def levels_of(
    pairs: pd.MultiIndex, left: pa.Table, right: pa.Table | None, compared: Sequence[Comparison]
) -> pd.DataFrame:
    """Return the level that each pair of rows reaches in each comparison; -1 where a value is missing."""
    import pandas as pd

    if not len(pairs):
        return pd.DataFrame({comparison.field: np.empty(0, np.int64) for comparison in compared})
    features = {comparison.field: (_columns(comparison), _judge(comparison)) for comparison in compared}
    return adapter.toolkit_levels(
        pairs, left.to_pandas(), None if right is None else right.to_pandas(), features
    )


def _columns(comparison: Comparison) -> list[str]:
    extra = {
        "first_name": ["first_canonical", "middle_name", "last_name"],
        "last_name": ["last_a", "last_b", "first_name"],
    }
    more = {"birth_date": ["birth_swapped"], "middle_name": []}
    return [comparison.field, *extra.get(comparison.field, []), *more.get(comparison.field, [])]


Row = Sequence[str | None]


def _judge(comparison: Comparison) -> Callable[[Sequence[pd.Series], Sequence[pd.Series]], np.ndarray]:
    """Return the function that gives the level of each pair, remembering pairs of values it has seen."""
    columns = _columns(comparison)
    tests = [_TESTS[level.kind] for level in comparison.levels]

    def judge(one: Sequence[pd.Series], other: Sequence[pd.Series]) -> np.ndarray:
        seen: dict[tuple[Any, Any], int] = {}
        rows = zip(
            zip(*(s.tolist() for s in one), strict=True),
            zip(*(s.tolist() for s in other), strict=True),
            strict=True,
        )
        out = np.empty(len(one[0]), dtype=np.int64)
        for number, key in enumerate(rows):
            if key not in seen:
                seen[key] = _level(
                    comparison.levels, tests, *(dict(zip(columns, row, strict=True)) for row in key)
                )
            out[number] = seen[key]
        return out

    return judge


def _level(
    levels: Sequence[Level], tests: Sequence[Callable], one: dict[str, Any], other: dict[str, Any]
) -> int:
    field = next(iter(one))
    if not isinstance(one[field], str) or not isinstance(other[field], str):
        return _UNKNOWN
    for number, (level, test) in enumerate(zip(levels, tests, strict=True)):
        if test(one, other, field, level.at):
            return number
    return len(levels) - 1


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, str) and one == other


_TESTS: Final[dict[str, Callable[[dict[str, Any], dict[str, Any], str, float | None], bool]]] = {
    "exact": lambda a, b, f, at: a[f] == b[f],
    "edits": lambda a, b, f, at: jellyfish.damerau_levenshtein_distance(a[f], b[f]) <= (at or 0),
    "jaro_winkler": lambda a, b, f, at: jellyfish.jaro_winkler_similarity(a[f], b[f]) >= (at or 1),
    "nickname": lambda a, b, f, at: _same(a["first_canonical"], b["first_canonical"]),
    "shared_part": lambda a, b, f, at: bool({a["last_a"], a["last_b"]} & {b["last_a"], b["last_b"]}),
    "initial": lambda a, b, f, at: a[f][0] == b[f][0] and min(len(a[f]), len(b[f])) == 1,
    "other_given_name": lambda a, b, f, at: _same(a[f], b["middle_name"]) or _same(b[f], a["middle_name"]),
    "swapped_names": lambda a, b, f, at: (
        _same(a["first_name"], b["last_name"]) and _same(a["last_name"], b["first_name"])
    ),
    "first_of_january": lambda a, b, f, at: a[f][:4] == b[f][:4] and "0101" in (a[f][4:], b[f][4:]),
    "swapped_day": lambda a, b, f, at: _same(a[f], b["birth_swapped"]),
    "two_of_three": lambda a, b, f, at: (
        (a[f][:4] == b[f][:4]) + (a[f][4:6] == b[f][4:6]) + (a[f][6:] == b[f][6:]) > 1
    ),
    "else": lambda a, b, f, at: True,
}
