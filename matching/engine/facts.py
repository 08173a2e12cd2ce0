"""What is known for certain about each record, and when two cannot be linked without a person's eyes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import jellyfish
import numpy as np
import pyarrow as pa

from matching.engine import coded
from matching.engine.coded import Records
from matching.engine.nicknames import CANONICAL
from matching.engine.stops import CONTRADICTION, TWINS

_ALIKE: Final = 0.82
_UNKNOWN: Final = -1
_IN_SEQUENCE: Final = 9
"""SASIDs no further apart may have been given out at one desk, one after the other."""


class Facts:
    """The certain facts of all records of all files, by the number of the record over all files."""

    def __init__(self, files: Sequence[Records | pa.Table]) -> None:
        self._names: dict[tuple[int, int], bool] = {}
        records = coded.together(*files)
        self._ssn, self._ssn_values = _codes(records, "ssn")
        self._sasid, self._sasid_values = _codes(records, "sasid")
        self._born, _ = _codes(records, "birth_date")
        self._last, _ = _codes(records, "last_name")
        self._first, self._given_values = _codes(records, "first_name")
        middle, _ = _codes(records, "middle_name")
        as_first = records[0].coding.same("middle_name", "first_name")
        self._middle = np.append(as_first, np.int32(_UNKNOWN))[middle]

    def objection(self, one: int, other: int) -> str | None:
        """Say why two records must not be linked automatically, or None."""
        first, second = self._first[one], self._first[other]
        if first == second or _UNKNOWN in (first, second) or not self._different(one, other):
            return None
        ssn, other_ssn = self._ssn[one], self._ssn[other]
        if ssn != _UNKNOWN and other_ssn != _UNKNOWN and ssn != other_ssn and self._apart(ssn, other_ssn):
            return CONTRADICTION
        twins = (
            self._last[one] == self._last[other] != _UNKNOWN
            and self._born[one] == self._born[other] != _UNKNOWN
            and not (ssn == other_ssn != _UNKNOWN)
            and not (self._sasid[one] == self._sasid[other] != _UNKNOWN)
        )
        if not twins or (_UNKNOWN in (ssn, other_ssn) and self._slip(self._sasid[one], self._sasid[other])):
            return None
        return TWINS

    def objected(self, ones: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Tell for each two records whether anything speaks against them; the same rule, for many at once."""
        first, second = self._first[ones], self._first[others]
        ssn, other_ssn = self._ssn[ones], self._ssn[others]
        apart = (ssn != _UNKNOWN) & (other_ssn != _UNKNOWN) & (ssn != other_ssn)
        twins = _same(self._last, ones, others) & _same(self._born, ones, others)
        named = (first != second) & (first != _UNKNOWN) & (second != _UNKNOWN)
        told = np.zeros(len(ones), dtype=bool)
        doubtful = np.flatnonzero(named & (apart | twins))
        for at in doubtful[self._differing(first[doubtful], second[doubtful])].tolist():
            told[at] = self.objection(int(ones[at]), int(others[at])) is not None
        return told

    def _differing(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Tell which given names can hardly be the same name, each two looked at once."""
        names = max(len(self._given_values), 1)
        pairs, place = np.unique(
            np.minimum(first, second).astype(np.int64) * names + np.maximum(first, second),
            return_inverse=True,
        )
        apart = [self._names_differ(*divmod(pair, names)) for pair in pairs.tolist()]
        return np.array(apart, dtype=bool)[place]

    def _different(self, one: int, other: int) -> bool:
        """Tell whether no nickname, initial, slip or middle name can explain two given names as one."""
        first, second = int(self._first[one]), int(self._first[other])
        if first == self._middle[other] or second == self._middle[one]:
            return False
        return self._names_differ(min(first, second), max(first, second))

    def _names_differ(self, low: int, high: int) -> bool:
        known = self._names.get((low, high))
        if known is None:
            values = self._given_values
            known = self._names[low, high] = differ(values[low].as_py(), values[high].as_py())
        return known

    def _slip(self, one: int, other: int) -> bool:
        """Tell whether two SASIDs are one with a slip in it, and not near in sequence as twins' are.

        Two SSNs never tell so: whose differ at all waits for a person's eyes.
        """
        if one == _UNKNOWN or other == _UNKNOWN:
            return False
        first, second = (self._sasid_values[int(number)].as_py() for number in (one, other))
        if not (first.isdigit() and second.isdigit()) or abs(int(first) - int(second)) <= _IN_SEQUENCE:
            return False
        return jellyfish.damerau_levenshtein_distance(first, second) <= 1

    def _apart(self, one: int, other: int) -> bool:
        values = self._ssn_values
        return (
            jellyfish.damerau_levenshtein_distance(values[int(one)].as_py(), values[int(other)].as_py()) > 1
        )


def _same(codes: np.ndarray, ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    return (codes[ones] == codes[others]) & (codes[ones] != _UNKNOWN)


def differ(one: str, other: str) -> bool:
    """Tell whether two normalised given names can hardly be the same name."""
    words, others = one.split(), other.split()
    for word in words:
        for second in others:
            short = min(len(word), len(second)) == 1
            if (short and word[0] == second[0]) or CANONICAL.get(word, word) == CANONICAL.get(second, second):
                return False
    return jellyfish.jaro_winkler_similarity(one, other) < _ALIKE


def _codes(records: Sequence[Records], column: str) -> tuple[np.ndarray, pa.Array]:
    """Return the number of each record's value, over all files, and the values."""
    return np.concatenate([side.codes(column) for side in records]), records[0].values(column)
