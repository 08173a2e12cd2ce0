"""The attack on sums: planted leaks beside clean twins, and an oracle of its own."""

import numpy as np
import pytest

from disclosure.engine.magnitude.published import Money
from disclosure.engine.magnitude.tally import Ledger
from disclosure.engine.magnitude.verdict import why_withheld
from disclosure.engine.policy import CellPolicy, Dominance
from tests.engines.disclosure.money import (
    LARGE,
    PAY_RULES,
    SAFE,
    all_codes,
    even,
    kinds,
    look,
    oracle,
    paid,
    random_pay,
    released,
)

NORTH = b"parent,child\nnorth,A\nnorth,B\nTotal,north\nTotal,C\nTotal,D\n"


# ------------------------------------------------------------------ planted leaks and their clean twins


def test_a_lone_withheld_sum_falls_out_of_its_line():
    made = paid({"A": even(5000, 100, 20), "B": even(*SAFE), "C": even(*SAFE)})
    report = look(released(made, {("A",)}), made=made)
    leak = {one.finding.people: one for one in report.leaks}["town A"]
    assert leak.finding.kind == "estimate"
    assert (leak.finding.low, leak.finding.high) == (5120, 5120)
    assert "at most 5,120: 8,520 (everyone) − 1,700 (town B) − 1,700 (town C)" in leak.finding.derivation
    assert leak.finding.derivation.endswith("an employer's pay to within 2.4 % from above.")
    assert set(leak.used) == {"pay.csv, line 3", "pay.csv, line 4", "pay.csv, line 5"}
    clean = paid({"A": even(5000, 100, 20), "B": even(*[10 * x for x in SAFE]), "C": even(*SAFE)})
    assert look(released(clean, {("A",), ("B",)}), made=clean).passed


def test_a_union_of_withheld_cells_belongs_to_one_employer():
    # e0 is nearly alone in A and in B; each is uncertain by itself, and their sum is e0's pay
    made = paid({"A": even(5000, 100, 20), "B": even(6000, 90, 30), "C": even(*SAFE), "D": even(*SAFE)})
    report = look(released(made, {("A",), ("B",)}), made=made)
    assert ("estimate", "town A and B") in kinds(report)
    clean = paid({"A": even(5000, 100, 20), "B": even(6000, 90, 30), "C": even(*LARGE), "D": even(*SAFE)})
    assert look(released(clean, {("A",), ("B",), ("C",)}), made=clean).passed


def test_two_single_employers_side_by_side_know_each_other():
    # the "singletons" of the Handbook: no matter how large, each subtracts its own
    made = paid({"A": {"x": [500] * 10}, "B": {"y": [700] * 10}, "C": even(*SAFE)})
    report = look(released(made, {("A",), ("B",)}), made=made)
    leaks = [one.finding for one in report.leaks if one.finding.people in ("town A", "town B")]
    assert len(leaks) == 2
    said = "An employer counted elsewhere, taking what it pays itself out of 13,700 (everyone) − 1,700 "
    said += "(town C). This estimates an employer's pay to within 0.0 % from above."
    assert [one.derivation for one in leaks] == [said, said]
    clean = paid({"A": {"x": [500] * 10}, "B": {"y": [700] * 10}, "C": even(*LARGE), "D": even(*SAFE)})
    assert look(released(clean, {("A",), ("B",), ("C",)}), made=clean).passed


def test_a_large_employer_in_the_neighbouring_cell_knows_what_is_left():
    # y pays nearly all of B: of A + B = 7,260 it takes its own out, and what is left is nearly x's pay
    made = paid(
        {"A": even(5000, 100, 20), "B": {"y": [200] * 10, "z": [8] * 10, "w": [6] * 10}, "C": even(*SAFE)}
    )
    report = look(released(made, {("A",), ("B",)}), made=made)
    assert ("estimate", "town A") in kinds(report)
    said = [one.finding.derivation for one in report.leaks if one.finding.people == "town A"]
    assert said[0].startswith("An employer counted elsewhere")


