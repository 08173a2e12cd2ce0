"""What follows line by line: bounds that hold, leaks told as the solver tells them, and sums that add up."""

import numpy as np
import pytest

from bench.disclosure import union
from bench.disclosure.ledger import LEAKS, Project
from disclosure.engine.audit import hearing, telling
from disclosure.engine.audit.chains import Chains
from disclosure.engine.audit.judge import audit
from disclosure.engine.audit.work import Contradiction
from disclosure.engine.policy import CellPolicy
from tests.engines.disclosure.derivations import Facts
from tests.engines.disclosure.generators import blanked, counts, long, project
from tests.engines.disclosure.samples import RULES
from tests.engines.disclosure.test_disclosure_planted import PLANTED, look, named, planted

ALWAYS, NEVER = 0, 10**9


@pytest.fixture
def chained(monkeypatch):
    """Follow bounds line by line always or never; return what was asked and how, with what they gave."""
    asked = []
    derive = Chains.derive

    def watched(self, question, low, high):
        told = derive(self, question, low, high)
        asked.append(told)
        return told

    def nothing(self, question, low, high):
        return None

    def always(wide):
        asked.clear()
        monkeypatch.setattr(hearing, "_WIDE", wide)
        monkeypatch.setattr(telling, "_FEW", wide)
        monkeypatch.setattr(Chains, "derive", watched if wide == ALWAYS else nothing)
        return asked

    return always


def judged(report):
    return report.passed, sorted((f.kind, f.people, f.low, f.high) for f in report.leaks)


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize(("kind", "seed"), PLANTED)
def test_a_planted_leak_is_told_alike_and_its_derivation_adds_up(kind, seed, chained):
    texts, groups, expected, known = planted(kind, seed, leak=True)
    chained(NEVER)
    without = judged(look(texts, groups, known))
    chained(ALWAYS)
    report = look(texts, groups, known)
    assert judged(report) == without
    printed = Facts(dict([*named(texts, "release"), *named(known, "public")]), groups)
    told = [printed.worked_out(leak) for leak in report.leaks]
    assert expected in told
    assert told == [(leak.low, leak.high) for leak in report.leaks]


@pytest.fixture
def made(monkeypatch, chained):
    """Follow bounds always; return what was followed, one for each case."""
    chained(ALWAYS)
    found = []
    begin = Chains.__init__

    def watched(self, case):
        begin(self, case)
        found.append(self)

    monkeypatch.setattr(Chains, "__init__", watched)
    return found


