"""Many random projects: nothing falls out, by the audit and by an oracle that shares nothing with it."""

import numpy as np
import pytest

from disclosure.engine.audit.judge import audit
from disclosure.engine.codes import read_hierarchy
from disclosure.engine.errors import BadTable, NoSafePattern, SolverFailed, Stopped
from disclosure.engine.longform import read_long
from disclosure.engine.policy import CellPolicy
from disclosure.engine.protect import protect
from disclosure.engine.release import Outside, audit_release
from tests.engines.disclosure.generators import KINDS, blanked, project
from tests.engines.disclosure.oracle import Oracle
from tests.engines.disclosure.samples import RULES, ZEROS_SHOWN, Case, cross, judge, random_case, run

_MOST_COME_OUT = 17  # of twenty projects: at least so many have something that may be released


def assert_safe(case, policy=RULES, seconds=1.0):
    result = run(case, policy, seconds=seconds)
    report = judge(case, result, policy=policy)
    assert report.passed, [leak.as_json() for leak in report.leaks]
    return result


@pytest.mark.obligation("O-78", "O-81")
@pytest.mark.parametrize("seed", range(36))
def test_no_kind_of_table_leaks(seed):
    assert_safe(random_case(seed))


@pytest.mark.parametrize("seed", range(100, 112))
def test_no_kind_of_table_leaks_when_zeros_are_shown(seed):
    assert_safe(random_case(seed), ZEROS_SHOWN)


def careless(seed):
    """Release a project carelessly; return what audit and oracle say (None: contradiction)."""
    made, rng = project(seed), np.random.default_rng(10**6 + seed)
    policy = CellPolicy(6, hide_zeros=made.zeros_hidden, min_pct_base=20)
    texts = [text for release in made.releases for text in release]
    public = [blanked(text, rng, zeros_hidden=made.zeros_hidden) for text in texts]
    lent = texts if rng.random() < 0.5 else []
    try:
        report = audit(
            [(f"p{i}", text.encode()) for i, text in enumerate(public)],
            groups={name: text.encode() for name, text in made.groups.items()},
            policy=policy,
            truth=[(f"t{i}", text.encode()) for i, text in enumerate(lent)],
        )
        said = [leak for leak in report.leaks if leak.kind != "percentage"]
    except BadTable:
        said = None
    oracle = Oracle(public, lent, made.groups, zeros_hidden=made.zeros_hidden)
    try:
        return said, oracle.leaks()
    except ArithmeticError:
        return said, None


def verdicts(seed):
    """Return what audit and oracle make of it, and what they found."""
    both = careless(seed)
    return *("contradiction" if found is None else bool(found) for found in both), both


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize("seed", range(40))
def test_audit_and_oracle_agree_on_careless_releases(seed):
    by_audit, by_oracle, found = verdicts(seed)
    assert by_audit == by_oracle, found


@pytest.mark.long
@pytest.mark.parametrize("start", range(1000, 1400, 20))
def test_audit_and_oracle_agree_at_length(start):
    for seed in range(start, start + 20):
        by_audit, by_oracle, found = verdicts(seed)
        assert by_audit == by_oracle, (seed, found)


def released(seed, seconds=0.4):
    """Protect a project release by release; yield the own audit's report and the oracle's findings."""
    made = project(seed)
    policy = CellPolicy(6, hide_zeros=made.zeros_hidden, min_pct_base=20)
    hierarchies = {name: read_hierarchy(name, text) for name, text in made.groups.items()}
    groups = {name: text.encode() for name, text in made.groups.items()}
    earlier = []
    for number, texts in enumerate(made.releases):
        tables = [read_long(f"{number}-{i}.csv", text) for i, text in enumerate(texts)]
        before = [read_long(name, content.decode()) for name, content in earlier]
        try:
            result = protect(tables, before, hierarchies=hierarchies, policy=policy, seconds=seconds)
        except (NoSafePattern, Stopped, SolverFailed):
            return  # nothing is released
        report = audit_release(result, Outside(earlier), groups=groups, policy=policy)
        public = [table.public_bytes() for table in result.tables]
        everything = [content.decode() for content in public] + [content.decode() for _, content in earlier]
        yield report, Oracle(everything, texts, made.groups, zeros_hidden=made.zeros_hidden).leaks()
        if not report.passed:
            return
        earlier += [(f"{number}-{i} (released)", content) for i, content in enumerate(public)]


