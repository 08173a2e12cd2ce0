"""Outputs about different people held together: what follows from two of them is found, nothing else is."""

import pytest

from disclosure.engine.alternatives import alternatives
from disclosure.engine.audit.judge import audit
from disclosure.engine.errors import BadTable
from disclosure.engine.examine import NO_PATTERN, SAFE, UNREADABLE, Beside, examine
from disclosure.engine.kin import (
    APART,
    MOST_CELLS,
    PART,
    SAME,
    TOO_MANY,
    UNKNOWN,
    WHOLE,
    Circle,
    Kin,
    hold_together,
    read_said,
    written,
)
from disclosure.engine.populations import among
from tests.engines.disclosure.samples import RULES

ALL, REST = "All graduates", "Graduates without Salem"
SALEM = [(REST, PART, ALL)]
WITH = b"sex,released\nTotal,241\nF,120\nM,121\n"
TWIN = b"sex,released\nTotal,201\nF,100\nM,101\n"


def held(said, names, periods=()):
    """Hold these together, the last as the output's own."""
    groups = [name if isinstance(name, tuple) else (name, "2021") for name in names]
    return hold_together(groups[-1], groups[:-1], Circle(Kin(said), Kin(periods)))


def audited(said, tables):
    """Audit what several releases tell together, each of its own people."""
    together = held(said, list(tables))
    dimension = among(together)
    files = [
        (f"release {number} ({name})", dimension.marked(text, together.codes[(name, "2021")]))
        for number, (name, text) in enumerate(tables.items(), start=1)
    ]
    return audit(files, groups={dimension.name: dimension.groups}, policy=RULES)


def examined(said, before, own, content):
    """Examine a table of some people, given what was released of others."""
    together = held(said, [*before, own])
    dimension = among(together)
    released = [
        (f"“{name}”, table-1.csv", dimension.marked(text, together.codes[(name, "2021")]))
        for name, text in before.items()
    ]
    return examine("new.csv", content, Beside(released=released, among=dimension), policy=RULES, seconds=20)


class TestWhatLeaks:
    @pytest.mark.obligation("O-81")
    def test_a_part_taken_out_of_the_whole_is_worked_out_and_both_releases_are_named(self):
        report = audited(SALEM, {ALL: WITH, REST: b"sex,released\nTotal,238\n"})

        (leak,) = report.leaks
        assert (leak.low, leak.high) == (3, 3)
        assert leak.people == f"Who is counted those in {ALL}, not in {REST}"
        assert leak.derivation == (
            f"241 (everyone; release 1 ({ALL}), line 2) −"
            f" 238 (Who is counted {REST}; release 2 ({REST}), line 2) = 3"
        )

    @pytest.mark.obligation("O-81")
    def test_a_twin_that_differs_by_enough_people_is_not_flagged(self):
        report = audited(SALEM, {ALL: WITH, REST: TWIN})

        assert report.passed
        assert not report.warnings

    def test_of_three_that_are_nested_two_are_enough(self):
        nested = [("C", PART, "B"), ("B", PART, "A")]
        tables = {"A": b"sex,released\nTotal,100\n", "C": b"sex,released\nTotal,97\n"}

        assert audited(nested, tables).leaks[0].low == 3  # through B, of whom nothing was released
        assert audited(nested, tables | {"B": b"sex,released\nTotal,98\n"}).leaks

    def test_two_parts_apart_leave_the_rest(self):
        tables = {"All": b"sex,released\nTotal,100\n", "Avon": b"sex,released\nTotal,47\n"}
        tables |= {"Salem": b"sex,released\nTotal,50\n"}
        parts = [("Avon", PART, "All"), ("Salem", PART, "All")]

        (leak,) = audited([*parts, ("Avon", APART, "Salem")], tables).leaks
        assert (leak.low, leak.high) == (3, 3)
        assert audited(parts, tables).passed  # they may overlap by anything: nothing follows

    def test_the_same_people_under_two_names_are_one(self):
        together = held([*SALEM, ("Graduates", SAME, ALL)], ["Graduates", ALL, REST])

        assert together.codes[("Graduates", "2021")] == together.codes[(ALL, "2021")] == ALL


