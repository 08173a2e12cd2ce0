"""From scored pairs to people: certain pairs first, then by falling likelihood, refusing what contradicts.

Plain connected components would chain strangers together. Here a pair is refused if it would give one person
two rows of a file that holds one row a person, join records whose certain facts contradict, join probable
twins, or make a person of more rows than anybody has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from matching.engine.facts import TWINS
from matching.engine.told import Objects

LINK: Final = "link"
REVIEW: Final = "review"
REFUSED: Final = "refused"
TWO_ROWS: Final = "two rows of one file"
TOO_MANY: Final = "too many rows"


@dataclass(frozen=True)
class Scored:
    """All scored pairs of a run; records are numbered over all files."""

    left: np.ndarray
    right: np.ndarray
    chance: np.ndarray
    evidence: np.ndarray


@dataclass(frozen=True)
class Resolution:
    """The people: a cluster for every record, a decision for every pair, and why how many were refused."""

    cluster: np.ndarray
    decision: np.ndarray
    refused: dict[str, int]


def resolve(
    scored: Scored,
    *,
    file_of: np.ndarray,
    unique: frozenset[int],
    facts: Objects,
    accept: float,
    cap: int,
    together: Iterable[tuple[int, int]] = (),
) -> Resolution:
    """Join the pairs at or above the point of acceptance, in the order of their likelihood.

    What reviewers joined comes first, candidate or not.

    Ties are broken by the numbers of the records, so that the same input always gives the same people.
    """
    order = np.lexsort((scored.right, scored.left, -scored.evidence, -scored.chance))
    joined = order[scored.chance[order] >= accept]
    forest = _Forest(file_of, unique, cap)
    refused: dict[str, int] = {}
    for one, other in sorted(together):
        if reason := forest.join(one, other, facts):
            refused[reason] = refused.get(reason, 0) + 1
    decision = np.full(len(scored.left), REVIEW, dtype="<U7")
    for edge, one, other in zip(
        joined.tolist(), scored.left[joined].tolist(), scored.right[joined].tolist(), strict=True
    ):
        if reason := forest.join(one, other, facts):
            refused[reason] = refused.get(reason, 0) + 1
            decision[edge] = REVIEW if reason == TWINS else REFUSED
    cluster = forest.clusters()
    decision[cluster[scored.left] == cluster[scored.right]] = LINK
    return Resolution(cluster=cluster, decision=decision, refused=dict(sorted(refused.items())))


class _Forest:
    """Union and find, with what each group may not take in."""

    def __init__(self, file_of: np.ndarray, unique: frozenset[int], cap: int) -> None:
        self._parent = list(range(len(file_of)))
        self._members: dict[int, list[int]] = {}
        self._taken = [1 << f if f in unique else 0 for f in file_of.tolist()]
        self._cap = cap

    def _root(self, node: int) -> int:
        parent = self._parent
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def join(self, one: int, other: int, facts: Objects) -> str | None:
        """Join two records' groups, or say why not."""
        first, second = self._root(one), self._root(other)
        if first == second:
            return None
        if self._taken[first] & self._taken[second]:
            return TWO_ROWS
        ours = self._members.get(first) or [first]
        theirs = self._members.get(second) or [second]
        if len(ours) + len(theirs) > self._cap:
            return TOO_MANY
        for record in ours:
            for stranger in theirs:
                if reason := facts.objection(record, stranger):
                    return reason
        if len(ours) < len(theirs):
            first, second, ours, theirs = second, first, theirs, ours
        self._parent[second] = first
        self._members[first] = ours + theirs
        self._members.pop(second, None)
        self._taken[first] |= self._taken[second]
        return None

    def clusters(self) -> np.ndarray:
        """Return the number of each record's group: the smallest record number in it."""
        roots = np.array([self._root(node) for node in range(len(self._parent))], dtype=np.int64)
        smallest = np.full(len(roots), len(roots), dtype=np.int64)
        np.minimum.at(smallest, roots, np.arange(len(roots)))
        return smallest[roots]
