"""What a percentage says of its base, and what pct_n says without a percentage."""

import numpy as np
import pytest

from disclosure.engine.audit.judge import audit
from disclosure.engine.cli import main
from disclosure.engine.errors import BadTable, NoSafePattern
from disclosure.engine.policy import CellPolicy
from tests.engines.disclosure.oracle import Oracle
from tests.engines.disclosure.samples import RULES, Case, judge, run


def table(head, *lines):
    return "\n".join([head, *lines]) + "\n"


def look(*texts, policy=RULES):
    files = [(f"release{i}.csv", text.encode()) for i, text in enumerate(texts, start=1)]
    return audit(files, groups={}, policy=policy)


def said(report):
    return {(leak.people, leak.low, leak.high) for leak in report.leaks}


class TestABaseWithoutItsPercentage:
    PRINTED = table("school,released,pct,pct_of,pct_n", "A,,,school,", "B,40,,school,43", "C,,,school,")

    @pytest.mark.obligation("O-79", "O-81")
    def test_it_is_a_printed_count(self):
        assert ("school A|C", 3, 3) in said(look(self.PRINTED))
        assert Oracle([self.PRINTED]).leaks()
        twin = self.PRINTED.replace("43", "53")
        assert look(twin).passed
        assert not Oracle([twin]).leaks()

    @pytest.mark.obligation("O-79")
    def test_a_small_one_is_a_small_count_shown(self):
        shown = table("school,sex,released,pct,pct_of,pct_n", "A,f,,,sex,3", "A,m,,,sex,3", "A,Total,,,,",
                      "B,f,51,,,", "B,m,30,,,", "B,Total,81,,,", "Total,Total,,,,")  # fmt: skip
        assert ("school A", 3, 3) in said(look(shown))
        assert Oracle([shown]).leaks()

    @pytest.mark.obligation("O-81")
    def test_a_total_withheld_and_printed_as_a_base_is_exact(self):
        shown = table("school,released,pct,pct_of,pct_n", "A,,,school,71", "B,,,,", "Total,,,,")
        assert said(look(shown)) == {("everyone", 71, 71)}
        assert Oracle([shown]).leaks()

    @pytest.mark.obligation("O-81")
    def test_one_released_before_is_heard(self):
        new = "school,count\nA,2\nB,40\nC,1\n"
        with pytest.raises(NoSafePattern) as refused:
            run(Case([new], [self.PRINTED]))
        assert any("pct_n" in fact for fact in refused.value.facts)
        case = Case(["school,count\nA,9\nC,4\n"], [self.PRINTED.replace("43", "53")])
        result = run(case)
        assert result.tables[0].shown == (False, False)
        assert judge(case, result).passed

    def test_one_that_does_not_say_of_whom_is_refused(self, tmp_path):
        text = "school,released,pct,pct_of,pct_n\nA,40,,,43\n"
        with pytest.raises(BadTable, match="pct_of"):
            look(text)
        with pytest.raises(BadTable, match="pct_of"):
            run(Case(["school,count\nA,40\n"], [text]))

    def test_the_public_file_has_none_without_its_percentage(self, tmp_path):
        new, out, public = (tmp_path / name for name in ("t.csv", "o.csv", "p.csv"))
        new.write_text("school,count,pct,pct_of,pct_n\nA,30,,,\nB,40,,school,73\nC,3,,,\n")
        assert main(["protect", str(new), "--out", str(out), "--public", str(public)]) == 0
        assert "73" not in public.read_text()
        assert "73" in out.read_text()
        assert main(["audit", str(out)]) == main(["audit", str(public)]) == 0


