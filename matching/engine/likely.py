"""For whom true pairs are missed: the likely pairs of two files and how many of them were linked, by group.

Nobody knows which pairs are true, so each is counted by its likelihood. Most of what is missed is no likely
pair: a changed surname and a missing number make a true pair look like one of strangers. So each pair that
came to the point of acceptance also stands for those of its kind that, by the model of the run, do not. How
many there are of a kind that hardly ever is linked is told by how often surnames change in the others.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from matching.engine import defaults, page_words, subgroups
from matching.engine.coded import Records
from matching.engine.engines.edges import Pair
from matching.engine.engines.reach import UNKNOWN, Reach
from matching.engine.engines.splink import usable
from matching.engine.recall import fields_of
from matching.engine.spec import Spec
from matching.engine.subgroups import Labels

SURNAME: Final = "surname in the two records"
_PARTS: Final = ("last_a", "last_b")
_NUMBERS: Final = ("ssn", "sasid")
_NO_YES: Final = ("no", "yes")
_CHANGED: Final = {"else": "another", UNKNOWN: subgroups.UNKNOWN}
_SURNAMES: Final = ("the same", "a part the same", "another", "not known")


@dataclass(frozen=True)
class Likely:
    """Pairs of records of two files: their rows, how likely each is one person, and whether it is linked."""

    left: str
    right: str
    ours: np.ndarray
    theirs: np.ndarray
    chance: np.ndarray
    linked: np.ndarray
    accepted: float
    reach: Reach | None = None
    """How likely true pairs like each are linked, where the engine can tell."""


def told(pairs: Likely, prepared: Mapping[str, Records]) -> list[dict[str, Any]]:
    """Return how many of the likely pairs were linked, by what changed between the two records."""
    numbers = _known(pairs, prepared, "ssn") | _known(pairs, prepared, "sasid")
    ways = {
        "surname": _surnames(pairs, prepared),
        "number held by both": Labels(numbers.astype(np.int64), _NO_YES),
    }
    return [{"by": by, "groups": list(_found(labels, pairs))} for by, labels in ways.items()]


def found_without_numbers(
    spec: Spec, pair: Pair, prepared: Mapping[str, Records], ours: np.ndarray, theirs: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what says of some of these pairs, by place, whether a block without numbers finds them."""
    blocks = [block for block in usable(spec, pair)[1] if not fields_of(block) & set(_NUMBERS)]
    left, right = prepared[pair.left], prepared[pair.right]

    def found(places: np.ndarray) -> np.ndarray:
        one, other = ours[places], theirs[places]
        agree = {
            column: left.agree(right, column, one, other)
            for column in {column for block in blocks for column in block.on}
        }
        every = [np.logical_and.reduce([agree[column] for column in block.on]) for block in blocks]
        return np.logical_or.reduce(every) if every else np.zeros(len(places), bool)

    return found


def _found(labels: Labels, pairs: Likely) -> Iterator[dict[str, Any]]:
    for number, name in enumerate(labels.names):
        rows = labels.number == number
        expected, linked = float(pairs.chance[rows].sum()), rows & pairs.linked
        share = float(pairs.chance[linked].sum()) / expected if expected > 0 else None
        yield {"pairs": name, "count": int(linked.sum()), "share": share}


def recall(
    spec: Spec, pairs: Likely, prepared: Mapping[str, Records], shared: Mapping[str, np.ndarray]
) -> list[dict[str, Any]]:
    """Return the estimated recall of each group of true pairs, its interval, and whether it is behind.

    `shared` marks for each file the rows whose surname and birth date somebody else has too.
    """
    if pairs.reach is None:
        return []
    found = np.where(pairs.linked, pairs.chance, 0.0)
    came = pairs.linked | (pairs.chance >= pairs.accepted)
    true = np.where(came, pairs.chance / pairs.reach.likelihood, 0.0)
    unseen = pairs.reach.bare.unseen(true)
    found = np.append(found, np.zeros(len(unseen.row)))
    true = np.append(true, unseen.weight)
    kinds = np.append(pairs.reach.kind, pairs.reach.kind[unseen.row])
    told = []
    for dimension, labels in _dimensions(spec, pairs, pairs.reach, prepared, shared):
        theirs = unseen.surname if dimension == SURNAME else labels.number[unseen.row]
        every = Labels(np.append(labels.number, theirs), labels.names)
        by = _by(dimension, every, found, true, kinds, pairs.reach.doubt)
        told.append({"left": pairs.left, "right": pairs.right, **by})
    return told


