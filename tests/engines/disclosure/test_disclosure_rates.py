"""Rates per 1,000 say as much as percentages, and give as much away."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure.engine.audit.judge import audit
from disclosure.engine.audit.reading import read
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import read_long
from disclosure.engine.rates import as_percentage
from tests.engines.disclosure.samples import RULES, Case, judge, run


@pytest.mark.parametrize(
    ("rate", "per", "pct"),
    [
        ("12.5", 1000, "1.25"), ("12", 1000, "1.2"), ("0.5", 1000, "0.05"), ("1000", 1000, "100.0"),
        ("0", 1000, "0.0"),
        ("37", 100, "37"), ("37.0", 100, "37.0"), ("0.35", 1, "35"), ("0.350", 1, "35.0"), ("3.5", 10, "35"),
        ("3", 100_000, "0.003"), ("00", 1000, "0.0"),
    ],
)  # fmt: skip
def test_a_rate_is_a_percentage_with_the_point_moved(rate, per, pct):
    assert as_percentage(rate, per=per) == pct


@pytest.mark.parametrize(
    ("rate", "per", "why"),
    [
        ("-1", 1000, "as it was printed"), ("1,200", 100_000, "as it was printed"),
        ("", 1000, "as it was printed"),
        ("1", 500, "per 1, 10"), ("1", 10**7, "per 1, 10"), ("0.4", 1, "coarsely"), ("4", 10, "coarsely"),
        ("1001", 1000, "more than everybody"),
    ],
)  # fmt: skip
def test_what_is_no_rate_or_cannot_be_said_is_refused(rate, per, why):
    with pytest.raises(BadTable, match=why):
        as_percentage(rate, per=per)


@given(st.integers(0, 10**6), st.integers(0, 3), st.sampled_from([1, 10, 100, 1000, 10_000, 100_000]))
def test_both_readers_hear_the_interval_of_the_rate(number, decimals, per):
    text = str(number).zfill(decimals + 1)
    rate = f"{text[:-decimals]}.{text[-decimals:]}" if decimals else text
    try:
        pct = as_percentage(rate, per=per)
    except BadTable:
        return
    value, half = 100 * Fraction(rate) / per, 100 * Fraction(1, 2 * 10**decimals) / per
    written = f"a,released,pct,pct_of\nx,,{pct},a\n"
    heard = read("t.csv", written.encode())[0].share
    assert (heard.low, heard.high) == (value - half, value + half)
    shown = read_long("t.csv", written).rows[0].share()
    assert (Fraction(shown.value), Fraction(shown.half)) == (value, half)


@pytest.mark.obligation("O-79", "O-81")
def test_a_rate_beside_counts_gives_a_withheld_count_away_and_its_twin_does_not():
    def look(rate):
        text = f"a,released,pct,pct_of\nx,,{as_percentage(rate, per=1000)},a\ny,,,\nz,400,,\nTotal,800,,\n"
        return audit([("t.csv", text.encode())], groups={}, policy=RULES)

    # 3 of 800 are 3.75 per 1,000
    leak = next(one for one in look("3.8").leaks if one.people == "a x")
    assert (leak.low, leak.high) == (3, 3)
    assert "0.38 %" in leak.derivation
    assert not [one for one in look("12").leaks if one.people == "a x" and one.low < 6]


def test_protection_withholds_a_rate_with_its_count(tmp_path):
    table = "a,count,pct,pct_of\n" + "".join(
        f"{code},{count},{as_percentage(rate, per=1000)},a\n"
        for code, count, rate in (("x", 3, "3.8"), ("y", 397, "496.3"), ("z", 400, "500.0"))
    )
    case = Case([table + "Total,800,,\n"])
    result = run(case)
    assert judge(case, result, tmp_path).passed
    said = [line.split(",") for line in result.tables[0].public_bytes().decode().splitlines()]
    assert said[1][1] == ""
    assert any(row[1] == "50.00" for row in said)
