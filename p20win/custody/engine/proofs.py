"""Proofs over the Merkle tree of RFC 6962 and 9162: that a line is in it, and that it only grew.

Leaves are numbered from 0. A tree of many leaves is read through its tiles: the root of every 256 leaves is
kept, so that a root or a proof over a million leaves needs some thousand hashes and no leaf but a few.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from p20win.custody.engine.errors import Broken
from p20win.custody.engine.merkle import EMPTY_ROOT, MerkleTree, node_hash

TILE = 256  # leaves; a power of two


def tile_root(leaves: Sequence[bytes]) -> bytes:
    """This will give the root over a few leaves."""
    tree = MerkleTree()
    for leaf in leaves:
        tree.add_leaf(leaf)
    return tree.root()


@dataclass(frozen=True)
class HashTree:
    """A tree of `size` leaves, read through the roots of its full tiles and single tiles' leaves."""

    size: int
    tile_roots: Sequence[bytes]
    leaves_of: Callable[[int], Sequence[bytes]]  # by number of the tile; of the last one as many as there are

    @classmethod
    def of(cls, leaves: Sequence[bytes]) -> "HashTree":
        """This will make a tree of leaves that are all at hand."""
        full = len(leaves) // TILE
        roots = [tile_root(leaves[number * TILE : (number + 1) * TILE]) for number in range(full)]
        return cls(len(leaves), roots, lambda number: leaves[number * TILE : (number + 1) * TILE])

    def root(self, size: int | None = None) -> bytes:
        """This will give the root over the first leaves, or over all.

        :raises ValueError: if there are not as many
        """
        wanted = self.size if size is None else size
        if not 0 <= wanted <= self.size:
            raise ValueError("The tree has no such size.")
        return self._span(0, wanted) if wanted else EMPTY_ROOT

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """This will prove that the leaf at this place is in the tree of that size (RFC 9162, 2.1.3.1).

        :raises ValueError: if there is no such leaf or size
        """
        if not 0 <= index < size <= self.size:
            raise ValueError("The tree has no such leaf.")
        return self._path(index, 0, size)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """This will prove that the tree of the new size begins with that of the old (RFC 9162, 2.1.4.1).

        :raises ValueError: if there are no such sizes
        """
        if not 0 < old <= new <= self.size:
            raise ValueError("The tree has no such sizes.")
        return self._grown(old, 0, new, whole=True)

    def _span(self, start: int, end: int) -> bytes:
        number, within = divmod(start, TILE)
        if end - start < TILE:  # a span never reaches over the edge of a tile unless it begins at one
            return tile_root(self.leaves_of(number)[within : within + end - start])
        if end - start == TILE:
            return self.tile_roots[number]
        middle = start + _below(end - start)
        return node_hash(self._span(start, middle), self._span(middle, end))

    def _path(self, index: int, start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        middle = start + _below(end - start)
        if index < middle:
            return [*self._path(index, start, middle), self._span(middle, end)]
        return [*self._path(index, middle, end), self._span(start, middle)]

    def _grown(self, old: int, start: int, end: int, *, whole: bool) -> list[bytes]:
        if old == end:
            return [] if whole else [self._span(start, end)]
        middle = start + _below(end - start)
        if old <= middle:
            return [*self._grown(old, start, middle, whole=whole), self._span(middle, end)]
        return [*self._grown(old, middle, end, whole=False), self._span(start, middle)]


def _below(count: int) -> int:
    """Return the largest power of two that is less than this."""
    return 1 << (count - 1).bit_length() - 1


def root_by_inclusion(leaf: bytes, *, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """This will follow an inclusion proof up to the root that it leads to (RFC 9162, 2.1.3.2).

    :raises Broken: if the proof cannot belong to that place in a tree of that size
    """
    if not 0 <= index < size:
        raise Broken("The proof is for a place that the tree does not have.")
    place, last, found = index, size - 1, leaf
    for beside in path:
        if last == 0:
            raise Broken("The proof is longer than the tree is high.")
        if place & 1 or place == last:
            found = node_hash(beside, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, beside)
        place, last = place >> 1, last >> 1
    if last:
        raise Broken("The proof is shorter than the tree is high.")
    return found


def check_consistency(*, old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """This will check that one tree begins with all of another (RFC 9162, 2.1.4.2).

    :raises Broken: if the proof does not show it
    """
    if not 0 < old <= new:
        raise Broken("The later tree is smaller than the earlier one.")
    if old == new:
        if path or old_root != new_root:
            raise Broken("Two trees of one size differ.")
        return
    if not path:
        raise Broken("The proof is empty.")
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if _both_roots(old, new, steps) != (old_root, new_root):
        raise Broken("The later tree does not begin with the earlier one.")


def _both_roots(old: int, new: int, steps: Sequence[bytes]) -> tuple[bytes, bytes]:
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = steps[0]
    for beside in steps[1:]:
        if last == 0:
            raise Broken("The proof is longer than the tree is high.")
        if place & 1 or place == last:
            before, after = node_hash(beside, before), node_hash(beside, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, beside)
        place, last = place >> 1, last >> 1
    if last:
        raise Broken("The proof is shorter than the tree is high.")
    return before, after
