"""What no table lists but anybody can add up, what earlier releases withheld, and what others publish."""

from dataclasses import replace

import pytest

from disclosure.engine.codes import read_hierarchy
from disclosure.engine.errors import BadTable, NoSafePattern
from disclosure.engine.longform import read_long
from disclosure.engine.policy import CellPolicy
from disclosure.engine.protect import protect
from tests.engines.disclosure.samples import RULES, ZEROS_SHOWN, Case, run
from tests.engines.disclosure.worlds import Worlds, leaks


def public(result):
    return [table.public_bytes().decode() for table in result.tables]


def assert_nothing_leaks(case, groups=None, policy=RULES):
    result = run(case, policy)
    top, zeros = policy.min_count - 1, policy.hide_zeros
    found = leaks(case.tables, public(result), groups, zeros=zeros, top=top, earlier=case.earlier)
    assert not found
    return result


SEX = "sex,count\nf,50\nm,60\nu,20\nTotal,130\n"
RACE = "race,sex,count\nx,f,30\nx,m,27\nx,Total,60\ny,f,20\ny,m,33\ny,Total,70\n"


@pytest.mark.obligation("O-78", "O-81")
def test_a_member_that_one_line_leaves_out_is_protected():
    """Nothing listed is small, but 60 - 30 - 27 leaves 3 people of race x and sex u."""
    result = assert_nothing_leaks(Case([SEX, RACE]))
    assert result.complementary > 0


@pytest.mark.obligation("O-81")
def test_the_rest_of_a_hierarchy_is_protected():
    groups = {"town": {"Total": {"Salem", "Essex", "Union"}}}
    hierarchy = "parent,child\nTotal,Salem\nTotal,Essex\nTotal,Union\n"
    case = Case(["town,count\nEssex,100\nUnion,138\nTotal,241\n"], groups={"town": hierarchy})
    result = assert_nothing_leaks(case, groups)
    assert result.complementary > 0


def test_a_group_that_no_table_lists_is_protected():
    """North is 2 + 1 of three towns; the sum of the two is small, too."""
    groups = {"town": {"North": {"a", "b"}, "South": {"c", "d"}}}
    hierarchy = "parent,child\nTotal,North\nTotal,South\nNorth,a\nNorth,b\nSouth,c\nSouth,d\n"
    table = "town,count\na,2\nb,1\nc,30\nd,40\nTotal,73\n"
    assert_nothing_leaks(Case([table], groups={"town": hierarchy}), groups)


def test_a_row_left_out_of_a_cross_table_is_a_zero():
    table = (
        "a,b,count\nx,1,30\nx,2,27\nx,Total,57\ny,1,20\ny,Total,20\nTotal,1,50\nTotal,2,27\nTotal,Total,77\n"
    )
    result = assert_nothing_leaks(Case([table]))
    assert result.complementary > 0
    shown = assert_nothing_leaks(Case([table]), policy=ZEROS_SHOWN)
    assert shown.complementary == 0  # where zeros are shown, a row left out says no more than a zero


def test_two_members_left_out_leave_a_small_rest():
    first = "g,count\n1,30\n2,40\n3,20\n4,25\nTotal,115\n"
    second = "s,g,count\nf,1,10\nf,2,12\nf,Total,26\nm,1,20\nm,2,28\nm,Total,89\n"
    assert_nothing_leaks(Case([first, second]))


OLD = (
    "school,sex,released\nA,f,\nA,m,\nB,f,\nB,m,\nA,Total,43\nB,Total,81\n"
    "Total,f,54\nTotal,m,70\nTotal,Total,124\n"
)


@pytest.mark.obligation("O-81")
def test_a_cell_withheld_earlier_is_not_narrowed_from_below():
    """Withheld were 3, 40, 51 and 30: the new table, shown whole, would put A, f between 3 and 11."""
    table = "school,sex,lunch,count\nA,m,free,32\nB,m,free,30\nTotal,Total,free,83\nTotal,Total,paid,41\n"
    case = Case([table], earlier=[OLD])
    released = public(run(case))
    worlds = Worlds([*released, OLD])
    low, high = worlds.ends(worlds.vector({"school": "A", "sex": "f", "lunch": "Total"}))
    assert low == 0
    assert high >= 5


