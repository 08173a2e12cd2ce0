"""The Merkle tree hash of RFC 6962 (section 2.1), built chunk by chunk in little memory."""

import hashlib

_HASH = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(*chunk: bytes | bytearray | memoryview) -> bytes:
    """This will hash one chunk as a leaf; it may come in parts."""
    digest = hashlib.sha256(b"\x00")
    for part in chunk:
        digest.update(part)
    return digest.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """This will hash two subtrees into one."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class MerkleTree:
    """Keeps one hash per finished subtree: about log2(chunks) of them."""

    def __init__(self) -> None:
        self._subtrees: list[bytes] = []
        self.leaves = 0

    def add(self, chunk: bytes | bytearray | memoryview) -> None:
        """This will take the next chunk in."""
        self.add_leaf(leaf_hash(chunk))

    def add_leaf(self, leaf: bytes) -> None:
        """This will take the hash of the next chunk in."""
        carried, position = leaf, self.leaves
        while position & 1:  # every full pair becomes one subtree
            carried = node_hash(self._subtrees.pop(), carried)
            position >>= 1
        self._subtrees.append(carried)
        self.leaves += 1

    def root(self) -> bytes:
        """This will give the root over all chunks taken in so far."""
        if not self._subtrees:
            return EMPTY_ROOT
        result = self._subtrees[-1]
        for subtree in reversed(self._subtrees[:-1]):
            result = node_hash(subtree, result)
        return result

    def state(self) -> bytes:
        """This will give what `of_state` goes on from: the hashes of the finished subtrees."""
        return b"".join(self._subtrees)

    @classmethod
    def of_state(cls, leaves: int, state: bytes) -> "MerkleTree":
        """This will go on where a tree of so many chunks stood.

        :raises ValueError: if that is none
        """
        if len(state) != _HASH * leaves.bit_count():
            raise ValueError("A tree of so many chunks has another number of subtrees.")
        tree = cls()
        tree.leaves = leaves
        tree._subtrees = [state[at : at + _HASH] for at in range(0, len(state), _HASH)]
        return tree
