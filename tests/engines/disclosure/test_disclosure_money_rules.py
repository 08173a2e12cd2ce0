"""Sums of money: exact tallies, and the rules that withhold them, their means and quantiles."""

from collections import defaultdict
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure.engine.codes import read_hierarchy
from disclosure.engine.errors import BadTable, Stopped
from disclosure.engine.magnitude import contributions as contributions_module
from disclosure.engine.magnitude import tally as tally_module
from disclosure.engine.magnitude.contributions import read_contributions
from disclosure.engine.magnitude.tally import Ledger, Tally
from disclosure.engine.magnitude.verdict import (
    BASE,
    CLOSE,
    DOMINATED,
    FEW_EMPLOYERS,
    FEW_PEOPLE,
    ONE_SIDE,
    nk_unsafe,
    p_percent_unsafe,
    quantile,
    why_no_mean,
    why_withheld,
)
from disclosure.engine.policy import UI_WAGES, CellPolicy, Dominance, from_toml, strictest
from tests.engines.disclosure.money import PAY_RULES, all_codes, even, paid, random_pay, records
from tests.engines.disclosure.samples import RULES


def tally_of(*largest, persons=100, employers=None, total=None):
    return Tally(persons, len(largest) if employers is None else employers, total or sum(largest), largest)


# ------------------------------------------------------------------ the rules, by published examples


def test_the_handbooks_example_1_is_safe_by_one_rule_and_close_by_the_other():
    # Handbook on Statistical Disclosure Control, magnitude tables, example 1: 100,000 = 50,000 + 49,000 + ...
    assert not nk_unsafe(100_000, (50_000, 49_000), 1, 90)
    assert p_percent_unsafe(100_000, (50_000, 49_000), 10)
    assert p_percent_unsafe(100_000, (50_000, 49_000), 2.1)
    assert not p_percent_unsafe(100_000, (50_000, 49_000), 2)  # it is overestimated by 2 % exactly


def test_the_handbooks_example_2_is_dominated_by_two_and_yet_not_close():
    # 110,000 = 52,000 + 50,000 + ...: the second overestimates the first by 15.4 %
    assert not p_percent_unsafe(110_000, (52_000, 50_000), 10)
    assert not p_percent_unsafe(110_000, (52_000, 50_000), 15.38)
    assert p_percent_unsafe(110_000, (52_000, 50_000), 15.39)
    assert nk_unsafe(110_000, (52_000, 50_000), 2, 100 * 100 / 110)


def test_the_handbooks_example_4_is_dominated_by_one():
    assert nk_unsafe(330, (300, 20), 1, 85)
    assert not nk_unsafe(330, (280, 30), 1, 85)


def test_example_1b_two_employers_and_one_are_always_close():
    assert p_percent_unsafe(300, (200, 100), 0.001)
    assert p_percent_unsafe(200, (200,), 0.001)
    assert not p_percent_unsafe(0, (), 15)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=8))
def test_what_two_of_80_percent_let_pass_p_of_25_lets_pass(shares):
    # Handbook, proof of A: k = 100 · 100 / (100 + p), here exactly k = 80 for p = 25
    largest = tuple(sorted(shares, reverse=True))
    if not nk_unsafe(sum(shares), largest, 2, 80):
        assert not p_percent_unsafe(sum(shares), largest, 25)


@pytest.mark.parametrize(
    ("tally", "reasons"),
    [
        (tally_of(40, 30, 30, 30), ()),
        (tally_of(40, 30, 30, 30, persons=5), (FEW_PEOPLE,)),
        (tally_of(50, 50, persons=40), (FEW_EMPLOYERS, CLOSE, DOMINATED)),
        (tally_of(100, 70, 14, 1), (DOMINATED,)),  # 170 of 185; the rest is 15 % of 100 exactly
        (tally_of(100, 70, 14), (CLOSE, DOMINATED)),
        (tally_of(100, 85 - 15, 30), ()),  # 170 of 200 is 85 % exactly
        (tally_of(persons=0), (FEW_PEOPLE, FEW_EMPLOYERS)),
        (tally_of(persons=9), (FEW_EMPLOYERS,)),  # nine people who were paid nothing
    ],
)
def test_each_rule_withholds_for_its_own_reason(tally, reasons):
    assert why_withheld(tally, PAY_RULES) == reasons


