"""The hub's own engine: certain passes first, then Fellegi–Sunter on whole-number patterns of agreement."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import pyarrow as pa

from matching.engine.coded import Records
from matching.engine.engines import mixture, patterns
from matching.engine.engines.edges import Edges, Limits, Model, Pair
from matching.engine.engines.splink import usable
from matching.engine.spec import Spec

NAME: Final = "hybrid"
BY_NUMBERS: Final = True
"""It takes files as they are coded; tables of text it codes itself."""
_KEPT_BITS: Final = -9.0
_TOO_FEW: Final = (
    f"Fewer than {mixture.FEW} pairs beyond doubt:"
    " how often true pairs agree is taken from the specification."
)


def fit(
    spec: Spec, pair: Pair, left: Records | pa.Table, right: Records | pa.Table, *, limits: Limits
) -> Model:
    """Learn from the two files how telling each level of agreement is.

    :raises NeedsMoreMemory: if the limit is reached
    """
    return fit_and_score(spec, pair, left, right, limits=limits)[0]


def score(
    spec: Spec, model: Model, left: Records | pa.Table, right: Records | pa.Table, *, limits: Limits
) -> Edges:
    """Score every candidate that the blocks find.

    :raises NeedsMoreMemory: if the limit is reached
    """
    found = _find(spec, model.pair, left, right, limits)
    return _edges(found, model.pair, model.learnt)


def fit_and_score(
    spec: Spec, pair: Pair, left: Records | pa.Table, right: Records | pa.Table, *, limits: Limits
) -> tuple[Model, Edges]:
    """Learn and score in one go: the candidates are found once.

    :raises NeedsMoreMemory: if the limit is reached
    """
    found = _find(spec, pair, left, right, limits)
    learnt = mixture.learn(found)
    model = Model(
        pair=pair,
        prior=_prior(learnt),
        weights=mixture.weights(learnt),
        blocks=found.blocks,
        settings={"classes": {name: round(count, 1) for name, count in learnt.counts.items()}},
        notes=[_TOO_FEW] if learnt.anchors < mixture.FEW else [],
        learnt=learnt,
    )
    return model, _edges(found, pair, learnt)


def _find(
    spec: Spec, pair: Pair, left: Records | pa.Table, right: Records | pa.Table, limits: Limits
) -> patterns.Patterns:
    compared, blocks = usable(spec, pair)
    return patterns.find(spec, pair, left, right, compared, blocks, limits=limits)


def _prior(learnt: mixture.Learnt) -> float:
    return min(learnt.counts["match"] / learnt.possible, 0.5)


def _edges(found: patterns.Patterns, pair: Pair, learnt: mixture.Learnt) -> Edges:
    evidence = learnt.evidence(found.kinds, found.kind_sure)[found.kind]
    prior = _prior(learnt)
    kept = np.flatnonzero(evidence + math.log2(prior / (1 - prior)) >= _KEPT_BITS)
    return Edges(
        pair=pair,
        left=found.left[kept],
        right=found.right[kept],
        evidence=evidence[kept],
        rule=found.rule[kept],
        prior=prior,
        pattern=found.kinds[found.kind[kept]],
    )
