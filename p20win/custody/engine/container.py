"""The sealed file: a body in Tink's streaming format, bound to what it is, hashed as a Merkle tree."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import BinaryIO, Protocol

from p20win.custody.engine.encoding import canonical
from p20win.custody.engine.errors import Broken, CustodyError, Unreadable
from p20win.custody.engine.merkle import MerkleTree, leaf_hash
from p20win.custody.engine.pipeline import THREADS, InOrder, Lane
from p20win.custody.engine.streaming import (
    HEADER_SIZE,
    ROOM,
    SEGMENT,
    TAG_SIZE,
    Bytes,
    Cutter,
    FileKey,
)

CONTAINER_FORMAT = "p20win/container/1"
Told = Callable[[int], None]
"""Hears how many bytes were read so far."""


@dataclass(frozen=True)
class Binding:
    """What a sealed file is; sealed under any other description, it does not open."""

    file_id: str
    project: str
    source: str
    destination: str
    data_class: str
    key_version: int

    def associated_data(self) -> bytes:
        """This will give the bytes that bind the file's key to this description."""
        described = canonical({"format": CONTAINER_FORMAT, **asdict(self)})
        return b"p20/v1" + hashlib.sha256(described).digest()


@dataclass(frozen=True)
class Seal:
    """What was measured while sealing: enough to notice any later change without a key."""

    root: bytes
    sealed_bytes: int
    chunks: int
    plain_bytes: int
    plain_sha256: bytes


class Sink(Protocol):
    """Where sealed bytes go."""

    def write(self, data: Bytes, /) -> object: ...


class Sealer:
    """Seals a file while it passes through, segments beside each other, and measures what it wrote.

    Each segment goes through three stages: sealed, digested, written; each stage has threads of its own.

    A segment fills a MiB of the file, so the leaves of the tree are the segments, the header in the first.
    """

    def __init__(
        self, key: bytes, binding: Binding, sink: Sink, *, threads: int = THREADS, digest: bool = True
    ) -> None:
        self._key = FileKey.fresh(key, binding.associated_data())
        self._cutter = Cutter(first=ROOM - HEADER_SIZE, then=ROOM)
        self._sink = sink
        self._tree = MerkleTree()
        self._digest = hashlib.sha256() if digest else None
        self._sealing: InOrder[_Desk] = InOrder(threads)
        self._digesting: Lane[_Desk] = Lane(threaded=threads > 1)
        self._writing: Lane[_Desk] = Lane(threaded=threads > 1)
        lanes = (self._sealing, self._digesting, self._writing)
        self._desks = [_Desk() for _ in range(sum(lane.most + 1 for lane in lanes))]
        self._index = self._plain_bytes = self._sealed_bytes = 0

    def update(self, plain: Bytes) -> None:
        """This will seal the next plaintext and pass finished segments to the sink."""
        self._plain_bytes += len(plain)
        for segment in self._cutter.cut(plain):
            self._seal(segment, last=False)

    def finish(self) -> Seal:
        """This will seal the last segment and say what the whole file came to."""
        self._seal(self._cutter.rest(), last=True)
        for desk in self._sealing.rest():
            self._hand_to_digest(desk)
        for desk in self._digesting.rest():
            self._hand_to_writing(desk)
        for _ in self._writing.rest():
            pass
        return Seal(
            root=self._tree.root(),
            sealed_bytes=self._sealed_bytes,
            chunks=self._tree.leaves,
            plain_bytes=self._plain_bytes,
            plain_sha256=self._digest.digest() if self._digest else b"",
        )

    def abandon(self) -> None:
        """This will let go of what is still being sealed."""
        for lane in (self._sealing, self._digesting, self._writing):
            lane.drop()

    def _seal(self, plain: memoryview, *, last: bool) -> None:
        desk = self._desks.pop()
        kept = desk.keep(plain) if self._sealing.most else plain
        task = partial(desk.seal, self._key, self._index, kept, last=last)
        self._index += 1
        for sealed in self._sealing.put(task):
            self._hand_to_digest(sealed)

    def _hand_to_digest(self, desk: "_Desk") -> None:
        for digested in self._digesting.put(partial(self._take_in, desk)):
            self._hand_to_writing(digested)

    def _hand_to_writing(self, desk: "_Desk") -> None:
        self._desks.extend(self._writing.put(partial(self._write, desk)))

    def _take_in(self, desk: "_Desk") -> "_Desk":
        if self._digest:
            self._digest.update(desk.plain)
        return desk

    def _write(self, desk: "_Desk") -> "_Desk":
        if not self._tree.leaves:
            self._sink.write(self._key.header)
            self._sealed_bytes = HEADER_SIZE
        self._sink.write(desk.sealed)
        self._sealed_bytes += len(desk.sealed)
        self._tree.add_leaf(desk.leaf)
        return desk