def test_a_complementary_cell_of_an_earlier_release_does_not_become_exact():
    case = Case(["school,sex,lunch,count\nB,m,Total,30\nB,m,free,10\nB,m,paid,20\n"], earlier=[OLD])
    released = public(run(case))
    worlds = Worlds([*released, OLD])
    for sex, truth in (("f", 51), ("m", 30)):
        low, high = worlds.ends(worlds.vector({"school": "B", "sex": sex, "lunch": "Total"}))
        assert low < truth < high


def test_cells_withheld_earlier_do_not_become_a_small_sum():
    earlier = "a,released\nA,\nB,\nC,\nD,30\nE,\nTotal,100\n"  # 2, 20, 3, 30, 45
    case = Case(["a,b,count\nB,1,10\nB,2,10\nB,Total,20\nE,1,15\nE,2,30\nE,Total,45\n"], earlier=[earlier])
    released = public(run(case))
    worlds = Worlds([*released, earlier])
    both = worlds.vector({"a": "A", "b": "Total"}) + worlds.vector({"a": "C", "b": "Total"})
    assert worlds.ends(both)[1] > 5


def test_the_base_of_an_earlier_percentage_is_not_given_away():
    earlier = "a,b,released,pct,pct_of\nx,1,,40,b\nx,2,,60,b\n"
    table = "a,c,count\nx,p,7\nx,q,8\nx,Total,15\ny,p,40\ny,q,30\ny,Total,70\n"
    released = public(run(Case([table], earlier=[earlier])))
    assert ",Total,15" not in released[0]


def test_a_blank_beside_a_shown_zero_counts_somebody():
    """The earlier release shows a zero, so its blanks are 1 or more: more cannot be asked for now."""
    earlier = "a,released\nx,0\ny,\nz,\nTotal,50\n"
    result = run(Case(["a,count\ny,3\nz,47\n"], earlier=[earlier]))
    assert result.tables[0].shown == (False, False)


@pytest.mark.obligation("O-81")
def test_sums_across_overlapping_groups_are_protected():
    """A and C are 2 and 3: 25 - 10 - 10 says so if B and D are shown, whatever A|B and C|D say."""
    table = "a,count\nA,2\nB,10\nC,3\nD,10\nA|B,12\nC|D,13\nTotal,25\n"
    assert_nothing_leaks(Case([table]))
    with pytest.raises(NoSafePattern):
        run(Case([table], earlier=["a,released\nB,10\nD,10\nTotal,25\n"]))


def test_groups_missing_from_a_line_do_not_hide_its_sum():
    groups = {"t": {"N": {"a", "b"}, "S": {"c", "d"}}}
    hierarchy = "parent,child\nTotal,N\nTotal,S\nN,a\nN,b\nS,c\nS,d\n"
    one = "t,count\na,40\nb,31\nc,30\nd,60\nN,71\nS,90\nTotal,161\n"
    two = "t,s,count\na,f,2\nb,f,20\nc,f,2\nd,f,30\nTotal,f,54\nTotal,m,107\n"
    assert_nothing_leaks(Case([one, two], groups={"t": hierarchy}), groups)


@pytest.mark.obligation("O-115")
def test_what_everybody_knows_without_us_blocks_nothing():
    known = replace(read_long("report card", "a,b,count\nx,1,3\nx,2,0\ny,1,40\ny,3,10\n"), ours=False)
    text = "a,c,count\nx,p,20\nx,q,2\nx,Total,22\ny,p,30\ny,q,40\ny,Total,70\n"
    text += "Total,p,50\nTotal,q,42\nTotal,Total,92\n"
    result = protect([read_long("new", text)], [known], hierarchies={}, policy=RULES, seconds=5)
    assert not result.tables[0].shown[1]
    (released,) = public(result)
    assert not leaks([text], [released])
    ours = replace(known, ours=True)
    small = read_long("small", "a,b,count\nx,1,3\nx,Total,30\n")
    with pytest.raises(NoSafePattern):
        protect([small], [ours], hierarchies={}, policy=RULES, seconds=5)
    assert not protect([small], [known], hierarchies={}, policy=RULES, seconds=5).tables[0].shown[0]


