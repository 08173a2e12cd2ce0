"""The rule of 20: of the base of a percentage, and where the policy says so of the count itself."""

from dataclasses import replace

import pytest

from disclosure.engine.audit.judge import audit
from disclosure.engine.cli import main
from disclosure.engine.errors import BadTable
from disclosure.engine.examine import examine
from disclosure.engine.policy import from_toml, strictest
from tests.engines.disclosure.samples import RULES

OF_THE_COUNT = replace(RULES, min_pct_count=20)
TABLE = """a,count,pct,pct_of
x,15,15.0,a
y,20,20.0,a
z,65,65.0,a
Total,100,100.0,a
"""


def percentages(text, policy):
    found = examine("t.csv", text.encode(), policy=policy, seconds=5)
    assert found.verdict == "safe", found.message
    return found, [line.split(",")[1] for line in found.released()[0].decode().splitlines()[1:]]


@pytest.mark.obligation("O-79", "O-167")
def test_the_base_is_asked_always_and_the_count_where_the_policy_says_so():
    assert percentages(TABLE, RULES)[1] == ["15.0", "20.0", "65.0", "100.0"]
    found, shown = percentages(TABLE, OF_THE_COUNT)
    assert shown == ["", "20.0", "65.0", "100.0"]
    assert found.protection.tables[0].reasons[0] == "percentage of too small a count"
    small = "a,count,pct,pct_of\nx,7,36.8,a\ny,12,63.2,a\nTotal,19,100.0,a\n"
    assert percentages(small, RULES)[1] == ["", "", ""]


@pytest.mark.obligation("O-167")
def test_the_audit_finds_one_that_stands_for_fewer():
    public = b"a,released,pct,pct_of\nx,15,4,a\ny,,5,a\nz,,,\nTotal,400,,\n"
    assert audit([("p", public)], groups={}, policy=RULES).passed
    (leak,) = audit([("p", public)], groups={}, policy=OF_THE_COUNT).leaks
    assert "it stands for fewer than 20" in leak.derivation
    truth = [("t", b"a,count\nx,15\ny,19\nz,366\nTotal,400\n")]
    told = audit([("p", public)], groups={}, policy=OF_THE_COUNT, truth=truth)
    assert [leak.people for leak in told.leaks if "fewer than 20" in leak.derivation] == [
        "a x among everyone",
        "a y among everyone",
    ]


def test_the_command_line_takes_it_from_the_policy_file(tmp_path):
    table, policy, out = tmp_path / "t.csv", tmp_path / "p.toml", tmp_path / "o.csv"
    table.write_text(TABLE)
    policy.write_text("min_pct_count = 20\n")
    assert main(["protect", str(table), "--policy", str(policy), "--out", str(out)]) == 0
    assert "x,15,15.0,a,15,percentage of too small a count" in out.read_text()
    assert main(["audit", str(out), "--policy", str(policy)]) == 0
    assert main(["audit", str(table), "--policy", str(policy)]) == 1


def test_of_several_policies_the_highest_is_asked_and_no_nonsense():
    assert strictest([RULES, OF_THE_COUNT]).min_pct_count == 20
    for text in ("min_pct_count = -1", "min_pct_count = true", "min_pct_count = 1.5"):
        with pytest.raises(BadTable, match="min_pct_count"):
            from_toml(text, defaults=RULES)