class TestProtection:
    @pytest.mark.obligation("O-81")
    def test_what_is_out_stays_out_and_the_new_table_withholds(self):
        found = examined(SALEM, {ALL: WITH}, REST, b"sex,count\nTotal,238\nF,119\nM,119\n")

        assert found.verdict == SAFE
        assert found.released() == [b"sex,released\nTotal,\nF,\nM,\n"]
        assert found.averted[0].derivation == (
            f"241 (everyone; “{ALL}”, table-1.csv, line 2) −"
            f" 238 (Who is counted {REST}; new.csv (to be released), line 2) = 3"
        )

    def test_a_twin_is_shown_whole_and_its_bytes_say_nothing_of_the_others(self):
        found = examined(SALEM, {ALL: WITH}, REST, b"sex,count\nTotal,201\nF,100\nM,101\n")

        assert found.released() == [b"sex,released\nTotal,201\nF,100\nM,101\n"]
        assert found.tables[0].dimensions == ("sex",)
        assert not found.told_before  # of these people nothing was told
        assert not found.averted

    def test_the_whole_after_its_part(self):
        found = examined([(ALL, WHOLE, REST)], {REST: TWIN}, ALL, b"sex,count\nTotal,204\nF,102\nM,102\n")

        assert found.released() == [b"sex,released\nTotal,\nF,\nM,\n"]

    def test_more_in_a_part_than_in_the_whole_is_no_pass(self):
        found = examined(SALEM, {ALL: WITH}, REST, b"sex,count\nTotal,300\nF,150\nM,150\n")

        assert found.verdict in (UNREADABLE, NO_PATTERN)
        assert not found.released()

    def test_a_column_of_the_checks_own_name_is_refused(self):
        found = examined(SALEM, {ALL: WITH}, REST, b"Who is counted,count\nTotal,238\nA,119\nB,119\n")

        assert found.verdict == UNREADABLE
        assert "give the column Who is counted another name" in found.message

    def test_other_ways_are_tried_beside_the_others_and_are_files_like_any(self):
        before = {ALL: b"sex,released\nf,125\nm,120\nx,36\nTotal,281\n"}
        content = b"sex,count\nf,100\nm,100\nx,33\nTotal,233\n"
        dimension = among(held(SALEM, [ALL, REST]))
        beside = Beside(
            released=[("“All”, table-1.csv", dimension.marked(before[ALL], ALL))], among=dimension
        )
        now = examine("new.csv", content, beside, policy=RULES, seconds=20)
        assert b"x,\n" in now.released()[0]  # 36 and 33 would tell 3

        ways = alternatives(
            now.tables, beside.outside(), now.protection, policy=RULES, seconds=5, among=dimension
        )

        assert ways
        assert not any(dimension.name in way.what for way in ways)
        assert not any(dimension.name.encode() in way.file()[1] for way in ways)


class TestHolding:
    def test_what_nobody_knows_or_is_apart_is_left_out_and_said(self):
        together = held([("Staff", APART, REST)], ["Staff", ALL, REST])

        assert together.left_out == {("Staff", "2021"): APART, (ALL, "2021"): UNKNOWN}
        assert among(together) is None

    def test_a_part_in_a_part_of_the_period_is_a_part(self):
        years = [("2021", PART, "2019-2022")]
        together = held(SALEM, [(ALL, "2019-2022"), (REST, "2021")], years)

        assert together.codes == {
            (REST, "2021"): f"{REST}, 2021",
            (ALL, "2019-2022"): f"{ALL}, 2019-2022",
        }
        assert len(together.cells[f"{ALL}, 2019-2022"]) == 2

    def test_a_part_of_the_people_in_a_wider_period_is_not_known_to_be_one(self):
        years = [("2021", PART, "2019-2022")]

        assert held(SALEM, [(ALL, "2021"), (REST, "2019-2022")], years).left_out == {(ALL, "2021"): UNKNOWN}

    def test_periods_alone_are_named_alone(self):
        together = held([], [(ALL, "2019-2022"), (ALL, "2021")], [("2021", PART, "2019-2022")])

        assert set(together.cells) == {"2019-2022", "2021"}

    def test_too_many_overlaps_leave_out_the_furthest_and_say_so(self):
        parts = [(f"Part {number}", PART, ALL) for number in range(9)]
        together = held(parts, [*(name for name, _, _ in parts), ALL])

        assert set(together.left_out.values()) == {TOO_MANY}
        assert len(together.left_out) == 3
        assert len(together.cells[ALL]) == MOST_CELLS

    @pytest.mark.parametrize("name", ["Total", "A|B", "overall"])
    def test_any_name_makes_a_code(self, name):
        report = audited([(REST, PART, name)], {name: WITH, REST: TWIN})

        assert report.passed

    def test_what_cannot_all_be_true_is_refused(self):
        with pytest.raises(BadTable, match="nobody is in both “A” and “B”"):
            Kin([("A", APART, "B"), ("C", PART, "A"), ("C", PART, "B")])

    def test_what_follows_is_known(self):
        kin = Kin([("C", PART, "B"), ("B", PART, "A"), ("A", APART, "D"), ("A", PART, "E"), ("E", PART, "A")])

        assert kin.stands("C", "A") == PART
        assert kin.stands("A", "C") == WHOLE
        assert kin.stands("C", "D") == APART
        assert kin.stands("A", "E") == SAME
        assert kin.stands("D", "Z") == UNKNOWN

    def test_what_was_said_is_read_as_it_was_written(self):
        said = [("A, or B", PART, "C"), ("D", UNKNOWN, "C")]

        assert read_said(written(said).decode()) == said
        for wrong in (
            "name,stands\nA,part\n",
            "name,stands,other\nA,above,B\n",
            "name,stands,other\n,part,B\n",
        ):
            with pytest.raises(BadTable):
                read_said(wrong)
