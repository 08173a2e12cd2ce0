"""Hardened record-level Bloom filters: how alike two records are, without either being seen.

All name and date fields of a record fall into one filter (Durham et al. 2014; Schnell, Bachteler and Reiher,
BMC Med Inform Decis Mak 9:41, 2009). Plain filters can be broken by how often their bits occur, so this one
is hardened as Franke, Sehili, Rohde and Rahm (EDBT 2021) compared it:

- every position is drawn by HMAC under a key of the project, not by double hashing;
- what is hashed is salted with the birth year, so that one name sets other bits in another year (Chen,
  Schnell, Armknecht and Heng, SECRYPT 2022: a help against pattern mining, less so against graphs);
- the filter is folded onto itself by exclusive or, so that a bit no longer tells that something was set.

It still shows who resembles whom. It is pseudonymised, not anonymous, and goes to the hub where agreed alone.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa

BITS: Final = 1024
"""Bits of a filter as it is sent."""
BYTES: Final = BITS // 8
FIELDS: Final = frozenset({"first_name", "last_name", "birth_date", "sex", "high_school", "zip"})
"""Which fields fall into the filter, where a file has them."""
NEEDED: Final = frozenset({"first_name", "last_name", "birth_date"})
"""Without these there is no filter: the date salts it."""
_NAMES: Final = frozenset({"first_name", "last_name"})
_UNFOLDED: Final = 2 * BITS
_POSITIONS: Final = {
    "first_name": 10, "last_name": 10, "birth_date": 10, "sex": 6, "high_school": 8, "zip": 8,
}  # fmt: skip
"""How many bits each piece of a field sets: how much the field weighs."""


class Filter:
    """Makes the filters of one project."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._positions = lru_cache(maxsize=1 << 18)(self._drawn)

    def encode(self, normal: Mapping[str, pa.Array]) -> pa.Array:
        """Return the filter of every record, from fields in their normal form; none without names, date."""
        columns = {field: values.to_pylist() for field, values in normal.items()}
        rows = len(columns["first_name"])
        return pa.array([self._one({f: c[row] for f, c in columns.items()}) for row in range(rows)])

    def _one(self, record: Mapping[str, str | None]) -> str | None:
        if not all(record[field] for field in NEEDED):
            return None
        salt = (record["birth_date"] or "")[:4]
        bits = np.zeros(_UNFOLDED, np.uint8)
        for field, value in record.items():
            for piece in pieces(field, value or ""):
                bits[list(self._positions(field, salt, piece))] = 1
        folded = bits[:BITS] ^ bits[BITS:]
        return base64.urlsafe_b64encode(np.packbits(folded).tobytes()).decode().rstrip("=")

    def _drawn(self, field: str, salt: str, piece: str) -> tuple[int, ...]:
        drawn = hmac.digest(self._key, f"{field}|{salt}|{piece}".encode(), "sha256")
        return tuple(
            int.from_bytes(drawn[2 * n : 2 * n + 2], "big") % _UNFOLDED for n in range(_POSITIONS[field])
        )


def pieces(field: str, value: str) -> Iterator[str]:
    """Yield what of a value is hashed: pairs of letters of a name, the parts of a date, else the whole."""
    if not value:
        return
    if field in _NAMES:
        whole = f" {value.replace(' ', '')} "
        yield from sorted({whole[n : n + 2] for n in range(len(whole) - 1)})
    elif field == "birth_date":
        yield from (f"y{value[:4]}", f"m{value[4:6]}", f"d{value[6:]}")
    else:
        yield value


def read(values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return the filters as rows of 64-bit words, and which records have one."""
    held: Sequence[str | None] = values.to_pylist()
    words = np.zeros((len(held), BYTES), np.uint8)
    there = np.zeros(len(held), bool)
    for row, text in enumerate(held):
        if text is not None:
            words[row] = np.frombuffer(base64.urlsafe_b64decode(text + "=="[: -len(text) % 4]), np.uint8)
            there[row] = True
    return words.view(np.uint64), there


def alike(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return Dice's coefficient of pairs of filters: 1 where they are the same."""
    both = np.bitwise_count(left & right).sum(axis=1, dtype=np.int64)
    either = np.bitwise_count(left).sum(axis=1, dtype=np.int64) + np.bitwise_count(right).sum(
        axis=1, dtype=np.int64
    )
    return np.divide(2 * both, either, out=np.zeros(len(both)), where=either > 0)
