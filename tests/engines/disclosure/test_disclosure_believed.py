"""No table is believed before every fact was tried on it, whoever found it: a wrong one hides no leak."""

import numpy as np
import pytest

from bench.disclosure import union
from bench.disclosure.ledger import LEAKS, Project
from disclosure.engine.audit import hearing
from disclosure.engine.audit.system import System
from disclosure.engine.audit.walk import Walk
from tests.engines.disclosure.test_disclosure_moves import judged


def wrong(self, *_):
    """Offer a table in which everybody could be many, or nobody."""
    return np.full(self.system.width, float(self.system.work.spent % 2 * 50))


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize("leak", LEAKS)
def test_wrong_tables_of_a_search_change_no_verdict(leak, monkeypatch):
    project = Project(union.SIZES["tiny"], 5)
    files = project.ledger(project.planted(leak, twin=False))
    right = judged(files, project.groups)
    monkeypatch.setattr(Walk, "whole", lambda self, vector, sign, goal: wrong(self))
    monkeypatch.setattr(hearing, "whole_nearby", lambda system, *_: np.full(system.width, 50.0))
    assert judged(files, project.groups) == right
    assert not right[0]


@pytest.mark.parametrize("change", [-1.0, 1.0])
def test_one_person_too_many_or_too_few_is_seen(change, monkeypatch):
    project = Project(union.SIZES["tiny"], 5)
    seen = []
    holds = System.holds

    def watched(self, table):
        right = holds(self, table)
        if right:
            told = self.part[self.equal]
            number = int(told.indices[0])
            other = table.copy()
            other[number] += change
            seen.append(holds(self, other))
        return right

    monkeypatch.setattr(System, "holds", watched)
    judged(project.ledger(), project.groups)
    assert seen
    assert not any(seen)
