"""Other ways to tell a table: put together, cut off, left out; each safe, each a file to submit."""

import numpy as np
import pytest

from disclosure.engine.alternatives import alternatives, price_of
from disclosure.engine.codes import read_hierarchy
from disclosure.engine.examine import Beside, examine
from disclosure.engine.longform import read_long
from disclosure.engine.protect import protect
from disclosure.engine.recoding import collapsed
from disclosure.engine.release import Outside
from tests.engines.disclosure.samples import RULES, cross, random_counts

AGES = ["15", "16", "17", "18", "19", "20"]
COUNTS = np.array([[60, 44], [71, 52], [38, 61], [22, 15], [7, 3], [2, 4]])


def table_of(counts=COUNTS, ages=AGES):
    return cross(counts, names=["age", "sex"], codes=[ages, ["f", "m"]])


def found_for(text, *, name="t.csv", released=(), **options):
    now = examine(name, text.encode(), Beside(released=released), policy=RULES, seconds=5)
    before = [read_long(label, content.decode()) for label, content in released]
    outside = Outside(released=released, tables=before)
    return now, alternatives(now.tables, outside, now.protection, policy=RULES, seconds=5, **options)


def test_the_base_of_what_is_put_together_is_theirs_where_no_percentage_stands():
    text = "age,count,pct,pct_of,pct_n\n15,60,,age,100\n16,30,,age,100\n17,10,,age,100\n"
    (changed,) = collapsed((read_long("t.csv", text),), "age", ["15", "16"])
    assert [row.base for row in changed.rows] == [100, 100]
    (apart,) = collapsed((read_long("t.csv", text.replace(",age,100", ",,7")),), "age", ["15", "16"])
    assert [row.base for row in apart.rows] == [14, 7]


class TestWhatIsOffered:
    @pytest.mark.obligation("O-25", "O-81")
    def test_the_small_categories_are_put_together_at_the_least_price(self):
        now, ways = found_for(table_of())
        before = price_of(now.protection)
        assert ways[0].what == "Put “19” and “20” of “age” together"
        assert 0 < ways[0].price.withheld + 1 <= before.withheld
        saved = [before.withheld - way.price.withheld for way in ways]
        assert saved == sorted(saved, reverse=True)
        assert saved[-1] > 0

    def test_each_is_a_file_that_comes_to_what_was_promised(self):
        _, ways = found_for(table_of())
        assert {way.kind for way in ways} >= {"collapse", "top code", "no dimension"}
        for way in ways:
            ending, content = way.file()
            again = examine(f"t{ending}", content, policy=RULES, seconds=5)
            assert again.verdict == "safe", way.what
            assert price_of(again.protection) == way.price

    def test_the_sums_are_those_of_the_parts(self):
        _, ways = found_for(table_of())
        way = next(way for way in ways if way.what == "Put “19” and “20” of “age” together")
        counts = {tuple(row.codes.values()): row.count for row in way.tables[0].rows}
        assert (counts["19|20", "f"], counts["19|20", "m"], counts["19|20", "Total"]) == (9, 7, 16)
        assert counts["Total", "Total"] == COUNTS.sum()
        assert ("19", "f") not in counts

    def test_several_tables_change_together_and_go_into_one_workbook(self, tmp_path):
        path = tmp_path / "two.xlsx"
        from openpyxl import Workbook

        book = Workbook()
        for line in table_of().splitlines():
            book.active.append(line.split(","))
        other = book.create_sheet("By age")
        for line in ["age,count", *(f"{a},{n}" for a, n in zip(AGES, COUNTS.sum(axis=1), strict=True))]:
            other.append(line.split(","))
        book.save(path)
        now = examine("two.xlsx", path.read_bytes(), policy=RULES, seconds=5)
        ways = alternatives(now.tables, Outside(), now.protection, policy=RULES, seconds=5)
        way = next(way for way in ways if way.what == "Put “19” and “20” of “age” together")
        assert all("19|20" in {row.codes["age"] for row in table.rows} for table in way.tables)
        ending, content = way.file()
        assert ending == ".xlsx"
        assert examine("again.xlsx", content, policy=RULES, seconds=5).verdict == "safe"

    def test_categories_are_put_together_below_the_groups_of_a_hierarchy(self):
        groups = {"age": b"parent,child\nTotal,young\nTotal,old\n"
                         b"young,15\nyoung,16\nyoung,17\nold,18\nold,19\nold,20\n"}  # fmt: skip
        text = table_of() + "old,f,31\nold,m,22\nold,Total,53\n"
        tables = [read_long("t.csv", text)]
        known = {"age": read_hierarchy("age", groups["age"].decode())}
        now = protect(tables, hierarchies=known, policy=RULES, seconds=5)
        ways = alternatives(tables, Outside(), now, policy=RULES, seconds=5, groups=groups)
        assert "Put “19” and “20” of “age” together" in {way.what for way in ways}
        assert not [way for way in ways if way.kind == "collapse" and "“old”" in way.what]

    def test_a_percentage_is_worked_out_anew_to_its_decimals(self):
        text = "age,count,pct,pct_of\nA,3,3.0,age\nB,4,4.0,age\nC,93,93.0,age\nTotal,100,100.0,age\n"
        _, ways = found_for(text)
        way = next(way for way in ways if way.what == "Put “A” and “B” of “age” together")
        row = next(row for row in way.tables[0].rows if row.codes["age"] == "A|B")
        assert (row.count, str(row.percentage.value)) == (7, "7.0")

    @pytest.mark.obligation("O-81")
    def test_what_is_released_already_counts_for_every_way(self):
        text = cross(np.array([[9, 40], [3, 50]]), names=["school", "sex"], codes=[["A", "B"], ["f", "m"]])
        old = [("old.csv", b"school,sex,released\nB,m,50\nA,m,40\n")]
        now, ways = found_for(text, released=old)
        assert now.verdict == "safe"
        assert ways[0].what == "Leave out “school”"
        assert "Leave out “sex”" not in {way.what for way in ways}  # 53 less 50 would be 3
        assert "Leave out “sex”" in {way.what for way in found_for(text)[1]}


class TestWhatIsNot:
    def test_nothing_where_nothing_is_withheld(self):
        assert found_for("age,count\nA,30\nB,40\nC,50\nTotal,120\n")[1] == []

    @pytest.mark.obligation("O-81")
    def test_nothing_beside_a_small_count_that_is_out_already(self):
        text = cross(np.array([[9, 40], [3, 50]]), names=["school", "sex"], codes=[["A", "B"], ["f", "m"]])
        now, ways = found_for(text, released=[("old.csv", b"school,sex,released\nB,f,3\n")])
        assert now.verdict == "no_pattern"
        assert ways == []

    def test_two_categories_are_not_put_together_into_the_total(self):
        _, ways = found_for("age,count\nA,3\nB,40\nTotal,43\n")
        assert not [way for way in ways if way.kind == "collapse"]

    def test_a_category_that_is_missing_somewhere_is_not_guessed(self):
        lines = table_of().splitlines()
        lines.remove("20,m,4")
        _, ways = found_for("\n".join(lines) + "\n")
        assert "Put “19” and “20” of “age” together" not in {way.what for way in ways}

    def test_when_the_time_is_over_nothing_more_is_tried(self):
        assert found_for(table_of(), left=lambda: 0.0)[1] == []

    def test_it_is_the_same_each_time(self):
        text = cross(random_counts(np.random.default_rng(4), (5, 4)))
        first, again = (found_for(text)[1] for _ in range(2))
        assert first
        assert [(way.what, way.file()[1]) for way in first] == [(way.what, way.file()[1]) for way in again]
