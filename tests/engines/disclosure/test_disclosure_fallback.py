"""Ways round: what the exact method does not settle ends safe all the same, and the same every time."""

import itertools

import highspy
import numpy as np
import pytest

from disclosure.engine import choice, solver
from disclosure.engine.attacker import Attacker
from disclosure.engine.choice import choose
from disclosure.engine.detours import Detours
from disclosure.engine.errors import SolverFailed
from disclosure.engine.fallback import Ways
from disclosure.engine.lines import Lines
from disclosure.engine.master import Master
from disclosure.engine.problem import gather
from disclosure.engine.rules import find_targets, small_cells
from disclosure.engine.separation import broken_in_whole_numbers, separate
from disclosure.engine.solver import Budget
from disclosure.engine.tidy import Tidy
from tests.engines.disclosure.generators import counts, long
from tests.engines.disclosure.samples import RULES, Case, cross, judge, random_case, random_counts, run

SQUARE = Case([cross(np.array([[3, 20, 90], [9, 50, 60], [70, 80, 90]]))])


def master_of(case, *, work=1e6):
    tables, _ = case.read()
    problem = gather(tables, [], hierarchies={}, policy=RULES).problem()
    must = small_cells(problem, RULES)
    targets = find_targets(problem, RULES, Lines(problem), must)
    attacker = Attacker(problem, targets, must, reach=30.0, budget=Budget(work))
    return Master(attacker, np.log2(2 + problem.count))


def linked(number, seed):
    """Draw two- and three-way margins of one table of four dimensions."""
    joint = counts(np.random.default_rng(seed), (4, 3, 3, 2)) // 4
    margins = [dims for size in (3, 2) for dims in itertools.combinations("abcd", size)]
    return Case([long(joint, "".join(dims)) for dims in margins[:number]])


def is_safe_to_strangers(master, values):
    """Ask everything anew, with no world remembered."""
    known, master.a.worlds = master.a.worlds, []
    y = master.full(values)
    safe = separate(master.a, y).safe and not broken_in_whole_numbers(master.a, y)
    master.a.worlds = known
    return safe


def named(master, values):
    return {master.a.problem.label(c) for c in master.choice[values > 0.5]}


def test_the_cheapest_way_round_is_the_cheapest_rectangle():
    master = master_of(SQUARE)
    detours = Detours(master.a, master.choice, master.cost)
    world = master.a.record(detours.ask(master.a.wishes[0]))
    moved = {master.a.problem.label(c) for c in world.moved}
    assert moved == {"d0 d00, d1 d10", "d0 d00, d1 d11", "d0 d01, d1 d10", "d0 d01, d1 d11"}
    assert 0 in world.grants


def test_a_barred_cell_is_gone_round_and_a_withheld_one_used_again():
    master = master_of(SQUARE)
    detours = Detours(master.a, master.choice, master.cost)
    label = master.a.problem.label
    barred = [i for i, c in enumerate(master.choice) if label(c) == "d0 d01, d1 d11"]
    detours.bar(barred, barred=True)
    assert "d0 d01, d1 d11" not in {label(c) for c in master.a.record(detours.ask((0, 1))).moved}
    detours.bar(barred, barred=False)
    corner = np.array([label(c) in ("d0 d02, d1 d12", "d0 d00, d1 d12") for c in master.choice])
    detours.reprice(corner.astype(float), np.zeros(len(corner)))
    assert "d0 d02, d1 d12" in {label(c) for c in master.a.record(detours.ask((0, 1))).moved}
    detours.reprice(np.zeros(len(corner)), np.zeros(len(corner)))
    assert "d0 d02, d1 d12" not in {label(c) for c in master.a.record(detours.ask((0, 1))).moved}


def test_no_way_round_is_said_and_leaves_no_trace():
    master = master_of(SQUARE)
    detours = Detours(master.a, master.choice, master.cost)
    detours.bar(range(len(master.choice)), barred=True)
    assert detours.ask((0, 1)) is None
    assert detours.ask_whole((0, 1)) is None
    detours.bar(range(len(master.choice)), barred=False)
    assert detours.ask((0, 1)) is not None
    whole = master.a.record(detours.ask_whole((0, 1)))
    assert whole.whole
    assert master.a.wish_number[(0, 1)] in whole.grants


@pytest.mark.obligation("O-78", "O-81")
@pytest.mark.parametrize("seed", range(12))
def test_ways_round_make_a_safe_pattern_from_nothing(seed):
    case = random_case(seed + 6 * (seed % 6 == 3))  # those in groups need their hierarchy
    if case.groups:
        case = Case([cross(random_counts(np.random.default_rng(seed), (3, 3, 2)))])
    master = master_of(case)
    if not len(master.choice):
        return
    master.safe = np.ones(len(master.choice))
    values = Ways(master, np.zeros(len(master.choice))).first()
    assert values is not None
    assert is_safe_to_strangers(master, values)
    assert values.sum() < len(values)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("whole", [False, True])
