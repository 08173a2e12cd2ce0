"""How many true pairs a run missed, estimated without labels, and who could not be linked at all.

Two blocks that share no field find true pairs independently of each other, as two catches from one lake do:
what one finds of the other's catch tells how much both miss (Chapman's form of capture and recapture).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from matching.engine import coded, defaults
from matching.engine.coded import Records
from matching.engine.engines.edges import Edges, Model
from matching.engine.normalise import NORMALISERS
from matching.engine.spec import Block, Spec

_SAMPLE: Final = 50_000
"""So many links, evenly taken, are looked at; more would not change the estimate."""
_LEAST_BOTH: Final = 30
_SLACK: Final = 3.0
"""A block whose fields alone are this many bits short still leads to a link: others mostly agree."""
_Z: Final = 1.96
_NO_TWO: Final = (
    "no two blocks that share no field would each be enough for a link; the share that could be linked at all"
    " is the upper bound"
)


def estimate(
    spec: Spec,
    edges: Edges,
    model: Model,
    prior: float,
    accepted: float,
    linked: np.ndarray,
    prepared: Mapping[str, Records | pa.Table],
) -> dict[str, Any]:
    """Return the estimated recall of one pair of files; `linked` are its links among the edges."""
    needed = bits_needed(accepted, prior)
    best = _best(model)
    left, right = coded.together(prepared[edges.pair.left], prepared[edges.pair.right])
    short = {
        name: _short(side, best, needed)
        for name, side in ((edges.pair.left, left), (edges.pair.right, right))
    }
    bound = math.prod(1 - np.mean(rows) if len(rows) else 1.0 for rows in short.values())
    told = {
        "unlinkable": [
            {"file": name, "with": "all", "count": int(rows.sum()), "of": len(rows)}
            for name, rows in short.items()
        ],
        "upper_bound": float(bound),
        "recall": None,
        "low": None,
        "high": None,
        "blocks": [],
        "caught": [],
        "note": _NO_TWO,
    }
    places = linked[:: max(1, len(linked) // _SAMPLE)]
    blocks = [b for b in spec.blocks if _enough(b, best, needed)]
    caught = _caught(blocks, left, right, edges.left[places], edges.right[places])
    return told | _bounded(_chapman(blocks, caught, len(places)), float(bound))


def bits_needed(accepted: float, prior: float) -> float:
    """Return the evidence that takes a pair without rivals to the point of acceptance."""
    chance = min(max(accepted, 1e-12), 1 - 1e-12)
    return math.log2(chance / (1 - chance)) - math.log2(prior / (1 - prior))


def _best(model: Model) -> dict[str, float]:
    """Return the most evidence that each field can give."""
    best: dict[str, float] = {}
    for entry in model.weights:
        best[entry["field"]] = max(best.get(entry["field"], 0.0), float(entry["weight"]))
    return best


def _short(records: Records, best: Mapping[str, float], needed: float) -> np.ndarray:
    """Return which rows hold too little to be linked, even if all they hold agrees."""
    reach = np.zeros(records.num_rows)
    for field, bits in best.items():
        reach += np.where(records.known(field), bits, 0.0)
    return reach < needed if best else np.zeros(records.num_rows, bool)


def fields_of(block: Block) -> frozenset[str]:
    """Return the fields that a block rests on."""
    made = [defaults.MADE_OF.get(column, {defaults.COLUMNS[column]}) for column in block.on]
    return frozenset().union(*made)


def _enough(block: Block, best: Mapping[str, float], needed: float) -> bool:
    fields = frozenset(defaults.COLUMNS[column] for column in block.on)
    if not fields_of(block) <= set(NORMALISERS):
        return False  # nobody said what it is made of, so nothing is known of its independence
    return fields <= set(best) and sum(best[field] for field in fields) >= needed - _SLACK


def _caught(
    blocks: Sequence[Block], left: Records, right: Records, one: np.ndarray, other: np.ndarray
) -> list[np.ndarray]:
    """Return for each block which of the links agree on it."""
    columns = {column for block in blocks for column in block.on}
    agree = {column: left.agree(right, column, one, other) for column in columns}
    return [np.logical_and.reduce([agree[column] for column in block.on]) for block in blocks]


def _bounded(found: dict[str, Any], bound: float) -> dict[str, Any]:
    """Return the estimate no higher than what could be linked at all.

    Two blocks cannot see those whom neither could ever have led to a link. At the low end the two kinds of
    missing are taken as of different people.
    """
    if not found:
        return found
    return found | {
        "recall": min(found["recall"], bound),
        "low": found["low"] * bound,
        "high": min(found["high"], bound),
    }


def _chapman(blocks: Sequence[Block], caught: Sequence[np.ndarray], links: int) -> dict[str, Any]:
    """Return the estimate from the two blocks without a common field that have most links in common."""
    chosen: tuple[int, int, int] | None = None
    for one, other in itertools.combinations(range(len(blocks)), 2):
        if fields_of(blocks[one]) & fields_of(blocks[other]):
            continue
        both = int((caught[one] & caught[other]).sum())
        if both >= _LEAST_BOTH and (chosen is None or both > chosen[2]):
            chosen = one, other, both
    if chosen is None:
        return {}
    one, other, both = chosen
    first, second = int(caught[one].sum()), int(caught[other].sum())
    total = (first + 1) * (second + 1) / (both + 1) - 1
    spread = (first + 1) * (second + 1) * (first - both) * (second - both) / ((both + 1) ** 2 * (both + 2))
    wide = _Z * math.sqrt(spread)
    return {
        "recall": min(1.0, links / total),
        "low": min(1.0, links / (total + wide)),
        "high": min(1.0, links / max(total - wide, 1.0)),
        "blocks": [blocks[one].name, blocks[other].name],
        "caught": [
            {"by": "both", "count": both},
            {"by": "the first alone", "count": first - both},
            {"by": "the second alone", "count": second - both},
            {"by": "neither", "count": links - first - second + both},
        ],
        "note": "",
    }
