"""Is a generic id one that its agency used for another request before? (O-106)

An id that lives on in two requests lets their extracts be joined. So ids are remembered as 64-bit digests
under a key of their agency, sorted, and a new file's are compared with them slice by slice, in memory that
does not grow.
"""

import hmac
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from p20win.custody.engine.report import Report
from p20win.custody.engine.spill import IN_MEMORY, Numbers, Spill, slices_for

RULE: Final = "id_used"
HINT: Final = (
    "Make new ids for this request, drawn by chance and so long that none comes up twice (12 letters)."
)
_WORD: Final = 8
_FOR: Final = b"p20win/used-id/1\n"
Between = Callable[[int, int], Iterable[Numbers]]
"""Gives remembered digests, in sorted parts, at least those from the first number to the last."""


class Ids:
    """The ids of one file, as numbers that tell nothing without the key."""

    def __init__(self, key: bytes, folder: Path | None = None, *, in_memory: int = IN_MEMORY) -> None:
        self._key, self._in_memory = key, in_memory
        self._seen = Spill(folder, in_memory=in_memory)
        self._column, self._last, self._number = "", "", 0

    def __len__(self) -> int:
        return len(self._seen)

    def look(self, row: int, column: str, synthetic_id: str) -> None:
        """This will remember the id of one row."""
        if synthetic_id != self._last:
            self._column, self._last = column, synthetic_id
            self._number = number(self._key, synthetic_id)
        if synthetic_id:
            self._seen.add(self._number, row)

    def compare(self, others: Between, report: Report) -> None:
        """This will name the first rows whose id is among those of other requests, and count them all."""
        total, first = 0, np.empty(0, np.uint64)
        for digests, rows in self._slices():
            again = _among(digests, others(int(digests[0]), int(digests[-1])))
            total += int(again.sum())
            first = np.sort(np.concatenate([first, rows[again]]))[: report.limit_per_place]
        for row in first.tolist():
            report.add(RULE, column=self._column, row=row, hint=HINT)
        if total:
            report.counts[RULE, self._column] = total

    def not_among(self, own: Between) -> Iterator[Numbers]:
        """This will give, sorted and each once, the ids that the request did not have before."""
        for digests, _ in self._slices():
            fresh = np.unique(digests[~_among(digests, own(int(digests[0]), int(digests[-1])))])
            if len(fresh):
                yield fresh

    def close(self) -> None:
        """This will forget everything."""
        self._seen.close()

    def _slices(self) -> Iterator[tuple[Numbers, Numbers]]:
        count = slices_for(self._seen, in_memory=self._in_memory)
        return (each for each in self._seen.slices(count) if len(each[0]))


def number(key: bytes, synthetic_id: str) -> int:
    """This will give an id's number, the same however its letters are written."""
    told = hmac.digest(key, _FOR + synthetic_id.strip().casefold().encode(), "sha256")
    return int.from_bytes(told[:_WORD], "big")


def as_bytes(digests: Numbers) -> bytes:
    """This will spell sorted digests as they are stored."""
    return digests.astype(">u8").tobytes()


def from_bytes(stored: bytes | memoryview) -> Numbers:
    """This will read digests as they were stored."""
    return np.frombuffer(stored, dtype=">u8").astype(np.uint64)


def _among(digests: Numbers, parts: Iterable[Numbers]) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """This will say of each of these sorted digests whether it stands in one of the sorted parts."""
    found = np.zeros(len(digests), dtype=np.bool_)
    for part in parts:
        if len(part):
            start, end = np.searchsorted(digests, part[0]), np.searchsorted(digests, part[-1], "right")
            wanted = digests[start:end]
            at = np.minimum(np.searchsorted(part, wanted), len(part) - 1)
            found[start:end] |= part[at] == wanted
    return found
