"""What an attacker can add up: cells no table lists, sums across groups, percentages, public tables."""

import pytest

from disclosure.engine.audit.closure import packings
from disclosure.engine.audit.judge import audit
from disclosure.engine.errors import BadTable
from disclosure.engine.policy import CellPolicy
from tests.engines.disclosure.samples import RULES, ZEROS_SHOWN


def look(*texts, groups=None, policy=RULES, known=(), **options):
    files = [(f"release{i}.csv", text.encode()) for i, text in enumerate(texts, start=1)]
    public = [(f"known{i}.csv", text.encode()) for i, text in enumerate(known, start=1)]
    hierarchies = {k: v.encode() for k, v in (groups or {}).items()}
    return audit(files, groups=hierarchies, policy=policy, known=public, **options)


def table(head, *lines):
    return "\n".join([head, *lines]) + "\n"


BY_SEX = table("sex,released", "f,50", "m,60", "u,20", "Total,130")
X_WITHOUT_U = "race,sex,released", "x,f,30", "x,m,27", "x,Total,60", "y,f,20", "y,m,33", "y,Total,70"


class TestCellsNobodyListed:
    @pytest.mark.obligation("O-81")
    def test_a_category_missing_from_one_line_is_added_up(self):
        report = look(BY_SEX, table(*X_WITHOUT_U))
        (leak,) = report.leaks
        assert (leak.people, leak.low, leak.high) == ("race x, sex u", 3, 3)
        assert leak.derivation.endswith("= 3")
        assert "60 (race x" in leak.derivation

    def test_a_missing_category_of_many_people_is_no_leak(self):
        clean = [line.replace("x,f,30", "x,f,20").replace("y,f,20", "y,f,30") for line in X_WITHOUT_U]
        assert look(BY_SEX, table(*clean)).passed

    @pytest.mark.obligation("O-81")
    def test_a_member_of_the_hierarchy_that_no_table_has(self):
        towns = "parent,child\nTotal,Salem\nTotal,Essex\nTotal,Union\n"
        shown = table("town,released", "Essex,100", "Union,138", "Total,241")
        (leak,) = look(shown, groups={"town": towns}).leaks
        assert (leak.people, leak.low, leak.high) == ("town Salem", 3, 3)
        assert look(shown.replace("241", "250"), groups={"town": towns}).passed

    def test_two_members_that_no_line_has_are_a_residual(self):
        towns = "parent,child\nTotal,A\nTotal,B\nTotal,C\nTotal,D\n"
        also = table("town,released", "A,50", "B,50", "C,50", "D,55", "Total,205")
        sexes = "parent,child\nTotal,f\nTotal,m\n"
        shown = table("town,sex,released", "A,f,20", "B,f,20", "Total,f,45", "Total,Total,205")
        groups = {"town": towns, "sex": sexes}
        (leak,) = look(also, shown, groups=groups).leaks
        assert (leak.kind, leak.people, leak.low, leak.high) == ("residual", "sex f, town C|D", 5, 5)
        assert look(also, shown.replace("f,45", "f,46"), groups=groups).passed

    def test_a_group_of_the_hierarchy_that_no_table_has(self):
        towns = "parent,child\neast,A\neast,B\nwest,C\nwest,D\n"
        shown = table("town,released", "A,", "B,", "C,40", "D,30", "Total,75")
        assert not look(shown, groups={"town": towns}).passed
        assert look(shown.replace("75", "105"), groups={"town": towns}).passed

    def test_an_empty_line_left_out_is_a_zero_added_up(self):
        shown = table("a,b,released", "x,1,40", "x,Total,40", "y,1,20", "y,2,20", "y,Total,40", "Total,1,60",
                      "Total,2,20", "Total,Total,80")  # fmt: skip
        (leak,) = look(shown).leaks
        assert (leak.people, leak.high) == ("a x, b 2", 0)
        assert look(shown, policy=ZEROS_SHOWN).passed
        never = CellPolicy(6, hide_zeros=True, min_pct_base=20, structural_zeros=((("a", "x"), ("b", "2")),))
        assert look(shown, policy=never).passed

    def test_the_sums_go_round_more_than_one_corner(self):
        """x,u follows only when Total,u has been added up."""
        sexes = table("sex,released", "f,50", "m,60", "Total,130")
        towns = "parent,child\nTotal,f\nTotal,m\nTotal,u\n"
        shown = table("race,sex,released", "x,f,30", "x,m,27", "x,Total,60")
        also = table("race,sex,released", "y,f,20", "y,m,33", "y,Total,70", "Total,Total,130")
        report = look(sexes, shown, also, groups={"sex": towns})
        assert ("race x, sex u", 3.0) in {(leak.people, leak.low) for leak in report.leaks}

    def test_lent_counts_make_an_unlisted_small_cell_a_protected_one(self):
        lines = ["race,sex,count,released", "x,f,30,", "x,m,27,", "x,Total,60,60"]
        lines += ["y,f,20,", "y,m,33,", "y,Total,70,70", "Total,f,50,50", "Total,m,60,60", "Total,u,20,20"]
        report = look(table(*lines, "Total,Total,130,130"))
        assert report.passed
        lines[2] = "x,m,27,26-27"
        lines[1] = "x,f,30,30-31"
        narrow = look(table(*lines, "Total,Total,130,130"))
        assert {("race x, sex u", 2.0, 4.0)} == {(leak.people, leak.low, leak.high) for leak in narrow.leaks}


