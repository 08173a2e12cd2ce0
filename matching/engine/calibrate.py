"""From evidence to probability, and from probability to thresholds, in each run anew.

A weight that meant 99.6 % in a file of 100,000 means less in one of a million: the chance rivals grow. So the
prior is learnt from the run itself, a pair's rivals count against it, and the points of acceptance follow
from both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from matching.engine.engines.edges import Edges
from matching.engine.spec import Spec

_ROUNDS: Final = 60
_SETTLED: Final = 1e-5
_MOST_BITS: Final = 80.0
_DIGITS: Final = 9
_LEAST_ACCEPTED: Final = 0.2
"""No point of acceptance lies below this, however a run turns out."""


@dataclass(frozen=True)
class Thresholds:
    """The calibrated points of a run, as probabilities, with what is expected of each."""

    f1: float
    auto: float
    grey: float
    precision_at_f1: float
    recall_at_f1: float
    precision_at_auto: float
    share_at_auto: float
    expected_links: float

    def accepted(self, accept: str) -> float:
        """Return the point above which pairs are linked."""
        return self.auto if accept == "auto" else self.f1


def probabilities(edges: Edges, spec: Spec, rows: dict[str, int]) -> tuple[np.ndarray, float]:
    """Return how likely each candidate is one person, with its rivals counted, and the prior learnt.

    In a file of one row per person at most one of a record's candidates can be right.
    """
    left, right = rows[edges.pair.left], rows[edges.pair.right]
    possible = left * (left - 1) / 2 if edges.pair.one_file else left * right
    one_each = spec.files[edges.pair.left].unique and spec.files[edges.pair.right].unique
    most = min(left, right) if one_each else max(possible / 2, 1.0)
    # Summed in the order of the evidence, not of the rows: so that the rows' order changes no digit.
    order = np.argsort(edges.evidence, kind="stable")
    bayes = np.exp2(np.clip(edges.evidence[order], -_MOST_BITS, _MOST_BITS))
    rivals = _Rivals(edges, order, spec)
    prior, chance = edges.prior, np.zeros(len(bayes))
    for _ in range(_ROUNDS):
        odds = bayes * (prior / (1 - prior))
        chance = odds / (1 + odds + rivals.of(odds))
        learnt = float(np.clip(chance.sum(), 0.5, most) / max(possible, 1.0))
        learnt = min(learnt, 0.5)
        settled = abs(learnt - prior) <= _SETTLED * prior
        prior = learnt
        if settled:
            break
    told = np.empty(len(chance))
    told[order] = np.round(chance, _DIGITS)
    return told, prior


class _Rivals:
    """For each pair the others that cannot be true together with it."""

    def __init__(self, edges: Edges, order: np.ndarray, spec: Spec) -> None:
        self._sides: list[tuple[np.ndarray, np.ndarray]] = []
        if edges.pair.one_file:
            return
        for own, other in ((edges.left, edges.pair.right), (edges.right, edges.pair.left)):
            if spec.files[other].unique and len(own):
                record = own[order]
                several = np.flatnonzero(np.bincount(record)[record] > 1)
                _, place = np.unique(record[several], return_inverse=True)
                self._sides.append((several, place))

    def of(self, odds: np.ndarray) -> np.ndarray:
        """Return for each pair the odds of its rivals together."""
        rivals = np.zeros(len(odds))
        for several, record in self._sides:
            if len(several):
                mine = odds[several]
                rivals[several] += np.bincount(record, weights=mine)[record] - mine
        return np.maximum(rivals, 0.0)


def thresholds(chances: Sequence[np.ndarray], spec: Spec) -> Thresholds:
    """Return the points at which expected F1 is highest, and above which the automatic band lies."""
    chance = np.sort(np.concatenate([*chances, np.empty(0)]))[::-1]
    total = float(chance.sum())
    if not len(chance) or total <= 0:
        return Thresholds(0.5, 1.0, spec.grey_floor, 1.0, 1.0, 1.0, 0.0, 0.0)
    count = np.arange(1, len(chance) + 1)
    right = np.cumsum(chance)
    best = int(np.argmax(2 * right / (count + total)))
    f1 = max(float(chance[best]), _LEAST_ACCEPTED)
    at_f1 = int(np.searchsorted(-chance, -f1, side="right"))
    sure = np.flatnonzero(right / count >= spec.auto_precision)
    at_auto = int(sure[-1]) + 1 if len(sure) else 0
    auto = max(float(chance[at_auto - 1]), f1) if at_auto else 1.0
    at_auto = int(np.searchsorted(-chance, -auto, side="right"))
    return Thresholds(
        f1=f1,
        auto=auto,
        grey=min(spec.grey_floor, f1),
        precision_at_f1=_share(right, at_f1, at_f1),
        recall_at_f1=_share(right, at_f1, total),
        precision_at_auto=_share(right, at_auto, at_auto),
        share_at_auto=_share(right, at_auto, total),
        expected_links=total,
    )


def _share(right: np.ndarray, upto: int, of: float) -> float:
    return float(right[upto - 1] / of) if upto and of else 1.0
