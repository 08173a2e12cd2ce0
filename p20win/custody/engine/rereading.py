"""Reading a sealed file again for its Merkle root, as far as time allows; later it goes on from there."""

import os
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from p20win.custody.engine.errors import Broken
from p20win.custody.engine.merkle import MerkleTree, leaf_hash
from p20win.custody.engine.pipeline import THREADS, InOrder
from p20win.custody.engine.streaming import SEGMENT


@dataclass(frozen=True)
class Place:
    """How far a file was read, and what its tree is from there."""

    segments: int = 0
    subtrees: bytes = b""

    @property
    def offset(self) -> int:
        """This will give the bytes that were read."""
        return self.segments * SEGMENT


def read_on(source: BinaryIO, place: Place, *, root: bytes, sealed_bytes: int, most: int) -> Place | None:
    """This will read on for so many bytes, from the disk and not from memory; nothing if the file is whole.

    No key is needed. At least one segment is read, and the file's size is compared first.

    :raises Broken: if it was cut, extended or altered
    """
    if (size := source.seek(0, os.SEEK_END)) != sealed_bytes:
        done = "cut" if size < sealed_bytes else "extended"
        raise Broken(f"The sealed file was {done}: {size} bytes where {sealed_bytes} were signed for.")
    tree = MerkleTree.of_state(place.segments, place.subtrees)
    source.seek(place.offset)
    hashing: InOrder[bytes] = InOrder(THREADS)
    _forget(source)
    left = max(most, 1)
    while left > 0 and (chunk := _segment(source)):
        left -= len(chunk)
        for leaf in hashing.put(partial(leaf_hash, chunk)):
            tree.add_leaf(leaf)
    for leaf in hashing.rest():
        tree.add_leaf(leaf)
    _forget(source)
    if tree.leaves * SEGMENT < sealed_bytes:
        return Place(tree.leaves, tree.state())
    if tree.root() != root:
        raise Broken("The sealed file was altered: its hash is not the one signed for.")
    return None


def _segment(source: BinaryIO) -> bytes:
    chunk = source.read(SEGMENT)
    while 0 < len(chunk) < SEGMENT and (more := source.read(SEGMENT - len(chunk))):
        chunk += more
    return chunk


def _forget(source: BinaryIO) -> None:
    """This will have the system forget what it holds of the file, so that the disk itself is read."""
    os.posix_fadvise(source.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