def test_cells_are_shown_again_exactly_where_a_fresh_look_finds_that_safe(seed, whole):
    rng = np.random.default_rng(seed)
    master = master_of(Case([cross(random_counts(rng, (3, 3, 2) if seed % 2 else (4, 4), zeros=0.1))]))
    values = np.ones(len(master.choice))
    tidy = Tidy(master.a, master.full(values), whole=whole)
    for place in rng.permutation(len(values)):
        values[place] = 0.0
        shown = tidy.show(int(master.choice[place]))
        known, master.a.worlds = master.a.worlds, []
        y = master.full(values)
        safe = separate(master.a, y).safe and not (whole and broken_in_whole_numbers(master.a, y))
        master.a.worlds = known
        assert shown == safe
        values[place] = 0.0 if shown else 1.0
    assert (tidy.hidden == (master.full(values) > 0.5)).all()


@pytest.mark.obligation("O-78", "O-81")
@pytest.mark.parametrize("number", range(3, 8))
def test_linked_tables_end_safe_when_the_exact_method_finds_nothing(number, monkeypatch):
    monkeypatch.setattr(Master, "make_safe", lambda *args, **options: None)
    case = linked(number, seed=number)
    result = run(case, seconds=0.5)
    assert judge(case, result).passed
    assert 0 < result.complementary < result.cells - result.primary
    assert result.gap > 0
    again = run(case, seconds=0.5)
    assert [t.reviewer_bytes() for t in result.tables] == [t.reviewer_bytes() for t in again.tables]


def test_a_better_way_round_costs_less_and_stays_safe():
    master = master_of(Case([cross(random_counts(np.random.default_rng(5), (4, 4, 3)))]))
    master.safe = np.ones(len(master.choice))
    ways = Ways(master, np.zeros(len(master.choice)))
    first = ways.first()
    best = ways.better(first, until=1e4)
    assert master.cost @ best < master.cost @ first
    assert master.cost @ master.safe == pytest.approx(master.cost @ best)
    assert is_safe_to_strangers(master, best)


def test_a_limit_reached_on_the_way_leaves_the_last_safe_pattern(monkeypatch):
    master = master_of(linked(4, seed=1))
    monkeypatch.setattr(master.a.budget, "cap", 0.0)
    master.safe = np.ones(len(master.choice))
    assert Ways(master, np.zeros(len(master.choice))).first() is None
    assert choice._from_worlds(master).all()  # nothing was asked: nothing is shown again
    master.a.budget.extend(0.01)
    shown = choice._from_worlds(master)
    assert 0 < shown.sum() < len(shown)
    assert is_safe_to_strangers(master, shown)


def test_a_solver_that_fails_on_the_way_leaves_the_last_safe_pattern(monkeypatch):
    case = Case([cross(random_counts(np.random.default_rng(5), (4, 4, 3)))])

    def fail(*args):
        raise SolverFailed("No answer.")

    monkeypatch.setattr(Ways, "_another", fail)
    result = run(case, seconds=1)
    assert judge(case, result).passed
    assert result.gap > 0
    monkeypatch.setattr(Detours, "ask", fail)
    monkeypatch.setattr(Master, "make_safe", lambda *args, **options: None)
    with pytest.raises(SolverFailed):
        run(case, seconds=1)


def test_a_search_that_is_fenced_in_proves_nothing(monkeypatch):
    """An interrupted search ends with the pattern it began with, and its bound is no proof."""
    interrupted = highspy.HighsModelStatus.kInterrupt
    run_before = solver.run
    fenced = []

    def cut_short(highs, budget, **options):
        answer = run_before(highs, budget, **options)
        if "until" not in options:
            return answer
        fenced.append(answer)
        return interrupted

    monkeypatch.setattr(solver, "run", cut_short)
    master = master_of(SQUARE)
    master.add([])
    master.relax()
    start = np.ones(len(master.choice))
    _, proven = master.solve_whole(start=start, nodes=1)
    assert fenced
    assert not proven


def test_all_ways_lead_to_the_same_optimum():
    exact = choose(master_of(SQUARE).a, np.log2(2 + master_of(SQUARE).a.problem.count), [])
    master = master_of(SQUARE)
    master.safe = np.ones(len(master.choice))
    ways = Ways(master, np.zeros(len(master.choice)))
    best = ways.better(ways.first(), until=1e5)
    assert exact.gap == 0
    assert exact.cost == pytest.approx(float(master.cost @ best))
    assert len(named(master, best)) == 3
