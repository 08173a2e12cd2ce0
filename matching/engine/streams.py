"""Pieces of bytes as a file to read, and a file to write whose bytes are taken away: neither can seek."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any


class Pieces(io.RawIOBase):
    """Pieces of bytes read as a file that cannot seek."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self._pieces = iter(pieces)
        self._held = b""

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def peek_line(self) -> bytes:
        """Return the first line without taking it."""
        while b"\n" not in self._held and self._more():
            pass
        return self._held.split(b"\n", 1)[0]

    def _more(self) -> bool:
        piece = next(self._pieces, None)
        self._held += piece or b""
        return piece is not None

    def read(self, size: int = -1) -> bytes:
        """Return up to so many bytes, or all there are."""
        while (size < 0 or len(self._held) < size) and self._more():
            pass
        cut = len(self._held) if size < 0 else size
        taken, self._held = self._held[:cut], self._held[cut:]
        return taken


class Sink(io.RawIOBase):
    """A file that cannot seek, whose bytes are taken away as they come."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()
        self._gone = 0

    def writable(self) -> bool:
        """Say that this can be written."""
        return True

    def write(self, content: Any) -> int:
        """Keep the bytes until they are taken."""
        self._held += content
        return len(content)

    def tell(self) -> int:
        """Return how many bytes were written in all."""
        return self._gone + len(self._held)

    def taken(self) -> Iterator[bytes]:
        """Yield what was written since the last time."""
        if self._held:
            self._gone += len(self._held)
            content, self._held = bytes(self._held), bytearray()
            yield content
