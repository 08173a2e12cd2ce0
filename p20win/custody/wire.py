"""How web and vault talk over the socket: the web sends one line, the vault answers in frames.

A frame is four bytes of length and that many bytes. Length 0 ends the answer; the highest bit marks a
refusal, whose bytes are JSON: the reasons, and after how many seconds to ask again, 0 if that is of no use.
An answer that ends without either was cut.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

REFUSAL: Final = 1 << 31
LARGEST_FRAME: Final = 1 << 21
PING: Final = "ping"
KEYS: Final = "keys"  # how the key service is
SCANNER: Final = "scanner"  # how the malware scanner is
PONG: Final = b"pong"


class Cut(ConnectionError):
    """The answer ended in the middle: what was given so far is not whole."""


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """Give a path of a socket that is never too long: its limit is 107 characters, a data folder's is not."""
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{path.name}" if len(str(path)) > 100 else str(path)
    finally:
        os.close(handle)


def send_frame(line: socket.socket, content: bytes) -> None:
    """Send one frame of an answer."""
    for start in range(0, len(content), LARGEST_FRAME):
        part = content[start : start + LARGEST_FRAME]
        line.sendall(len(part).to_bytes(4, "big") + part)


def send_end(line: socket.socket) -> None:
    """Say that the answer is whole."""
    line.sendall(bytes(4))


def send_refusal(line: socket.socket, reasons: list[str], *, again: int = 0) -> None:
    """Refuse, with words fit to show, for now or for good."""
    content = json.dumps({"reasons": reasons, "again": again}).encode()
    line.sendall((REFUSAL | len(content)).to_bytes(4, "big") + content)


def read_refusal(content: bytes) -> tuple[list[str], int]:
    """Return the reasons of a refusal, and after how many seconds to ask again."""
    told = json.loads(content)
    return [str(reason) for reason in told["reasons"]], int(told["again"])


def read_frame(line: socket.socket) -> tuple[bytes, bool]:
    """Read one frame: its bytes, and whether it is a refusal. No bytes and no refusal is the end.

    :raises Cut: if the other side went away
    """
    length = int.from_bytes(_exactly(line, 4), "big")
    refused, length = bool(length & REFUSAL), length & (REFUSAL - 1)
    if length > LARGEST_FRAME:
        raise Cut("The vault's answer is not readable.")
    return _exactly(line, length), refused


def _exactly(line: socket.socket, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        part = line.recv(min(size - len(content), 1 << 16))
        if not part:
            raise Cut("The vault's answer was cut.")
        content += part
    return bytes(content)


def read_line(line: socket.socket, *, limit: int = 200) -> str:
    """Read the one line that asks. :raises Cut: if there is none"""
    content = bytearray()
    while not content.endswith(b"\n"):
        part = line.recv(limit - len(content))
        if not part or len(content) + len(part) >= limit:
            raise Cut("No question came.")
        content += part
    return content[:-1].decode("ascii", "replace")
