"""Tink's AES256-GCM-HKDF-1MB streaming encryption, in the wire format its authors publish.

A file is `header ‖ segment 0 ‖ segment 1 …`. The header is one length byte, a 32-byte salt and a 7-byte
nonce prefix. The key of the file is HKDF-SHA256(key, salt, info = associated data). Segment i is AES-256-GCM
under the nonce prefix ‖ i as four bytes ‖ 1 if it is the last segment, else 0, so a cut, an extension, a
swap or a repeat of segments fails to authenticate. Every segment fills 1 MiB of the file, header included.
"""

import os
from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from p20win.custody.engine.errors import Broken, Unreadable

SEGMENT = 1 << 20
KEY_SIZE = 32
SALT_SIZE = 32
PREFIX_SIZE = 7
HEADER_SIZE = 1 + SALT_SIZE + PREFIX_SIZE
TAG_SIZE = 16
ROOM = SEGMENT - TAG_SIZE  # of plaintext in a segment; the first one has the header's bytes less
MOST_SEGMENTS = 1 << 32

Bytes = bytes | bytearray | memoryview


def new_key() -> bytes:
    """This will draw a fresh 256-bit key."""
    return os.urandom(KEY_SIZE)


def sealed_size(plain: int) -> int:
    """This will say how many bytes a file of this size takes once sealed."""
    segments = max(1, -(-(plain + HEADER_SIZE) // ROOM))
    return plain + HEADER_SIZE + segments * TAG_SIZE


class Cutter:
    """Cuts a stream into segments. A full one is given out once a further byte shows it is not the last."""

    def __init__(self, *, first: int, then: int) -> None:
        self._buffer = bytearray(then)  # one for the whole stream: fresh memory costs more than the cipher
        self._filled, self._size, self._then = 0, first, then

    def cut(self, stream: Bytes) -> Iterator[memoryview]:
        """This will give the segments that these bytes complete; each must be used before the next."""
        rest = memoryview(stream)
        while len(rest) > self._size - self._filled:
            if self._filled:
                rest = rest[self._hold(rest) :]
                yield self.rest()
            else:
                segment, rest = rest[: self._size], rest[self._size :]
                self._size = self._then
                yield segment
        self._hold(rest)

    def rest(self) -> memoryview:
        """This will give what is held: in the end, the last segment."""
        held = memoryview(self._buffer)[: self._filled]
        self._filled, self._size = 0, self._then
        return held

    def _hold(self, stream: memoryview) -> int:
        taken = min(len(stream), self._size - self._filled)
        self._buffer[self._filled : self._filled + taken] = stream[:taken]
        self._filled += taken
        return taken


class FileKey:
    """The key of one file, and the nonces of its segments. Its acts may run beside each other."""

    def __init__(self, key: bytes, associated_data: bytes, *, salt: bytes, prefix: bytes) -> None:
        if len(key) != KEY_SIZE:
            raise ValueError(f"The key must have {KEY_SIZE} bytes.")
        self._cipher = AESGCM(HKDF(SHA256(), KEY_SIZE, salt=salt, info=associated_data).derive(key))
        self._prefix = prefix
        self.header = bytes([HEADER_SIZE]) + salt + prefix

    @classmethod
    def fresh(cls, key: bytes, associated_data: bytes) -> "FileKey":
        """This will draw salt and nonce prefix for a new file."""
        return cls(key, associated_data, salt=os.urandom(SALT_SIZE), prefix=os.urandom(PREFIX_SIZE))

    @classmethod
    def of_header(cls, key: bytes, associated_data: bytes, header: Bytes) -> "FileKey":
        """This will take salt and nonce prefix from the header of a file.

        :raises Unreadable: if the header is not one of this format
        """
        read = bytes(header)
        if len(read) != HEADER_SIZE or read[0] != HEADER_SIZE:
            raise Unreadable("The file does not begin like a sealed file.")
        return cls(key, associated_data, salt=read[1 : 1 + SALT_SIZE], prefix=read[1 + SALT_SIZE :])

    def seal(self, index: int, plain: Bytes, *, last: bool) -> bytes:
        """This will seal one segment. :raises Broken: if the format cannot number it"""
        return self._cipher.encrypt(self._nonce(index, last=last), plain, None)

    def seal_into(self, index: int, plain: Bytes, room: memoryview, *, last: bool) -> memoryview:
        """This will seal one segment into memory that is there. :raises Broken: as `seal`"""
        sealed = room[: len(plain) + TAG_SIZE]
        self._cipher.encrypt_into(self._nonce(index, last=last), plain, None, sealed)
        return sealed

    def open(self, index: int, sealed: Bytes, *, last: bool) -> bytes:
        """This will open one segment. :raises Broken: if it does not authenticate"""
        if len(sealed) < TAG_SIZE:
            raise Broken("The sealed file ends too early.")
        try:
            return self._cipher.decrypt(self._nonce(index, last=last), sealed, None)
        except InvalidTag:
            raise Broken(
                f"Segment {index} of the sealed file does not authenticate: altered, cut, reordered, "
                "moved from another place, or sealed under another key."
            ) from None

    def _nonce(self, index: int, *, last: bool) -> bytes:
        if index >= MOST_SEGMENTS:
            raise Broken("The file has more segments than the format can number.")
        return self._prefix + index.to_bytes(4, "big") + (b"\x01" if last else b"\x00")


class StreamSealer:
    """Takes plaintext in pieces of any size and gives sealed bytes back."""

    def __init__(self, key: bytes, associated_data: bytes) -> None:
        self._key = FileKey.fresh(key, associated_data)
        self._cutter = Cutter(first=ROOM - HEADER_SIZE, then=ROOM)
        self._header = self._key.header
        self._index = 0
        self._finished = False

    def update(self, plain: Bytes) -> bytes:
        """This will take plaintext in and return whatever full segments it completes."""
        if self._finished:
            raise ValueError("This file was already finished.")
        sealed = [self._take_header()]
        sealed.extend(self._seal(segment, last=False) for segment in self._cutter.cut(plain))
        return b"".join(sealed)

    def finish(self) -> bytes:
        """This will seal the last segment; without it the file can never be opened."""
        if self._finished:
            raise ValueError("This file was already finished.")
        self._finished = True
        return self._take_header() + self._seal(self._cutter.rest(), last=True)

    def _take_header(self) -> bytes:
        header, self._header = self._header, b""
        return header

    def _seal(self, plain: Bytes, *, last: bool) -> bytes:
        sealed = self._key.seal(self._index, plain, last=last)
        self._index += 1
        return sealed


class StreamOpener:
    """Takes sealed bytes and gives plaintext back, segment by authenticated segment.

    What it returns is authentic and in order, but the file is whole only once `finish` has returned. Whoever
    must not act on half a file verifies first (`container.verify`).
    """

    def __init__(self, key: bytes, associated_data: bytes) -> None:
        self._key, self._associated_data = key, associated_data
        self._head = bytearray()
        self._file_key: FileKey | None = None
        self._cutter = Cutter(first=SEGMENT - HEADER_SIZE, then=SEGMENT)
        self._index = 0
        self._finished = False

    def update(self, sealed: Bytes) -> bytes:
        """This will take sealed bytes in and return the plaintext of the segments they complete.

        :raises Unreadable: if the header is not one of this format
        :raises Broken: if a segment does not authenticate
        """
        if self._finished:
            raise ValueError("This file was already finished.")
        rest = self._read_header(sealed)
        if self._file_key is None:
            return b""
        return b"".join(self._open(segment, last=False) for segment in self._cutter.cut(rest))

    def finish(self) -> bytes:
        """This will open the last segment, which also proves that nothing is missing or added.

        :raises Broken: if the file was cut, extended or altered
        """
        if self._finished:
            raise ValueError("This file was already finished.")
        self._finished = True
        return self._open(self._cutter.rest(), last=True)

    def _read_header(self, sealed: Bytes) -> Bytes:
        if self._file_key is not None:
            return sealed
        missing = HEADER_SIZE - len(self._head)
        with memoryview(sealed) as view:
            self._head += view[:missing]
        if self._head and self._head[0] != HEADER_SIZE:
            raise Unreadable("The file does not begin like a sealed file.")
        if len(self._head) == HEADER_SIZE:
            self._file_key = FileKey.of_header(self._key, self._associated_data, self._head)
        return memoryview(sealed)[missing:]

    def _open(self, sealed: Bytes, *, last: bool) -> bytes:
        if self._file_key is None:
            raise Broken("The sealed file ends too early.")
        plain = self._file_key.open(self._index, sealed, last=last)
        self._index += 1
        return plain