class TestSumsAcrossGroups:
    @pytest.mark.obligation("O-81")
    def test_what_two_groups_leave_over_together(self):
        shown = table("a,released", "A,", "B,10", "C,", "D,10", "A|B,", "C|D,", "Total,25")
        (leak,) = look(shown).leaks
        assert (leak.kind, leak.people, leak.low, leak.high) == ("residual", "a A|C", 5, 5)
        assert look(shown.replace("25", "45")).passed

    def test_every_way_to_take_overlapping_groups_out(self):
        shown = table("a,released", "A|E|B,15", "B|C,21", "D,22", "A,", "B,", "C,", "E,", "Total,48")
        report = look(shown)
        assert ("residual", "a A|E", 5, 5) in {(k.kind, k.people, k.low, k.high) for k in report.leaks}
        clean = table("a,released", "A|E|B,25", "B|C,31", "D,22", "A,", "E,", "Total,70")
        assert look(clean).passed

    def test_selections_that_do_not_overlap_hold_every_set(self):
        sets = [frozenset(s) for s in ((0, 1), (1, 2), (2, 3), (7, 8))]
        found = packings(sets, 10)
        assert {frozenset(map(tuple, map(sorted, f))) for f in found} == {
            frozenset({(0, 1), (2, 3), (7, 8)}),
            frozenset({(1, 2), (7, 8)}),
        }


class TestStructuralZeros:
    def test_one_that_no_table_has_does_not_loosen_the_sums(self):
        shown = table("a,b,released", "x,1,", "x,2,40", "x,Total,43", "y,1,", "y,2,40", "y,Total,90",
                      "Total,1,53", "Total,2,80", "Total,Total,133")  # fmt: skip
        never = CellPolicy(6, hide_zeros=True, min_pct_base=20, structural_zeros=((("a", "z"), ("b", "1")),))
        assert not look(shown).passed
        assert not look(shown, policy=never).passed

    def test_what_is_left_of_one_is_nobody_too(self):
        """Nobody is in grade 9 of the new year: also nobody outside school A, wherever that has no code."""
        shown = [f"{s},{y},{n}" for y, n in (("old", 40), ("new", 0)) for s in "ABC"]
        shown = table("school,year,released", *shown, "Total,old,120", "Total,new,0", "Total,Total,120")
        report = look(shown)
        assert {"residual", "difference"} & {leak.kind for leak in report.leaks}
        never = CellPolicy(6, hide_zeros=True, min_pct_base=20, structural_zeros=((("year", "new"),),))
        assert look(shown, policy=never).passed
        some = CellPolicy(6, True, 20, structural_zeros=((("school", "A"), ("year", "new")),))
        assert not look(shown, policy=some).passed

    def test_one_of_a_dimension_that_no_table_has_is_ignored(self):
        never = CellPolicy(6, hide_zeros=True, min_pct_base=20, structural_zeros=((("grade", "1"),),))
        assert look(table("a,released", "x,40", "y,40"), policy=never).passed


