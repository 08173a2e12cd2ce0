"""Protection: percentages, several tables, earlier releases, policy and structural zeros."""

import ast
from pathlib import Path

import pytest

from disclosure.engine.errors import BadTable, NoSafePattern, SolverFailed, Stopped
from disclosure.engine.policy import CellPolicy, Dominance, from_toml, strictest
from disclosure.engine.rules import dominated
from disclosure.engine.solver import Budget, load, new_solver
from disclosure.engine.solver import run as solve
from tests.engines.disclosure.samples import RULES, Case, judge, run


def text_of(result, place=0):
    return result.tables[place].public_bytes().decode()


@pytest.mark.obligation("O-79")
def test_percentages_are_withheld_with_their_count_and_on_small_bases(tmp_path):
    table = (
        "a,b,count,pct,pct_of\n"
        "x,1,3,6.0,a\nx,2,40,58.0,a\ny,1,47,94.0,a\ny,2,29,42.0,a\n"
        "Total,1,50,,\nTotal,2,69,,\nx,Total,43,,\ny,Total,76,,\nTotal,Total,119,,\n"
    )
    case = Case([table])
    result = run(case)
    assert judge(case, result, tmp_path).passed
    rows = [line.split(",") for line in text_of(result).splitlines()]
    assert rows[0] == ["a", "b", "pct", "pct_of", "released"]
    for row in rows[1:]:
        assert row[4] or not row[2]
    small = "a,count,pct,pct_of,pct_n\nx,8,53,a,15\ny,7,47,a,15\nTotal,15,,,\n"
    result = run(Case([small]))
    assert result.percentages_withheld == 2
    assert text_of(result).splitlines()[1] == "x,,a,,8"


@pytest.mark.obligation("O-81")
def test_tables_of_the_same_people_are_protected_together(tmp_path):
    by_sex = "school,sex,count\n" + "".join(
        f"{s},{x},{n}\n"
        for s, f, m in (("A", 30, 3), ("B", 22, 41), ("C", 15, 18), ("Total", 67, 62))
        for x, n in (("f", f), ("m", m), ("Total", f + m))
    )
    by_lunch = "school,lunch,count\n" + "".join(
        f"{s},{x},{n}\n"
        for s, f, m in (("A", 25, 8), ("B", 9, 54), ("C", 2, 31), ("Total", 36, 93))
        for x, n in (("free", f), ("paid", m), ("Total", f + m))
    )
    case = Case([by_sex, by_lunch])
    result = run(case)
    assert judge(case, result, tmp_path).passed
    said = []
    for table in result.tables:
        other = table.table.dimensions[1]
        rows = zip(table.table.rows, table.shown, strict=True)
        said.append({row.codes["school"]: shown for row, shown in rows if row.codes[other] == "Total"})
    assert said[0] == said[1]  # the same cell is withheld in both or in neither


@pytest.mark.obligation("O-81")
def test_a_count_released_before_that_must_be_withheld_now_is_named():
    with pytest.raises(NoSafePattern) as refusal:
        run(Case(["a,count\nx,3\ny,40\nTotal,43\n"], earlier=["a,released\ny,40\nTotal,43\n"]))
    assert any("old0.csv" in fact for fact in refusal.value.facts) or refusal.value.args


def test_data_extracted_anew_are_not_taken_for_the_same_people():
    with pytest.raises(BadTable, match="not the one released before"):
        run(Case(["a,count\nx,30\ny,40\nTotal,70\n"], earlier=["a,released\nTotal,71\n"]))


def test_what_does_not_add_up_is_refused_with_the_place():
    with pytest.raises(BadTable, match=r"new0.csv, line 4: everyone is not the sum"):
        run(Case(["a,count\nx,30\ny,40\nTotal,71\n"]))


def test_structural_zeros_may_be_shown(tmp_path):
    policy = CellPolicy(6, True, 20, structural_zeros=((("grade", "12"), ("school", "Middle")),))
    table = "school,grade,count\nMiddle,8,50\nMiddle,12,0\nHigh,8,30\nHigh,12,60\nTotal,8,80\nTotal,12,60\n"
    case = Case([table])
    result = run(case, policy)
    assert all(result.tables[0].shown)
    assert judge(case, result, tmp_path, policy).passed
    assert not all(run(case).tables[0].shown)


