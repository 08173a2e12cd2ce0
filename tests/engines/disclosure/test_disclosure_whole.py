"""Parts that make a whole though no total says so: the check knows then that one follows from the others."""

import pytest

from disclosure.engine.codes import TOTAL, read_hierarchy
from disclosure.engine.errors import BadTable
from disclosure.engine.examine import SAFE, UNREADABLE, Beside, examine
from disclosure.engine.whole import with_whole
from tests.engines.disclosure.samples import RULES

FILE = b"school,count\nAlder,45\nBirch,3\nCedar,30\nDogwood,31\n"
OUT = [("old.csv", b"school,released\nEast,48\nWest,61\n")]
USED = ["Alder", "Birch", "Cedar", "Dogwood", "East", "West"]


def east(whole="East", parts=("Alder", "Birch"), known=None, used=USED):
    return with_whole("school", known, whole=whole, parts=parts, used=used)


def lines(content):
    return content.decode().splitlines()[1:]


def shown(content, hierarchies=None, released=OUT):
    around = Beside(released=released, hierarchies=hierarchies or {})
    found = examine("t.csv", content, around, policy=RULES, seconds=5)
    assert found.verdict == SAFE, found.message
    (table,) = found.protection.tables
    return {
        row.codes["school"] for row, is_shown in zip(table.table.rows, table.shown, strict=True) if is_shown
    }


@pytest.mark.obligation("O-79", "O-81")
def test_what_follows_from_a_whole_is_withheld_for_once_its_parts_are_said():
    """East had 48: with 45 of Alder, 3 of Birch follow, if these two are the east."""
    assert "Alder" in shown(FILE)
    assert "Alder" not in shown(FILE, {"school": east()})


@pytest.mark.obligation("O-79")
def test_a_whole_that_no_table_names_is_known_as_their_sum():
    kept = read_hierarchy("school", east("North").decode())
    assert kept.leaves_of("North") == {"Alder", "Birch"}
    assert kept.codes() == {*USED, "North"}


def test_every_code_that_is_used_keeps_a_place():
    assert lines(east()) == [
        "East,Alder",
        "East,Birch",
        "Total,Cedar",
        "Total,Dogwood",
        "Total,East",
        "Total,West",
    ]


def test_a_second_whole_is_said_beside_the_first_and_a_part_is_added():
    known = read_hierarchy("school", east().decode())
    both = read_hierarchy("school", east("West", ["Cedar", "Dogwood"], known).decode())
    assert (both.children["East"], both.children["West"]) == (("Alder", "Birch"), ("Cedar", "Dogwood"))
    more = read_hierarchy("school", east(parts=["Alder", "Birch", "Cedar"], known=known).decode())
    assert more.children["East"] == ("Alder", "Birch", "Cedar")
    assert read_hierarchy("school", east(TOTAL, ["East", "West"], both).decode()).leaves_of(TOTAL) == {
        "Alder",
        "Birch",
        "Cedar",
        "Dogwood",
    }


def test_parts_that_are_all_there_are_make_the_total():
    assert lines(east(TOTAL, ["Alder", "Birch"], used=["Alder", "Birch"])) == ["Total,Alder", "Total,Birch"]


@pytest.mark.parametrize(
    ("whole", "parts", "why"),
    [
        ("East", ["Alder"], "two categories or more"),
        ("East", ["Alder", TOTAL], "two categories or more"),
        ("Alder", ["Alder", "Birch"], "cannot be the whole"),
        ("East|West", ["Alder", "Birch"], "cannot be the whole"),
        (" ", ["Alder", "Birch"], "cannot be the whole"),
        ("Overall", ["Alder", "Birch"], "write Total"),
        (TOTAL, ["Alder", "Birch"], "“Cedar” is there beside these parts"),
    ],
)
def test_what_cannot_be_a_whole_is_refused(whole, parts, why):
    with pytest.raises(BadTable, match=why):
        east(whole, parts)


def test_what_is_known_of_a_whole_is_not_taken_away_in_passing():
    known = read_hierarchy("school", east().decode())
    with pytest.raises(BadTable, match="“Birch” is not among these parts"):
        east(parts=["Alder", "Cedar"], known=known)


def test_parts_that_the_numbers_contradict_are_no_way_out():
    around = Beside(released=OUT, hierarchies={"school": east(parts=["Alder", "Cedar"])})
    found = examine("t.csv", FILE, around, policy=RULES, seconds=5)
    assert (found.verdict == SAFE, found.released()) == (False, [])
    assert found.verdict == UNREADABLE