class TestPercentages:
    HEAD = "a,b,count,released,pct,pct_of"

    @pytest.mark.obligation("O-79")
    def test_a_withheld_base_that_is_truly_small(self):
        lines = ["x,1,8,,53,b", "x,2,7,,47,b", "x,Total,15,,,", "y,1,60,,,", "y,2,70,,,", "y,Total,130,,,"]
        lines += ["Total,1,68,68,,", "Total,2,77,77,,", "Total,Total,145,145,,"]
        leaks = look(table(self.HEAD, *lines)).leaks
        assert {"base"} == {leak.kind for leak in leaks}
        assert {(leak.low, leak.people) for leak in leaks} == {(15, "a x")}

    @pytest.mark.obligation("O-79")
    def test_the_base_may_be_known_only_by_adding_up(self):
        lines = ["x,1,8,,53,b", "x,2,7,,47,b", "y,1,60,,,", "y,2,70,,,"]
        assert "base" in {leak.kind for leak in look(table(self.HEAD, *lines)).leaks}

    def test_a_percentage_of_a_small_count(self):
        lines = ["x,1,3,,8,b", "x,2,37,,,", "x,Total,40,,,", "y,1,60,,,", "y,2,70,,,", "y,Total,130,,,"]
        told, cell = look(table(self.HEAD, *lines)).leaks
        assert (told.kind, told.people) == ("percentage", "a x, b 1 among a x")
        assert (cell.kind, cell.people, cell.low) == ("cell", "a x, b 1", 1)  # 8 % is somebody

    @pytest.mark.parametrize(("count", "share", "safe"), [(40, "100", 0), (39, "98", 0), (33, "82", 1)])
    def test_everybody_and_all_but_one(self, count, share, safe):
        lines = [f"x,1,{count},,{share},b", "x,Total,40,,,", "y,1,60,,,", "y,Total,130,,,", "y,2,70,,,"]
        found = {leak.kind for leak in look(table(self.HEAD, *lines)).leaks}
        assert ("percentage" in found) == (not safe)

    @pytest.mark.parametrize(("rest", "safe"), [("40", True), ("", False)])
    def test_nobody_may_be_said_twice_where_zeros_are_shown(self, rest, safe):
        lines = ["x,1,0,0,0,b", f"x,2,40,{rest},,", f"x,Total,40,{rest},,", "y,1,60,60,,", "y,2,70,70,,"]
        report = look(table("a,b,count,released,pct,pct_of", *lines), policy=ZEROS_SHOWN)
        assert report.passed == safe

    def test_a_reason_in_a_released_file_silences_nothing(self):
        shown = table("a,released,pct,pct_of,reason", "x,,12.0,a,percentage", "y,,88.0,a,", "Total,25,,,")
        assert any((leak.low, leak.high) == (3, 3) for leak in look(shown).leaks)

    def test_the_reviewers_file_is_judged_like_the_public_one_with_a_warning(self):
        lines = ["x,3,,12.0,a,small; percentage of a withheld count"]
        lines += ["y,22,,88.0,a,complementary; percentage of a withheld count", "Total,25,25,,,"]
        report = look(table("a,count,released,pct,pct_of,reason", *lines))
        assert report.passed
        assert "public file" in report.warnings[0].derivation

    def test_a_base_that_anybody_can_add_up_is_not_a_withheld_cell(self):
        lines = ["A,f,30,42.9,b", "A,m,40,57.1,b", "B,f,50,50.0,b", "B,m,50,50.0,b"]
        assert look(table("a,b,released,pct,pct_of", *lines)).passed

    def test_a_table_of_percentages_alone_withholds_no_counts(self):
        counts = table("a,released", "x,200", "y,200", "Total,400")
        assert look(counts, table("a,pct,pct_of", "x,50.0,a", "y,50.0,a")).passed


