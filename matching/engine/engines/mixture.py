"""Learning without labels, from patterns and their counts: who is one person, and who only looks alike.

Fellegi and Sunter weigh a pair against two strangers. Files of people also hold brothers and sisters, twins,
and parents whose child bears their name: they agree on much at once. Each of these has its own class here,
with its own count, so that their agreement is not taken for evidence. Fields that follow from one another
(the ZIP from the address, the sex from the first name) are weighed together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from matching.engine.engines.patterns import BUCKETS, Patterns, Scale

_ROUNDS: Final = 40
_SETTLED: Final = 1e-4
_TIED: Final = {"zip": "address", "sex": "first_name"}
"""A field, and the one it follows from."""
_FOLLOWS: Final = 0.95
_HOUSE: Final = frozenset({"last_name", "address", "zip", "high_school"})
_ALIKE: Final[dict[str, frozenset[str]]] = {
    "sibling": _HOUSE,
    "twin": _HOUSE | {"birth_date"},
    "namesake": _HOUSE - {"high_school"} | {"first_name"},
}
"""Who agrees on what as one person would; on all else they agree as strangers do."""
_ONE_APART: Final = 0.35
"""Numbers of twins are often given out one after the other."""
FEW: Final = 150
"""Below so many pairs beyond doubt nothing is learnt about agreement; the specification's figures stand."""
_BEYOND_DOUBT: Final = 0.99
_BELIEF: Final = 40.0
"""The specification's own figures count as much as so many pairs."""
_LEAST_CHANCE: Final = 1e-7
_UNSEEN: Final = 0.3
_NUMBERS: Final = frozenset({"ssn", "sasid"})
_MOST: Final = 100.0


@dataclass(frozen=True)
class Group:
    """Fields weighed together: for each joint state, what is missing there and the levels."""

    scales: list[Scale]
    states: np.ndarray
    """One row for each joint state, one column for each field."""
    missing: np.ndarray

    @property
    def fields(self) -> frozenset[str]:
        """Return the names of the fields."""
        return frozenset(scale.comparison.field for scale in self.scales)

    def within(self, shares: np.ndarray) -> np.ndarray:
        """Return the shares, summing to one among the states with the same fields known."""
        total = np.bincount(self.missing, weights=shares, minlength=1 << len(self.scales))
        return shares / np.maximum(total[self.missing], 1e-300)

    def states_of(self, patterns: np.ndarray) -> np.ndarray:
        """Return the joint state of each pattern."""
        joint = np.zeros(len(patterns), dtype=np.int64)
        for scale in self.scales:
            joint = joint * scale.states + scale.states_in(patterns)
        return joint


@dataclass(frozen=True)
class Learnt:
    """What was learnt: the shares of each group's states, by class, and how many pairs each class has."""

    groups: list[Group]
    match: list[np.ndarray]
    chance: list[np.ndarray]
    counts: dict[str, float]
    possible: float
    residue: float
    anchors: float
    """Pairs that were beyond doubt before anything was learnt."""

    def evidence(self, patterns: np.ndarray, sure: np.ndarray) -> np.ndarray:
        """Return log2 of how much likelier each pattern is for one person than for two."""
        logs = _logs(self.groups, self.match, self.chance, patterns)
        others = _others(logs, self.counts, np.where(sure, self.possible, self.residue))
        bits = (logs["match"] - (others - math.log(self.possible))) / math.log(2)
        return np.clip(bits, -_MOST, _MOST)


def learn(found: Patterns) -> Learnt:
    """Learn from the candidates how one person's records agree, and how many pairs each class has."""
    groups = _groups(found.scales)
    chance = [_chance(group, found) for group in groups]
    match = [group.within(_said(group, found)) for group in groups]
    belief = match
    patterns, number = found.kinds, found.number
    strangers = np.where(found.kind_sure, found.possible, found.residue)
    sure = float(number[found.kind_sure].sum())
    counts = {"match": max(sure * 1.1, 1.0)} | dict.fromkeys(_ALIKE, max(sure * 0.01, 0.5))
    of_group = [group.states_of(patterns) for group in groups]
    first = _shares(_logs(groups, match, chance, patterns), counts, strangers)["match"]
    anchors = float(number[first > _BEYOND_DOUBT].sum())
    for _ in range(_ROUNDS):
        logs = _logs(groups, match, chance, patterns)
        shares = _shares(logs, counts, strangers)
        before = counts["match"]
        counts = {name: max(float((number * share).sum()), 0.01) for name, share in shares.items()}
        weight = number * shares["match"] * (anchors >= FEW)
        match = [
            group.within(np.bincount(states, weights=weight, minlength=len(group.states)) + _BELIEF * own)
            for group, states, own in zip(groups, of_group, belief, strict=True)
        ]
        if abs(counts["match"] - before) <= _SETTLED * before:
            break
    return Learnt(groups, match, chance, counts, found.possible, found.residue, anchors)


def _groups(scales: Sequence[Scale]) -> list[Group]:
    fields = {scale.comparison.field: scale for scale in scales}
    groups = []
    for field, scale in fields.items():
        if _TIED.get(field) in fields:
            continue
        followers = [fields[other] for other, leader in _TIED.items() if leader == field and other in fields]
        members = [scale, *followers]
        grid = np.indices([member.states for member in members]).reshape(len(members), -1).T
        missing = ((grid == 0) * (1 << np.arange(len(members)))).sum(axis=1)
        groups.append(Group(members, grid, missing))
    return groups


