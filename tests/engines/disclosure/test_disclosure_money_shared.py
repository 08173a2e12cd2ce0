"""Counts and money in one pattern: both audits pass, or all money is withheld."""

import csv
import io

import numpy as np
import pytest

from disclosure.engine.audit.judge import Report as CountReport
from disclosure.engine.codes import read_hierarchy
from disclosure.engine.errors import BadTable, NoSafePattern, SolverFailed, Stopped
from disclosure.engine.longform import read_long
from disclosure.engine.magnitude import shared
from disclosure.engine.magnitude.attack import Leak, attack
from disclosure.engine.magnitude.attack import Report as MoneyReport
from disclosure.engine.magnitude.contributions import read_contributions
from disclosure.engine.magnitude.published import Money
from disclosure.engine.magnitude.shared import ALL, COMPLEMENT, protect_money
from disclosure.engine.magnitude.verdict import BASE, CLOSE, FEW_PEOPLE
from disclosure.engine.policy import CellPolicy
from disclosure.engine.release import Outside, audit_release
from tests.engines.disclosure.money import LARGE, PAY_RULES, SAFE, even, long_table, oracle, paid, random_pay


def share(made, *, measure="sum", unit=1, policy=PAY_RULES, groups=None, table=None, **more):
    hierarchies = {name: read_hierarchy(name, text) for name, text in (groups or {}).items()}
    files = {name: text.encode() for name, text in (groups or {}).items()}
    return protect_money(
        table or long_table(made), made, measure=measure, unit=unit, hierarchies=hierarchies, groups=files,
        policy=policy, seconds=5, **more,
    )  # fmt: skip


def rows_of(money):
    return list(csv.DictReader(io.StringIO(money.content.decode())))


def blank(pattern):
    return all(not row[pattern.money.measure] for row in rows_of(pattern.money))


@pytest.mark.obligation("O-79", "O-81")
@pytest.mark.parametrize("measure", ["sum", "mean"])
@pytest.mark.parametrize("seed", range(6))
def test_no_employer_can_estimate_another_from_what_goes_out(seed, measure):
    made = random_pay(seed, shape=(3, 3), people=240)
    unit = 1 if measure == "sum" else 100
    found = share(made, measure=measure, unit=unit)
    assert found.counts.passed
    assert not found.all_withheld
    assert found.attack.passed
    assert not oracle(made, [found.money.content.decode()], measure, unit)
    for row, why, visible in zip(
        rows_of(found.money), found.reasons, found.protection.tables[0].shown, strict=True
    ):
        assert bool(row[measure]) is (not why)
        assert visible or (why and not row["released"])
    again = share(made, measure=measure, unit=unit)
    assert again.money.content == found.money.content


@pytest.mark.long
@pytest.mark.obligation("O-81")
def test_nor_from_many_other_tables():
    shown = 0
    for seed in range(100, 180):
        made = random_pay(seed, shape=(3, 4), people=150 + seed, giants=(0.1, 0.3, 0.6)[seed % 3])
        measure, unit = (("sum", 1), ("mean", 100), ("sum", 50_000), ("mean", 10_000))[seed % 4]
        found = share(made, measure=measure, unit=unit)
        assert found.counts.passed
        assert found.all_withheld or found.attack.passed
        assert found.all_withheld is blank(found)
        assert not oracle(made, [found.money.content.decode()], measure, unit) or found.all_withheld
        shown += not found.all_withheld
    assert shown > 60


def test_the_money_of_a_cell_is_withheld_where_its_count_is_and_the_reverse():
    made = paid({"A": even(5000, 100, 20), "B": even(*LARGE), "C": even(*SAFE), "D": even(*SAFE, people=1)})
    found = share(made)
    said = {row["town"]: (row["released"], row["sum"]) for row in rows_of(found.money)}
    why = dict(zip(said, found.reasons, strict=True))
    assert said["A"] == ("", "")
    assert CLOSE in why["A"]
    assert why["D"][0] == FEW_PEOPLE
    assert said["D"] == ("", "")
    assert said["Total"] == ("114", "42520")


def test_what_the_attack_used_is_withheld_next():
    # by counts alone A and B cover each other; together they are one employer's
    made = paid(
        {
            "A": even(5000, 100, 20),
            "B": even(6000, 90, 30, people=4),
            "C": even(*LARGE, people=20),
            "D": even(*LARGE, people=25),
        }
    )
    found = share(made)
    assert found.rounds > 1
    assert (COMPLEMENT,) in found.reasons
    assert found.attack.passed


def test_a_mean_also_needs_its_base():
    made = paid({"A": even(*SAFE, people=4), "B": even(*LARGE), "C": even(*LARGE)})
    found = share(made, measure="mean", unit=1)
    said = {row["town"]: row for row in rows_of(found.money)}
    assert said["A"] == {"town": "A", "released": "16", "mean": "", "rounded_to": "1"}
    assert found.reasons[0] == (BASE,)
    assert said["B"]["mean"] == "850"


def test_groups_of_a_hierarchy_are_protected_with_their_parts():
    made = paid({"A": even(5000, 100, 20), "B": even(*SAFE), "C": even(*SAFE), "D": even(*LARGE)})
    groups = {"town": "parent,child\nnorth,A\nnorth,B\nsouth,C\nsouth,D\nTotal,north\nTotal,south\n"}
    table = long_table(made, groups={"town": {"north": ["A", "B"], "south": ["C", "D"]}})
    found = share(made, groups=groups, table=table)
    assert found.attack.passed
    said = {row["town"]: row["sum"] for row in rows_of(found.money)}
    assert not said["A"]
    assert not (said["north"] and said["B"])