def test_a_sum_of_nobody_says_no_more_than_a_zero_that_is_shown():
    nobody = tally_of(persons=0)
    shows_zeros = CellPolicy(6, hide_zeros=False, min_pct_base=20, dominance=UI_WAGES)
    assert why_withheld(nobody, shows_zeros) == ()
    assert why_withheld(nobody, PAY_RULES, impossible=True) == ()
    assert why_withheld(nobody, PAY_RULES)


def test_a_mean_needs_the_base_of_a_percentage():
    assert why_no_mean(tally_of(40, 30, 30, persons=19), PAY_RULES) == (BASE,)
    assert why_no_mean(tally_of(40, 30, 30, persons=20), PAY_RULES) == ()
    assert why_no_mean(tally_of(40, 30, persons=20), PAY_RULES)


def test_without_a_dominance_rule_no_sum_is_judged():
    with pytest.raises(BadTable, match="need a dominance rule"):
        why_withheld(tally_of(40, 30, 30), RULES)


@given(
    st.lists(st.integers(1, 1000), min_size=0, max_size=6),
    st.integers(0, 40),
    st.floats(1, 60),
    st.floats(40, 99),
)
def test_the_strictest_of_two_policies_withholds_what_either_withholds(shares, persons, p, k):
    tally = Tally(persons, len(shares), sum(shares), tuple(sorted(shares, reverse=True)))
    other = CellPolicy(8, hide_zeros=True, min_pct_base=20, dominance=Dominance(p, 3, k, 4))
    both = strictest([PAY_RULES, other])
    if why_withheld(tally, PAY_RULES) or why_withheld(tally, other):
        assert why_withheld(tally, both)


def test_the_defaults_are_those_of_the_design_and_a_file_may_change_them():
    assert Dominance(15, 2, 85, 3) == UI_WAGES
    text = "dominance = {p_percent = 10, n = 3, k_percent = 70, min_contributors = 5}"
    assert from_toml(text, defaults=PAY_RULES).dominance == Dominance(10, 3, 70, 5)


@pytest.mark.parametrize(
    "wrong", [(0, 2, 85, 3), (101, 2, 85, 3), (15, 0, 85, 3), (15, 2, 100, 3), (15, 2, 85, 0)]
)
def test_a_rule_that_protects_nobody_is_refused(wrong):
    with pytest.raises(BadTable, match="dominance"):
        Dominance(*wrong)


# ------------------------------------------------------------------ tallies


def brute(contributions, codes, most, below=None):
    """Sum up one row by looking at every record."""
    people, payers = set(), defaultdict(int)
    for place, employer, person, amount in records(contributions):
        inside = {d: {c} if c == "Total" else set((below or {}).get(c, [c])) for d, c in codes.items()}
        if all(codes[d] == "Total" or place[d] in inside[d] for d in codes):
            people.add(person)
            payers[employer] += amount
    above = sorted((x for x in payers.values() if x > 0), reverse=True)
    return Tally(len(people), len(above), sum(above), tuple(above[:most]))


RECORDS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from("xy"),
        st.integers(0, 4),
        st.integers(0, 9),
        st.integers(0, 90),
    ),
    min_size=1,
    max_size=40,
)


@given(RECORDS)
def test_tallies_are_those_of_every_record_looked_at(drawn):
    town, trade, employer, person, amount = zip(*drawn, strict=True)
    made = read_contributions({"town": town, "trade": trade}, employer=employer, person=person, amount=amount)
    rows = all_codes(made)
    found = Ledger(made, {}).tallies(rows, 3)
    assert found == [brute(made, row, 3) for row in rows]