def _said(group: Group, found: Patterns) -> np.ndarray:
    """Return the specification's shares among true pairs, exact agreement spread over its buckets."""
    shares = np.ones(len(group.states))
    for column, scale in enumerate(group.scales):
        own = np.ones(scale.states)
        spread = np.sqrt(found.exact_by_chance[scale.comparison.field] + 1e-18)
        own[1 : 1 + BUCKETS] = scale.comparison.levels[0].m * spread / spread.sum()
        own[1 + BUCKETS :] = [level.m for level in scale.comparison.levels[1:]]
        shares *= own[group.states[:, column]]
    return shares


def _chance(group: Group, found: Patterns) -> np.ndarray:
    """Return the shares among strangers."""
    own = [_chance_of(scale, found) for scale in group.scales]
    shares = own[0][group.states[:, 0]]
    leader = group.states[:, 0]
    near = (leader >= 1) & (leader <= BUCKETS + 1)
    for column, scale in enumerate(group.scales[1:], start=1):
        state = group.states[:, column]
        follows = np.where((state >= 1) & (state <= BUCKETS), _FOLLOWS, 1 - _FOLLOWS)
        exact = own[column][1 : 1 + BUCKETS]
        spread = np.ones(scale.states)
        spread[1 : 1 + BUCKETS] = exact / max(float(exact.sum()), 1e-300)
        spread[0] = 0
        alone = own[column][state]
        shares = shares * np.where(near & (state > 0), follows * spread[state], alone)
    return group.within(shares)


def _chance_of(scale: Scale, found: Patterns) -> np.ndarray:
    """Return for each state of one field how often strangers show it; “unknown” is 1."""
    patterns, number = found.chance
    seen = np.bincount(scale.states_in(patterns), weights=number, minlength=scale.states)
    known = max(float(seen[1:].sum()), 1.0)
    field = scale.comparison.field
    exact = found.exact_by_chance[field]
    shares = np.ones(scale.states)
    shares[1 : 1 + BUCKETS] = np.maximum(exact, _LEAST_CHANCE / 100 if field in _NUMBERS else _LEAST_CHANCE)
    for number_of, level in enumerate(scale.comparison.levels[1:], start=1):
        state = BUCKETS + number_of
        shares[state] = level.u if level.u is not None else max(seen[state], _UNSEEN) / known
    return shares


def _logs(
    groups: Sequence[Group], match: Sequence[np.ndarray], chance: Sequence[np.ndarray], patterns: np.ndarray
) -> dict[str, np.ndarray]:
    """Return for each class the logarithm of how often it shows each pattern."""
    logs = {name: np.zeros(len(patterns)) for name in ("match", "stranger", *_ALIKE)}
    for group, agree, apart in zip(groups, match, chance, strict=True):
        states = group.states_of(patterns)
        same, other = np.log(np.maximum(agree, 1e-12)), np.log(np.maximum(apart, 1e-15))
        logs["match"] += same[states]
        logs["stranger"] += other[states]
        for name, alike in _ALIKE.items():
            own = same if group.scales[0].comparison.field in alike else other
            if name == "twin" and group.fields & _NUMBERS:
                own = _numbers_of_twins(group, other)
            logs[name] += own[states]
    return logs


def _numbers_of_twins(group: Group, other: np.ndarray) -> np.ndarray:
    changed = np.exp(other)
    kinds = [level.kind for level in group.scales[0].comparison.levels]
    if "edits" in kinds:
        state = BUCKETS + kinds.index("edits")
        changed = np.where(group.states[:, 0] == state, _ONE_APART, changed * (1 - _ONE_APART))
        changed[0] = 1.0
    return np.log(changed)


def _others(logs: Mapping[str, np.ndarray], counts: Mapping[str, float], strangers: np.ndarray) -> np.ndarray:
    total = np.log(strangers) + logs["stranger"]
    for name in _ALIKE:
        total = np.logaddexp(total, math.log(counts[name]) + logs[name])
    return total


def _shares(
    logs: Mapping[str, np.ndarray], counts: Mapping[str, float], strangers: np.ndarray
) -> dict[str, np.ndarray]:
    """Return how likely each class is for each pattern, strangers left out."""
    held = {name: math.log(counts[name]) + logs[name] for name in counts}
    total = np.logaddexp(held["match"], _others(logs, counts, strangers))
    return {name: np.exp(value - total) for name, value in held.items()}


def weights(learnt: Learnt) -> list[dict[str, Any]]:
    """Return m, u and weight of every level of every field, for the report."""
    said: list[dict[str, Any]] = []
    for group, match, chance in zip(learnt.groups, learnt.match, learnt.chance, strict=True):
        for column, scale in enumerate(group.scales):
            others_missing = (group.missing & ~(1 << column)) == (
                (1 << len(group.scales)) - 1 - (1 << column)
            )
            rows = others_missing & (group.states[:, column] > 0)
            said += _of_field(scale, group.states[rows, column], match[rows], chance[rows])
    return said


def _of_field(
    scale: Scale, states: np.ndarray, match: np.ndarray, chance: np.ndarray
) -> list[dict[str, Any]]:
    number = np.array([scale.level_of(int(state)) for state in states])
    entries = []
    for at, level in enumerate(scale.comparison.levels):
        m, u = float(match[number == at].sum()), float(chance[number == at].sum())
        entries.append(
            {
                "field": scale.comparison.field, "level": at, "kind": level.kind, "at": level.at,
                "m": m, "u": u, "weight": math.log2(max(m, 1e-12) / max(u, 1e-15)),
            }
        )  # fmt: skip
    return entries
