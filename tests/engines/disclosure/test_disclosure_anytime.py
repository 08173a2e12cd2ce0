"""The limit: a safe pattern is at hand from the start, and the same input stops at the same place."""

import highspy
import numpy as np
import pytest

from disclosure.engine import solver
from disclosure.engine.attacker import Attacker
from disclosure.engine.choice import choose
from disclosure.engine.fallback import by_worlds
from disclosure.engine.lines import Lines
from disclosure.engine.longform import read_long
from disclosure.engine.master import Master
from disclosure.engine.problem import Wanted, gather
from disclosure.engine.protect import protect
from disclosure.engine.room import Room
from disclosure.engine.rules import find_targets, small_cells
from disclosure.engine.solver import Budget
from tests.engines.disclosure.samples import RULES, Case, cross, judge, random_counts, run
from tests.engines.disclosure.worlds import leaks

CUBE = Case([cross(random_counts(np.random.default_rng(5), (4, 4, 3)))])
TABLE = cross(np.array([[3, 20, 30], [40, 50, 60], [70, 80, 90]]))


def bytes_of(result):
    return [table.public_bytes() for table in result.tables]


@pytest.mark.obligation("O-78", "O-81")
@pytest.mark.parametrize("seconds", [0.001, 0.02, 0.2])
def test_a_limit_too_short_for_a_search_still_ends_safe(seconds, tmp_path):
    result = run(CUBE, seconds=seconds)
    assert judge(CUBE, result, tmp_path).passed
    assert result.gap > 0


def test_the_limit_is_work_and_not_the_clock():
    """A clock that has run out waits for as long again; only then it stops a run, and says so."""
    hurried, calm = (
        protect(
            [read_long("t.csv", TABLE)], hierarchies={}, policy=RULES, seconds=30, left=lambda left=left: left
        )
        for left in (0.0, 1e6)
    )
    assert bytes_of(hurried) == bytes_of(calm)
    assert not hurried.stopped_by_wall
    tables, _ = CUBE.read()
    assert protect(tables, hierarchies={}, policy=RULES, seconds=1, left=lambda: -1.0).stopped_by_wall


def test_a_table_of_small_counts_only_leaves_nothing_to_choose(tmp_path):
    case = Case(["a,count\nx,1\ny,0\nTotal,1\n"])
    result = run(case)
    assert not any(result.tables[0].shown)
    assert judge(case, result, tmp_path).passed


def attacker_of(text):
    problem = gather([read_long("t.csv", text)], [], hierarchies={}, policy=RULES).problem()
    must = small_cells(problem, RULES)
    targets = find_targets(problem, RULES, Lines(problem), must)
    return Attacker(problem, targets, must, reach=30.0, budget=Budget(1e6))


def test_a_solve_that_is_not_settled_never_lifts_the_bound():
    attacker = attacker_of(TABLE)
    cost = np.log2(2 + attacker.problem.count)
    assert choose(attacker, cost, []).gap == 0
    master = Master(attacker_of(TABLE), cost)
    master.bound = 1.0
    master.forbid(master.full(np.zeros(len(master.choice))), (0, 1), proven=False)
    master.bound = 9.0
    assert master.proven == 1.0
    master = Master(attacker_of(TABLE), cost)
    master.forbid(master.full(np.zeros(len(master.choice))), (0, 1), proven=True)
    master.bound = 9.0
    assert master.proven == 9.0


def test_a_solve_that_ends_without_an_answer_is_not_taken_for_a_proof(monkeypatch):
    attacker = attacker_of(TABLE)
    room = Room(attacker, *attacker.cell_bounds(np.ones(len(attacker.problem.keys))))
    wish = attacker.wishes[0]
    assert room.whole_world(wish)[0] is not None
    monkeypatch.setitem(attacker.goal, wish, 1e9)
    assert room.whole_world(wish) == (None, True)
    late = solver.run
    status = highspy.HighsModelStatus.kTimeLimit
    monkeypatch.setattr(solver, "run", lambda *args, **options: late(*args, **options) and status)
    assert room.whole_world(wish) == (None, False)  # nothing is found, nothing is proven


def test_known_worlds_make_a_safe_pattern_without_a_solve():
    attacker = attacker_of(TABLE)
    master = Master(attacker, np.log2(2 + attacker.problem.count))
    everything = np.ones(len(master.choice))
    assert by_worlds(attacker, master.place, master.cost, everything) is everything
    assert master.make_safe(np.zeros(len(master.choice)), np.zeros(len(master.choice))) is not None
    before = attacker.budget.spent
    pattern = by_worlds(attacker, master.place, master.cost, everything)
    assert attacker.budget.spent == before
    assert pattern.sum() < everything.sum()
    assert master.still_safe(pattern)


def test_what_an_audit_found_is_guarded_from_then_on():
    text = "a,count\nx,2\ny,40\nz,3\nw,50\nTotal,95\n"
    tables = [read_long("t.csv", text)]
    plain = protect(tables, hierarchies={}, policy=RULES, seconds=5)
    assert plain.tables[0].shown == (False, False, False, True, True)
    wanted = [Wanted("cell", ({"a": "w"},)), Wanted("residual", ({"a": "x"}, {"a": "z"}))]
    asked = protect(tables, hierarchies={}, policy=RULES, seconds=5, wanted=wanted)
    assert asked.tables[0].shown == (False, True, False, False, True)
    assert not leaks([text], [t.public_bytes().decode() for t in asked.tables])