def test_the_strictest_policy_wins():
    loose = CellPolicy(6, False, 20)
    strict = CellPolicy(10, True, 20)
    assert strictest([loose, strict]) == CellPolicy(10, True, 20)
    with pytest.raises(BadTable, match="at least one policy"):
        strictest([])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("min_cont = 5", "unknown key min_cont"),
        ("min_count = 0", "min_count must be"),
        ("min_count = 'six'", "min_count must be"),
        ("hide_zeros = 1", "hide_zeros must be"),
        ("structural_zeros = 3", "structural_zeros is a list"),
        ("structural_zeros = [{}]", "at least one dimension"),
        ("dominance = {n = 2}", "dominance needs exactly"),
        ("=", "not valid TOML"),
    ],
)
def test_a_wrong_policy_file_is_refused_in_words(text, why):
    with pytest.raises(BadTable, match=why):
        from_toml(text, defaults=RULES)


def test_a_policy_file_changes_what_it_names():
    policy = from_toml(
        "min_count = 10\nstructural_zeros = ['a=x;b=1', {b = '2'}]\n"
        "dominance = {p_percent = 15, n = 2, k_percent = 85, min_contributors = 3}\n",
        defaults=RULES,
    )
    assert (policy.min_count, policy.hide_zeros, policy.min_pct_base) == (10, True, 20)
    assert policy.structural_zeros == ((("a", "x"), ("b", "1")), (("b", "2"),))
    assert policy.dominance == Dominance(15, 2, 85, 3)


@pytest.mark.parametrize(
    ("shares", "too_much"),
    [
        ([100, 100, 100, 100], False),
        ([900, 50, 50], True),  # two hold more than 85 %
        ([100, 100], True),  # fewer than three
        ([100, 90, 14], True),  # the second knows the first to within 15 %
        ([100, 20, 20, 14], False),
    ],
)
def test_dominance(shares, too_much):
    assert dominated(shares, Dominance(15, 2, 85, 3)) is too_much


def test_money_withheld_for_dominance_is_never_exact(tmp_path):
    from disclosure.engine.longform import read_long
    from disclosure.engine.protect import protect

    table = read_long("pay.csv", "town,count\nA,50\nB,60\nC,70\nTotal,180\n")
    result = protect([table], hierarchies={}, policy=RULES, seconds=5, dominated=[(0, 0)])
    assert not result.tables[0].shown[0]
    assert result.complementary >= 1
    assert result.tables[0].reasons[0] == "dominated"


def test_the_limit_is_counted_in_work_and_insists_on_an_end():
    budget = Budget(10)
    budget.charge(80, 0, integral=False)
    assert budget.over()
    budget.insist()  # there is some room to end safely
    budget.charge(200, 0, integral=False)
    with pytest.raises(Stopped):
        budget.insist()


def test_a_clock_that_stops_a_run_is_marked():
    budget = Budget(1e9, left=lambda: 0.0)
    assert budget.over()
    assert budget.by_wall


def test_a_solver_that_refuses_an_option_is_no_solver():
    with pytest.raises(SolverFailed, match="refused the option"):
        new_solver(no_such_option=1)


def test_an_error_of_the_solver_is_raised(monkeypatch):
    import highspy
    import numpy as np
    from scipy import sparse

    highs = new_solver()
    one = np.ones(1)
    load(
        highs,
        cost=one,
        lower=0 * one,
        upper=one,
        matrix=sparse.csr_matrix((0, 1)),
        row_lower=one[:0],
        row_upper=one[:0],
    )

    class Broken:
        def __getattr__(self, name):
            return getattr(highs, name)

        def run(self):
            return highspy.HighsStatus.kError

    with pytest.raises(SolverFailed, match="returned an error"):
        solve(Broken(), Budget(10), size=1)


def test_the_audit_shares_no_code_with_what_it_checks():
    allowed = {"errors", "policy", "audit"}
    for path in Path("disclosure/engine/audit").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("disclosure.engine."):
                assert node.module.split(".")[2] in allowed, path
