"""How likely a true pair is to be linked at all, by what its two records hold and what became of the surname.

Those that are linked tell of those that are not: where a model says that of nine true pairs of a kind eight
reach the point of acceptance, each one that did stands for nine eighths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from matching.engine.engines.mixture import Group, Learnt
from matching.engine.engines.patterns import BUCKETS, Scale

_DRAWN: Final = 500
"""So many true pairs of a kind are drawn from the model."""
_LEAST: Final = 0.05
"""No linked pair stands for more than twenty: what hardly ever is linked tells nothing of its kind."""
_SURNAME: Final = "last_name"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class Reach:
    """For each pair the likelihood that a true pair of its kind is linked, and the level of its surname."""

    likelihood: np.ndarray
    surname: np.ndarray
    surnames: list[str]
    """The levels of the surname by their kind; empty where surnames were not compared."""


def of(learnt: Learnt, patterns: np.ndarray, *, needed: float, seed: int) -> Reach:
    """Return how likely true pairs of the kinds of these patterns come to the evidence `needed`."""
    every, place = np.unique(patterns, return_inverse=True)
    kind, surname = _kinds(learnt, every)
    kinds, of_kind = np.unique(kind, return_inverse=True)
    first = np.unique(of_kind, return_index=True)[1]
    chance = np.random.default_rng(seed)
    drawn = np.concatenate([np.empty(0, np.int64), *(_drawn(learnt, int(every[at]), chance) for at in first)])
    reached = learnt.evidence(drawn, np.zeros(len(drawn), bool)) >= needed
    share = np.maximum(reached.reshape(len(kinds), _DRAWN).mean(axis=1), _LEAST)
    return Reach(share[of_kind][place], surname[place], _surnames(learnt))


def _kinds(learnt: Learnt, patterns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the kind of each pattern, by what is known and the level of the surname, and that level."""
    kind, surname = np.zeros(len(patterns), np.int64), np.zeros(len(patterns), np.int64)
    for scale in _scales(learnt):
        state = scale.states_in(patterns)
        if scale.comparison.field == _SURNAME:
            surname = _levels(state)
            kind = kind * (scale.states - BUCKETS + 1) + surname
        else:
            kind = kind * 2 + (state > 0)
    return kind, surname


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
