"""The report of a run, in numbers for people: what came in, what was linked and why, and how surely.

It holds counts alone: `{"count": n}` or `{"count": n, "of": m}` wherever n counts people or their records.
What leaves the hub goes through `suppress.suppressed` first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from matching.engine import adapter, likely, recall, subgroups
from matching.engine import spec as specs
from matching.engine.calibrate import Thresholds
from matching.engine.coded import Records
from matching.engine.engines import reach
from matching.engine.engines.edges import Edges, Model
from matching.engine.resolve import LINK, REFUSED, REVIEW, Resolution
from matching.engine.spec import Spec

VERSION: Final = 3
_BIN: Final = 5
"""Width of a bar of the weight histogram, in bits."""
_COUNTED: Final = frozenset({"pairs", "keys_left_out", "pairs_left_out"})


def build(
    *,
    spec: Spec,
    profiles: Mapping[str, dict[str, object]],
    scored: Sequence[tuple[Edges, Model, float]],
    skipped: Sequence[dict[str, str]],
    points: Thresholds,
    chance: np.ndarray,
    resolution: Resolution,
    kept: np.ndarray,
    prepared: Mapping[str, Records],
    file_of: np.ndarray,
) -> dict[str, Any]:
    """Return all that is told about a run, as one structure of numbers and names of fields."""
    linked = resolution.decision == LINK
    expected = float(chance[linked].sum())
    met = _meetings(resolution.cluster, file_of, list(spec.files))
    shared = subgroups.shared(spec, prepared)
    by_group = subgroups.of_files(spec, prepared, met, shared)
    accepted = points.accepted(spec.accept)
    pairs, found, untold = [], [], []
    for number, entry in enumerate(scored):
        mine = kept[:, 0] == number
        known = _reach(spec, entry, kept[mine, 1], chance[mine], accepted, prepared)
        about = _likely(entry[0], kept[mine, 1], chance[mine], linked[mine], accepted, known)
        pairs.append(_pair(*entry, number, kept, resolution, likely.told(about, prepared)))
        found += likely.recall(spec, about, prepared, shared)
        if about.reach is None:
            untold.append({"left": about.left, "right": about.right})
    missed = [
        {
            "left": edges.pair.left,
            "right": edges.pair.right,
            **recall.estimate(
                spec, edges, model, prior, accepted, kept[(kept[:, 0] == number) & linked, 1], prepared
            ),
        }
        for number, (edges, model, prior) in enumerate(scored)
    ]
    return {
        "version": VERSION,
        "engine": spec.engine,
        "accept": spec.accept,
        "libraries": adapter.versions(),
        "spec_digest": specs.digest(spec),
        "seed": spec.seed,
        "files": {name: {**numbers, **_came_out(name, met)} for name, numbers in profiles.items()},
        "thresholds": {"f1": points.f1, "auto": points.auto, "grey": points.grey, "accepted": accepted},
        "estimates": {
            "links": {"count": int(linked.sum())},
            "precision": expected / int(linked.sum()) if linked.any() else None,
            "recall": min(1.0, expected / points.expected_links) if points.expected_links else None,
            "precision_automatic": points.precision_at_auto,
            "share_automatic": points.share_at_auto,
        },
        "recall": missed,
        "recall_by_group": found,
        "recall_behind": likely.behind(found),
        "recall_not_by_group": untold,
        "pairs": pairs,
        "not_compared": list(skipped),
        "match_rates": [
            {"file": one, "with": other, "count": count, "of": of}
            for one, other, count, of in _rates(met, spec)
        ],
        "subgroups": by_group,
        "behind": subgroups.behind(by_group),
        "people": _sizes(resolution.cluster),
        "refused": [{"reason": reason, "count": count} for reason, count in resolution.refused.items()],
    }


def _came_out(name: str, met: Mapping[tuple[str, str], np.ndarray]) -> dict[str, Any]:
    """Return how many rows of a file stand in the key, every one, and how many with another file's."""
    matched = subgroups.matched_rows(name, met)
    if matched is None:
        return {}
    return {"rows_out": len(matched), "matched": {"count": int(matched.sum()), "of": len(matched)}}


