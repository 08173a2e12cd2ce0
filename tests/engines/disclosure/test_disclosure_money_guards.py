"""The attack on sums fails closed: every guard taken out once, and files that are wrong."""

from dataclasses import replace

import numpy as np
import pytest

from disclosure.engine.errors import BadTable, SolverFailed, Stopped
from disclosure.engine.magnitude import hearing, movement
from disclosure.engine.magnitude.published import Money
from disclosure.engine.policy import CellPolicy
from tests.engines.disclosure.money import (
    LARGE,
    PAY_RULES,
    SAFE,
    even,
    kinds,
    look,
    paid,
    released,
)


def singles():
    made = paid({"A": {"x": [500] * 10}, "B": {"y": [700] * 10}, "C": even(*LARGE)})
    return made, released(made, {("A",), ("B",)})


def test_without_own_pay_the_attack_misses_the_neighbour(monkeypatch):
    made, money = singles()
    assert ("estimate", "town A") in kinds(look(money, made=made))
    monkeypatch.setattr(
        movement.Movement, "believed", lambda self, move: np.full(made.employers + 1, move.gain)
    )
    assert ("estimate", "town A") not in kinds(look(money, made=made))


def test_without_what_is_left_the_attack_misses_the_union(monkeypatch):
    made = paid({"A": even(5000, 100, 20), "B": even(6000, 90, 30), "C": even(*SAFE), "D": even(*SAFE)})
    money = released(made, {("A",), ("B",)})
    monkeypatch.setattr(hearing.World, "_left", lambda self, who, d, known: [])
    assert ("estimate", "town A and B") not in kinds(look(money, made=made))


def test_a_solver_that_does_not_answer_is_a_leak(monkeypatch):
    made, money = singles()

    def broken(*args, **kwargs):
        raise SolverFailed("no")

    monkeypatch.setattr(movement.Movement, "farthest", broken)
    report = look(money, made=made)
    assert not report.passed
    assert {one.finding.kind for one in report.leaks} == {"unsettled"}


def test_a_status_that_is_not_optimal_is_refused(monkeypatch):
    made, money = singles()
    monkeypatch.setattr(movement, "linprog", lambda *a, **k: type("Answer", (), {"status": 1})())
    assert {one.finding.kind for one in look(money, made=made).leaks} == {"unsettled"}


def test_work_that_runs_out_is_a_leak():
    made = paid({"A": even(5000, 100, 20), "B": even(*[10 * x for x in SAFE]), "C": even(*SAFE)})
    money = released(made, {("A",), ("B",)})
    assert look(money, made=made).passed
    assert not look(money, made=made, work=0).passed


def test_too_many_cells_or_questions_stop(monkeypatch):
    made, money = singles()
    monkeypatch.setattr(hearing, "_MOST_ASKED", 2)
    with pytest.raises(Stopped, match="more than 2 populations"):
        look(money, made=made)
    monkeypatch.setattr(hearing, "_MOST_ASKED", 4)  # A, B, C and everyone; A and B are left over
    with pytest.raises(Stopped, match="populations are left over"):
        look(money, made=made)
    monkeypatch.setattr(hearing, "_MOST_CELLS", 2)
    with pytest.raises(Stopped, match="3 inner cells"):
        look(money, made=made)


def test_an_end_that_cannot_be_told_is_left_open(monkeypatch):
    made, money = singles()
    real = movement.Movement.farthest

    def only_questions(self, *args, enough, **kwargs):
        if enough is None:
            raise SolverFailed("no")
        return real(self, *args, enough=enough, **kwargs)

    monkeypatch.setattr(movement.Movement, "farthest", only_questions)
    leak = look(money, made=made).leaks[0].finding
    assert (leak.low, leak.as_json()["high"]) == (0, None)


def test_a_long_sum_is_told_in_part():
    towns = {f"C{i:02}": even(*SAFE) for i in range(14)}
    made = paid({"A": even(5000, 100, 20)} | towns)
    leak = next(one.finding for one in look(released(made, {("A",)}), made=made).leaks)
    assert "and 3 more facts" in leak.derivation
    assert len(leak.places) == 15


def test_a_zero_that_is_shown_holds_no_money():
    made = paid({"A": even(*LARGE), "B": even(*LARGE)})
    zero = Money("zero.csv", "mean", 100, b"town,released,mean\nC,0,\n")
    (fact,) = hearing.hear([zero], contributions=made, groups={}).facts
    assert (fact.low, fact.high, fact.words, len(fact.cells)) == (0, 0, "nobody (town C)", 1)
    with pytest.raises(BadTable, match="not that of the contributions"):
        look(replace(zero, content=b"town,released,mean\nA,0,\n"), made=made)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("town,released\nA,10\n", "needs the columns released and sum"),
        ("town,released,sum\nA,10\n", "expected 3 values"),
        ("town,released,sum\n,10,5000\n", "no code for town"),
        ("age,released,sum\n18,10,5000\n", "no dimension age"),
        ("town,released,sum\nA,10,4999\n", "sum is not that of the contributions"),
        ("town,released,sum\nA,11,5000\n", "count is not that of the contributions"),
        ("town,released,sum\nA,10,-5\n", "blank or whole numbers"),
        ("town,released,sum\nA,<6,5000\n", "blank or whole numbers"),
        ("", "needs the columns"),
    ],
)
def test_a_file_that_is_wrong_is_refused(text, why):
    made, _ = singles()
    with pytest.raises(BadTable, match=why):
        look(Money("m.csv", "sum", 1, text.encode()), made=made)


def test_a_mean_without_its_count_is_refused():
    made, _ = singles()
    with pytest.raises(BadTable, match="a mean without its count"):
        look(Money("m.csv", "mean", 1, b"town,released,mean\nA,,500\n"), made=made)
    with pytest.raises(BadTable, match="sums or means"):
        Money("m.csv", "median", 1, b"")
    with pytest.raises(BadTable, match="unit of 1"):
        Money("m.csv", "mean", 0, b"")


def test_without_a_rule_nothing_is_judged():
    made, money = singles()
    with pytest.raises(BadTable, match="need a dominance rule"):
        look(money, made=made, policy=CellPolicy(6, hide_zeros=True, min_pct_base=20))


def test_a_structural_zero_is_no_hiding_place():
    made = paid(
        {("A", "x"): even(5000, 100, 20), ("B", "x"): even(*SAFE), ("B", "y"): even(*SAFE)},
        dims=("town", "trade"),
    )
    hidden = {("A", "x"), ("A", "y"), ("B", "x"), ("B", "y")}
    money = released(made, hidden)
    impossible = CellPolicy(
        6, hide_zeros=True, min_pct_base=20, dominance=PAY_RULES.dominance,
        structural_zeros=((("town", "A"), ("trade", "y")),),
    )  # fmt: skip
    leak = {one.finding.people for one in look(money, made=made, policy=impossible).leaks}
    assert "town A, trade x" in leak
    wrong = CellPolicy(
        6, hide_zeros=True, min_pct_base=20, dominance=PAY_RULES.dominance,
        structural_zeros=((("town", "A"), ("trade", "x")),),
    )  # fmt: skip
    with pytest.raises(BadTable, match="structural zero counts people"):
        look(money, made=made, policy=wrong)
    for pattern, why in ((("town", "Z"),), "no code of town"), ((("age", "9"), ("town", "A")), ""):
        other = replace(impossible, structural_zeros=(pattern,))
        if why:
            with pytest.raises(BadTable, match=why):
                look(money, made=made, policy=other)
        else:  # the tables do not tell such people apart
            assert kinds(look(money, made=made, policy=other)) == kinds(look(money, made=made))
