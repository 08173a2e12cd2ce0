"""Looks for marks that must stand nowhere in the clear: on disk, in the database, in deleted open files.

Pure: it knows no Django. A finding says where, which mark and how it was written, and never the mark itself.
"""

from __future__ import annotations

import base64
import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import numpy as np

CHUNK: Final = 8 * 1024 * 1024
SHORTEST: Final = 8  # a shorter mark would turn up by chance


@dataclass(frozen=True)
class Needle:
    """One way in which one mark may be written."""

    label: str
    written: str
    content: bytes


@dataclass(frozen=True)
class Finding:
    """A mark found: where, at which byte, which one, and how it was written."""

    where: str
    offset: int
    label: str
    written: str

    def __str__(self) -> str:
        return f"{self.label} as {self.written} in {self.where} at byte {self.offset}"


@dataclass
class Report:
    """What was searched and what was found."""

    findings: list[Finding] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    unreadable: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Take in what another search found."""
        self.findings += other.findings
        self.files += other.files
        self.bytes += other.bytes
        self.unreadable += other.unreadable


def needles(marks: Mapping[str, str]) -> list[Needle]:
    """Return every way in which the marks, given by label, may be written.

    :raises ValueError: if a mark is so short that chance would find it
    """
    made = []
    for label, mark in marks.items():
        if len(mark) < SHORTEST:
            raise ValueError(f"The mark “{label}” is too short to prove anything; use {SHORTEST} characters.")
        plain = mark.encode()
        ways = {
            "plain text": plain,
            "UTF-16": mark.encode("utf-16-le"),
            "UTF-16, big-endian": mark.encode("utf-16-be"),
            "hexadecimal": plain.hex().encode(),
        }
        ways |= {f"base64 at {shift}": _base64(plain, shift) for shift in range(3)}
        if mark.upper() != mark:
            ways["capitals"] = mark.upper().encode()
        made += [Needle(label, written, content) for written, content in ways.items()]
    return made


def _base64(content: bytes, shift: int) -> bytes:
    """Return the part of the base64 text that does not depend on what stands before and after."""
    text = base64.b64encode(b"\0" * shift + content)
    return text[(shift * 8 + 5) // 6 : (shift + len(content)) * 8 // 6]


class Search:
    """Looks for many needles at once in any amount of bytes, in constant memory."""

    def __init__(self, wanted: Iterable[Needle]) -> None:
        """Prepare the tables by which the first bytes of each needle are recognised, pair by pair.

        :raises ValueError: if there is nothing to look for
        """
        self._by_start: dict[bytes, list[Needle]] = defaultdict(list)
        self._pairs = [np.zeros(65536, dtype=bool) for _ in range(SHORTEST // 2)]
        self.longest = 0
        for needle in wanted:
            self._by_start[needle.content[:SHORTEST]].append(needle)
            self.longest = max(self.longest, len(needle.content))
            for place, table in enumerate(self._pairs):
                table[int.from_bytes(needle.content[place * 2 : place * 2 + 2], "little")] = True
        if not self._by_start:
            raise ValueError("There is nothing to look for.")

    def in_bytes(self, content: bytes, *, where: str = "memory") -> list[Finding]:
        """Return what stands in these bytes."""
        if len(content) < SHORTEST or content.count(0) == len(content):
            return []
        values = np.frombuffer(content, dtype=np.uint8).astype(np.uint16)
        pairs = values[:-1] | (values[1:] << 8)
        at = np.flatnonzero(self._pairs[0][pairs[: len(content) - SHORTEST + 1]])
        for place, table in enumerate(self._pairs[1:], start=1):
            at = at[table[pairs[at + place * 2]]]
        return [
            Finding(where, offset, needle.label, needle.written)
            for offset in at.tolist()
            for needle in self._by_start.get(content[offset : offset + SHORTEST], ())
            if content.startswith(needle.content, offset)
        ]

    def begin(self, where: str) -> Reading:
        """Begin to search what will come in pieces."""
        return Reading(self, where)

    def in_stream(self, stream: IO[bytes], *, where: str) -> Report:
        """Read a stream to its end and return what stands in it."""
        reading = self.begin(where)
        while piece := stream.read(CHUNK):
            reading.write(piece)
        return reading.finish()

    def in_file(self, path: Path, *, where: str = "") -> Report:
        """Return what stands in a file: nothing if it vanished meanwhile; one we may not read is named."""
        try:
            with path.open("rb") as stream:
                return self.in_stream(stream, where=where or str(path))
        except FileNotFoundError:
            return Report()
        except OSError:
            return Report(unreadable=[where or str(path)])

    def in_folders(self, folders: Iterable[Path], *, changed_since: float | None = None) -> Report:
        """Search every ordinary file below the folders; with a time, only those changed since then."""
        report = Report()
        for path in _ordinary_files(folders, changed_since):
            report.add(self.in_file(path))
        return report

    def in_deleted_files_of(self, pids: Iterable[int]) -> Report:
        """Search the files that these processes hold open although their names are gone."""
        report = Report()
        for pid in pids:
            for entry in _entries(Path(f"/proc/{pid}/fd")):
                try:
                    target, kind = os.readlink(entry), entry.stat().st_mode
                except OSError:  # closed meanwhile
                    continue
                if target.endswith(" (deleted)") and stat.S_ISREG(kind):
                    report.add(self.in_file(entry, where=f"process {pid}, {target}"))
        return report


class Reading:
    """A search in pieces that come one after the other; finds marks across their borders, each once."""

    def __init__(self, search: Search, where: str) -> None:
        """Begin with nothing read."""
        self._search, self._where = search, where
        self._kept, self._start = b"", 0
        self._found: set[Finding] = set()
        self._bytes = 0

    def write(self, piece: bytes) -> int:
        """Search the next piece, and return its length as a file does."""
        self._bytes += len(piece)
        content = self._kept + piece
        for found in self._search.in_bytes(content, where=self._where):
            self._found.add(Finding(found.where, self._start + found.offset, found.label, found.written))
        overlap = min(self._search.longest - 1, len(content))
        self._kept = content[len(content) - overlap :]
        self._start += len(content) - overlap
        return len(piece)

    def finish(self) -> Report:
        """Return what was found."""
        found = sorted(self._found, key=lambda each: (each.offset, each.label, each.written))
        return Report(findings=found, files=1, bytes=self._bytes)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # the process ended, or is not ours
        return []


def _ordinary_files(folders: Iterable[Path], changed_since: float | None) -> Iterator[Path]:
    """Go through files, following no links, each once."""
    seen: set[tuple[int, int]] = set()
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                path = Path(place, name)
                try:
                    about = path.lstat()
                except OSError:  # gone meanwhile
                    continue
                if not stat.S_ISREG(about.st_mode) or (about.st_dev, about.st_ino) in seen:
                    continue
                if changed_since is not None and about.st_mtime < changed_since:
                    continue
                seen.add((about.st_dev, about.st_ino))
                yield path
