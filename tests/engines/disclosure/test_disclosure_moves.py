"""Moves from table to table: each agrees with every fact, they show much, and no verdict changes."""

import numpy as np
import pytest

from bench.disclosure import union
from bench.disclosure.ledger import LEAKS, Project
from disclosure.engine.audit import hearing, system
from disclosure.engine.audit.judge import audit
from disclosure.engine.audit.moves import Moves
from disclosure.engine.longform import read_long
from disclosure.engine.policy import CellPolicy
from disclosure.engine.protect import protect
from tests.engines.disclosure.generators import blanked, counts, long
from tests.engines.disclosure.samples import RULES

ALWAYS, NEVER = 0, 10**9


@pytest.fixture
def moving(monkeypatch):
    """Let the audit move, and look for corners, always or never; return what tables it moved to."""
    seen = []
    wander = Moves.wander

    def watched(self, table, sums, wishes, see):
        def looks(x):
            full = np.where(self.place < 0, self.system.value, 0.0)
            full[self.system.representative] = x
            seen.append((self.system, full))
            return see(x)

        return wander(self, table, sums, wishes, looks)

    monkeypatch.setattr(Moves, "wander", watched)
    monkeypatch.setattr(hearing, "_FEW", ALWAYS)
    corners = hearing.Hearing._wander

    def after_moves(self, wishes, *, patience):
        return list(wishes) if patience == 1 else corners(self, wishes, patience=patience)

    monkeypatch.setattr(hearing.Hearing, "_wander", after_moves)

    def always(wide):
        seen.clear()
        monkeypatch.setattr(hearing, "_WIDE", wide)
        monkeypatch.setattr(system, "_WIDE", wide)
        return seen

    return always


def judged(files, groups=None, policy=RULES):
    report = audit(files, groups=groups or {}, policy=policy)
    return report.passed, sorted((f.kind, f.people, f.low, f.high) for f in report.leaks)


def drawn(seed, zeros):
    rng = np.random.default_rng(seed)
    text = long(counts(rng, (4, 3, 4), small=0.2), "abc")
    return [("t.csv", blanked(text, rng, zeros_hidden=zeros).encode())], CellPolicy(
        min_count=6, hide_zeros=zeros, min_pct_base=20
    )


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize("zeros", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_a_verdict_is_the_same_with_moves(seed, zeros, moving):
    files, policy = drawn(seed, zeros)
    moving(NEVER)
    without = judged(files, policy=policy)
    seen = moving(ALWAYS)
    assert judged(files, policy=policy) == without
    assert all(facts_hold(*each) for each in seen)


@pytest.mark.parametrize("leak", [*LEAKS, None])
def test_a_project_of_many_releases_is_judged_the_same_with_moves(leak, moving):
    project = Project(union.SIZES["tiny"], 5)
    files = project.ledger(project.planted(leak, twin=False) if leak else ())
    moving(NEVER)
    without = judged(files, project.groups)
    seen = moving(ALWAYS)
    assert judged(files, project.groups) == without
    assert without[0] is (leak is None)
    assert len({table.tobytes() for _, table in seen}) > 1
    assert all(facts_hold(*each) for each in seen)


def facts_hold(told, table):
    """Say whether a table is one: whole numbers, none below 0, and all that was released is true of it."""
    there = told.facts @ table
    return bool(
        (table >= 0).all()
        and (table == np.round(table)).all()
        and (there >= told.low - 1e-6).all()
        and (there <= told.high + 1e-6).all()
    )


def test_moves_show_what_corners_would_be_asked_for(moving, monkeypatch):
    """Else they are of no use: what they leave is asked of the solver, one by one."""
    told = []
    move = hearing.Hearing._move

    def counted(self, wishes):
        left = move(self, wishes)
        told.append((len(wishes), len(left)))
        return left

    monkeypatch.setattr(hearing.Hearing, "_move", counted)
    moving(ALWAYS)
    project = Project(union.SIZES["small"], 1)
    assert judged(project.ledger(), project.groups)[0]
    ((before, after),) = told
    assert before > 20
    assert after <= before / 2


def test_the_same_files_make_the_same_moves(moving):
    project = Project(union.SIZES["tiny"], 5)
    files = project.ledger()
    seen = moving(ALWAYS)
    told = []
    for _ in range(2):
        seen.clear()
        judged(files, project.groups)
        told.append([table.tobytes() for _, table in seen])
    assert told[0] == told[1]
    assert told[0]


def test_of_two_categories_corners_show_nearly_all_and_nothing_is_moved(monkeypatch):
    """Moves took ten times as long there: the corners of such tables are whole."""
    asked = []
    monkeypatch.setattr(
        Moves, "wander", lambda self, table, sums, wishes, see: asked.append(wishes) or wishes
    )
    rng = np.random.default_rng(3)
    text = long(counts(rng, (60, 40), small=0.12), "ab")
    patterns = protect([read_long("t", text)], hierarchies={}, policy=RULES, seconds=20)
    (table,) = patterns.tables
    report = audit([("t.csv", table.public_bytes())], groups={}, policy=RULES)
    assert report.passed
    assert report.withheld > hearing._FEW
    assert not asked