class _Desk:
    """Memory for one segment, used again and again: fresh memory costs as much as the cipher."""

    def __init__(self) -> None:
        self._kept, self._room = memoryview(bytearray(ROOM)), memoryview(bytearray(SEGMENT))
        self.plain, self.sealed, self.leaf = self._kept[:0], self._room[:0], b""

    def keep(self, plain: memoryview) -> memoryview:
        """This will copy what may be overwritten before it is sealed."""
        kept = self._kept[: len(plain)]
        kept[:] = plain
        return kept

    def seal(self, key: FileKey, index: int, plain: memoryview, *, last: bool) -> "_Desk":
        """This will seal and hash one segment."""
        self.plain = plain
        self.sealed = key.seal_into(index, plain, self._room, last=last)
        self.leaf = leaf_hash(self.sealed) if index else leaf_hash(key.header, self.sealed)
        return self


def seal(
    chunks: Iterable[Bytes], sink: Sink, *, key: bytes, binding: Binding, threads: int = THREADS
) -> Seal:
    """This will seal everything the chunks hold; each is used before the next is asked for."""
    sealer = Sealer(key, binding, sink, threads=threads)
    try:
        for chunk in chunks:
            sealer.update(chunk)
        return sealer.finish()
    finally:
        sealer.abandon()


def measure(source: BinaryIO, *, threads: int = THREADS, told: Told = lambda size: None) -> tuple[bytes, int]:
    """This will give the Merkle root and the size of a sealed file; no key is needed."""
    tree, size = MerkleTree(), 0
    hashing: InOrder[bytes] = InOrder(threads)
    for chunk in _segments(source):
        size += len(chunk)
        told(size)
        for leaf in hashing.put(partial(leaf_hash, chunk)):
            tree.add_leaf(leaf)
    for leaf in hashing.rest():
        tree.add_leaf(leaf)
    return tree.root(), size


def verify(source: BinaryIO, *, root: bytes, sealed_bytes: int, told: Told = lambda size: None) -> None:
    """This will make sure that a sealed file is, to the byte, the one that was signed for.

    :raises Broken: naming whether it was cut, extended or altered
    """
    found, size = measure(source, told=told)
    if size < sealed_bytes:
        raise Broken(f"The sealed file was cut: {size} of {sealed_bytes} bytes are left.")
    if size > sealed_bytes:
        raise Broken(f"The sealed file was extended: {size} bytes where {sealed_bytes} were signed for.")
    if found != root:
        raise Broken("The sealed file was altered: its hash is not the one signed for.")


def open_stream(source: BinaryIO, *, key: bytes, binding: Binding, threads: int = THREADS) -> Iterator[bytes]:
    """This will give plaintext as it authenticates; the end proves itself only at the end.

    :raises Unreadable: if it does not begin like a sealed file
    :raises Broken: if anything was altered, cut, extended, reordered, or belongs elsewhere
    """
    segments = _segments(source)
    file_key, sealed = _begin(next(segments, b""), key=key, binding=binding)
    opening: InOrder[bytes] = InOrder(threads)
    index = 0
    try:
        for following in segments:
            yield from opening.put(partial(file_key.open, index, sealed, last=False))
            sealed, index = following, index + 1
        yield from opening.put(partial(file_key.open, index, sealed, last=True))
        yield from opening.rest()
    finally:
        opening.drop()


def _begin(first: bytes, *, key: bytes, binding: Binding) -> tuple[FileKey, Bytes]:
    if first[:1] not in (b"", bytes([HEADER_SIZE])):
        raise Unreadable("The file does not begin like a sealed file.")
    if len(first) < HEADER_SIZE + TAG_SIZE:
        raise Broken("The sealed file ends too early.")
    file_key = FileKey.of_header(key, binding.associated_data(), first[:HEADER_SIZE])
    return file_key, memoryview(first)[HEADER_SIZE:]


