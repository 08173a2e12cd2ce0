"""What a reviewed sample says of a run: its precision and what it missed, with intervals, and how far
reviewers agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

LINK: Final = "link"
NOT: Final = "not"
UNSURE: Final = "unsure"
_ROUNDS: Final = 4_000
_PRIOR_PAIRS: Final = 1.0
"""What the run itself expects of a stratum counts as much as so many reviewed pairs."""
_USUAL_ERROR: Final = (1.0, 24.0)
"""Before two people read the same pairs: as if one in 25 readings were known to be wrong."""
_MOST_ERROR: Final = 0.3


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """What the sample says; None where there is nothing to say it of."""

    precision: Interval | None
    missed: Interval | None
    """How many pairs of one person the run saw and did not link."""
    reviewed: int
    unsure: int
    error: float
    """How often a single reading is wrong, as the second readings tell."""


def estimate(
    strata: Sequence[Mapping[str, Any]],
    verdicts: Sequence[tuple[int, str]],
    *,
    compared: int,
    differing: int,
    seed: int = 1,
) -> Estimate:
    """Estimate from the strata and the verdicts on their pairs `(stratum, verdict)`.

    `compared` pairs were read by two people on their own, who differed on `differing`. A reader errs as often
    one way as the other; a pair that nobody was sure of counts as anything between. In each round the error
    and the share of true pairs of every stratum are drawn anew, and with them the pairs that nobody read.
    """
    chance = np.random.default_rng(seed)
    wrong = chance.beta(differing + _USUAL_ERROR[0] * 2, compared - differing + _USUAL_ERROR[1], _ROUNDS)
    error = np.minimum((1 - np.sqrt(np.maximum(1 - 2 * wrong, 0.0))) / 2, _MOST_ERROR)
    counts = Counter(verdicts)
    right, linked, missed = (np.zeros(_ROUNDS) for _ in range(3))
    reviewed = {number for number, _ in verdicts}
    for number, stratum in enumerate(strata):
        own = {kind: counts[number, kind] for kind in (LINK, NOT, UNSURE)}
        found = _stratum(stratum, own, error, chance)
        if stratum["linked"]:
            right += found + _told(stratum["told_link"], error, chance)
            linked += stratum["pairs"] - stratum["told_not"]
        else:
            missed += found
            right += _told(stratum["told_link"], error, chance)
            linked += stratum["told_link"]
    has_linked = any(s["linked"] and s["pairs"] > s["told_not"] for s in strata)
    return Estimate(
        precision=_interval(right / np.maximum(linked, 1)) if has_linked and reviewed else None,
        missed=_interval(missed) if reviewed and not all(s["linked"] for s in strata) else None,
        reviewed=len(verdicts),
        unsure=sum(times for (_, kind), times in counts.items() if kind == UNSURE),
        error=float(np.median(error)),
    )


def _stratum(
    stratum: Mapping[str, Any], own: Mapping[str, int], error: np.ndarray, chance: np.random.Generator
) -> np.ndarray:
    """Draw how many pairs of a stratum, besides those told before, are one person."""
    agree = own[LINK] + stratum["told_link"]
    differ = own[NOT] + stratum["told_not"]
    said = stratum["chance"] * (1 - 2 * error) + error
    seen = chance.beta(
        agree + _PRIOR_PAIRS * np.clip(said, 0.001, 0.999),
        differ + _PRIOR_PAIRS * np.clip(1 - said, 0.001, 0.999),
    )
    share = np.clip((seen - error) / (1 - 2 * error), 0.0, 1.0)
    yes = share * (1 - error) / np.maximum(share * (1 - error) + (1 - share) * error, 1e-12)
    no = share * error / np.maximum(share * error + (1 - share) * (1 - error), 1e-12)
    unread = max(stratum["pairs"] - stratum["told_link"] - stratum["told_not"] - sum(own.values()), 0)
    return (
        chance.binomial(own[LINK], yes)
        + chance.binomial(own[NOT], no)
        + chance.binomial(own[UNSURE], chance.uniform(size=len(error)))
        + chance.binomial(unread, share)
    )


def _told(pairs: int, error: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Draw how many of the pairs that reviewers joined are one person."""
    return chance.binomial(pairs, 1 - error)


def _interval(draws: np.ndarray) -> Interval:
    low, middle, high = np.quantile(draws, (0.025, 0.5, 0.975)).tolist()
    return Interval(middle, low, high)


def kappa(readings: Sequence[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa of two readings of the same pairs: 1 is full agreement, 0 what chance gives."""
    total = len(readings)
    if not total:
        return None
    agree = sum(one == other for one, other in readings) / total
    first, second = Counter(one for one, _ in readings), Counter(other for _, other in readings)
    expected = sum(first[kind] * second[kind] for kind in (LINK, NOT, UNSURE)) / total**2
    return 1.0 if expected == 1 else (agree - expected) / (1 - expected)