class TestOneGroupManyNames:
    HIER = "parent,child\nTotal,D1\nD1,S1\nTotal,D2\nD2,S2\nD2,S3\n"

    def test_a_single_child_is_its_parent(self):
        shown = table("s,released", "D1,40", "S1,40", "D2,90", "S2,50", "S3,40", "Total,130")
        assert look(shown, groups={"s": self.HIER}).passed

    def test_a_single_child_withheld_beside_its_parent_is_told(self):
        shown = table("s,released", "D1,40", "S1,", "D2,90", "S2,50", "S3,40", "Total,130")
        (leak,) = look(shown, groups={"s": self.HIER}).leaks
        assert (leak.low, leak.high) == (40, 40)

    def test_a_large_count_withheld_once_and_shown_later_is_a_warning(self):
        report = look(table("a,released", "x,", "y,"), table("a,released", "x,40"))
        assert report.passed
        assert report.warnings

    def test_one_category_and_the_total_are_the_same(self):
        assert look(table("a,released", "x,40", "Total,40")).passed

    def test_a_union_beside_the_group_it_spells(self):
        groups = {"a": "parent,child\nnorth,A\nnorth,B\nTotal,C\n"}
        assert look(table("a,released", "A|B,40", "north,40", "C,30", "Total,70"), groups=groups).passed
        with pytest.raises(BadTable, match="Contradiction"):
            look(table("a,released", "A|B,40", "north,41"), groups=groups)


class TestRounded:
    def test_the_finest_step_finds_the_leak(self):
        shown = table("a,released", "x,", "y,42", "Total,~45")
        assert not look(shown).passed

    def test_a_coarser_step_is_tried_before_a_contradiction_is_told(self):
        assert look(table("a,released", "x,24", "y,40", "Total,~60"), table("a,released", "x,~20")).passed
        with pytest.raises(BadTable, match="Contradiction"):
            look(table("a,released", "x,26", "y,40"), table("a,released", "x,~20", "y,~15"))


class TestKnownBefore:
    PUBLIC = table("a,released", "x,3", "y,40", "z,0", "Total,43")

    @pytest.mark.obligation("O-81")
    def test_what_others_show_is_not_our_leak(self):
        assert not look(self.PUBLIC).passed
        assert look(table("a,released", "y,40"), known=[self.PUBLIC]).passed

    def test_showing_a_small_count_stays_a_leak_even_if_others_do(self):
        assert not look(table("a,released", "x,3"), known=[self.PUBLIC]).passed

    @pytest.mark.obligation("O-81")
    def test_what_ours_add_to_what_others_show_is(self):
        public = table("a,b,released", "x,Total,43", "y,Total,90")
        ours = table("a,b,released", "x,1,", "x,2,40", "y,1,45", "y,2,45")
        report = look(ours, known=[public])
        assert ("a x, b 1", 3.0, 3.0) in {(leak.people, leak.low, leak.high) for leak in report.leaks}
        assert look(ours).passed

    def test_a_blank_of_others_that_ours_fill(self):
        public = table("a,released", "x,", "y,", "z,30", "Total,73")
        assert look(table("a,released", "z,30"), known=[public]).passed
        report = look(table("a,released", "y,40"), known=[public])
        assert {(leak.people, leak.low) for leak in report.leaks} == {("a x", 3)}

    def test_what_they_give_away_by_themselves_is_theirs(self):
        public = table("a,released", "x,", "y,40", "Total,43")
        assert look(table("a,b,released", "y,1,", "y,2,", "y,Total,40"), known=[public]).passed