def test_what_is_out_already_is_in_the_attackers_hands():
    made = paid({"A": even(5000, 100, 20), "B": even(*LARGE), "C": even(*LARGE)})
    before = Money("before.csv", "sum", 1, b"town,released,sum\nB,40,34000\nC,40,34000\nTotal,110,73120\n")
    assert not share(made).all_withheld
    found = share(made, known=[before])
    assert found.all_withheld
    assert blank(found)
    assert any(leak.finding.people == "town A" for leak in found.attack.leaks)


# ------------------------------------------------------------------ failing closed


def closed(made=None, **more):
    made = made or paid({"A": even(5000, 100, 20), "B": even(*LARGE), "C": even(*SAFE)})
    found = share(made, **more)
    assert found.all_withheld
    assert blank(found)
    assert found.counts.passed
    assert all(ALL in why for why in found.reasons)
    return found


@pytest.mark.parametrize("error", [SolverFailed("no"), Stopped("no"), NoSafePattern("no")])
def test_an_attack_that_stops_withholds_all_money(monkeypatch, error):
    def broken(*args, **kwargs):
        raise error

    monkeypatch.setattr(shared.attacking, "attack", broken)
    closed()


def test_a_leak_that_nothing_cures_withholds_all_money(monkeypatch):
    def never(*args, **kwargs):
        real = attack(*args, **kwargs)
        return MoneyReport((*real.leaks, made_up), real.asked, real.solved)

    made_up = Leak(shared.attacking.Finding("estimate", "town A", 0, 1, "made up", ()), (), 1.0)
    monkeypatch.setattr(shared.attacking, "attack", never)
    found = closed()
    assert made_up in found.attack.leaks


def test_rounds_end(monkeypatch):
    made = paid(
        {
            "A": even(5000, 100, 20),
            "B": even(6000, 90, 30, people=4),
            "C": even(*LARGE, people=20),
            "D": even(*LARGE, people=25),
        }
    )
    monkeypatch.setattr(shared, "ROUNDS", 1)
    found = closed(made)
    assert not found.attack.passed


def test_counts_that_leak_withhold_all_money(monkeypatch):
    real, turns = shared.protect_and_audit, []

    def leaking(*args, **kwargs):
        protection, report = real(*args, **kwargs)
        turns.append(kwargs.get("dominated"))
        if turns[-1]:
            leak = report.intervals and shared.attacking.Finding("cell", "town A", 1, 1, "made up", ())
            report = CountReport((leak,), (), report.cells, report.withheld, report.questions)
        return protection, report

    monkeypatch.setattr(shared, "protect_and_audit", leaking)
    found = closed()
    assert found.attack is None
    assert turns == [[(0, 0)], []]


def test_a_rule_withholds_the_money_whatever_the_pattern_shows(monkeypatch):
    real, seen = shared.protect_and_audit, []

    def shows_all(*args, dominated=(), **kwargs):
        return real(*args, **kwargs)

    def watched(files, **kwargs):
        seen.append(rows_of(files[0]))
        return attack(files, **kwargs)

    monkeypatch.setattr(shared, "protect_and_audit", shows_all)
    monkeypatch.setattr(shared.attacking, "attack", watched)
    closed()
    assert all(row["released"] and not row["sum"] for rows in seen for row in rows if row["town"] == "A")
    assert seen


def test_one_employer_that_pays_all_leaves_no_money_to_show():
    made = paid({"A": {"x": [500] * 30}, "B": {"x": [400] * 40}})
    found = closed(made)
    assert [row["released"] for row in rows_of(found.money)] == ["30", "40", "70"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("town,count\nA,31\nB,40\nTotal,71\n", "line 2: the count is not that of the people"),
        ("age,count\n18,30\n19,40\nTotal,70\n", "no dimension age"),
    ],
)
def test_counts_that_are_not_those_of_the_records_are_refused(wrong, why):
    made = paid({"A": even(*LARGE, people=10), "B": even(*LARGE, people=10)})
    with pytest.raises(BadTable, match=why):
        share(made, table=shared_table(wrong))


def shared_table(text):
    return read_long("pay.csv", text)


def test_a_person_in_two_cells_is_refused():
    made = read_contributions(
        {"town": ["A", "B", "A"]}, employer=["x", "y", "z"], person=[1, 1, 2], amount=[5, 6, 7]
    )
    with pytest.raises(BadTable, match="two inner cells"):
        share(made)


def test_without_a_dominance_rule_no_money_is_protected():
    with pytest.raises(BadTable, match="need a dominance rule"):
        share(paid({"A": even(*LARGE)}), policy=CellPolicy(6, hide_zeros=True, min_pct_base=20))


def test_the_counts_still_pass_their_own_audit():
    made = random_pay(11, shape=(4, 3), people=300)
    found = share(made)
    report = audit_release(found.protection, Outside(), groups={}, policy=PAY_RULES)
    assert report.passed
    assert np.all(
        [
            bool(row["released"]) == shown
            for row, shown in zip(rows_of(found.money), found.protection.tables[0].shown, strict=True)
        ]
    )
