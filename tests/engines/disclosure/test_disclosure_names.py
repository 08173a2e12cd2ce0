"""Names that mean the same: a dimension under another heading is held against what was released of it."""

import json
from dataclasses import replace

import pytest

from disclosure.engine.errors import BadTable
from disclosure.engine.examine import SAFE, UNREADABLE, Beside, examine
from disclosure.engine.longform import read_long
from disclosure.engine.names import headings_of, read_as, read_names, written
from disclosure.engine.sheet import written as sheet_of
from tests.engines.disclosure.samples import RULES

RELEASED = b"school,sex,released\nAlder,Total,41\nBirch,Total,60\nTotal,Total,101\n"
OTHERWISE = b"Name of school,count\nAlder,38\nBirch,63\nTotal,101\n"
SAID = "Name of school"


def names(*lines, headings=SAID):
    return read_names(headings, written(lines).decode())


def a_table(text):
    return read_long("t.csv", text)


class TestReading:
    def test_headings_are_remembered_whatever_their_order(self):
        assert (
            headings_of(["sex", "School  name"]) == headings_of(["School name", "sex"]) == "School name × sex"
        )

    @pytest.mark.parametrize(
        "lines",
        [
            [("sex", "", "gender")],
            [(SAID, "", "school"), (SAID, "", "town")],
            [(SAID, "", "count")],
            [(SAID, "", "")],
            [(SAID, "A", "Total")],
            [(SAID, "Total", "All schools")],
            [(SAID, "A", "x"), (SAID, "B", "x")],
            [(SAID, "A|B", "x")],
            [(SAID, "A")],
        ],
    )
    def test_a_list_that_says_what_cannot_be_is_refused(self, lines):
        with pytest.raises(BadTable):
            names(*lines)

    def test_so_is_one_with_other_columns(self):
        with pytest.raises(BadTable, match="the columns are"):
            read_names(SAID, "from,to\na,b\n")


class TestReadingAs:
    def test_headings_codes_and_bases_are_those_that_are_meant(self):
        table = a_table(
            "place,who,count,pct,pct_of\nA,F,30,30.0,who\nA|B,F,60,,\nA,Total,100,,\nTotal,Total,200,,\n"
        )
        known = names(
            ("place", "", "town"), ("place", "A", "Alder"), ("who", "", "sex"), headings="place × who"
        )
        read = read_as(table, {known.headings: known})
        assert read.dimensions == ("town", "sex")
        assert read.columns == ("town", "sex", "count", "pct", "pct_of")
        assert [row.codes["town"] for row in read.rows] == ["Alder", "Alder|B", "Alder", "Total"]
        assert read.rows[0].percentage.of == ("sex",)
        assert read.rows[0].cells == ("Alder", "F", "30", "30.0", "sex")
        assert [row.count for row in read.rows] == [row.count for row in table.rows]
        assert read.name == table.name

    def test_tables_with_other_headings_are_left_as_they_are(self):
        known = {SAID: names((SAID, "", "school"))}
        table = a_table("Name of school,sex,count\nAlder,f,9\nAlder,m,9\n")
        assert read_as(table, known) is table
        assert read_as(a_table(OTHERWISE.decode()), {}).dimensions == (SAID,)

    @pytest.mark.parametrize(
        ("text", "lines", "why"),
        [
            ("a,b,count\nx,y,9\n", [("a", "", "b")], "two of its dimensions"),
            ("a,b,count\nx,y,9\nz,y,8\n", [("a", "x", "z")], "two categories of a"),
        ],
    )
    def test_two_names_never_become_one(self, text, lines, why):
        known = names(*lines, headings="a × b")
        with pytest.raises(BadTable, match=why):
            read_as(a_table(text), {"a × b": known})


class TestExamining:
    def test_under_another_heading_nothing_is_known_of_it(self):
        found = examine("t.csv", OTHERWISE, Beside(released=[("first", RELEASED)]), policy=RULES, seconds=3)
        assert found.verdict == SAFE
        assert found.read_as == ()

    @pytest.mark.obligation("O-81")
    def test_under_the_name_that_is_meant_it_is_held_against_what_was_released(self):
        lists = {SAID: written([(SAID, "", "school")])}
        beside = Beside(released=[("first", RELEASED)], names=lists)
        found = examine("t.csv", OTHERWISE, beside, policy=RULES, seconds=3)
        assert found.verdict != SAFE  # Alder cannot have 41 and 38
        same = examine(
            "t.csv", OTHERWISE.replace(b"38", b"41").replace(b"63", b"60"), beside, policy=RULES, seconds=3
        )
        assert same.verdict == SAFE
        assert same.adds() == {"before": 3, "anew": 0, "again": 3}
        assert same.audited()[0].startswith(b"school,released\n")
        assert same.read_as == (("t.csv", SAID, "", "school"),)

    @pytest.mark.obligation("O-81")
    def test_a_difference_that_another_heading_hides_is_found(self):
        released = b"district,released\nSalem,60\nOther,200\n"
        table = b"area,count\nSalem but one school,57\nAll others,203\n"
        groups = (
            "Total,Salem Total,Other Salem,Salem_but_one_school Salem,one All_others,Other All_others,one"
        )
        groups = {"district": "\n".join(["parent,child", *groups.split()]).replace("_", " ").encode()}
        lists = {"area": written([("area", "", "district")])}
        beside = Beside(released=[("first", released)], hierarchies=groups)
        alone = examine("t.csv", table, beside, policy=RULES, seconds=3)
        assert alone.verdict == SAFE
        assert b"Salem but one school,57" in alone.audited()[0]  # with 60 of all Salem it says 3
        found = examine("t.csv", table, replace(beside, names=lists), policy=RULES, seconds=3)
        assert found.verdict == SAFE
        assert b"Salem but one school,\n" in found.audited()[0]

    def test_a_list_that_does_not_fit_stops_the_check(self):
        lists = {SAID: written([(SAID, "Alder", "Birch")])}
        found = examine("t.csv", OTHERWISE, Beside(names=lists), policy=RULES, seconds=3)
        assert found.verdict == UNREADABLE
        assert "two categories" in found.message

    def test_the_sheet_tells_what_there_was_to_choose_from(self):
        beside = Beside(
            released=[("first", RELEASED)],
            hierarchies={"grade": b"parent,child\nTotal,9\nTotal,10\n"},
            names={SAID: written([(SAID, "", "school")])},
        )
        told = json.loads(sheet_of(examine("t.csv", OTHERWISE, beside, policy=RULES, seconds=3)))
        assert told["choice"]["known"] == {"grade": ["10", "9"], "school": ["Alder", "Birch"], "sex": []}
        (table,) = told["choice"]["tables"]
        assert table == {"headings": SAID, "dimensions": {SAID: ["Alder", "Birch"]}}
        assert told["read_as"] == [["t.csv", SAID, "", "school"]]
