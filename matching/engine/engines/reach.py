"""How likely a true pair is to be linked at all, by what its two records hold and what became of the surname.

Those that are linked tell of those that are not: where of nine true pairs of a kind eight reach the point of
acceptance, each one that did stands for nine eighths. How many do is seen where a number led to the link:
with the number taken away, such pairs are as pairs without one are, errors that go together and blocks that
miss them included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from matching.engine.engines.mixture import Group, Learnt
from matching.engine.engines.patterns import BUCKETS, Scale

_DRAWN: Final = 500
"""So many true pairs of a kind are drawn from the model."""
_LEAST: Final = 0.05
"""No linked pair stands for more than twenty: what hardly ever is linked tells nothing of its kind."""
_TELLS: Final = 0.3
"""From this likelihood on, the pairs that were linked tell how many there are of their kind."""
_HALF: Final = 0.5
"""Kinds that make up so much must tell, before the others are told by them."""
_ENOUGH: Final = 200.0
"""So many true pairs that agree on a number tell of what kinds pairs without one are; fewer tell nothing."""
_MOST_LEVELS: Final = 64
_NUMBERS: Final = frozenset({"ssn", "sasid"})
_SAMPLED: Final = 40_000
_AS_MANY: Final = 20.0
"""What the model says counts as much as so many pairs that were looked at."""
_SURNAME: Final = "last_name"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class Unseen:
    """True pairs that hardly ever are linked: each is like the one in `row`, but for the surname."""

    row: np.ndarray
    weight: np.ndarray
    surname: np.ndarray


@dataclass(frozen=True)
class Bare:
    """The kinds of pairs without a number in both records: what they know, and what became of the surname."""

    kind: np.ndarray
    """For each pair its kind; -1 where both records hold a number."""
    likelihood: np.ndarray
    """For each kind, of being linked."""
    share: np.ndarray
    """For each kind, of the true pairs that agree on a number, once that is taken away."""
    surname: np.ndarray

    def unseen(self, true: np.ndarray) -> Unseen:
        """Return the pairs that stand for none of those linked, for `true` pairs for which each stands.

        Whether a number is missing says nothing of what else is: so the kinds have the shares that they have
        among the pairs that agree on a number, and how many there are is told by those that are linked.
        """
        rows = np.flatnonzero(self.kind >= 0)
        found = np.bincount(self.kind[rows], weights=true[rows], minlength=len(self.share))
        tells = self.likelihood >= _TELLS
        if not self.share[tells].sum() > _HALF or not found[tells].sum():
            return Unseen(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))
        every = found[tells].sum() / self.share[tells].sum()
        more = np.where(tells, 0.0, np.maximum(every * self.share - found, 0.0))
        of_level = np.bincount(self.surname, weights=more)
        levels = np.flatnonzero(of_level)
        rows = rows[tells[self.kind[rows]] & (true[rows] > 0)]
        part = true[rows] / true[rows].sum()
        return Unseen(
            np.tile(rows, len(levels)),
            np.concatenate([np.empty(0), *(part * of_level[level] for level in levels)]),
            np.repeat(levels, len(rows)),
        )


@dataclass(frozen=True)
class Reach:
    """For each pair the likelihood that a true pair of its kind is linked, and the level of its surname."""

    likelihood: np.ndarray
    surname: np.ndarray
    surnames: list[str]
    """The levels of the surname by their kind; empty where surnames were not compared."""
    kind: np.ndarray
    doubt: np.ndarray
    """For each pair its kind, and for each kind the standard error of the likelihood, as a share of it."""
    bare: Bare


@dataclass(frozen=True)
class Kept:
    """The pairs of two files that were kept: their patterns, and how likely each is one person."""

    pattern: np.ndarray
    true: np.ndarray
    found_without_numbers: Callable[[np.ndarray], np.ndarray]
    """Says of some, by their places, whether a block that rests on no number finds them."""


def of(learnt: Learnt, kept: Kept, *, needed: float, seed: int) -> Reach:
    """Return how likely true pairs of these kinds are found and come to the evidence `needed`."""
    every, place = np.unique(kept.pattern, return_inverse=True)
    first, of_kind, surname = _kinds(learnt, every)
    asked = _Asked(learnt, kept, (every, place), needed, np.random.default_rng(seed))
    share, looked_at = asked.shares(every[first])
    share = np.maximum(share, _LEAST)
    doubt = np.sqrt(share * (1 - share) / looked_at) / share
    return Reach(
        share[of_kind][place],
        surname[place],
        _surnames(learnt),
        of_kind[place],
        doubt,
        _bare(asked, every, place),
    )


def _bare(asked: _Asked, patterns: np.ndarray, place: np.ndarray) -> Bare:
    """Return the kinds of the pairs that have no number, of these and of those that agree on one.

    `place` says of each pair which of the patterns it has.
    """
    without = np.flatnonzero(~asked.have_number(patterns))
    sampled = asked.without_numbers()
    every, which = np.unique(np.concatenate([patterns[without], sampled]), return_inverse=True)
    first, of_kind, surname = _kinds(asked.learnt, every)
    kind = np.full(len(patterns), -1, dtype=np.int64)
    kind[without] = of_kind[which][: len(without)]
    weight = np.bincount(of_kind[which][len(without) :], weights=asked.weight, minlength=len(first))
    share = weight / weight.sum() if weight.sum() >= _ENOUGH else np.zeros(len(first))
    likelihood = asked.shares(every[first])[0] if share.any() else np.zeros(len(first))
    return Bare(kind[place], likelihood, share, surname[first])


class _Asked:
    """How often true pairs of a kind come to the evidence that is needed.

    Pairs that agree on a number were found and linked by it, whatever else they say: with the number taken
    away, they tell how pairs without one fare, whose errors go together as theirs do, and whom other blocks
    find as theirs would. Where few of them know what a pair knows, the model tells it, for which errors are
    of no kin.
    """

    def __init__(
        self,
        learnt: Learnt,
        kept: Kept,
        patterns: tuple[np.ndarray, np.ndarray],
        needed: float,
        chance: np.random.Generator,
    ) -> None:
        """Draw from pairs that agree on a number; `patterns` has each one once, and which a pair has."""
        self.scales = _scales(learnt)
        self.learnt, self._needed, self._chance = learnt, needed, chance
        every, place = patterns
        agrees = np.zeros(len(every), bool)
        for scale in self._numbers():
            agrees |= _levels(scale.states_in(every)) == 1
        rows = np.flatnonzero(agrees[place])
        if len(rows) > _SAMPLED:
            rows = chance.choice(rows, _SAMPLED, replace=False)
        ways, way = np.unique(2 * place[rows] + kept.found_without_numbers(rows), return_inverse=True)
        self.weight = np.bincount(way, weights=kept.true[rows], minlength=len(ways))
        self._is_found = ways % 2 == 1
        self._states = [scale.states_in(every[ways // 2]) for scale in self.scales]

    def _numbers(self) -> list[Scale]:
        return [scale for scale in self.scales if scale.comparison.field in _NUMBERS]

    def have_number(self, patterns: np.ndarray) -> np.ndarray:
        """Say of each pattern whether both records hold a number."""
        held = np.zeros(len(patterns), bool)
        for scale in self._numbers():
            held |= scale.states_in(patterns) > 0
        return held

    def without_numbers(self) -> np.ndarray:
        """Return the patterns of the pairs that agree on a number, with all numbers taken away."""
        bare = np.zeros(len(self.weight), np.int64)
        for scale, states in zip(self.scales, self._states, strict=True):
            if scale.comparison.field not in _NUMBERS:
                bare += states * scale.stride
        return bare

    def shares(self, patterns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return for each pattern the share of true pairs that know what it knows, with its surname.

        And of how many pairs it is.
        """
        told = np.array([self._share(int(pattern)) for pattern in patterns]).reshape(len(patterns), 2)
        return told[:, 0], told[:, 1]

    def _share(self, pattern: int) -> tuple[float, float]:
        model = float(self._reached(_drawn(self.learnt, pattern, self._chance)).mean())
        reached, of = self._seen(pattern)
        return (reached + model * _AS_MANY) / (of + _AS_MANY), of + _AS_MANY

    def _seen(self, pattern: int) -> tuple[float, float]:
        own = np.array([pattern])
        if self.have_number(own)[0]:
            return 0.0, 0.0
        known = [bool(scale.states_in(own)[0]) for scale in self.scales]
        fits = np.ones(len(self.weight), bool)
        bare = np.zeros(len(self.weight), np.int64)
        for scale, is_known, states in zip(self.scales, known, self._states, strict=True):
            if not is_known:
                continue
            fits &= states > 0
            if scale.comparison.field == _SURNAME:
                fits &= _levels(states) == _levels(scale.states_in(own))
            bare += states * scale.stride
        weight = self.weight[fits]
        reached = self._is_found[fits] & self._reached(bare[fits])
        return float((weight * reached).sum()), float(weight.sum())

    def _reached(self, patterns: np.ndarray) -> np.ndarray:
        return self.learnt.evidence(patterns, np.zeros(len(patterns), bool)) >= self._needed