class TestAPercentageCountsSomebody:
    LOW = table("school,sex,released,pct,pct_of", "A,f,<6,3,sex", "A,m,,97,sex", "A,Total,,,",
                "B,f,30,,", "B,m,40,,", "B,Total,70,,")  # fmt: skip

    @pytest.mark.obligation("O-79", "O-81")
    def test_one_above_nought_counts_one_or_more(self):
        report = look(self.LOW)
        assert said(report) == {("school A, sex f", 1, 5)}
        assert "at least 1: 1 or more (school A, sex f, by 3 %" in report.leaks[0].derivation
        assert Oracle([self.LOW]).leaks()
        for twin in (self.LOW.replace("<6,3", "<6,0").replace(",97", ",100"), self.LOW.replace("<6", "")):
            assert look(twin).passed
            assert not Oracle([twin]).leaks()

    @pytest.mark.obligation("O-79", "O-81")
    def test_few_people_and_a_percentage_of_them_are_one_world_only(self):
        shown = table(
            "school,sex,released,pct,pct_of",
            "A,f,<6,20,sex",
            "A,m,,80,sex",
            "A,Total,<6,,",
            "B,f,30,,",
            "B,m,40,,",
        )
        assert {("school A, sex f", 1, 1), ("school A, sex m", 4, 4), ("school A", 5, 5)} == said(look(shown))
        assert Oracle([shown]).leaks()

    def test_percentages_that_nobody_can_have_are_no_leak_but_a_contradiction(self):
        shown = table("school,sex,pct,pct_of", "A,f,49,sex", "A,m,40,sex", "B,f,55,sex", "B,m,38,sex")
        with pytest.raises(BadTable, match="Contradiction"):
            look(shown)
        with pytest.raises(ArithmeticError):
            Oracle([shown]).leaks()

    def test_a_percentage_of_nobody_is_a_contradiction(self):
        shown = table("school,sex,released,pct,pct_of", "A,f,,0,sex", "A,m,,,", "A,Total,0,,", "B,f,30,,")
        policy = CellPolicy(6, hide_zeros=False, min_pct_base=20)
        with pytest.raises(BadTable, match="Contradiction"):
            look(shown, policy=policy)
        never = CellPolicy(6, hide_zeros=True, min_pct_base=20, structural_zeros=((("school", "A"),),))
        with pytest.raises(BadTable, match="nobody can have this percentage"):
            run(Case(["school,sex,count\nA,f,0\nB,f,30\n"], [shown.replace("A,Total,0,,", "")]), never)

    @pytest.mark.obligation("O-79", "O-81")
    def test_a_small_count_of_which_a_percentage_is_out_cannot_be_protected_any_more(self):
        old = table("school,sex,pct,pct_of", "A,f,10,sex")
        case = Case(["school,sex,count\nA,f,3\nA,m,27\nA,Total,30\nB,f,51\nB,m,30\nB,Total,81\n"], [old])
        with pytest.raises(NoSafePattern) as refused:
            run(case)
        assert any("10 %" in fact for fact in refused.value.facts)
        case.earlier[0] = table("school,sex,pct,pct_of", "B,f,63,sex")
        assert not run(case).tables[0].shown[0]

    @pytest.mark.parametrize("seed", range(20))
    def test_audit_and_oracle_agree_on_percentages_beside_few_counts(self, seed):
        rng = np.random.default_rng(seed)
        joint = rng.integers(0, 16, (2, int(rng.integers(2, 4))))
        lines = []
        for i, row in enumerate(joint):
            base = int(row.sum())
            for j, number in enumerate(row):
                mark = "<6" if number < 6 and rng.random() < 0.4 else ""
                share = f"{100 * number / base:.0f},b" if base and rng.random() < 0.6 else ","
                lines.append(f"a{i},b{j},{mark},{share}")
            total = rng.random()
            lines.append(
                f"a{i},Total,{base if total < 0.3 else f'{base - 2}-{base + 9}' if base > 2 else ''},,"
            )
        shown = table("a,b,released,pct,pct_of", *lines)
        assert look(shown).passed == (not Oracle([shown]).leaks()), shown


class TestTheReviewersFileAsAnEarlierRelease:
    FIRST = table("school,sex,count,pct,pct_of", "A,f,3,7.0,sex", "A,m,40,93.0,sex",
                  "B,f,51,63.0,sex", "B,m,30,37.0,sex")  # fmt: skip

    @pytest.mark.obligation("O-79", "O-81")
    def test_it_says_no_more_than_its_public_file(self, tmp_path, capsys):
        new, out, public = (tmp_path / name for name in ("t0.csv", "o0.csv", "p0.csv"))
        new.write_text(self.FIRST)
        assert main(["protect", str(new), "--out", str(out), "--public", str(public)]) == 0
        next_one, results = tmp_path / "t.csv", []
        next_one.write_text("school,count\nA,43\nB,81\nTotal,124\n")
        for earlier in (public, out):
            last = tmp_path / "o.csv"
            assert main(["protect", str(next_one), "--out", str(last), "--released", str(earlier)]) == 0
            results.append(last.read_bytes())
        assert results[0] == results[1]

    def test_a_percentage_that_it_shows_is_heard(self):
        old = "school,sex,count,released,reason,pct,pct_of\nA,f,3,,small,10,sex\nA,m,27,27,,,\n"
        with pytest.raises(NoSafePattern):
            run(Case(["school,sex,count\nA,f,3\nA,m,27\nA,Total,30\n"], [old]))
