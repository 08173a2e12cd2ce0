"""Inputs that are unusual and right are taken by both commands; those that are wrong are refused by both."""

import re
from pathlib import Path

import pytest

from disclosure.engine.cli import main
from disclosure.engine.errors import BadTable
from disclosure.engine.policy import UI_WAGES, from_toml
from tests.engines.disclosure.samples import RULES

GRADES = """school,grade,count
A,0,0
A,1,40
A,Total,40
B,0,51
B,1,30
B,Total,81
Total,0,51
Total,1,70
Total,Total,121
"""


@pytest.fixture
def codes(tmp_path):
    """Run both commands on a table, and say how each ends."""

    def run(table, *words, policy=None):
        new, out, public = (tmp_path / name for name in ("t.csv", "o.csv", "p.csv"))
        new.write_text(table)
        if policy is not None:
            (tmp_path / "policy.toml").write_text(policy)
            words = [*words, "--policy", str(tmp_path / "policy.toml")]
        protected = main(["protect", str(new), "--out", str(out), "--public", str(public), *words])
        return protected, main(["audit", str(public if protected == 0 else new), *words])

    return run


class TestPercentagesInFull:
    HEAD = "a,count,pct,pct_of\n"

    @pytest.mark.obligation("O-79")
    @pytest.mark.parametrize(
        ("x", "y"), [("66.66666666666667", "33.33333333333333"), ("66.6666666667", "33.3333333333")]
    )
    def test_a_program_writes_all_digits(self, codes, tmp_path, x, y):
        assert codes(f"{self.HEAD}x,40,{x},a\ny,20,{y},a\nTotal,60,100.0,a\n") == (0, 0)
        assert x in (tmp_path / "p.csv").read_text()

    @pytest.mark.obligation("O-79", "O-81")
    def test_what_they_give_away_is_found(self, tmp_path):
        leaky, clean = tmp_path / "leaky.csv", tmp_path / "clean.csv"
        leaky.write_text("a,released,pct,pct_of\nx,,0.5802707930367505,a\ny,,,\nTotal,517,,\n")  # 3 of 517
        clean.write_text("a,released,pct,pct_of\nx,,8.704061895551257,a\ny,,,\nTotal,,,\n")  # 45 of 517
        assert main(["audit", str(leaky)]) == 1
        assert main(["audit", str(clean)]) == 0

    def test_large_counts_do_not_contradict_their_own_percentage(self, tmp_path):
        path = tmp_path / "t.csv"
        path.write_text("a,released,pct,pct_of\nx,123456789,33.4,a\ny,246913580,,\nTotal,370370369,,\n")
        assert main(["audit", str(path)]) == 2  # another percentage
        right = 100 * 123456789 / 370370369
        path.write_text(f"a,released,pct,pct_of\nx,123456789,{right},a\ny,246913580,,\nTotal,370370369,,\n")
        assert main(["audit", str(path)]) == 0

    @pytest.mark.parametrize("pct", ["1e-05", "50,5", "100.5", f"50.{'1' * 18}"])
    def test_others_are_refused(self, tmp_path, pct, capsys):
        path = tmp_path / "t.csv"
        path.write_text(f'a,released,pct,pct_of\nx,40,"{pct}",a\nTotal,80,,\n')
        assert main(["audit", str(path)]) == 2
        assert "pct" in capsys.readouterr().err


class TestStructuralZerosOfAPolicyFile:
    @pytest.mark.parametrize("zero", ["0", '"0"', '" 0 "'])
    def test_a_code_may_be_a_number(self, codes, tmp_path, zero):
        assert codes(GRADES, policy=f'structural_zeros = [{{school = "A", grade = {zero}}}]\n') == (0, 0)
        assert "A,0,0" in (tmp_path / "p.csv").read_text()

    @pytest.mark.parametrize(
        "pattern", ['town = "x"', 'school = "Z"', 'school = "A", town = "x"', 'school = "A", grade = "0|7"']
    )
    def test_one_about_people_whom_these_tables_do_not_know_says_nothing(self, codes, tmp_path, pattern):
        assert codes(GRADES, policy=f"structural_zeros = [{{{pattern}}}]\n") == (0, 0)
        assert "A,0,\n" in (tmp_path / "p.csv").read_text()

    @pytest.mark.parametrize(("pattern", "shown"), [('school = "C"', True), ('school = "D"', False)])
    def test_a_hierarchy_knows_more_than_the_tables(self, codes, tmp_path, pattern, shown):
        schools = tmp_path / "schools.csv"
        schools.write_text("parent,child\nTotal,A\nTotal,B\nTotal,C\n")
        table = "school,count\nA,40\nB,30\nTotal,70\n"
        words = ["--hier", f"school={schools}"]
        assert codes(table, *words, policy=f"structural_zeros = [{{{pattern}}}]\n") == (0, 0)
        public = (tmp_path / "p.csv").read_text()
        assert ("A,40" in public and "B,30" in public and "Total,70" in public) is shown

    def test_the_policy_file_of_the_manual_is_one(self):
        manual = Path(__file__).parents[3] / "docs" / "how-to" / "protect-tables.md"
        policy = from_toml(re.findall(r"```toml\n(.+?)```", manual.read_text(), re.DOTALL)[0], defaults=RULES)
        assert policy.min_count == 10
        assert policy.dominance == UI_WAGES
        assert (("grade", "12"), ("sex", "m")) in policy.structural_zeros

    @pytest.mark.parametrize("code", ['""', '" "', "true", "1.5", '["a"]'])
    def test_what_is_no_code_is_refused(self, code):
        with pytest.raises(BadTable, match="the code of grade"):
            from_toml(f"structural_zeros = [{{grade = {code}}}]", defaults=RULES)


@pytest.mark.parametrize("upwards", [True, False])
@pytest.mark.parametrize(("levels", "code"), [(150, 0), (1500, 2)])
def test_a_hierarchy_has_levels_to_be_counted(codes, tmp_path, capsys, levels, code, upwards):
    lines = [f"c{n + 1},c{n}" for n in range(levels)]
    path = tmp_path / "levels.csv"
    path.write_text("parent,child\n" + "\n".join(lines if upwards else lines[::-1]) + "\n")
    assert codes("a,count\nc0,30\nTotal,30\n", "--hier", f"a={path}") == (code, code)
    assert ("levels" in capsys.readouterr().err) is (code == 2)
