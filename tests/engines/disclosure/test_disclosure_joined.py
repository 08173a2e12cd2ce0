"""Linked tables by way of the tables apart: whole tables are walked to, and nothing is shown on trust."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from disclosure.engine.audit.judge import audit
from disclosure.engine.audit.witness import Block, Witnesses
from disclosure.engine.codes import read_hierarchy
from disclosure.engine.errors import BadTable
from disclosure.engine.exchange import Exchange, Wanted, can_exchange
from disclosure.engine.longform import read_long
from disclosure.engine.problem import Problem, gather
from disclosure.engine.protect import protect
from disclosure.engine.solver import Budget
from tests.engines.disclosure.samples import RULES, ZEROS_SHOWN, Case, cross, judge
from tests.engines.disclosure.test_disclosure_linked import WIDE, pairs

NORTH = "parent,child\nnorth,a0\nnorth,a1\nsouth,a2\nsouth,a3\nsouth,a4\n"


def problem_of(tables: list[str], policy=RULES, **hierarchies: str) -> Problem:
    """Gather tables as a problem."""
    read = [read_long(f"t{i}.csv", text) for i, text in enumerate(tables)]
    known = {name: read_hierarchy(name, text) for name, text in hierarchies.items()}
    return gather(read, [], hierarchies=known, policy=policy).problem()


def first_table(problem: Problem) -> tuple[Exchange, np.ndarray]:
    """Walk to a table in whole numbers that fits all counts."""
    exchange = Exchange(problem, Budget(1e6))
    exactly = Wanted(problem.count, problem.count, np.ones(len(problem.count)))
    walk = exchange.near(exchange.spread(problem.count), exactly, steps=6_000)
    assert walk.arrived
    return exchange, walk.table


def fits(problem: Problem, exchange: Exchange, table: np.ndarray) -> bool:
    """Say whether a table agrees with every count, by the sums of the problem itself."""
    counted = problem.incidence.cells @ exchange.merged(table)
    return bool((table >= 0).all() and (counted == problem.count).all())


@pytest.mark.parametrize(("dimensions", "size", "people"), [(4, 6, 2000), (5, 6, 1500), (4, 10, 4000)])
def test_a_whole_table_behind_linked_tables_is_walked_to(dimensions, size, people):
    problem = problem_of(pairs(dimensions, size, people))
    exchange, table = first_table(problem)
    assert fits(problem, exchange, table)
    assert exchange.budget.spent < 12_000  # a second


def test_groups_of_codes_are_walked_with():
    joint = np.random.default_rng(3).poisson(2.0, (5, 4, 4, 4))
    groups = {"a": {"north": ["a0", "a1"], "south": ["a2", "a3", "a4"]}}
    tables = [
        cross(joint.sum(axis=tuple({0, 1, 2, 3} - set(two))), names=["abcd"[d] for d in two], groups=groups)
        for two in itertools.combinations(range(4), 2)
    ]
    problem = problem_of(tables, a=NORTH)
    exchange, table = first_table(problem)
    assert fits(problem, exchange, table)


def test_nobody_is_put_where_nobody_can_be():
    """Structural zeros of two dimensions hold, also where no table crosses these two."""
    joint = np.random.default_rng(4).poisson(3.0, (4, 4, 4))
    joint[0, 1, :] = 0
    names = ["a", "b", "c"]
    tables = [cross(joint.sum(axis=d), names=names[:d] + names[d + 1 :]) for d in (0, 1)]
    tables.append(cross(joint.sum(axis=(1, 2)), names=["a"]))
    never = replace(RULES, structural_zeros=(frozenset({("a", "a0"), ("b", "b1")}),))
    problem = problem_of(tables, never)
    exchange = Exchange(problem, Budget(1e6))
    crowd = np.zeros(64, dtype=np.int64)
    crowd[-1] = joint.sum()  # all in one place: everybody has to move
    exactly = Wanted(problem.count, problem.count, np.ones(len(problem.count)))
    walk = exchange.near(crowd, exactly, steps=6_000)
    assert walk.arrived
    assert fits(problem, exchange, walk.table)
    assert not walk.table.reshape(exchange.shape)[0, 1].any()
    assert problem_of(tables).incidence.blocks != problem.incidence.blocks


def test_a_walk_reaches_a_goal_where_cells_may_move_and_leaves_the_others_alone():
    problem = problem_of(WIDE)
    exchange, table = first_table(problem)
    cells = [problem.number[problem.space.key({"a": a, "b": b})] for a in ("a0", "a1") for b in ("b0", "b1")]
    low, high = problem.count.copy(), problem.count.copy()
    low[cells] -= 5
    high[cells] += 5
    low[cells[0]] = high[cells[0]] = problem.count[cells[0]] + 4
    walk = exchange.near(table, Wanted(low, high, np.ones(len(low))), steps=2_000)
    assert walk.arrived
    apart = problem.incidence.cells @ exchange.merged(walk.table) - problem.count
    assert apart[cells].tolist() == [4, -4, -4, 4]
    assert not np.delete(apart, cells).any()


def test_a_walk_to_what_cannot_be_does_not_arrive():
    problem = problem_of(WIDE)
    exchange, table = first_table(problem)
    low = problem.count.copy()
    low[problem.number[problem.space.key({"a": "a0", "b": "b0"})]] += 1  # the line around it is shown
    walk = exchange.near(table, Wanted(low, np.maximum(low, problem.count), np.ones(len(low))), steps=300)
    assert not walk.arrived
    assert walk.off_at_best.any()


def test_tables_apart_know_less_than_all_together():
    """What the tables say holds apart, too; in fewer unknowns."""
    problem = problem_of(WIDE)
    apart = problem.incidence.apart()
    assert len(apart.blocks) == 6
    assert apart.size == 6 * 36 < problem.incidence.size
    inner = [k for block in apart.blocks for k in _inner(problem, sorted(block))]
    told = np.array([problem.count[problem.number[k]] for k in inner])
    assert (apart.cells @ told == problem.count).all()
    assert not (apart.links @ told).any()
    assert apart.links.shape[0] > 0


def _inner(problem: Problem, dims: list[int]) -> list[tuple[int, ...]]:
    one, two = dims
    wide = len(problem.space.names)
    return [
        tuple(a if d == one else b if d == two else 0 for d in range(wide))
        for a in range(1, 7)
        for b in range(1, 7)
    ]


@pytest.mark.obligation("O-78", "O-81")
@pytest.mark.parametrize("policy", [RULES, ZEROS_SHOWN])
def test_the_pattern_is_safe_by_an_audit_that_finds_its_own_tables(policy):
    """Five hundred inner cells: few enough for the audit to answer alone."""
    case = Case(pairs(3, 8, 2500, seed=3))
    problem = problem_of(case.tables, policy)
    assert can_exchange(problem)
    result = protect(case.read()[0], hierarchies={}, policy=policy, seconds=1)
    assert judge(case, replace(result, witnesses=Witnesses()), policy=policy).passed
    assert result.complementary < result.cells / 4
    again = protect(case.read()[0], hierarchies={}, policy=policy, seconds=1)
    assert [t.public_bytes() for t in again.tables] == [t.public_bytes() for t in result.tables]


def test_a_table_that_is_offered_does_not_hide_a_contradiction():
    """Nearly all are alike in a and b, and in a and c, so in b and c, too: other numbers cannot be."""
    alike, mixed = np.full((6, 6), 12) + 528 * np.eye(6, dtype=int), np.full((6, 6), 100)
    names = list(itertools.combinations("abcd", 2))
    true = [cross(mixed if "d" in two else alike, names=list(two)) for two in names]
    false = [
        cross(mixed, names=list(two)) if two == ("b", "c") else text
        for two, text in zip(names, true, strict=True)
    ]
    exchange, table = first_table(problem_of(true))
    space = exchange.problem.space
    block = Block(space.names, tuple(tuple(dim.leaves) for dim in space.dims))
    offered = Witnesses((block,), [table])
    assert audit(_released(true), groups={}, policy=RULES, witnesses=offered).passed
    with pytest.raises(BadTable, match="no table agrees"):
        audit(_released(false), groups={}, policy=RULES, witnesses=offered)


def _released(tables: list[str]) -> list[tuple[str, bytes]]:
    return [(f"t{i}.csv", text.replace("count", "released").encode()) for i, text in enumerate(tables)]