def test_what_is_left_in_two_dimensions_belongs_to_one_employer():
    giant = {"e9": [900] * 10, "e8": [3] * 10, "e7": [2] * 10}
    cells = {
        (town, trade): even(*LARGE) if town == "A" or trade == "x" else giant
        for town in "ABC"
        for trade in "xyz"
    }
    made = paid(cells, dims=("town", "trade"))
    hidden = {(town, trade) for town in [*"ABC", "Total"] for trade in [*"xyz", "Total"]}
    hidden -= {("A", "Total"), ("Total", "x"), ("Total", "Total"), ("A", "x")}
    money = released(made, hidden)
    found = kinds(look(money, made=made))
    assert ("estimate", "town B and C, trade y and z") in found
    assert ("estimate", "town B, trade y") not in found
    clean = released(made, hidden | {("A", "x")})
    assert look(clean, made=made).passed


def test_a_group_and_its_only_other_part_give_the_cell_away():
    made = paid({"A": even(5000, 100, 20), "B": even(*SAFE), "C": even(*SAFE), "D": even(*SAFE)})
    groups = {"town": {"north": ["A", "B"]}}
    report = look(
        released(made, {("A",), ("C",), ("Total",)}, groups=groups), made=made, groups={"town": NORTH}
    )
    leak = next(one.finding for one in report.leaks if one.finding.people == "town A")
    assert "6,820 (town north) − 1,700 (town B)" in leak.derivation
    held = {("A",), ("C",), ("D",), ("B",), ("north",)}
    clean = paid(
        {"A": even(5000, 100, 20), "B": even(*SAFE), "C": even(*SAFE), "D": even(900, 850, 800, 700)}
    )
    assert look(released(clean, held, groups=groups), made=clean, groups={"town": NORTH}).passed


def test_means_times_counts_are_sums_within_their_rounding():
    made = paid({"A": even(500_000, 10_000, 2_000), "B": even(*LARGE), "C": even(*[9 * x for x in LARGE])})
    fine = released(made, {("A",)}, measure="mean", unit=1)
    coarse = released(made, {("A",)}, measure="mean", unit=20_000)
    assert ("estimate", "town A") in kinds(look(fine, made=made))
    assert look(coarse, made=made).passed  # 110 people × 10,000 either way say little
    leak = next(one.finding for one in look(fine, made=made).leaks if one.finding.people == "town A")
    assert "110 × 7,745 (everyone)" in leak.derivation


def test_what_came_out_before_counts():
    made = paid(
        {
            ("A", "x"): even(5000, 100, 20), ("A", "y"): even(*SAFE),
            ("B", "x"): even(*SAFE), ("B", "y"): even(*SAFE),
        },
        dims=("town", "trade"),
    )  # fmt: skip
    hidden = {("A", "x"), ("A", "y"), ("B", "x"), ("B", "y"), ("A", "Total"), ("Total", "x")}
    new = released(made, hidden)
    alone = look(new, made=made)
    before = Money("old.csv", "sum", 1, b"town,released,sum\nA,70,6820\n")
    other = Money("older.csv", "sum", 1, b"town,trade,released,sum\nA,y,40,1700\n")
    both = look(new, before, other, made=made)
    assert ("estimate", "town A, trade x") not in kinds(alone)
    assert ("estimate", "town A, trade x") in kinds(both)


def test_a_sum_that_a_rule_withholds_and_that_is_shown():
    made = paid({"A": even(5000, 100, 20), "B": even(*SAFE), "C": even(*SAFE)})
    assert ("shown", "town A") in kinds(look(released(made, set()), made=made))


def test_nobody_may_learn_that_a_small_cell_is_not_empty():
    made = paid(
        {
            ("A", "x"): even(300, 300, 300, 300, people=1), ("A", "y"): even(30, 30, 20, 20),
            ("B", "x"): even(*LARGE), ("B", "y"): even(10, 10, 20, 10),
        },
        dims=("town", "trade"),
    )  # fmt: skip
    money = released(made, {("A", "x"), ("A", "y"), ("B", "x"), ("B", "y")})
    leak = next(
        one.finding for one in look(money, made=made).leaks if one.finding.people == "town A, trade x"
    )
    assert leak.kind == "somebody"
    assert "the sum is at least 1,150: " in leak.derivation
    shows_zeros = CellPolicy(6, hide_zeros=False, min_pct_base=20, dominance=PAY_RULES.dominance)
    assert look(money, made=made, policy=shows_zeros).passed


