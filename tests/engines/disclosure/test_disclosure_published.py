"""Cases from the literature, and leaks planted by hand, each beside a clean twin."""

import pytest

from disclosure.engine.audit.judge import audit
from disclosure.engine.errors import BadTable
from tests.engines.disclosure.samples import RULES, ZEROS_SHOWN, Case, judge, run

# Statistical Policy Working Paper 22 (Federal Committee on Statistical Methodology): every row and column
# of the published pattern has two withheld cells or none, and one cell still falls out.
COUNTIES = """county,education,count
Alpha,low,15
Alpha,medium,1
Alpha,high,3
Alpha,very high,1
Alpha,Total,20
Beta,low,20
Beta,medium,10
Beta,high,10
Beta,very high,15
Beta,Total,55
Gamma,low,3
Gamma,medium,10
Gamma,high,10
Gamma,very high,2
Gamma,Total,25
Delta,low,12
Delta,medium,14
Delta,high,7
Delta,very high,2
Delta,Total,35
Total,low,50
Total,medium,35
Total,high,30
Total,very high,20
Total,Total,135
"""
WITHHELD = {
    ("Alpha", "medium"), ("Alpha", "high"), ("Alpha", "very high"), ("Beta", "medium"), ("Beta", "high"),
    ("Gamma", "low"), ("Gamma", "very high"), ("Delta", "low"), ("Delta", "very high"),
}  # fmt: skip


def look(*texts, groups=None, policy=RULES):
    files = [(f"release{i}.csv", text.encode()) for i, text in enumerate(texts, start=1)]
    return audit(files, groups={k: v.encode() for k, v in (groups or {}).items()}, policy=policy)


def with_pattern(text, withheld):
    lines = ["county,education,released"]
    for line in text.splitlines()[1:]:
        county, education, count = line.split(",")
        lines.append(f"{county},{education},{'' if (county, education) in withheld else count}")
    return "\n".join(lines) + "\n"


@pytest.mark.obligation("O-81")
def test_whole_people_that_contradict_a_percentage_are_never_a_pass():
    with pytest.raises(BadTable, match="Contradiction"):
        look("a,released,pct,pct_of\nx,,50,a\ny,,50,a\nTotal,15,,\n")


def test_working_paper_22_pattern_gives_a_cell_away():
    report = look(with_pattern(COUNTIES, WITHHELD))

    exact = {leak.people: leak for leak in report.leaks if leak.kind == "cell" and leak.low == leak.high}
    leak = exact["county Alpha, education very high"]
    assert leak.low == 1
    assert "25 (county Gamma" in leak.derivation
    assert leak.derivation.endswith("= 1")


@pytest.mark.obligation("O-78", "O-81")
def test_working_paper_22_table_is_protected(tmp_path):
    case = Case([COUNTIES])

    result = run(case)

    assert result.primary == 6
    assert result.gap == 0
    assert judge(case, result, tmp_path).passed


def test_a_lone_withheld_cell_is_its_row_minus_the_rest():
    report = look("a,released\nx,\ny,40\nTotal,43\n")
    (leak,) = [found for found in report.leaks if found.kind == "cell"]
    assert (leak.low, leak.high) == (3, 3)
    assert leak.derivation == "43 (everyone; release1.csv, line 4) − 40 (a y; release1.csv, line 3) = 3"


def test_two_withheld_cells_that_sum_to_few_are_a_residual():
    report = look("a,released\nw,\nx,\ny,40\nTotal,44\n")
    assert "residual" in {leak.kind for leak in report.leaks}


def test_two_large_withheld_cells_are_no_leak():
    assert look("a,released\nw,\nx,\ny,40\nTotal,144\n").passed


@pytest.mark.obligation("O-81")
def test_two_releases_that_differ_by_three_people():
    towns = "parent,child\nTotal,Salem\nTotal,Essex\nTotal,Union\n"
    report = look(
        "town,released,release\nTotal,241,March\n",
        "town,released,release\nEssex|Union,238,June\n",
        groups={"town": towns},
    )
    (leak,) = report.leaks
    assert (leak.kind, leak.people) == ("unlisted", "town Salem")
    assert leak.derivation.startswith("241 (everyone; release1.csv, line 2, release March) − 238")
    assert leak.derivation.endswith("= 3")


def test_two_releases_that_differ_by_many_people_are_no_leak():
    towns = "parent,child\nTotal,Salem\nTotal,Essex\nTotal,Union\n"
    assert look(
        "town,released\nTotal,241\n", "town,released\nEssex|Union,208\n", groups={"town": towns}
    ).passed


def test_a_cell_withheld_in_one_release_and_shown_around_in_another():
    first = (
        "a,b,released\nx,1,\nx,2,\nx,Total,50\ny,1,\ny,2,\ny,Total,60\n"
        "Total,1,57\nTotal,2,53\nTotal,Total,110\n"
    )
    assert look(first).passed
    second = "a,b,released\ny,1,54\n"
    leaks = look(first, second).leaks
    assert {"a x, b 1"} <= {leak.people for leak in leaks}
    assert any("line 2" in leak.derivation and "release2.csv" in leak.derivation for leak in leaks)


@pytest.mark.obligation("O-79", "O-81")
def test_a_percentage_gives_a_withheld_count_away():
    table = "a,released,pct,pct_of\nx,,12.0,a\ny,,88.0,a\nTotal,25,,\n"
    leaks = look(table).leaks
    assert any((leak.people, leak.low, leak.high) == ("a x", 3, 3) for leak in leaks)


def test_a_percentage_of_many_people_says_nothing():
    table = "a,released,pct,pct_of\nx,,12,a\ny,,88,a\nTotal,40000,,\n"
    assert look(table).passed


@pytest.mark.obligation("O-79")
def test_a_percentage_on_a_small_base():
    report = look("a,released,pct,pct_of\nx,8,53,a\ny,7,47,a\nTotal,15,,\n")
    assert "base" in {leak.kind for leak in report.leaks}


@pytest.mark.obligation("O-79")
def test_a_small_base_is_found_when_only_implied():
    report = look(
        "a,b,released,pct,pct_of\nx,1,,47,a\ny,1,,53,a\nTotal,1,,,\nTotal,2,85,,\nTotal,Total,100,,\n"
    )
    assert "base" in {leak.kind for leak in report.leaks}


@pytest.mark.parametrize("printed", ["3", "0", "5"])
def test_a_small_count_that_is_shown(printed):
    assert not look(f"a,released\nx,{printed}\ny,40\n").passed


def test_a_mark_that_says_no_more_than_the_rule_is_no_leak():
    assert look("a,released\nx,<6\ny,40\n").passed


def test_a_narrower_mark_is_a_leak():
    assert not look("a,released\nx,<5\ny,40\n").passed


def test_zeros_may_be_shown_where_the_policy_says_so():
    table = "a,released\nx,0\ny,40\n"
    assert not look(table).passed
    assert look(table, policy=ZEROS_SHOWN).passed


def test_numbers_that_contradict_each_other_are_never_a_pass():
    with pytest.raises(BadTable, match="Contradiction"):
        look("a,released\nx,30\ny,40\nTotal,50\n")


def test_a_rounded_count_leaves_room_for_what_it_rounds():
    assert not look("a,released\nx,\ny,40\nTotal,~40\n").passed
    assert look("a,released\nx,\ny,~1000\nz,\nTotal,~1100\n").passed