def drawn(seed, *, zeros, shares=False):
    """Draw three crossed categories, of which a quarter of the counts is blank."""
    rng = np.random.default_rng(seed)
    text = long(counts(rng, (4, 3, 4), small=0.2), "abc", share="c" if shares else None)
    return [("t.csv", blanked(text, rng, zeros_hidden=zeros).encode())]


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize("zeros", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_no_bound_is_narrower_than_what_can_be(seed, zeros, made):
    rules = CellPolicy(min_count=6, hide_zeros=zeros, min_pct_base=20)
    audit(drawn(seed, zeros=zeros, shares=seed % 2 == 1), groups={}, policy=rules)
    (chains,) = made
    case = chains.case
    sums, constant = case.system.express(case.sums)
    narrowed = 0
    for number, cell in enumerate(case.cells):
        can = [case.system.extreme(sums, number, sign, whole=True) + constant[number] for sign in (-1, 1)]
        assert chains.low[number] <= can[0] + 1e-6
        assert can[1] <= chains.high[number] + 1e-6
        narrowed += chains.low[number] > cell.low or chains.high[number] < cell.high
    assert narrowed > 10


@pytest.mark.parametrize("seed", range(0, 70, 7))
def test_random_projects_are_judged_the_same(seed, chained):
    one = project(seed)
    rules = CellPolicy(min_count=6, hide_zeros=one.zeros_hidden, min_pct_base=20)
    rng = np.random.default_rng(seed)
    texts = [
        blanked(text, rng, zeros_hidden=one.zeros_hidden) for release in one.releases for text in release
    ]
    files = [(f"t{i}.csv", text.encode()) for i, text in enumerate(texts, start=1)]
    groups = {name: text.encode() for name, text in one.groups.items()}
    chained(NEVER)
    without = judged(audit(files, groups=groups, policy=rules))
    asked = chained(ALWAYS)
    report = audit(files, groups=groups, policy=rules)
    assert judged(report) == without
    if any(asked):
        printed = Facts(dict(files), one.groups)
        for leak in report.leaks:
            if leak.derivation in asked and "more facts" not in leak.derivation:
                assert printed.worked_out(leak) == (leak.low, leak.high)


@pytest.mark.parametrize("leak", LEAKS)
def test_what_cannot_be_is_not_asked_of_the_solver(leak, chained, monkeypatch):
    """A wish beyond all tables costs most of all: the whole of them has to be excluded."""
    asked = []
    alone = hearing.Hearing._alone

    def watched(self, wish):
        alone(self, wish)
        asked.append(self.walk.out_of_reach)

    monkeypatch.setattr(hearing.Hearing, "_alone", watched)
    made_up = Project(union.SIZES["tiny"], 5)
    files = made_up.ledger(made_up.planted(leak, twin=False))
    told = chained(ALWAYS)
    report = audit(files, groups=made_up.groups, policy=RULES)
    assert not made_up.complaints(report, [leak])
    assert not any(asked)
    assert all(told)


def files(*texts):
    return [(f"t{i}.csv", text.encode()) for i, text in enumerate(texts, start=1)]


def test_a_percentage_is_followed_both_ways_in_whole_people(made):
    """A quarter of 85, in the nearest percent, is 20.8 to 21.7, so it is 21."""
    audit(files("a,released,pct,pct_of\nx,,25,a\ny,,,\nTotal,85,,\n"), groups={}, policy=RULES)
    (chains,) = made
    bounds = {chains.case.words(i): (chains.low[i], chains.high[i]) for i in range(len(chains.low))}
    assert bounds["a x"] == (21, 21)
    assert bounds["a y"] == (64, 64)


def test_where_nothing_whole_fits_nothing_is_said(made):
    """A third of ten is no number of people: the solver has to say so, not we."""
    with pytest.raises(Contradiction):
        audit(files("a,released,pct,pct_of\nx,,33.3,a\ny,,,\nTotal,10,,\n"), groups={}, policy=RULES)
    assert made
    assert all((chains.low <= chains.high).all() for chains in made)


def test_a_sum_that_holds_only_of_rounded_numbers_is_not_told(chained):
    """Two quarters of 83 are 21 each, so 41 are left; but 83 less twice 24.5 % is 42."""
    released = files("a,released,pct,pct_of\nx,,25,a\ny,,25,a\nz,,,\nTotal,83,,\n")
    asked = chained(ALWAYS)
    report = audit(released, groups={}, policy=RULES)
    (left,) = [leak for leak in report.leaks if leak.people == "a z"]
    assert (left.low, left.high) == (41, 41)
    assert any(asked)
    assert "fits all released numbers" in left.derivation or Facts(dict(released), {}).worked_out(left)


def test_a_bound_that_comes_from_too_far_is_left_to_the_solver(chained, monkeypatch):
    made_up = Project(union.SIZES["tiny"], 5)
    ledger = made_up.ledger(made_up.planted(LEAKS[0], twin=False))
    asked = chained(ALWAYS)
    told = judged(audit(ledger, groups=made_up.groups, policy=RULES))
    assert any(asked)
    monkeypatch.setattr("disclosure.engine.audit.chains._STEPS", 0)
    asked = chained(ALWAYS)
    assert judged(audit(ledger, groups=made_up.groups, policy=RULES)) == told
    assert asked
    assert not any(asked)
