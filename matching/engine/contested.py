"""Which groups of records people look at: where the run joined some and was stopped, or in doubt, at others.

A pair does not tell why a third record stands in the way; side by side the whole group does. Each pair of a
group above the grey floor is asked about, and a decision counts in later runs as that on a pair does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from matching.engine.resolve import LINK, REFUSED
from matching.engine.sheets import Sheets
from matching.engine.spec import Spec
from matching.engine.told import Told

LEAST: Final = 3
MOST: Final = 8
"""A group of more records than this is not laid side by side; its pairs are drawn as all others are."""
_DOUBT: Final = 0.2
"""A pair that was not linked counts as one in doubt from this likelihood on."""


@dataclass(frozen=True)
class Groups:
    """The groups without any value, and what finds their pairs again, in the same order."""

    shown: list[dict[str, Any]]
    index: list[list[dict[str, Any]]]


def draw(
    edges: pa.Table,
    tables: Mapping[str, pa.Table],
    spec: Spec,
    *,
    size: int,
    salt: str,
    told: Told,
    sheets: Sheets,
    stopped: Mapping[int, str] | None = None,
) -> Groups:
    """Draw up to `size` groups: those with most refused pairs first, then as good as by chance.

    `stopped` tells why a pair that was likely enough is not linked, by its row.
    """
    stopped = stopped or {}
    names = list(spec.files)
    starts = np.cumsum([0, *(tables[name].num_rows for name in names)])
    one, other = (_rows(edges, side, tables, spec, starts) for side in ("l", "r"))
    decision = np.array(edges["decision"].to_pylist(), dtype=object)
    chance = edges["probability"].to_numpy()
    counts = np.flatnonzero((decision == LINK) | (decision == REFUSED) | (chance >= _DOUBT))
    shown: list[dict[str, Any]] = []
    index: list[list[dict[str, Any]]] = []
    for members in _chosen(one, other, decision, counts, told, salt, size=size):
        records = sorted({*one[members].tolist(), *other[members].tolist()})
        place = {record: number for number, record in enumerate(records)}
        whose = [int(np.searchsorted(starts, record, side="right")) - 1 for record in records]
        known = [
            (names[file], record - int(starts[file])) for file, record in zip(whose, records, strict=True)
        ]
        entries = [
            {
                "one": place[int(one[edge])],
                "other": place[int(other[edge])],
                "probability": round(float(chance[edge]), 6),
                "weight": round(float(edges["weight"][int(edge)].as_py()), 3),
                "rule": edges["rule"][int(edge)].as_py(),
                "decision": str(decision[edge]),
                "stopped": stopped.get(edge, ""),
                "told": _is_told(one[edge], other[edge], told),
            }
            for edge in members.tolist()
        ]
        found = [[name, sheets.digest(name, row, salt)] for name, row in known]
        shown.append(
            {
                "records": [{"file": name, "place": sheets.add(name, row)} for name, row in known],
                "pairs": entries,
            }
        )
        index.append([{"left": found[e["one"]], "right": found[e["other"]]} for e in entries])
    return Groups(shown, index)


def _rows(
    edges: pa.Table, side: str, tables: Mapping[str, pa.Table], spec: Spec, starts: np.ndarray
) -> np.ndarray:
    """Return the record of each pair's side, numbered over all files."""
    rows = np.zeros(edges.num_rows, np.int64)
    for number, (name, file) in enumerate(spec.files.items()):
        mine = pc.equal(edges[f"file_{side}"], name).to_numpy()
        ids = tables[name][file.id_column].cast(pa.string()).combine_chunks()
        at = pc.index_in(edges[f"id_{side}"].filter(pa.array(mine)), value_set=ids)
        rows[mine] = at.to_numpy().astype(np.int64) + int(starts[number])
    return rows


def _chosen(
    one: np.ndarray,
    other: np.ndarray,
    decision: np.ndarray,
    counts: np.ndarray,
    told: Told,
    salt: str,
    *,
    size: int,
) -> list[np.ndarray]:
    """Return the pairs of each group that is drawn."""
    if not len(counts) or not size:
        return []
    left, right = one[counts], other[counts]
    records, at = np.unique(np.concatenate([left, right]), return_inverse=True)
    half = len(counts)
    graph = coo_array((np.ones(half, np.int8), (at[:half], at[half:])), shape=(len(records), len(records)))
    group = connected_components(graph, directed=False)[1]
    of_pair = group[at[:half]]
    records_in = np.bincount(group)
    open_pair = np.array(
        [decision[edge] != LINK and not _is_told(one[edge], other[edge], told) for edge in counts.tolist()]
    )
    refused = np.bincount(
        of_pair, weights=(decision[counts] == REFUSED) & open_pair, minlength=len(records_in)
    )
    doubtful = np.bincount(of_pair, weights=open_pair, minlength=len(records_in))
    fits = (records_in >= LEAST) & (records_in <= MOST) & (doubtful > 0)
    found = np.flatnonzero(fits)
    chance = pd.util.hash_array(found.astype(str).astype(object), hash_key=salt)
    order = np.lexsort((chance, -refused[found]))
    return [counts[of_pair == number] for number in found[order][:size].tolist()]


def _is_told(one: Any, other: Any, told: Told) -> bool:
    pair = (min(int(one), int(other)), max(int(one), int(other)))
    return pair in told.together or pair in told.apart
