"""RFC 6962 trees and proofs: known answers, and what holds for every tree."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p20win.custody.engine.errors import Broken
from p20win.custody.engine.merkle import EMPTY_ROOT, leaf_hash, node_hash
from p20win.custody.engine.proofs import TILE, HashTree, check_consistency, root_by_inclusion

# The eight leaves, roots and proofs that the implementations of Certificate Transparency test with.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {  # (leaf counted from 1, size)
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (3, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (2, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def hexes(path):
    return [each.hex() for each in path]


def known():
    return HashTree.of([leaf_hash(each) for each in LEAVES])


def many(count):
    return [leaf_hash(number.to_bytes(4, "big")) for number in range(count)]


def plain_root(leaves):
    """The definition of RFC 6962, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node_hash(plain_root(leaves[:half]), plain_root(leaves[half:]))


@pytest.mark.obligation("O-64")
def test_roots_are_those_known():
    assert [known().root(size).hex() for size in range(1, 9)] == ROOTS
    assert HashTree.of([]).root() == EMPTY_ROOT


@pytest.mark.parametrize("place", INCLUSION)
def test_inclusion_proofs_are_those_known(place):
    leaf, size = place
    path = known().inclusion(leaf - 1, size)

    assert hexes(path) == INCLUSION[place]
    found = root_by_inclusion(leaf_hash(LEAVES[leaf - 1]), index=leaf - 1, size=size, path=path)
    assert found.hex() == ROOTS[size - 1]


@pytest.mark.parametrize("sizes", CONSISTENCY)
def test_consistency_proofs_are_those_known(sizes):
    assert hexes(known().consistency(*sizes)) == CONSISTENCY[sizes]


def test_every_proof_of_every_small_tree():
    leaves = many(34)
    tree = HashTree.of(leaves)
    for size in range(1, 35):
        assert tree.root(size) == plain_root(leaves[:size])
        for index in range(size):
            path = tree.inclusion(index, size)
            assert root_by_inclusion(leaves[index], index=index, size=size, path=path) == tree.root(size)
        for old in range(1, size + 1):
            check_consistency(
                old=old, new=size, old_root=tree.root(old), new_root=tree.root(size),
                path=tree.consistency(old, size),
            )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6 * TILE), st.data())
def test_tiles_give_what_the_definition_gives(size, data):
    leaves = many(size)
    tree = HashTree.of(leaves)
    cut = data.draw(st.integers(1, size))
    index = data.draw(st.integers(0, cut - 1))

    assert tree.root(cut) == plain_root(leaves[:cut])
    path = tree.inclusion(index, cut)
    assert root_by_inclusion(leaves[index], index=index, size=cut, path=path) == tree.root(cut)
    check_consistency(
        old=cut, new=size, old_root=tree.root(cut), new_root=tree.root(), path=tree.consistency(cut, size)
    )


@settings(max_examples=150, deadline=None)
@given(st.integers(2, 700), st.data())
def test_no_other_line_place_size_or_step_is_proven(size, data):
    leaves = many(size)
    tree = HashTree.of(leaves)
    index = data.draw(st.integers(0, size - 1))
    path, root = tree.inclusion(index, size), tree.root()

    def proves(leaf=leaves[index], at=index, of=size, by=path):
        try:
            return root_by_inclusion(leaf, index=at, size=of, path=by) == root
        except Broken:
            return False

    assert proves()
    assert not proves(leaf=leaf_hash(b"another"))
    assert not proves(at=data.draw(st.integers(0, size - 1).filter(lambda at: at != index)))
    assert not proves(by=path[:-1])
    assert not proves(by=[*path, leaf_hash(b"more")])
    turned = data.draw(st.integers(0, len(path) - 1))
    assert not proves(by=[*path[:turned], leaf_hash(b"x"), *path[turned + 1 :]])


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.data())
def test_a_tree_that_was_changed_is_not_consistent(old, more, data):
    leaves = many(old + more)
    before = HashTree.of(leaves).root(old)
    changed = data.draw(st.integers(0, old - 1))
    leaves[changed] = leaf_hash(b"edited")
    tree = HashTree.of(leaves)

    with pytest.raises(Broken):
        check_consistency(
            old=old,
            new=old + more,
            old_root=before,
            new_root=tree.root(),
            path=tree.consistency(old, old + more),
        )


def test_what_cannot_be_asked_is_refused():
    tree = known()
    for ask in (
        lambda: tree.root(9), lambda: tree.inclusion(8, 8), lambda: tree.inclusion(0, 9),
        lambda: tree.consistency(0, 3), lambda: tree.consistency(4, 3),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="no such"):
            ask()
    root = tree.root()
    for old, new, path in ((0, 8, []), (9, 8, []), (8, 8, [root]), (4, 8, []), (4, 8, [root] * 9)):
        with pytest.raises(Broken):
            check_consistency(old=old, new=new, old_root=root, new_root=root, path=path)
    for index, size in ((3, 3), (-1, 3)):
        with pytest.raises(Broken, match="does not have"):
            root_by_inclusion(root, index=index, size=size, path=[])
