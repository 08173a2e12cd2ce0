"""Sealed files read again without a key, at once or bit by bit."""

import pytest

from p20win.custody.engine.container import Binding, Sealer
from p20win.custody.engine.errors import Broken
from p20win.custody.engine.merkle import MerkleTree
from p20win.custody.engine.rereading import Place, read_on
from p20win.custody.engine.streaming import SEGMENT

SIZE = 5 * SEGMENT + 77


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("sealed") / "one.p20"
    binding = Binding(
        file_id="f", project="p", source="s", destination="d", data_class="matching", key_version=1
    )
    with path.open("wb") as sink:
        sealer = Sealer(b"k" * 32, binding, sink)
        sealer.update(bytes(SIZE))
        seal = sealer.finish()
    return path.read_bytes(), seal


@pytest.fixture
def sealed(made, tmp_path):
    path = tmp_path / "one.p20"
    path.write_bytes(made[0])
    return path, made[1]


def read(path, seal, *, most):
    """Read to the end, so many bytes at a time, from a new file each time; say how often."""
    place, times = Place(), 0
    while place is not None:
        with path.open("rb") as source:
            place = read_on(source, place, root=seal.root, sealed_bytes=seal.sealed_bytes, most=most)
        times += 1
    return times


@pytest.mark.parametrize(("most", "times"), [(1, 6), (SEGMENT, 6), (2 * SEGMENT, 3), (1 << 40, 1)])
def test_a_whole_file_is_whole_however_little_is_read_at_a_time(sealed, most, times):
    assert read(*sealed, most=most) == times


@pytest.mark.parametrize("at", [0, 39, SEGMENT, 3 * SEGMENT + 5, SIZE])
@pytest.mark.parametrize("most", [SEGMENT, 1 << 40])
def test_one_flipped_byte_anywhere_is_found(sealed, at, most):
    path, seal = sealed
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)
    with pytest.raises(Broken, match="altered"):
        read(path, seal, most=most)


@pytest.mark.parametrize(
    ("change", "what"), [(lambda raw: raw[:-1], "cut"), (lambda raw: raw + b"x", "extended")]
)
def test_its_size_is_compared_at_once(sealed, change, what):
    path, seal = sealed
    path.write_bytes(change(path.read_bytes()))
    with path.open("rb") as source, pytest.raises(Broken, match=what):
        read_on(source, Place(), root=seal.root, sealed_bytes=seal.sealed_bytes, most=1)


@pytest.mark.parametrize("leaves", [0, 1, 2, 3, 6, 7, 8, 21])
def test_a_tree_goes_on_where_it_stood(leaves):
    whole, first = MerkleTree(), MerkleTree()
    for number in range(leaves):
        whole.add(bytes([number]))
        first.add(bytes([number]))
    second = MerkleTree.of_state(first.leaves, first.state())
    for number in range(5):
        whole.add(bytes([number]))
        second.add(bytes([number]))
    assert second.root() == whole.root()
    with pytest.raises(ValueError, match="another number"):
        MerkleTree.of_state(leaves, first.state() + bytes(32))
