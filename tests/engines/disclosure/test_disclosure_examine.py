"""Examining a file: every way it can end, and only one of them releases anything."""

import json
from dataclasses import replace

import pytest

from disclosure.engine import release, sheet
from disclosure.engine.audit.findings import Finding
from disclosure.engine.errors import SolverFailed, Stopped
from disclosure.engine.examine import UNSETTLED, Beside, examine
from tests.engines.disclosure.samples import RULES

TABLE = b"school,count\nA,3\nB,40\nC,50\nTotal,93\n"


def look(content=TABLE, earlier=(), **options):
    return examine("t.csv", content, Beside(released=earlier), policy=RULES, seconds=5, **options)


@pytest.mark.obligation("O-78", "O-81")
def test_a_table_that_can_be_protected_is_safe():
    found = look()
    assert found.verdict == "safe"
    (content,) = found.released()
    assert content == b"school,released\nA,\nB,\nC,50\nTotal,93\n"
    told = json.loads(sheet.written(found))
    assert told["tables"][0]["rows"][0]["count"] == 3
    assert told["tables"][0]["rows"][0]["reason"] == "small"
    ranges = [
        row["interval"] and (row["interval"]["low"], row["interval"]["high"])
        for row in told["tables"][0]["rows"]
    ]
    assert ranges[2:] == [None, None]
    assert all(low == 0 and high >= 5 for low, high in ranges[:2])


@pytest.mark.obligation("O-81")
def test_what_an_earlier_release_gives_away_cannot_be_protected():
    found = look(earlier=[("old.csv", b"school,released\nB,40\nC,50\nTotal,93\n")])
    assert found.verdict == "no_pattern"
    assert found.released() == []
    assert any("old.csv" in fact for fact in found.facts)


def test_what_contradicts_an_earlier_release_is_not_read():
    found = look(earlier=[("old.csv", b"school,released\nB,41\n")])
    assert found.verdict == "unreadable"
    assert found.released() == []


@pytest.mark.parametrize("content", [b"", b"no table", b"\xff\xfe", b"a,b\nx,few\n"])
def test_what_is_no_table_is_not_read(content):
    assert look(content).verdict == "unreadable"


@pytest.mark.parametrize("failure", [SolverFailed("broken"), Stopped("too long")])
@pytest.mark.parametrize("where", ["protect", "audit"])
def test_a_solver_that_fails_releases_nothing(monkeypatch, failure, where):
    def fail(*args, **options):
        raise failure

    monkeypatch.setattr(release, where, fail)
    found = look()
    assert found.verdict == "not_settled"
    assert found.released() == []


@pytest.mark.obligation("O-81")
def test_a_pattern_that_the_audit_breaks_releases_nothing(monkeypatch):
    """The side that protects is made blind; the side that audits still sees."""
    real = release.protect

    def blind(tables, *args, **options):
        result = real(tables, *args, **options)
        shown = tuple(row.count >= 6 for row in tables[0].rows)
        return replace(result, tables=(replace(result.tables[0], shown=shown),))

    monkeypatch.setattr(release, "protect", blind)
    found = look()
    assert found.verdict == "not_settled"
    assert found.released() == []
    assert found.report.leaks


@pytest.mark.obligation("O-79")
def test_the_hundred_percent_beside_a_total_tells_nothing():
    text = b"age,count,pct,pct_of\nA,7,7.0,age\nB,93,93.0,age\nTotal,100,100.0,age\n"
    found = look(text)
    assert found.verdict == "safe"
    assert found.released() == [b"age,pct,pct_of,released\nA,7.0,age,7\nB,93.0,age,93\nTotal,100.0,age,100\n"]


@pytest.mark.obligation("O-79")
def test_a_percentage_that_says_everybody_is_withheld():
    lines = ["age,sex,count,pct,pct_of", "A,f,50,100.0,sex", "A,Total,50,,", "B,f,40,57.1,sex"]
    lines += ["B,m,30,42.9,sex", "B,Total,70,100.0,sex", ""]
    found = look("\n".join(lines).encode())
    assert found.verdict == "safe"
    (content,) = found.released()
    assert b"B,Total,100.0,sex,70" in content
    assert b"A,f,100.0" not in content


@pytest.mark.obligation("O-81")
def test_with_a_leak_there_is_nothing_to_rule_on():
    found = look()
    leak = Finding("cell", "A", 3, 3, "made up", ())
    leaking = replace(found, verdict="not_settled", report=replace(found.report, leaks=(leak,)))
    unsettled = replace(found.report, leaks=(replace(leak, derivation=UNSETTLED),))
    assert leaking.audited() == []
    assert replace(leaking, report=unsettled).audited() == found.released()
    assert replace(leaking, report=unsettled).released() == []
