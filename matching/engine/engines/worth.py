"""What a pattern of agreeing tokens is worth, learnt from the run itself.

Tokens are made from the same few fields, so they agree together, and the sum of their weights would count
one thing many times. A pair is judged by its whole pattern instead. How often chance gives a pattern is seen
where two records cannot be one person: within a file that has one row a person. Brothers, twins and namesakes
are in it. With the chance of each pattern fixed, EM over the patterns comes to rest where the pairs beyond
chance are the true ones; that point is reckoned directly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from matching.engine.rules import Rule

_NUMBERS: Final = {"T_SSN": 40, "T_SASID": 41}
"""Tokens of one number alone, and the bit that says: both have one, and not the same."""
_LEVEL_AT: Final = 44
_HALF_A_PAIR: Final = 0.5
_LEAST_CHANCE: Final = 1e-6
_LEAST_EXPECTED: Final = 1e-9
_MOST_BITS: Final = 60.0


@dataclass
class Counts:
    """How many pairs show each pattern, among so many possible ones."""

    pattern: np.ndarray
    count: np.ndarray
    possible: float


def patterns(agree: Mapping[int, np.ndarray], differ: Mapping[int, np.ndarray], level: np.ndarray) -> Any:
    """Return the pattern of each pair as one number, from which tokens agree and which numbers differ."""
    made = level.astype(np.int64) << _LEVEL_AT
    for place, marks in agree.items():
        made |= marks.astype(np.int64) << place
    for place, marks in differ.items():
        made |= marks.astype(np.int64) << place
    return made


def differing(rules: Sequence[Rule]) -> dict[int, int]:
    """Return for each number among the rules its place, and the bit that says that it differs."""
    return {place: _NUMBERS[rule.column] for place, rule in enumerate(rules) if rule.column in _NUMBERS}


def counted(found: np.ndarray, possible: float) -> Counts:
    """Count the patterns of many pairs."""
    pattern, count = np.unique(found, return_counts=True)
    return Counts(pattern, count.astype(float), possible)


@dataclass(frozen=True)
class Learnt:
    """What each pattern is worth: evidence in bits, how many pairs are true, how many chance, the prior."""

    pattern: np.ndarray
    evidence: np.ndarray
    truly: np.ndarray
    by_chance: np.ndarray
    prior: float

    def evidence_of(self, pattern: np.ndarray) -> np.ndarray:
        """Return the evidence of pairs with these patterns."""
        return self.evidence[np.searchsorted(self.pattern, pattern)] if len(pattern) else np.empty(0)


def learn(
    rules: Sequence[Rule], across: Counts, within: Sequence[Counts], held: Mapping[int, float]
) -> Learnt:
    """Learn from the pairs across files, and those within files of one row a person, if there are such.

    `held` is, for each number, how likely both records of a pair have it.
    """
    expected = _by_chance(rules, across, within, held)
    truly = np.maximum(across.count - expected, across.count * _LEAST_CHANCE)
    total = max(float(truly.sum()), _HALF_A_PAIR)
    prior = min(total / max(across.possible, 1.0), 0.5)
    with np.errstate(divide="ignore"):
        evidence = np.log2(truly / total) - np.log2(expected / max(across.possible, 1.0))
    return Learnt(across.pattern, np.clip(evidence, -_MOST_BITS, _MOST_BITS), truly, expected, prior)


def _by_chance(
    rules: Sequence[Rule], across: Counts, within: Sequence[Counts], held: Mapping[int, float]
) -> np.ndarray:
    """Return how many pairs across files show each pattern by chance."""
    numbers = np.int64(sum(1 << bit for bit in differing(rules).values()))
    agreeing, place = np.unique(across.pattern & ~numbers, return_inverse=True)
    rarity = np.array([2.0 ** -_bits(pattern, rules) for pattern in agreeing.tolist()])
    there = sum(counts.possible for counts in within)
    share = _seen(agreeing, rarity, within, numbers) / there if there else rarity
    split = np.ones(len(across.pattern))
    for at, bit in differing(rules).items():
        apart = np.where(across.pattern >> bit & 1, held[at], 1 - held[at])
        split *= np.where(across.pattern >> at & 1, 1.0, apart)
    return np.maximum(share[place] * split * across.possible, _LEAST_EXPECTED)


def _seen(
    agreeing: np.ndarray, rarity: np.ndarray, within: Sequence[Counts], numbers: np.int64
) -> np.ndarray:
    """Return how many pairs within files agree so, whether or not their numbers are known and differ.

    What was never seen is not impossible: all of it together is about as common as what was seen once (Good
    and Turing), and is shared out by how rare each agreement is.
    """
    pattern = np.concatenate([counts.pattern & ~numbers for counts in within])
    sets, where = np.unique(pattern, return_inverse=True)
    count = np.bincount(where, weights=np.concatenate([c.count for c in within]), minlength=len(sets))
    at = np.minimum(np.searchsorted(sets, agreeing), max(len(sets) - 1, 0))
    known = sets[at] == agreeing if len(sets) else np.zeros(len(agreeing), bool)
    seen = np.where(known, count[at], 0.0) if len(sets) else np.zeros(len(agreeing))
    once = max(float((count == 1).sum()), _HALF_A_PAIR)
    unseen = np.where(known, 0.0, rarity)
    shared = np.minimum(once * unseen / max(float(unseen.sum()), 1e-300), 1.0)
    return seen + shared


def _bits(pattern: int, rules: Sequence[Rule]) -> float:
    """Return about how rare such agreement is, in bits: the rarest of a number, and of names and date."""
    most = {True: 0.0, False: 0.0}
    for place, rule in enumerate(rules):
        if pattern >> place & 1:
            number = any(part.startswith(("ssn", "sasid")) for part in rule.parts)
            most[number] = max(most[number], rule.bits)
    return max(most.values()) + min(*most.values(), 10.0)


def shares(rules: Sequence[Rule], learnt: Learnt, possible: float) -> list[dict[str, Any]]:
    """Return for each rule how often true pairs and chance pairs agree on it, for the report."""
    told: list[dict[str, Any]] = []
    for place, rule in enumerate(rules):
        marks = (learnt.pattern >> place & 1).astype(bool)
        m = _within_bounds(float(learnt.truly[marks].sum()) / max(float(learnt.truly.sum()), 1e-9))
        u = _within_bounds(float(learnt.by_chance[marks].sum()) / max(possible, 1.0))
        for level, (kind, often, chance) in enumerate((("exact", m, u), ("else", 1 - m, 1 - u))):
            weight = math.log2(often / chance)
            told.append(
                {"field": rule.field, "level": level, "kind": kind, "at": None, "m": often, "u": chance,
                 "weight": weight}
            )  # fmt: skip
    return told


def _within_bounds(share: float) -> float:
    return min(max(share, 1e-12), 1 - 1e-6)