def settle(seed):
    """Say how many releases came out, all of them safe by the own audit and by the oracle, which agree."""
    count = 0
    for report, found in released(seed):
        assert report.passed == (not found), (seed, report.leaks, found)
        assert report.passed, (seed, report.leaks)
        count += 1
    return count


@pytest.mark.obligation("O-78", "O-81")
@pytest.mark.parametrize("seed", [s for s in range(40) if KINDS[s % len(KINDS)] != "four"])
def test_what_is_protected_is_safe_by_audit_and_oracle(seed):
    assert settle(seed) > 0


@pytest.mark.long
@pytest.mark.parametrize("start", range(0, 2000, 20))
def test_two_thousand_projects_are_safe_by_audit_and_oracle(start):
    """Two to four dimensions, hierarchies, gaps, zeros, shares, linked tables, up to three releases."""
    released_of = {seed: settle(seed) for seed in range(start, start + 20)}
    assert sum(map(bool, released_of.values())) >= _MOST_COME_OUT, released_of  # else nothing was tried


def test_the_oracle_lists_the_same_worlds_as_it_solves_for():
    """A table of four counts: all worlds can be listed, and the ends of every sum compared."""
    rng = np.random.default_rng(7)
    for _ in range(6):
        counts = rng.integers(0, 9, (2, 2))
        text = cross(counts)
        head, *lines = text.splitlines()
        shown = [head.replace("count", "released")]
        for line in lines:
            codes, _, number = line.rpartition(",")
            inner = "Total" not in codes
            shown.append(f"{codes},{'' if inner and rng.random() < 0.8 else number}")
        oracle = Oracle(["\n".join(shown) + "\n"])
        oracle.seen = []
        worlds = oracle.worlds(16)
        for vector in oracle.cells():
            values = worlds @ vector
            assert oracle.ends(vector) == (values.min(), values.max())


@pytest.mark.parametrize("seed", range(4))
def test_trying_every_table_finds_no_more_than_the_audit(seed):
    """Four small counts: every protected cell can be all of 0 to 5, by a list of all tables that fit."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 14, (2, 2))
    counts[0, 0] = rng.integers(0, 6)
    case = Case([cross(counts)])
    result = assert_safe(case)
    oracle = Oracle([result.tables[0].public_bytes().decode()], case.tables)
    worlds = oracle.worlds(25)
    assert len(worlds)
    for vector in oracle.cells():
        truth = oracle.truth(vector)
        if truth < 6:
            values = worlds @ vector
            assert values.min() == 0
            assert values.max() >= 5


def test_the_same_tables_give_the_same_bytes():
    case = random_case(2)
    first, again = run(case), run(case)
    assert [t.reviewer_bytes() for t in first.tables] == [t.reviewer_bytes() for t in again.tables]


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize("seed", range(6))
def test_a_second_release_does_not_give_the_first_away(seed):
    """A finer table follows a coarser one of the same people."""
    rng = np.random.default_rng(seed)
    joint = rng.poisson(rng.gamma(2, 12, (3, 3, 2)))
    first = Case([cross(joint.sum(axis=2), names=["a", "b"])])
    public = run(first, seconds=1).tables[0].public_bytes().decode()
    second = Case([cross(joint, names=["a", "b", "c"])], earlier=[public])
    result = run(second, seconds=2)

    report = judge(second, result)
    assert report.passed, [leak.as_json() for leak in report.leaks]
