"""Wider categories as other ways to tell a table: one level up the hierarchy, years and periods merged."""

import numpy as np
import pytest

from disclosure.engine.alternatives import alternatives
from disclosure.engine.codes import read_hierarchy
from disclosure.engine.examine import examine
from disclosure.engine.longform import read_long
from disclosure.engine.protect import protect
from disclosure.engine.release import Outside
from tests.engines.disclosure.samples import RULES, cross

TREE = b"parent,child\nTotal,north\nTotal,south\nnorth,a\nnorth,b\nsouth,c\nsouth,d\nsouth,e\n"
COUNTS = np.array([[60, 4], [3, 52], [38, 61], [22, 15], [7, 3]])


def ways_for(text, *, tree=None, dim="town"):
    groups = {dim: tree} if tree else {}
    known = {name: read_hierarchy(name, content.decode()) for name, content in groups.items()}
    tables = [read_long("t.csv", text)]
    now = protect(tables, hierarchies=known, policy=RULES, seconds=5)
    return now, alternatives(tables, Outside(), now, policy=RULES, seconds=5, groups=groups)


def towns(groups=None, counts=COUNTS):
    return cross(counts, names=["town", "sex"], codes=[list("abcde"), ["f", "m"]], groups=groups)


def years(names, dim="year"):
    counts = np.array([[60, 40 + n] for n in range(len(names))])
    counts[0] = 3, 44
    return cross(counts, names=[dim, "sex"], codes=[names, ["f", "m"]])


def merged(text):
    return [way for way in ways_for(text)[1] if way.kind == "periods"]


class TestOneLevelUp:
    @pytest.mark.obligation("O-25")
    @pytest.mark.parametrize("listed", [None, {"town": {"north": ["a", "b"], "south": ["c", "d", "e"]}}])
    def test_the_groups_stand_for_what_is_in_them_listed_or_added_up(self, listed):
        now, ways = ways_for(towns(listed), tree=TREE)
        way = next(way for way in ways if way.kind == "level up")
        assert way.what == "Tell “town” one level up: “north” and “south” in place of what is in them"
        counts = {tuple(row.codes.values()): row.count for row in way.tables[0].rows}
        assert {town for town, _ in counts} == {"north", "south", "Total"}
        assert counts["north", "f"] == 63
        assert counts["south", "Total"] == COUNTS[2:].sum()
        assert way.price.withheld < sum(not each for each in now.tables[0].shown)

    def test_a_group_of_which_a_part_is_not_listed_is_not_added_up(self):
        lines = [line for line in towns().splitlines() if not line.startswith("b,")]
        text = "\n".join(line for line in lines if not line.startswith("Total"))
        _, ways = ways_for(text + "\n", tree=TREE)
        assert not [way for way in ways if way.kind == "level up"]

    def test_categories_in_two_groups_are_left_alone(self):
        both = TREE + b"Total,coast\ncoast,a\ncoast,c\n"
        _, ways = ways_for(towns(), tree=both)
        assert ways
        assert not [way for way in ways if way.kind == "level up"]


class TestPeriods:
    @pytest.mark.obligation("O-25")
    def test_years_are_merged_in_twos_and_nobody_is_lost(self):
        text = years(["2019", "2020", "2021", "2022", "2023"])
        (way,) = merged(text)
        assert way.what == "Merge periods of “year”: “2019”, “2020” and “2021”; “2022” and “2023”"
        counts = {tuple(row.codes.values()): row.count for row in way.tables[0].rows}
        assert counts["2019|2020|2021", "f"] == 3 + 60 + 60
        assert counts["2019|2020|2021", "Total"] + counts["2022|2023", "Total"] == counts["Total", "Total"]
        again = examine("t.csv", way.file()[1], policy=RULES, seconds=5)
        assert again.verdict == "safe"

    def test_parts_of_a_year_become_the_year(self):
        (way,) = merged(years(["2019 Q1", "2019 Q2", "2020 Q1", "2020 Q2"], dim="quarter"))
        assert "“2019 Q1” and “2019 Q2”; “2020 Q1” and “2020 Q2”" in way.what

    @pytest.mark.parametrize(
        "names", [["2019", "2020", "2021"], ["2019", "2020", "2021", "other"], ["1", "2", "3", "4"]]
    )
    def test_what_are_no_years_or_too_few_is_left_alone(self, names):
        assert merged(years(names)) == []
