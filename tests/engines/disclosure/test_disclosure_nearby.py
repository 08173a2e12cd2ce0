"""A table near one that is known: few numbers change, every fact stays true, and no verdict changes."""

import numpy as np
import pytest

from bench.disclosure import union
from bench.disclosure.ledger import LEAKS, Project
from disclosure.engine.audit import hearing, nearby, system
from disclosure.engine.audit.judge import audit
from disclosure.engine.audit.moves import Moves
from tests.engines.disclosure.samples import RULES
from tests.engines.disclosure.test_disclosure_moves import facts_hold, judged

FEW = 60
ALWAYS, NEVER = 0, 10**9


@pytest.fixture
def looked(monkeypatch):
    """Look nearby among so many unknowns, and never move; return what was wished for and found."""
    found = []

    def watched(whole, vector, sign, goal):
        base = whole.base
        x = nearby.whole_nearby(whole, vector, sign, goal)
        if base is not None:
            found.append((whole, base, vector, sign, goal, x))
        return x

    monkeypatch.setattr(hearing, "whole_nearby", watched)
    monkeypatch.setattr(hearing, "_WIDE", ALWAYS)
    monkeypatch.setattr(system, "_WIDE", ALWAYS)
    monkeypatch.setattr(Moves, "wander", lambda self, table, sums, wishes, see: wishes)
    monkeypatch.setattr(hearing.Hearing, "_wander", lambda self, wishes, patience: list(wishes))
    monkeypatch.setattr(hearing, "_FEW", 10**9)

    def among(size):
        found.clear()
        monkeypatch.setattr(nearby, "_SIZE", size)
        return found

    return among


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize("leak", [*LEAKS, None])
def test_what_is_found_fits_and_the_verdict_is_the_same(leak, looked):
    project = Project(union.SIZES["tiny"], 5)
    files = project.ledger(project.planted(leak, twin=False) if leak else ())
    looked(NEVER)
    without = judged(files, project.groups)
    found = looked(FEW)
    assert judged(files, project.groups) == without
    assert without[0] is (leak is None)
    shown = [each for each in found if each[-1] is not None]
    assert len(shown) > len(found) / 2
    for whole, base, vector, sign, goal, x in shown:
        full = np.where(np.isnan(whole.known), 0.0, whole.value)
        full[whole.representative] = x
        assert facts_hold(whole, full)
        assert sign * (vector @ x)[0] >= goal - 1e-6
        assert 0 < (x != base).sum() <= FEW


def test_nothing_is_said_where_no_table_is_known_or_all_are_near(looked):
    found = looked(NEVER)
    project = Project(union.SIZES["tiny"], 5)
    audit(project.ledger(), groups=project.groups, policy=RULES)
    assert found
    assert all(x is None for *_, x in found)
    whole, _, vector, sign, goal, _ = found[0]
    looked(FEW)
    whole.base = None
    assert nearby.whole_nearby(whole, vector, sign, goal) is None