def test_what_two_employers_pay_together_is_guarded_as_the_dominance_rule_says():
    # 1,850 = 1,000 + 700 + 140 + 10 is dominated, not close: its upper end must reach 1,700 / 85 % = 2,000
    def other(each):
        small = {f"small {i}": [each // 10] * 10 for i in range(4)}
        return paid({"A": even(1000, 700, 140, 10), "B": small, "C": even(*SAFE)})

    made = other(30)
    leak = next(one.finding for one in look(released(made, {("A",), ("B",)}), made=made).leaks)
    assert (leak.kind, leak.people, leak.high) == ("dominance", "town A", 1970)
    made = other(40)
    assert look(released(made, {("A",), ("B",)}), made=made).passed


def test_the_sum_of_few_employers_is_guarded_though_none_is_close():
    five = CellPolicy(6, hide_zeros=True, min_pct_base=20, dominance=Dominance(15, 2, 85, 5))

    def other(each):
        return paid({"A": even(*SAFE), "B": even(*[each] * 5), "C": even(*[500] * 6)})

    made = other(10)
    leak = next(one.finding for one in look(released(made, {("A",), ("B",)}), made=made, policy=five).leaks)
    assert (leak.kind, leak.people, leak.high) == ("few", "town A", 1750)
    made = other(20)
    assert look(released(made, {("A",), ("B",)}), made=made, policy=five).passed


def test_an_employer_that_is_alone_is_not_estimated_from_below():
    def other(part):
        cells = {
            ("A", "x"): {"e9": [120] * 10}, ("A", "y"): even(*[35] * 8, people=5),
            ("B", "x"): even(*LARGE), ("B", "y"): even(*[part] * 4),
        }  # fmt: skip
        made = paid(cells, dims=("town", "trade"))
        hidden = {("A", "x"), ("A", "y"), ("B", "x"), ("B", "y"), ("A", "Total"), ("B", "Total")}
        return made, released(made, hidden - {("A", "Total"), ("B", "Total")})

    made, money = other(10)
    only_p = CellPolicy(1, hide_zeros=False, min_pct_base=20, dominance=Dominance(15, 1, 99.999, 1))
    leak = next(one.finding for one in look(money, made=made, policy=only_p).leaks)
    # at most 1,480 where it pays 1,200 is far enough; at least 1,160 is not
    assert (leak.people, leak.low, leak.high) == ("town A, trade x", 1160, 1480)
    assert "at least 1,160" in leak.derivation
    assert leak.derivation.endswith("to within 3.3 % from below.")
    made, money = other(100)
    assert look(money, made=made, policy=only_p).passed


def test_findings_never_say_who_or_what_somebody_pays():
    made = paid(
        {"A": {"acme": [503] * 10, "zeta": [10] * 10, "beta": [2] * 10}, "B": even(*SAFE), "C": even(*SAFE)}
    )
    for leak in look(released(made, {("A",)}), made=made).leaks:
        said = str(leak.finding.as_json())
        assert "acme" not in said
        assert "5,030" not in said
        assert "5030" not in said


# ------------------------------------------------------------------ an oracle of its own


@pytest.mark.parametrize("measure", ["sum", "mean"])
@pytest.mark.parametrize("seed", range(8))
def test_the_attack_finds_what_the_oracle_finds(seed, measure):
    made = random_pay(seed, shape=(3, 3), people=200, giants=0.4)
    rng = np.random.default_rng(seed)
    ledger = Ledger(made, {})
    rows = all_codes(made)
    unsafe = {
        tuple(codes.values()) for codes in rows if why_withheld(ledger.tallies([codes], 2)[0], PAY_RULES)
    }
    also = {tuple(codes.values()) for codes in rows if rng.random() < (0.15, 0.5)[seed % 2]}
    money = released(made, unsafe | also, measure=measure, unit=1 if measure == "sum" else 100)
    only_p = CellPolicy(1, hide_zeros=False, min_pct_base=20, dominance=Dominance(15, 1, 99.999, 1))
    report = look(money, made=made, policy=only_p)
    names = {
        ", ".join(f"{d} {c}" for d, c in zip(made.names, cell, strict=True) if c != "Total")
        or "everyone": cell
        for cell in (tuple(c.values()) for c in rows)
    }
    upward = {
        names[one.finding.people]
        for one in report.leaks
        if one.finding.people in names
        and one.finding.kind == "estimate"
        and one.finding.derivation.endswith("from above.")
    }
    assert upward == oracle(made, [money.content.decode()], measure, money.unit)
