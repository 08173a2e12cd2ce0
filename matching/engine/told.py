"""What reviewers said of pairs, carried into another run: these are one person, those are not.

A pair is known by keyed digests of what its two records say, not by an id: so a decision outlives a file
that is sent again, and falls away when a record now says something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matching.engine.spec import File, Spec
from matching.engine.stops import APART

LINK: Final = "link"
NOT: Final = "not"
_BETWEEN: Final = "\x1f"


class Objects(Protocol):
    """What says why two records must not be joined."""

    def objection(self, one: int, other: int) -> str | None:
        """Say why not, or None."""

    def objected(self, ones: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Tell for each two records whether anything speaks against them."""


@dataclass(frozen=True)
class Told:
    """Pairs of records, numbered over all files, that were joined or told apart; and how many are lost."""

    together: frozenset[tuple[int, int]] = frozenset()
    apart: frozenset[tuple[int, int]] = frozenset()
    lost: int = 0

    def over(self, facts: Objects) -> Objects:
        """Return the facts with the reviewers' word above them."""
        return _Reviewed(self, facts) if self.together or self.apart else facts

    def numbers(self) -> dict[str, Any]:
        """Return how many decisions were applied, and how many fit no record any more."""
        return {
            "together": {"count": len(self.together)},
            "apart": {"count": len(self.apart)},
            "lost": {"count": self.lost},
        }


NOTHING: Final = Told()


@dataclass(frozen=True)
class _Reviewed:
    told: Told
    facts: Objects = field(repr=False)

    def objection(self, one: int, other: int) -> str | None:
        pair = (one, other) if one < other else (other, one)
        if pair in self.told.apart:
            return APART
        return None if pair in self.told.together else self.facts.objection(one, other)

    def objected(self, ones: np.ndarray, others: np.ndarray) -> np.ndarray:
        objected = self.facts.objected(ones, others)
        objected[_among(ones, others, self.told.together)] = False
        objected[_among(ones, others, self.told.apart)] = True
        return objected


def _among(ones: np.ndarray, others: np.ndarray, pairs: frozenset[tuple[int, int]]) -> np.ndarray:
    known = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    low, high = np.minimum(ones, others).astype(np.int64), np.maximum(ones, others).astype(np.int64)
    most = 1 + max(int(high.max(initial=0)), int(known.max(initial=0)))
    return np.isin(low * most + high, known[:, 0] * most + known[:, 1])


def digests(table: pa.Table, file: File, rows: np.ndarray | None, *, salt: str) -> np.ndarray:
    """Return for each of these rows 16 hexadecimal digits made, under a secret salt, of all but its id."""
    import pandas as pd  # where it is used: every run would start a fifth of a second later

    held = table if rows is None else table.take(pa.array(rows))
    columns = [held[c] for c in sorted(held.column_names) if c != file.id_column]
    if not held.num_rows:
        return np.empty(0, "<U16")
    said = pc.binary_join_element_wise(
        *[pc.fill_null(column.cast(pa.string()), "\x00") for column in columns], _BETWEEN
    )
    text = said.to_numpy(zero_copy_only=False).astype(object)
    # One by one: to find equal ones first, pandas reads text to its first NUL alone.
    hashed = pd.util.hash_array(text, hash_key=salt, categorize=False)
    return np.array([f"{number:016x}" for number in hashed.tolist()])


def carried(
    decided: Sequence[Mapping[str, Any]], tables: Mapping[str, pa.Table], spec: Spec, *, salt: str
) -> Told:
    """Find the records of earlier decisions in the files of this run.

    A decision is lost where a record is there no more, says something else now, or is there twice.
    """
    wanted = {(side[0], side[1]) for entry in decided for side in (entry["left"], entry["right"])}
    where = _places(wanted, tables, spec, salt)
    together: set[tuple[int, int]] = set()
    apart: set[tuple[int, int]] = set()
    lost = 0
    for entry in decided:
        one, other = (where.get((side[0], side[1])) for side in (entry["left"], entry["right"]))
        if one is None or other is None or one == other:
            lost += 1
            continue
        (together if entry["verdict"] == LINK else apart).add((min(one, other), max(one, other)))
    return Told(frozenset(together), frozenset(apart), lost)


def _places(
    wanted: set[tuple[str, str]], tables: Mapping[str, pa.Table], spec: Spec, salt: str
) -> dict[tuple[str, str], int]:
    where: dict[tuple[str, str], int] = {}
    start = 0
    for name, file in spec.files.items():
        if name not in tables:
            continue  # the linkage says which file is missing
        asked = {digest for known, digest in wanted if known == name}
        if asked:
            held = digests(tables[name], file, None, salt=salt)
            rows = np.flatnonzero(np.isin(held, list(asked)))
            found, first, times = np.unique(held[rows], return_index=True, return_counts=True)
            for digest, at, count in zip(found.tolist(), first.tolist(), times.tolist(), strict=True):
                if count == 1:
                    where[name, digest] = start + int(rows[at])
        start += tables[name].num_rows
    return where