def _segments(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(SEGMENT):
        while len(chunk) < SEGMENT and (more := source.read(SEGMENT - len(chunk))):
            chunk += more
        yield chunk


def open_verified(
    source: BinaryIO, *, key: bytes, binding: Binding, root: bytes, sealed_bytes: int
) -> Iterator[bytes]:
    """This will read the file once to verify all of it, and only then give its plaintext.

    The check happens here, before the first byte is asked for. The source must be seekable.

    :raises Broken: if anything was altered, cut, extended, reordered, or belongs elsewhere
    """
    verify_whole(source, key=key, binding=binding, root=root, sealed_bytes=sealed_bytes)
    source.seek(0)
    return open_stream(source, key=key, binding=binding)


def verify_whole(
    source: BinaryIO,
    *,
    key: bytes,
    binding: Binding,
    root: bytes,
    sealed_bytes: int,
    told: Told = lambda size: None,
) -> None:
    """This will do what `verify` does, and with the key tell a file that was reordered from an altered one.

    :raises Broken: naming whether it was cut, extended, reordered or altered
    """
    source.seek(0)
    try:
        verify(source, root=root, sealed_bytes=sealed_bytes, told=told)
    except Broken as damage:
        if is_reordered(source, key=key, binding=binding, sealed_bytes=sealed_bytes):
            raise Broken("The sealed file was reordered: its segments stand in other places.") from damage
        raise


def open_range(
    source: BinaryIO, *, key: bytes, binding: Binding, sealed_bytes: int, start: int, stop: int
) -> Iterator[bytes]:
    """This will give the plaintext from `start` to before `stop`, reading the segments that hold it alone.

    Each segment proves that it is this file's and stands in its place before any of it is given; the size
    that was signed for tells which is the last. What lies outside the range is not looked at: verify the
    whole file first (`verify_whole`), so that nothing of an altered one is given.

    :raises Broken: if the file is not as long as signed for, or a segment does not authenticate
    :raises ValueError: if the range is none
    """
    if not 0 <= start < stop:
        raise ValueError("A range goes from a byte to a later one.")
    if (size := source.seek(0, os.SEEK_END)) != sealed_bytes:
        raise Broken(
            f"The sealed file was cut or extended: {size} bytes where {sealed_bytes} were signed for."
        )
    last = (sealed_bytes - 1) // SEGMENT
    source.seek(0)
    file_key, _ = _begin(source.read(HEADER_SIZE + TAG_SIZE), key=key, binding=binding)
    for index in range((start + HEADER_SIZE) // ROOM, min((stop - 1 + HEADER_SIZE) // ROOM, last) + 1):
        at = index * SEGMENT + (0 if index else HEADER_SIZE)
        source.seek(at)
        plain = file_key.open(index, source.read((index + 1) * SEGMENT - at), last=index == last)
        begins = index * ROOM - (HEADER_SIZE if index else 0)
        if piece := plain[max(start - begins, 0) : stop - begins]:
            yield piece


def is_reordered(source: BinaryIO, *, key: bytes, binding: Binding, sealed_bytes: int) -> bool:
    """This will say of a damaged file of the right size whether a segment of its own stands in a wrong place.

    A segment that does not authenticate in its place is tried in every other; nothing it opens is kept.
    """
    places = range((sealed_bytes - 1) // SEGMENT + 1)
    if source.seek(0, os.SEEK_END) != sealed_bytes or len(places) == 1:
        return False

    def block(place: int) -> bytes:
        source.seek(place * SEGMENT)
        return source.read(SEGMENT)

    def opens(file_key: FileKey, place: int, sealed: Bytes) -> bool:
        with suppress(Broken):
            file_key.open(place, sealed, last=place == places[-1])
            return True
        return False

    for home in places:  # the segment that has the header with it
        with suppress(CustodyError):
            file_key, sealed = _begin(block(home), key=key, binding=binding)
            if opens(file_key, 0, sealed):
                break
    else:
        return False
    strayed = next((place for place in places[1:] if not opens(file_key, place, block(place))), 0)
    return bool(home) or any(opens(file_key, other, block(strayed)) for other in places[1:] if strayed)