class TestListedOrNot:
    def test_the_listed_categories_may_not_be_all(self):
        """Without a hierarchy they are taken for all; if that cannot be, what is left over is looked at."""
        report = look(table("a,released", "x,40", "y,50", "Total,93"))
        assert {(leak.people, leak.low, leak.high) for leak in report.leaks} == {("a (not listed)", 3, 3)}

    def test_a_sum_that_does_not_add_up_is_no_pass_even_so(self):
        with pytest.raises(BadTable, match="Contradiction"):
            look(table("a,released", "x,40", "y,50", "Total,193"))

    def test_that_a_list_is_whole_gives_nobody_away(self):
        """Categories of a are missing, none of b: nobody is in another b, and that is no small count."""
        shown = table(
            "a,b,released", "x,1,20", "x,2,22", "x,Total,42", "Total,1,90", "Total,2,108", "Total,Total,198"
        )
        with pytest.raises(BadTable, match="Contradiction"):
            look(shown)
        small = shown.replace("x,1,20", "x,1,40").replace("x,2,22", "x,2,2")
        assert "a x, b 2" in {leak.people for leak in look(small).leaks}

    def test_a_released_number_that_is_not_the_count_is_no_pass(self):
        with pytest.raises(BadTable, match="not what the true counts say"):
            look(table("a,count,released", "x,4,40", "y,50,50"))

    def test_a_mark_says_that_somebody_is_there_where_zeros_are_shown(self):
        shown = table("a,released", "x,<6", "y,<6", "z,40", "Total,42")
        assert {(k.low, k.high) for k in look(shown, policy=ZEROS_SHOWN).leaks} >= {(1, 1)}

    def test_a_range_that_says_more_than_the_mark_is_no_excuse_for_itself(self):
        shown = table("a,count,released", "x,3,3-9", "y,20,20", "z,30,30", "Total,53,")
        assert [(k.people, k.low) for k in look(shown, policy=ZEROS_SHOWN).leaks] == [("a x", 3)]

    def test_who_is_alone_beside_zeros_counts_as_many_as_the_whole(self):
        by_b = ["k,x,0,0", "k,y,4,", "k,Total,4,", "z,x,30,", "z,y,20,", "z,Total,50,"]
        by_c = ["k,1,1,", "k,2,3,", "k,Total,4,", "z,1,26,", "z,2,24,", "z,Total,50,"]
        tables = table("a,b,count,released", *by_b), table("a,c,count,released", *by_c)
        report = look(*tables, policy=ZEROS_SHOWN)
        assert report.passed
        assert {i.low for i in report.intervals if i.people in ("a k", "a k, b y")} == {2}


class TestNeverAPassByMishap:
    LEAKY = table("a,b,released", "x,1,", "x,2,", "x,Total,50", "y,1,", "y,2,", "y,Total,60", "Total,1,57",
                  "Total,2,53", "Total,Total,110")  # fmt: skip

    @pytest.mark.obligation("O-81")
    def test_a_question_that_is_not_settled_counts_as_a_leak(self):
        assert look(self.LEAKY).passed
        report = look(self.LEAKY, work=1)
        assert not report.passed
        assert "could not settle" in report.leaks[0].derivation

    def test_the_interval_of_every_withheld_cell_is_kept(self):
        report = look(self.LEAKY)
        assert {i.people for i in report.intervals} == {f"a {a}, b {b}" for a in "xy" for b in "12"}
        (open_one,) = [i for i in report.intervals if i.people == "a x, b 1"]
        assert open_one.low == 0
        assert open_one.high >= 5

    @pytest.mark.parametrize(
        "text",
        [
            'a,released\nx,"40\ny,3\n',
            "a,released\nx," + "9" * 5000 + "\n",
            "a,released\nx,<" + "9" * 5000 + "\n",
            "a,Released,count\nx,3,\n",
            "a,released\ntotal,40\n",
            "a,released,pct,pct_of\nx,40," + "1" * 5000 + ",a\n",
        ],
    )
    def test_what_cannot_be_read_is_refused(self, text):
        with pytest.raises(BadTable):
            look(text)

    def test_a_code_may_hold_any_sign_but_a_line_end(self):
        report = look(table("a,released", "x\u2028y,", "z\x85,", "Total,90"))
        assert report.withheld == 2
