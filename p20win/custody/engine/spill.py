"""Many numbers compared in little memory: keyed digests and row numbers, sorted in runs on a nameless file.

What reaches the disk are 64-bit digests under a random key that lives in memory for as long as the check, and
row numbers; nothing can be told from them. The file has no name and is gone with the process.
"""

import hashlib
import os
import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

IN_MEMORY: Final = 1 << 18  # pairs held until they are sorted and spilled: 4 MiB
_WORD: Final = 8
Numbers = NDArray[np.uint64]


class Digester:
    """Turns texts into numbers that tell nothing, the same text into the same number."""

    def __init__(self) -> None:
        self._key = os.urandom(32)

    def number(self, text: str) -> int:
        """This will give a text's number."""
        digest = hashlib.blake2b(text.encode(), key=self._key, digest_size=_WORD).digest()
        return int.from_bytes(digest, "little")


class Spill:
    """Pairs of a digest and a mark (a row number), given back sorted by digest, slice by slice."""

    def __init__(self, folder: Path | None = None, *, in_memory: int = IN_MEMORY) -> None:
        self._folder, self._in_memory = folder, in_memory
        self._digests, self._marks = array("Q"), array("Q")
        self._file: IO[bytes] | None = None
        self._runs: list[tuple[int, int]] = []  # where in the file, and how many pairs
        self._spilled = 0

    def __len__(self) -> int:
        return self._spilled + len(self._digests)

    def add(self, digest: int, mark: int) -> None:
        """This will remember one pair."""
        self._digests.append(digest)
        self._marks.append(mark)
        if len(self._digests) >= self._in_memory:
            self._to_disk()

    def slices(self, count: int) -> Iterator[tuple[Numbers, Numbers]]:
        """This will give digests and marks in as many slices of the range of digests, each slice sorted.

        Marks of equal digests come in the order in which they were added.
        """
        last = _sorted(self._digests, self._marks)
        step = (1 << 64) // count
        bounds = np.array([step * place for place in range(1, count)], dtype=np.uint64)
        runs = [(at, _edges(self._digests_of(at, size), bounds)) for at, size in self._runs]
        last_edges = _edges(last[0], bounds)
        for place in range(count):
            parts = [self._part(run, place) for run in zip(runs, self._runs, strict=True)]
            start, end = last_edges[place], last_edges[place + 1]
            parts.append((last[0][start:end], last[1][start:end]))
            digests = np.concatenate([part[0] for part in parts])
            marks = np.concatenate([part[1] for part in parts])
            order = np.argsort(digests, kind="stable")
            yield digests[order], marks[order]

    def close(self) -> None:
        """This will forget everything."""
        if self._file:
            self._file.close()
            self._file = None
        self._digests, self._marks, self._runs = array("Q"), array("Q"), []

    def _to_disk(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 (kept open)
        at = self._file.seek(0, os.SEEK_END)
        for column in _sorted(self._digests, self._marks):
            self._file.write(column.tobytes())
        self._runs.append((at, len(self._digests)))
        self._spilled += len(self._digests)
        self._digests, self._marks = array("Q"), array("Q")

    def _digests_of(self, at: int, size: int) -> Numbers:
        return np.memmap(self._file, dtype=np.uint64, mode="r", offset=at, shape=(size,))  # type: ignore[call-overload]

    def _part(
        self, run: tuple[tuple[int, list[int]], tuple[int, int]], place: int
    ) -> tuple[Numbers, Numbers]:
        (at, edges), (_, size) = run
        start, end = edges[place], edges[place + 1]
        return self._read(at, start, end), self._read(at + size * _WORD, start, end)

    def _read(self, at: int, start: int, end: int) -> Numbers:
        if self._file is None:
            return np.empty(0, np.uint64)
        content = os.pread(self._file.fileno(), (end - start) * _WORD, at + start * _WORD)
        return np.frombuffer(content, dtype=np.uint64)


def slices_for(*spills: Spill, in_memory: int = IN_MEMORY) -> int:
    """This will say into how many slices to cut so that each fits in memory."""
    return max(1, -(-max(len(spill) for spill in spills) // in_memory))


def _sorted(digests: "array[int]", marks: "array[int]") -> tuple[Numbers, Numbers]:
    if not len(digests):
        return np.empty(0, np.uint64), np.empty(0, np.uint64)
    numbers = np.frombuffer(digests, dtype=np.uint64)
    order = np.argsort(numbers, kind="stable")
    return numbers[order], np.frombuffer(marks, dtype=np.uint64)[order]


def _edges(digests: Numbers, bounds: Numbers) -> list[int]:
    return [0, *np.searchsorted(digests, bounds).tolist(), len(digests)]