def test_a_group_with_a_single_child_is_the_same_cell_twice():
    hierarchy = "parent,child\nTotal,D1\nD1,S1\nTotal,D2\nD2,S2\nD2,S3\n"
    table = "school,count\nD1,4\nS1,4\nD2,90\nS2,50\nS3,40\nTotal,94\n"
    result = run(Case([table], groups={"school": hierarchy}))
    assert result.tables[0].shown[:2] == (False, False)
    with pytest.raises(BadTable, match="the same cell"):
        run(Case([table.replace("S1,4", "S1,5")], groups={"school": hierarchy}))


def test_a_code_beside_its_equal_is_the_same_cell():
    assert all(run(Case(["a,count\nx,40\nTotal,40\n"])).tables[0].shown)
    hierarchy = "parent,child\nTotal,north\nTotal,C\nnorth,A\nnorth,B\n"
    table = "a,count\nA,10\nB,20\nA|B,30\nnorth,30\nC,40\nTotal,70\n"
    assert all(run(Case([table], groups={"a": hierarchy})).tables[0].shown)
    with pytest.raises(BadTable, match="stand once"):
        run(Case(["a,count\nx,40\nx,40\n"]))


def test_a_percentage_of_a_base_that_can_be_added_up_is_shown():
    table = "a,b,count,pct,pct_of\nA,f,30,42.9,b\nA,m,40,57.1,b\nB,f,9,50.0,b\nB,m,9,50.0,b\n"
    result = run(Case([table]))
    assert result.tables[0].percentage_shown == (True, True, False, False)


@pytest.mark.parametrize("least", [10, 32, 40, 75])
def test_a_high_threshold_is_kept(least):
    policy = CellPolicy(least, True, 20)
    result = run(Case(["a,count\nx,3\ny,100\nz,100\nTotal,203\n"]), policy)
    assert not leaks(["a,count\nx,3\ny,100\nz,100\nTotal,203\n"], public(result), top=least - 1)
    assert result.tables[0].shown[3]


def test_an_unlisted_category_of_a_hierarchy_is_no_error():
    hierarchy = read_hierarchy("t", "parent,child\nTotal,a\nTotal,b\n")
    table = read_long("new", "s,count\nf,30\nm,40\nTotal,70\n")
    assert protect([table], hierarchies={"t": hierarchy}, policy=RULES, seconds=5).cells == 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("school,Count,released\nA,3,\n", "column Count is no dimension by its name. Call it count"),
        ("school,count,percent\nA,3,2.4\n", "column percent is no dimension .* Call it pct"),
        ("school,count,Pct_Of\nA,3,b\n", "column Pct_Of"),
        ("school,count\nA,3\nB,40\ntotal,43\n", "line 4: school “total” reads like a total"),
        ("school,count\nA,3\nGrand Total,43\n", "line 3: school “Grand Total”"),
        (
            "school,count,share\nA,3,2.4\nB,40,32.0\nC,82,65.6\nTotal,125,100\n",
            "column share holds numbers that add up",
        ),
        ("school,count,women\nA,3,1\nB,40,22\nTotal,43,23\n", "column women holds numbers that add up"),
    ],
)
def test_a_column_or_code_that_only_looks_like_one_is_refused_by_name(text, why):
    with pytest.raises(BadTable, match=why):
        read_long("table.csv", text)


def test_numbers_may_be_codes():
    table = "school,year,cip,count\n" + "".join(
        f"{s},{y},{c},{n}\n"
        for s, n in (("A", 10), ("B", 20), ("Total", 30))
        for y in (2020, 2021)
        for c in ("11.0701", "52.0201")
    )
    assert read_long("table.csv", table).dimensions == ("school", "year", "cip")
