"""Which link id of the last match is which of this one."""

import pyarrow as pa
import pytest

from matching.engine import idmap


def key(*rows):
    links, files, ids = zip(*rows, strict=True)
    return pa.table({"link_id": links, "file": files, "id": ids})


BEFORE = key(("a", "SDE", "1"), ("a", "DOL", "7"), ("b", "SDE", "2"), ("c", "SDE", "3"), ("d", "DOL", "1"))


def between(after, delivered):
    return [
        tuple(row.values())
        for row in idmap.between(BEFORE, after, pa.array(delivered, pa.string())).to_pylist()
    ]


@pytest.mark.obligation("O-71")
def test_the_same_generic_id_of_the_same_file_is_the_same_person():
    after = key(("x", "SDE", "1"), ("x", "DOL", "7"), ("y", "SDE", "2"), ("z", "SDE", "9"), ("w", "DOL", "3"))
    assert between(after, ["x", "y", "z", "w"]) == [("a", "x"), ("b", "y")]


@pytest.mark.obligation("O-71")
def test_who_was_parted_or_joined_stands_in_several_rows():
    after = key(("x", "SDE", "1"), ("v", "DOL", "7"), ("y", "SDE", "2"), ("y", "SDE", "3"))
    assert between(after, ["x", "v", "y"]) == [("a", "v"), ("a", "x"), ("b", "y"), ("c", "y")]


def test_who_is_not_delivered_is_not_told_of_and_nobody_is_a_list_of_nobody():
    after = key(("x", "SDE", "1"), ("y", "SDE", "2"))
    assert between(after, ["y"]) == [("b", "y")]
    empty = idmap.between(BEFORE, after, pa.array([], pa.string()))
    assert (empty.num_rows, empty.column_names) == (0, ["earlier_link_id", "link_id"])
    assert idmap.between(BEFORE, after.slice(2), pa.array(["y"])).num_rows == 0
