"""The report of a run, in numbers for people: what came in, what was linked and why, and how surely.

It holds counts alone: `{"count": n}` or `{"count": n, "of": m}` wherever n counts people or their records.
What leaves the hub goes through `suppress.suppressed` first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matching.engine import adapter, defaults
from matching.engine import spec as specs
from matching.engine.calibrate import Thresholds
from matching.engine.engines.edges import Edges, Model
from matching.engine.resolve import LINK, REFUSED, REVIEW, Resolution
from matching.engine.spec import Spec

VERSION: Final = 1
_BIN: Final = 5
"""Width of a bar of the weight histogram, in bits."""
_POINTS_BELOW: Final = 0.03
"""A subgroup matched this much less often than its whole file is listed as behind."""
_Z: Final = 1.96


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
    prepared: Mapping[str, pa.Table],
    file_of: np.ndarray,
) -> dict[str, Any]:
    """Return all that is told about a run, as one structure of numbers and names of fields."""
    linked = resolution.decision == LINK
    expected = float(chance[linked].sum())
    met = _meetings(resolution.cluster, file_of, list(spec.files))
    return {
        "version": VERSION,
        "engine": spec.engine,
        "accept": spec.accept,
        "libraries": adapter.versions(),
        "spec_digest": specs.digest(spec),
        "seed": spec.seed,
        "files": {name: dict(numbers) for name, numbers in profiles.items()},
        "thresholds": {
            "f1": points.f1,
            "auto": points.auto,
            "grey": points.grey,
            "accepted": points.accepted(spec.accept),
        },
        "estimates": {
            "links": {"count": int(linked.sum())},
            "precision": expected / int(linked.sum()) if linked.any() else None,
            "recall": min(1.0, expected / points.expected_links) if points.expected_links else None,
            "precision_automatic": points.precision_at_auto,
            "share_automatic": points.share_at_auto,
        },
        "pairs": [_pair(*entry, number, kept, resolution) for number, entry in enumerate(scored)],
        "not_compared": list(skipped),
        "match_rates": [
            {"file": one, "with": other, "count": count, "of": of}
            for one, other, count, of in _rates(met, spec)
        ],
        "subgroups": _subgroups(spec, prepared, met),
        "people": _sizes(resolution.cluster),
        "refused": [{"reason": reason, "count": count} for reason, count in resolution.refused.items()],
    }


def _pair(
    edges: Edges, model: Model, prior: float, number: int, kept: np.ndarray, resolution: Resolution
) -> dict[str, Any]:
    mine = np.flatnonzero(kept[:, 0] == number)
    index, decision = kept[mine, 1], resolution.decision[mine]
    names = [block["block"] for block in model.blocks]
    rules = edges.rule[index]
    low = np.floor(edges.evidence[index] / _BIN).astype(int) * _BIN
    return {
        "left": edges.pair.left,
        "right": edges.pair.right,
        "candidates": len(edges.left),
        "prior": prior,
        "notes": model.notes,
        "blocks": model.blocks,
        "weights": model.weights,
        "decisions": [
            {"decision": kind, "count": int((decision == kind).sum())} for kind in (LINK, REVIEW, REFUSED)
        ],
        "links_by_rule": [
            {"rule": name, "count": int(((rules == rule) & (decision == LINK)).sum())}
            for rule, name in enumerate(names)
        ],
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


def _meetings(
    cluster: np.ndarray, file_of: np.ndarray, names: Sequence[str]
) -> dict[tuple[str, str], np.ndarray]:
    """Return for each two files which rows of the first stand together with a row of the second."""
    met: dict[tuple[str, str], np.ndarray] = {}
    held = {name: cluster[file_of == number] for number, name in enumerate(names)}
    for one in names:
        for other in names:
            if one != other:
                met[one, other] = np.isin(held[one], held[other])
    return met


def _rates(met: Mapping[tuple[str, str], np.ndarray], spec: Spec) -> Iterator[tuple[str, str, int, int]]:
    for one in spec.files:
        for other in spec.files:
            if one != other:
                rows = met[one, other]
                yield one, other, int(rows.sum()), len(rows)


def _subgroups(
    spec: Spec, prepared: Mapping[str, pa.Table], met: Mapping[tuple[str, str], np.ndarray]
) -> list[dict[str, Any]]:
    """Return the match rate of each subgroup of each file, its interval, and whether it is behind."""
    found = []
    for name in spec.files:
        others = [rows for (one, _), rows in met.items() if one == name]
        if not others or not len(others[0]):
            continue
        matched = np.logical_or.reduce(others)
        whole = float(matched.mean())
        for dimension, labels in _dimensions(prepared[name], spec.fields_of(name)):
            encoded = pa.array(labels, pa.string()).dictionary_encode()
            code, names = encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
            rows, linked = np.bincount(code), np.bincount(code, weights=matched)
            groups = [
                {"group": names[label], **_rate(int(linked[label]), int(rows[label]), whole)}
                for label in sorted(range(len(names)), key=names.__getitem__)
            ]
            total = {"count": int(matched.sum()), "of": len(matched)}
            found.append({"file": name, "by": dimension, "whole": total, "groups": groups})
    return found


def _rate(count: int, of: int, whole: float) -> dict[str, Any]:
    """Return a rate with its 95 % interval after Wilson."""
    share = count / of
    middle = (share + _Z**2 / (2 * of)) / (1 + _Z**2 / of)
    half = _Z / (1 + _Z**2 / of) * (share * (1 - share) / of + _Z**2 / (4 * of**2)) ** 0.5
    behind = share < whole - _POINTS_BELOW
    return {
        "count": count,
        "of": of,
        "low": max(0.0, middle - half),
        "high": min(1.0, middle + half),
        "behind": behind,
    }


def _dimensions(table: pa.Table, fields: frozenset[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the ways in which a file's rows are grouped."""
    if "sex" in fields:
        yield "sex", _labels(table["sex"], "not known")
    if "birth_date" in fields:
        decade = pc.binary_join_element_wise(pc.utf8_slice_codeunits(table["birth_year"], 0, 3), "0s", "")
        yield "decade of birth", _labels(decade, "not known")
    for field in ("ssn", "sasid", "birth_date", "middle_name"):
        if field in fields:
            yield (
                f"{defaults.WORDS[field]} on file",
                np.where(pc.is_valid(table[field]).to_numpy(zero_copy_only=False), "yes", "no"),
            )
    if "last_name" in fields:
        parts = pc.not_equal(table["last_a"], table["last_b"])
        yield (
            "surname of two parts",
            np.where(pc.fill_null(parts, False).to_numpy(zero_copy_only=False), "yes", "no"),
        )


def _labels(column: pa.ChunkedArray, unknown: str) -> np.ndarray:
    return pc.fill_null(column, unknown).to_numpy(zero_copy_only=False)


def _sizes(cluster: np.ndarray) -> list[dict[str, int]]:
    if not len(cluster):
        return []
    sizes, count = np.unique(np.unique(cluster, return_counts=True)[1], return_counts=True)
    return [{"rows": int(size), "count": int(number)} for size, number in zip(sizes, count, strict=True)]