def _by(
    dimension: str,
    labels: Labels,
    found: np.ndarray,
    true: np.ndarray,
    kinds: np.ndarray,
    doubt: np.ndarray,
) -> dict[str, Any]:
    """Return the true pairs expected (`of`), and those linked (`count`), in whole numbers.

    The interval is that of a share, and of how many are expected, which is an estimate itself.
    """
    names, place = np.unique(np.array(labels.names, dtype=str), return_inverse=True)
    group = place[labels.number]
    count, of = (np.bincount(group, weights=each, minlength=len(names)) for each in (found, true))
    whole = {"count": round(float(count.sum())), "of": round(float(of.sum()))}
    share = float(count.sum() / of.sum()) if of.sum() else 0.0
    of_kinds = np.bincount(group * len(doubt) + kinds, weights=true, minlength=len(names) * len(doubt))
    error = np.sqrt(((of_kinds.reshape(len(names), -1) * doubt) ** 2).sum(axis=1)) / np.maximum(of, 1.0)
    groups = [
        {
            "group": str(name),
            **subgroups.rate(
                round(float(count[n])), round(float(of[n])), share, doubt=float(error[n] * count[n] / of[n])
            ),
        }
        for n, name in enumerate(names)
        if round(float(of[n]))
    ]
    return {"by": dimension, "whole": whole, "groups": groups}


def _dimensions(
    spec: Spec,
    pairs: Likely,
    reach: Reach,
    prepared: Mapping[str, Records],
    shared: Mapping[str, np.ndarray],
) -> Iterator[tuple[str, Labels]]:
    """Yield the ways in which pairs are grouped."""
    both = spec.fields_of(pairs.left) & spec.fields_of(pairs.right)
    if "sex" in spec.fields_of(pairs.left) | spec.fields_of(pairs.right):
        yield "sex", _sexes(pairs, prepared)
    if reach.surnames:
        words = [_CHANGED.get(kind) or page_words.LEVELS[kind] for kind in reach.surnames]
        yield SURNAME, Labels(reach.surname, words)
    for field in _NUMBERS:
        if field in both:
            held = _known(pairs, prepared, field).astype(np.int64)
            yield f"{defaults.WORDS[field]} in both records", Labels(held, _NO_YES)
    if pairs.left in shared or pairs.right in shared:
        marked = np.zeros(len(pairs.ours), bool)
        for name, rows in ((pairs.left, pairs.ours), (pairs.right, pairs.theirs)):
            if name in shared:
                marked |= shared[name][rows]
        yield subgroups.SHARED, Labels(marked.astype(np.int64), _NO_YES)


def _sexes(pairs: Likely, prepared: Mapping[str, Records]) -> Labels:
    """Return the sex that the first of the two records tells, or else the second."""
    left, right = prepared[pairs.left], prepared[pairs.right]
    names = left.values("sex").to_pylist()
    ours, theirs = left.codes("sex")[pairs.ours], right.codes("sex")[pairs.theirs]
    said = np.where(ours >= 0, ours, theirs)
    return Labels(np.where(said < 0, len(names), said), [*names, subgroups.UNKNOWN])


def _surnames(pairs: Likely, prepared: Mapping[str, Records]) -> Labels:
    """Return what became of the surname between the two records.

    A changed one can be seen in pairs alone: one record by itself does not tell of it.
    """
    left, right, ours, theirs = prepared[pairs.left], prepared[pairs.right], pairs.ours, pairs.theirs
    known = _known(pairs, prepared, "last_name")
    alike = left.agree(right, "last_name", ours, theirs)
    part = np.zeros(len(alike), bool)
    unlike = np.flatnonzero(known & ~alike)
    for one, other in itertools.product(_PARTS, repeat=2):
        as_ours = left.coding.same(other, one)[right.codes(other)[theirs[unlike]]]
        part[unlike] |= left.codes(one)[ours[unlike]] == as_ours  # of those whose surnames are known
    return Labels(np.select([alike, ~known, part], [0, 3, 1], default=2), _SURNAMES)


def _known(pairs: Likely, prepared: Mapping[str, Records], column: str) -> np.ndarray:
    both: np.ndarray = (
        prepared[pairs.left].known(column)[pairs.ours] & prepared[pairs.right].known(column)[pairs.theirs]
    )
    return both


def behind(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return every group more than three points of estimated recall behind its whole, the furthest first."""
    return subgroups.behind(found, of=("left", "right"))
