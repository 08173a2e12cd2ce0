"""How two runs of a match differ, in counts: the pairs that both link, and those that one of them links."""

from __future__ import annotations

import itertools
from typing import Any

import pyarrow as pa


def between(before: pa.Table, after: pa.Table) -> list[dict[str, Any]]:
    """Return for every two files how many pairs both keys join, only the first, and only the second."""
    first, second = (_pairs(table) for table in (before, after))
    found = []
    for pair in sorted({*first, *second}):
        one, other = first.get(pair, set()), second.get(pair, set())
        found.append(
            {
                "left": pair[0],
                "right": pair[1],
                "both": {"count": len(one & other)},
                "before": {"count": len(one - other)},
                "after": {"count": len(other - one)},
            }
        )
    return found


def _pairs(key: pa.Table) -> dict[tuple[str, str], set[tuple[str, str]]]:
    import pandas as pd  # where it is used: every process would start a fifth of a second later

    frame = key.to_pandas()
    held = {name: rows[["link_id", "id"]] for name, rows in frame.groupby("file", sort=True)}
    found = {}
    for one, other in itertools.combinations(sorted(held), 2):
        met = pd.merge(held[one], held[other], on="link_id", suffixes=("_l", "_r"))
        found[str(one), str(other)] = set(zip(met["id_l"], met["id_r"], strict=True))
    return found
