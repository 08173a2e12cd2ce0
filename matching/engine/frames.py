"""How a run and the process that links talk: short frames over a pipe, so that nothing touches a disk."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import IO, Any, Final

from matching.engine.errors import LinkageError

SETUP: Final = b"S"
FILE: Final = b"F"
PIECE: Final = b"D"
END: Final = b"E"
PROGRESS: Final = b"P"
CROSSWALK: Final = b"C"
EDGES: Final = b"G"
FLAGS: Final = b"L"
REPORT: Final = b"R"
LISTS: Final = b"N"  # what the lists of third parties named; no part of the report (O-126)
FAILURE: Final = b"X"
SAMPLE: Final = b"V"  # the pairs for review, without a value
INDEX: Final = b"I"  # what finds them again
SHEET: Final = b"H"  # name and line end, then the records of one file that people look at
_HEAD: Final = struct.Struct(">cQ")
_MOST: Final = 2**40


def send(pipe: IO[bytes], kind: bytes, content: bytes = b"") -> None:
    """Write one frame."""
    pipe.write(_HEAD.pack(kind, len(content)))
    pipe.write(content)


def send_json(pipe: IO[bytes], kind: bytes, content: Any) -> None:
    """Write one frame that holds JSON, and see that it leaves."""
    send(pipe, kind, json.dumps(content).encode())
    pipe.flush()


def receive(pipe: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the frames until the pipe ends.

    :raises LinkageError: if it ends within a frame
    """
    while head := pipe.read(_HEAD.size):
        if len(head) < _HEAD.size:
            raise LinkageError("The other process ended in the middle of a message.")
        kind, size = _HEAD.unpack(head)
        if size > _MOST:
            raise LinkageError("The other process sent something that is no message.")
        content = pipe.read(size)
        if len(content) < size:
            raise LinkageError("The other process ended in the middle of a message.")
        yield kind, content
