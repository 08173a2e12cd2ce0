"""Pay behind a cross table: added up as pandas does, attacked before it is told, and refused in words."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from disclosure.engine import crosstab_pay, sheet
from disclosure.engine.codes import TOTAL
from disclosure.engine.crosstab import SEVERAL, Axis, tabulate
from disclosure.engine.crosstab_pay import PayColumns, read_paid
from disclosure.engine.errors import BadTable
from disclosure.engine.examine import Beside
from disclosure.engine.examine_pay import examine_pay
from disclosure.engine.magnitude.records import cents
from disclosure.engine.magnitude.tally import Ledger
from disclosure.engine.magnitude.told import counts_of
from tests.engines.disclosure.money import PAY_RULES

AWAY = "Not in the school file"
TRADE = Axis("trade", "wages.csv", "trade")
SCHOOL = Axis("school", "schools.csv", "school", absent=AWAY)
PAY = PayColumns("wage", "wage", "firm")


def drawn(size=500, seed=4):
    """Draw people with one to three rows of pay each; firm 99 pays nearly all of one trade at one school."""
    rng = np.random.default_rng(seed)
    trade = rng.choice(["Health", "Trade", "Crafts"], size)
    school = rng.choice(["North", "South", ""], size, p=[0.5, 0.4, 0.1])
    rows = []
    for person in range(size):
        firms = rng.integers(0, 40, rng.integers(1, 4))
        if trade[person] == "Crafts" and school[person] == "South":
            firms = [99]
        rows += [(f"p{person}", trade[person], f"f{firm}", f"{rng.lognormal(9, 1):.2f}") for firm in firms]
    wages = pd.DataFrame(rows, columns=["link_id", "trade", "firm", "wage"])
    schools = pd.DataFrame({"link_id": [f"p{n}" for n in range(size)], "school": school})
    return wages, schools[schools["school"] != ""]


def files(wages, schools):
    there = {"wages.csv": wages, "schools.csv": schools}
    return {name: (lambda frame=frame: [frame.to_csv(index=False).encode()]) for name, frame in there.items()}


def look(wages, schools, axes=(TRADE, SCHOOL), *, beside=None, known=(), also=(), measure="sum", **options):
    there = files(wages, schools)
    content = tabulate("wages.csv", axes, there, identifiers=())
    return examine_pay(
        "safe.csv",
        content + b"  \t ,,\n",
        beside or Beside(),
        read=lambda: read_paid("wages.csv", [*axes, *also], PAY, there),
        measure=measure,
        dollars=1,
        known=known,
        policy=options.pop("policy", PAY_RULES),
        seconds=5,
        **options,
    )


def told(found):
    (content,) = found.released()
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_sums_are_those_that_pandas_adds_up_each_person_once():
    wages, schools = drawn()
    made = read_paid("wages.csv", [TRADE, SCHOOL], PAY, files(wages, schools))
    ledger = Ledger(made, {})
    assert not ledger.person_in_two_cells
    joined = wages.merge(schools, how="left").fillna({"school": AWAY})
    joined["cents"] = joined["wage"].map(cents)
    for (trade, school), rows in joined.groupby(["trade", "school"]):
        mine = ledger.tally(ledger.cells_of({"trade": trade, "school": school}), 2)
        by_firm = rows.groupby("firm")["cents"].sum()
        assert (mine.persons, mine.employers) == (rows["link_id"].nunique(), len(by_firm))
        assert (mine.total, mine.largest[0]) == (by_firm.sum(), by_firm.max())


def test_who_has_two_trades_is_in_neither_and_who_has_no_pay_is_counted_and_paid_by_nobody():
    rows = [("a", "Health", "f1", "1.50"), ("a", "Trade", "f2", "2"), ("b", "Health", "", "")]
    wages = pd.DataFrame(rows, columns=["link_id", "trade", "firm", "wage"])
    ledger = Ledger(read_paid("wages.csv", [TRADE], PAY, files(wages, drawn()[1])), {})
    both = ledger.tally(ledger.cells_of({"trade": SEVERAL}), 2)
    none = ledger.tally(ledger.cells_of({"trade": "Health"}), 2)
    assert (both.persons, both.total, both.largest) == (1, 350, (200, 150))
    assert (none.persons, none.total, none.employers) == (1, 0, 0)


WRONG = {
    "an amount that is none": ("f1", "4711x"),
    "an amount below 0": ("f1", "-4711"),
    "no amount": ("f4711", ""),
    "no employer": ("", "4711"),
}


@pytest.mark.parametrize("what", WRONG)
def test_pay_that_cannot_be_added_up_is_refused_without_its_value(what):
    wages = pd.DataFrame([("a", "Health", *WRONG[what])], columns=["link_id", "trade", "firm", "wage"])
    with pytest.raises(BadTable, match="wage: a row has no employer, or no amount in dollars") as refusal:
        read_paid("wages.csv", [TRADE], PAY, files(wages, drawn()[1]))
    assert "4711" not in str(refusal.value)


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(crosstab_pay, "MOST_RECORDS", 10)
    with pytest.raises(BadTable, match="more than 10 rows"):
        read_paid("wages.csv", [TRADE], PAY, files(*drawn()))


@pytest.mark.obligation("O-79", "O-81")
@pytest.mark.parametrize("measure", ["sum", "mean"])
def test_a_table_of_pay_is_safe_when_counts_and_pay_passed_their_attacks(measure):
    found = look(*drawn(), measure=measure)
    assert found.is_safe
    rows = {(row["trade"], row["school"]): row for row in told(found)}
    assert rows["Crafts", "South"][measure] == rows["Crafts", "South"]["released"] == ""
    assert rows[TOTAL, TOTAL][measure]
    hidden = [where for where, row in rows.items() if not row[measure]]
    assert len([where for where in hidden if TOTAL not in where]) >= 4
    (table,) = json.loads(sheet.written(found))["tables"]
    said = {tuple(row["codes"]): row for row in table["rows"]}
    assert "could estimate another's pay" in said["Crafts", "South"]["reason"]
    assert said["Crafts", "South"]["money"]["shown"] == ""
    assert float(said["Crafts", "South"]["money"]["true"]) > 0


def test_pay_told_before_is_attacked_with_it_also_in_another_dimension():
    wages, schools = drawn()
    first = look(wages, schools, [TRADE])
    (before,) = first.released()
    assert told(first)[-1]["sum"]
    earlier = Beside(released=[("first", counts_of(before))])
    second = look(wages, schools, [SCHOOL], beside=earlier, known=[("first", before)], also=[TRADE])
    assert second.is_safe
    without = look(wages, schools, [SCHOOL], beside=earlier, known=[("first", before)])
    assert (without.verdict, without.released()) == ("unreadable", [])
    false = before.replace(told(first)[-1]["sum"].encode(), b"1")
    assert look(wages, schools, [TRADE], beside=earlier, known=[("first", false)]).verdict == "unreadable"


def test_a_table_of_which_no_sum_can_be_told_hands_nothing_on():
    wages, schools = drawn()
    found = look(wages.assign(firm="f1"), schools)
    assert (found.verdict, found.released(), found.audited()) == ("no_pattern", [], [])


def test_without_a_rule_for_pay_or_with_other_counts_there_is_no_table():
    wages, schools = drawn()
    assert look(wages, schools, policy=replace(PAY_RULES, dominance=None)).verdict == "unreadable"
    there = files(wages.iloc[1:], schools)
    content = tabulate("wages.csv", [TRADE], files(*drawn(seed=5)), identifiers=())
    found = examine_pay(
        "safe.csv", content, Beside(), read=lambda: read_paid("wages.csv", [TRADE], PAY, there),
        measure="sum", dollars=1, known=(), policy=PAY_RULES, seconds=5,
    )  # fmt: skip
    assert (found.verdict, found.released()) == ("unreadable", [])