def _kinds(learnt: Learnt, patterns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tell kinds by what is known and the level of the surname.

    Return the place of the first pattern of each kind, the kind of each pattern by its number, and the level
    of each pattern's surname.
    """
    kind, surname = np.zeros(len(patterns), np.int64), np.zeros(len(patterns), np.int64)
    for scale in _scales(learnt):
        state = scale.states_in(patterns)
        if scale.comparison.field == _SURNAME:
            surname = _levels(state)
        else:
            kind = kind * 2 + (state > 0)
    kind = kind * _MOST_LEVELS + surname
    _, first, of_kind = np.unique(kind, return_index=True, return_inverse=True)
    return first, of_kind, surname


def _levels(state: np.ndarray) -> np.ndarray:
    """Return 0 where a field is unknown, 1 where it agrees exactly, and then the levels in their order."""
    return np.where(state == 0, 0, np.maximum(1, state - BUCKETS + 1))


def _drawn(learnt: Learnt, pattern: int, chance: np.random.Generator) -> np.ndarray:
    """Draw patterns of true pairs that know what this one knows and have its level of the surname."""
    made = np.zeros(_DRAWN, np.int64)
    for group, shares in zip(learnt.groups, learnt.match, strict=True):
        fits = _fitting(group, pattern)
        own = np.where(fits, np.maximum(shares, 1e-12), 0.0)
        evenly = chance.permutation((np.arange(_DRAWN) + 0.5) / _DRAWN)  # each state in its share
        states = np.searchsorted(np.cumsum(own) / own.sum(), evenly)
        for column, scale in enumerate(group.scales):
            made += group.states[states, column] * scale.stride
    return made


def _fitting(group: Group, pattern: int) -> np.ndarray:
    fits = np.ones(len(group.states), bool)
    for column, scale in enumerate(group.scales):
        state, states = scale.states_in(np.array([pattern])), group.states[:, column]
        by_level = scale.comparison.field == _SURNAME
        fits &= (_levels(states) == _levels(state)) if by_level else ((states > 0) == (state > 0))
    return fits


def _scales(learnt: Learnt) -> list[Scale]:
    return [scale for group in learnt.groups for scale in group.scales]


def _surnames(learnt: Learnt) -> list[str]:
    held = [scale.comparison for scale in _scales(learnt) if scale.comparison.field == _SURNAME]
    return [UNKNOWN, *(level.kind for comparison in held for level in comparison.levels)] if held else []
