"""From scored pairs to people: certain pairs first, then by falling likelihood, refusing what contradicts.

Plain connected components would chain strangers together. Here a pair is refused if it would give one person
two rows of a file that holds one row a person, join records whose certain facts contradict, join probable
twins, or make a person of more rows than anybody has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matching.engine.stops import TOO_MANY, TWINS, TWO_ROWS
from matching.engine.told import Objects

LINK: Final = "link"
REVIEW: Final = "review"
REFUSED: Final = "refused"
_LOOKED_AT: Final = 6
"""A group of more records than this is gone through pair by pair."""


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
    stopped: dict[int, str] = field(default_factory=dict)
    """Why each pair that was likely enough is not linked, by its place."""


def resolve(
    scored: Scored,
    *,
    file_of: np.ndarray,
    unique: frozenset[int],
    facts: Objects,
    accept: float,
    cap: int,
    ids: Sequence[pa.Array] = (),
    together: Iterable[tuple[int, int]] = (),
) -> Resolution:
    """Join the pairs at or above the point of acceptance, in the order of their likelihood.

    What reviewers joined comes first, candidate or not.

    Ties are broken by the ids of the records, or by their numbers where no ids are given, so that the same
    records always give the same people, in whatever order they came.

    Records that hang together without anything against it are joined at once: nothing would be refused there
    in any order. Only the contested ones are gone through pair by pair.
    """
    above = np.flatnonzero(scored.chance >= accept)
    rows = len(file_of)
    said = np.array(sorted(together), np.int64).reshape(-1, 2)
    cluster = _together(
        np.concatenate([scored.left[above], said[:, 0]]),
        np.concatenate([scored.right[above], said[:, 1]]),
        rows,
    )
    contested = _contested(cluster, file_of, unique, facts, cap)
    careful = above[contested[cluster[scored.left[above]]]]
    said = said[contested[cluster[said[:, 0]]]]
    decision = np.full(len(scored.left), REVIEW, dtype="<U7")
    refused: dict[str, int] = {}
    stopped: dict[int, str] = {}
    if len(careful) or len(said):
        order = careful[_order(scored, careful, ids, rows)]
        ones, others = scored.left[order].tolist(), scored.right[order].tolist()
        forest = _Forest({*ones, *others, *said.ravel().tolist()}, file_of, unique, cap)
        for one, other in said.tolist():
            if reason := forest.join(one, other, facts):
                refused[reason] = refused.get(reason, 0) + 1
        for edge, one, other in zip(order.tolist(), ones, others, strict=True):
            if reason := forest.join(one, other, facts):
                refused[reason] = refused.get(reason, 0) + 1
                stopped[edge] = reason
                decision[edge] = REVIEW if reason == TWINS else REFUSED
        members, roots = forest.clusters()
        cluster[members] = roots
    decision[cluster[scored.left] == cluster[scored.right]] = LINK
    stopped = {edge: reason for edge, reason in stopped.items() if decision[edge] != LINK}
    return Resolution(
        cluster=cluster, decision=decision, refused=dict(sorted(refused.items())), stopped=stopped
    )


def _together(left: np.ndarray, right: np.ndarray, rows: int) -> np.ndarray:
    """Return for each record the smallest number of those it hangs together with."""
    smallest = np.arange(rows)
    while len(left):
        one, other = smallest[left], smallest[right]
        apart = one != other
        left, right, one, other = left[apart], right[apart], one[apart], other[apart]
        # Each group hangs itself on the smallest that it touches, then all look to the end of their chain.
        np.minimum.at(smallest, np.maximum(one, other), np.minimum(one, other))
        while (shorter := smallest[smallest]).tobytes() != smallest.tobytes():
            smallest = shorter
    return smallest


def _contested(
    cluster: np.ndarray,
    file_of: np.ndarray,
    unique: frozenset[int],
    facts: Objects,
    cap: int,
) -> np.ndarray:
    """Tell for each group, by the number of its first record, whether anything speaks against joining it."""
    rows = len(cluster)
    size = np.bincount(cluster, minlength=rows)
    contested = size > min(cap, _LOOKED_AT)
    for file in unique:
        contested |= np.bincount(cluster[file_of == file], minlength=rows) > 1
    grouped = np.flatnonzero((size[cluster] > 1) & ~contested[cluster])
    grouped = grouped[np.argsort(cluster[grouped], kind="stable")]
    # Members of a group stand side by side: each compared with the next, the one after, … meets all pairs.
    for step in range(1, _LOOKED_AT):
        one, other = grouped[:-step], grouped[step:]
        near = cluster[one] == cluster[other]
        one, other = one[near], other[near]
        contested[cluster[one[facts.objected(one, other)]]] = True
    return contested


def _order(scored: Scored, careful: np.ndarray, ids: Sequence[pa.Array], rows: int) -> np.ndarray:
    """Return the pairs by falling likelihood; of equals those of the smaller ids first."""
    left, right = scored.left[careful], scored.right[careful]
    if ids:
        records = np.unique(np.concatenate([left, right]))
        held = pa.chunked_array(ids, pa.string()).take(pa.array(records))
        rank = np.empty(rows, dtype=np.int64)
        start = np.cumsum([0, *(len(own) for own in ids)])
        file = np.searchsorted(start, records, side="right")
        by_id = np.empty(len(records), dtype=np.int64)
        by_id[pc.sort_indices(held).to_numpy()] = np.arange(len(records))
        rank[records[np.lexsort((by_id, file))]] = np.arange(len(records))
        left, right = rank[left], rank[right]
    low, high = np.minimum(left, right), np.maximum(left, right)
    return np.lexsort((high, low, -scored.evidence[careful], -scored.chance[careful]))


class _Forest:
    """Union and find, with what each group may not take in."""

    def __init__(self, records: Iterable[int], file_of: np.ndarray, unique: frozenset[int], cap: int) -> None:
        self._parent = {record: record for record in records}
        self._members: dict[int, list[int]] = {}
        self._taken = {
            record: 1 << file if (file := int(file_of[record])) in unique else 0 for record in self._parent
        }
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

    def clusters(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the records, and for each the smallest number in its group."""
        records = np.array(sorted(self._parent), dtype=np.int64)
        smallest: dict[int, int] = {}
        roots = [smallest.setdefault(self._root(record), record) for record in records.tolist()]
        return records, np.array(roots, dtype=np.int64)
