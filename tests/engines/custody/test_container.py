"""Sealed files: bound to what they are, and verified whole before anyone reads them."""

import hashlib
import io
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p20win.custody.engine import container
from p20win.custody.engine.container import Binding
from p20win.custody.engine.errors import Broken
from p20win.custody.engine.merkle import EMPTY_ROOT, MerkleTree, leaf_hash, node_hash
from p20win.custody.engine.streaming import SEGMENT

KEY = bytes(32)
BINDING = Binding("file-1", "project-1", "agency", "hub", "matching", 1)


def rfc_6962(leaves):
    """The definition of the RFC, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(rfc_6962(leaves[:split]), rfc_6962(leaves[split:]))


@given(st.lists(st.binary(max_size=8), max_size=40))
def test_the_root_is_the_one_of_the_rfc(leaves):
    tree = MerkleTree()
    for leaf in leaves:
        tree.add(leaf)

    assert tree.root() == rfc_6962(leaves)


def test_the_root_of_the_rfc_test_vectors():
    leaves = [bytes.fromhex(leaf) for leaf in ("", "00", "10", "2021", "3031", "40414243")]
    tree = MerkleTree()
    for leaf in leaves:
        tree.add(leaf)
    assert tree.root().hex() == "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"


def sealed(plain, binding=BINDING):
    target = io.BytesIO()
    seal = container.seal([plain[:7], plain[7:]], target, key=KEY, binding=binding)
    return target, seal


def reads(target, seal, key=KEY, binding=BINDING):
    return b"".join(
        container.open_verified(
            target, key=key, binding=binding, root=seal.root, sealed_bytes=seal.sealed_bytes
        )
    )


@pytest.mark.parametrize("size", [0, 1, SEGMENT - 56, SEGMENT - 55, 2 * SEGMENT + 3])
def test_what_is_sealed_reads_back(size):
    plain = os.urandom(size)
    target, seal = sealed(plain)

    assert reads(target, seal) == plain
    assert seal.plain_bytes == size
    assert seal.plain_sha256 == hashlib.sha256(plain).digest()
    assert container.measure(io.BytesIO(target.getvalue())) == (seal.root, seal.sealed_bytes)


@pytest.mark.obligation("O-63")
@pytest.mark.parametrize("field", ["file_id", "project", "source", "destination", "data_class"])
def test_a_file_moved_elsewhere_does_not_open(field):
    target, seal = sealed(b"rows")
    with pytest.raises(Broken):
        reads(target, seal, binding=replace(BINDING, **{field: "elsewhere"}))
    with pytest.raises(Broken):
        reads(target, seal, binding=replace(BINDING, key_version=2))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda raw: raw[:-1], "was cut"),
        (lambda raw: raw + b"x", "was extended"),
        (lambda raw: raw[:50] + bytes([raw[50] ^ 1]) + raw[51:], "was altered"),
        (lambda raw: raw[SEGMENT : 2 * SEGMENT] + raw[:SEGMENT] + raw[2 * SEGMENT :], "was reordered"),
        (lambda raw: raw[: 2 * SEGMENT] + raw[SEGMENT : 2 * SEGMENT] + raw[3 * SEGMENT :], "was reordered"),
        (lambda raw: raw[SEGMENT : 2 * SEGMENT] * 2 + raw[2 * SEGMENT :], "was altered"),
    ],
    ids=["cut", "extended", "flipped", "swapped", "repeated", "without its beginning"],
)
def test_each_damage_has_its_own_reason_and_comes_before_any_plaintext(change, why):
    target, seal = sealed(os.urandom(3 * SEGMENT))
    damaged = io.BytesIO(change(target.getvalue()))

    with pytest.raises(Broken, match=why):  # raised by the call itself, not by reading on
        container.open_verified(
            damaged, key=KEY, binding=BINDING, root=seal.root, sealed_bytes=seal.sealed_bytes
        )