def completed(
    report: Mapping[str, Any],
    spec: Spec,
    tables: Mapping[str, pa.Table],
    clusters: pa.Table,
    inputs: Mapping[str, str],
) -> dict[str, Any]:
    """Return the report with what stands outside the linkage: digests of the inputs, rates by other columns.

    `clusters` is `file, id, person` with the rows of each file in their order, the files in that of `spec`.
    """
    names = list(spec.files)
    rows = [tables[name].num_rows for name in names]
    person = clusters["person"].to_numpy()
    met = _meetings(person, np.repeat(np.arange(len(names)), rows), names)
    more = []
    for name in names:
        matched = subgroups.matched_rows(name, met) if spec.files[name].groups else None
        if matched is not None:
            more += subgroups.of_columns(name, tables[name], spec.files[name], matched)
    every = [*report["subgroups"], *more]
    return {**report, "inputs": dict(inputs), "subgroups": every, "behind": subgroups.behind(every)}


def _pair(
    edges: Edges,
    model: Model,
    prior: float,
    number: int,
    kept: np.ndarray,
    resolution: Resolution,
    likely_pairs: list[dict[str, Any]],
) -> dict[str, Any]:
    mine = np.flatnonzero(kept[:, 0] == number)
    index, decision = kept[mine, 1], resolution.decision[mine]
    names = [block["block"] for block in model.blocks]
    rules = edges.rule[index]
    low = np.floor(edges.evidence[index] / _BIN).astype(int) * _BIN
    return {
        "left": edges.pair.left,
        "right": edges.pair.right,
        "candidates": {"count": len(edges.left)},
        "prior": prior,
        "notes": model.notes,
        "blocks": [_block(block) for block in model.blocks],
        "weights": model.weights,
        "decisions": [
            {"decision": kind, "count": int((decision == kind).sum())} for kind in (LINK, REVIEW, REFUSED)
        ],
        "links_by_rule": [
            {"rule": name, "count": int(((rules == rule) & (decision == LINK)).sum())}
            for rule, name in enumerate(names)
        ],
        "likely_pairs": likely_pairs,
        "weights_of_pairs": [
            {
                "from": int(start),
                "to": int(start) + _BIN,
                "linked": {"count": int(((low == start) & (decision == LINK)).sum())},
                "not_linked": {"count": int(((low == start) & (decision != LINK)).sum())},
            }
            for start in np.unique(low)
        ],
    }


def _block(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return how one way of finding candidates went, what it counted as counts."""
    return {name: {"count": value} if name in _COUNTED else value for name, value in block.items()}


def _reach(
    spec: Spec,
    scored: tuple[Edges, Model, float],
    index: np.ndarray,
    chance: np.ndarray,
    accepted: float,
    prepared: Mapping[str, Records],
) -> reach.Reach | None:
    """Return how likely true pairs like these are linked, where the engine can tell."""
    edges, model, prior = scored
    if edges.pattern is None:
        return None
    rows = edges.left[index], edges.right[index]
    kept = reach.Kept(
        edges.pattern[index], chance, likely.found_without_numbers(spec, edges.pair, prepared, *rows)
    )
    return reach.of(model.learnt, kept, needed=recall.bits_needed(accepted, prior), seed=spec.seed)


def _likely(
    edges: Edges,
    index: np.ndarray,
    chance: np.ndarray,
    linked: np.ndarray,
    accepted: float,
    known: reach.Reach | None,
) -> likely.Likely:
    """Return the pairs that were kept of two files, by their places among the edges."""
    rows = edges.left[index], edges.right[index]
    return likely.Likely(edges.pair.left, edges.pair.right, *rows, chance, linked, accepted, known)


def _meetings(
    cluster: np.ndarray, file_of: np.ndarray, names: Sequence[str]
) -> dict[tuple[str, str], np.ndarray]:
    """Return for each two files which rows of the first stand together with a row of the second."""
    met: dict[tuple[str, str], np.ndarray] = {}
    held = {name: cluster[file_of == number] for number, name in enumerate(names)}
    for one in names:
        for other in names:
            if one != other:
                there = np.zeros(int(cluster.max(initial=-1)) + 1, dtype=bool)
                there[held[other]] = True
                met[one, other] = there[held[one]]
    return met


def _rates(met: Mapping[tuple[str, str], np.ndarray], spec: Spec) -> Iterator[tuple[str, str, int, int]]:
    for one in spec.files:
        for other in spec.files:
            if one != other:
                rows = met[one, other]
                yield one, other, int(rows.sum()), len(rows)


def _sizes(cluster: np.ndarray) -> list[dict[str, int]]:
    people = np.bincount(np.bincount(cluster)) if len(cluster) else np.zeros(1, np.int64)
    return [{"rows": size, "count": int(people[size])} for size in range(1, len(people)) if people[size]]