@pytest.mark.parametrize("seed", range(3))
def test_tallies_of_many_people_once_each(seed):
    made = random_pay(seed)
    ledger = Ledger(made, {})
    assert not ledger.person_in_two_cells
    rows = all_codes(made)
    assert ledger.tallies(rows, 2) == [brute(made, row, 2) for row in rows]


def test_groups_and_unions_add_up_employers_not_records():
    made = paid({"A": even(100, 50), "B": even(100, 20), "C": {"z": [7]}})
    groups = read_hierarchy("town", "parent,child\nnorth,A\nnorth,B\n")
    # C is not in the hierarchy: it would be part of Total and of no group
    with pytest.raises(BadTable, match="no leaf of its hierarchy"):
        Ledger(made, {"town": groups})
    groups = read_hierarchy("town", "parent,child\nnorth,A\nnorth,B\nTotal,north\nTotal,C\n")
    ledger = Ledger(made, {"town": groups})
    north, union, unknown = ledger.tallies([{"town": "north"}, {"town": "B|C"}, {"town": "C"}], 2)
    assert north == Tally(40, 2, 270, (200, 70))
    assert union == Tally(21, 3, 127, (100, 20))
    assert unknown.employers == 1
    with pytest.raises(BadTable, match="no dimension age"):
        ledger.cells_of({"age": "18"})


def test_a_person_with_two_jobs_counts_once_and_in_two_cells_is_noticed():
    one = read_contributions({"town": ["A", "A"]}, employer=["x", "y"], person=[1, 1], amount=[5, 6])
    assert Ledger(one, {}).tallies([{}], 2) == [Tally(1, 2, 11, (6, 5))]
    assert not Ledger(one, {}).person_in_two_cells
    two = read_contributions({"town": ["A", "B"]}, employer=["x", "y"], person=[1, 1], amount=[5, 6])
    assert Ledger(two, {}).person_in_two_cells
    assert Ledger(two, {}).tallies([{}], 2)[0].persons == 1


def twice(values):
    """Return a dictionary array that lists each of its words twice."""
    return pa.DictionaryArray.from_arrays(pa.array([0, 3]), pa.array([*values, *values]))


@pytest.mark.parametrize(
    "kind", [list, np.array, pa.array, lambda v: pa.chunked_array([v[:1], v[1:]]), twice]
)
def test_columns_may_come_as_lists_or_arrays(kind):
    made = read_contributions(
        {"town": kind(["A", "B"])}, employer=kind(["x", "y"]), person=kind([1, 2]), amount=[5, 6]
    )
    assert made.leaves == (("A", "B"),)
    assert "x" not in repr(made)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"amount": [5, -1]}, "negative"),
        ({"amount": [5, 1.5]}, "not whole"),
        ({"amount": [5, float("nan")]}, "missing or not a number"),
        ({"amount": [5, None]}, "missing or not a number"),
        ({"amount": [5, "six"]}, "not a number"),
        ({"amount": [[5], [6]]}, "one column"),
        ({"amount": [2**53, 1]}, "too large"),
        ({"amount": []}, "no record"),
        ({"employer": ["x"]}, "1 values for 2"),
        ({"employer": ["x", None]}, "employer is missing"),
        ({"employer": ["x", ""]}, "employer is blank"),
        ({"person": [1, "a"]}, "several kinds"),
        ({"codes": {"town": ["A", "Total"]}}, "no leaf"),
        ({"codes": {"town": ["A", "B|C"]}}, "no leaf"),
    ],
)
def test_records_that_cannot_be_judged_are_refused_in_words(change, why):
    given_ = {"codes": {"town": ["A", "B"]}, "employer": ["x", "y"], "person": [1, 2], "amount": [5, 6]}
    given_ |= change
    with pytest.raises(BadTable, match=why):
        read_contributions(given_.pop("codes"), **given_)


def test_too_many_inner_cells_stop(monkeypatch):
    monkeypatch.setattr(contributions_module, "LARGEST", 3)
    with pytest.raises(Stopped, match="cross into more than 3"):
        paid({("A", "x"): even(10), ("B", "y"): even(10)}, dims=("town", "trade"))


def test_too_many_inner_cells_over_all_rows_stop(monkeypatch):
    monkeypatch.setattr(tally_module, "_MOST", 3)
    with pytest.raises(Stopped, match="more than 3 inner cells"):
        Ledger(paid({"A": even(10), "B": even(20)}), {}).tallies([{}, {"town": "A"}, {"town": "B"}], 2)


# ------------------------------------------------------------------ quantiles


def row_of(pay):
    return np.sort(np.array(pay)), tally_of(40, 30, 30, 30, persons=len(pay))


def test_a_median_needs_twenty_people_and_six_on_either_side():
    assert quantile(*row_of(range(1, 21)), unit=1, share=Fraction(1, 2), policy=PAY_RULES).value == 11
    nineteen = quantile(*row_of(range(1, 20)), unit=1, share=Fraction(1, 2), policy=PAY_RULES)
    assert (nineteen.value, nineteen.reasons) == (None, (BASE,))
    quartile = quantile(*row_of(range(1, 21)), unit=1, share=Fraction(1, 4), policy=PAY_RULES)
    assert (quartile.value, quartile.reasons) == (None, (ONE_SIDE,))  # five are paid less
    assert quantile(*row_of(range(1, 26)), unit=1, share=Fraction(1, 4), policy=PAY_RULES).value == 7
    assert quantile(*row_of(range(1, 26)), unit=1, share=Fraction(3, 4), policy=PAY_RULES).value == 19


def test_equals_are_on_neither_side():
    alike = quantile(
        *row_of([1000] * 90 + [1] * 5 + [9000] * 5), unit=1, share=Fraction(1, 2), policy=PAY_RULES
    )
    assert alike.reasons == (ONE_SIDE,)


def test_a_quantile_is_rounded_and_follows_its_sum():
    pay, tally = row_of([100 * i + 37 for i in range(40)])
    assert quantile(pay, tally, share=Fraction(1, 2), policy=PAY_RULES, unit=100).value == 2000
    close = Tally(40, 3, 1000, (600, 395))
    assert CLOSE in quantile(pay, close, share=Fraction(1, 2), policy=PAY_RULES, unit=100).reasons


@pytest.mark.parametrize("share", [Fraction(0), Fraction(1)])
def test_no_minimum_and_no_maximum(share):
    with pytest.raises(BadTable, match="No minimum and no maximum"):
        quantile(*row_of(range(50)), unit=1, share=share, policy=PAY_RULES)


def test_quantiles_refuse_what_is_not_the_rows():
    pay, tally = row_of(range(50))
    with pytest.raises(BadTable, match="not that of the people"):
        quantile(pay[1:], tally, share=Fraction(1, 2), policy=PAY_RULES, unit=1)
    with pytest.raises(BadTable, match="unit of 1"):
        quantile(pay, tally, share=Fraction(1, 2), policy=PAY_RULES, unit=0)
    assert quantile(*row_of([]), share=Fraction(1, 2), policy=PAY_RULES, unit=1).value is None


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.sampled_from([1, 2, 3]))
def test_a_shown_quantile_cuts_as_numpy_does_with_enough_people_on_each_side(pay, quarter):
    values, tally = row_of(pay)
    found = quantile(values, tally, share=Fraction(quarter, 4), policy=PAY_RULES, unit=1)
    if found.value is None:
        return
    exact = np.quantile(values, quarter / 4, method="averaged_inverted_cdf")
    assert abs(found.value - exact) <= 0.5
    assert len(pay) >= 20
    assert (values < exact).sum() >= 6
    assert (values > exact).sum() >= 6


def test_the_pay_of_people_is_that_of_all_their_jobs_in_the_row():
    made = read_contributions(
        {"town": ["A", "A", "B", "A"]},
        employer=["x", "y", "x", "x"],
        person=[1, 1, 1, 2],
        amount=[5, 6, 7, 1],
    )
    ledger = Ledger(made, {})
    assert list(ledger.pay_of_people(ledger.cells_of({"town": "A"}))) == [1, 11]
    assert list(ledger.pay_of_people(ledger.cells_of({}))) == [1, 18]
