"""The audit's walk from corner to corner is a short cut: the verdicts are those of the slow way round."""

import numpy as np
import pytest
from scipy import sparse

from disclosure.engine.audit import hearing
from disclosure.engine.audit.judge import audit
from disclosure.engine.audit.system import System, Work
from disclosure.engine.audit.walk import Walk
from disclosure.engine.errors import BadTable
from disclosure.engine.policy import CellPolicy
from tests.engines.disclosure.generators import blanked, project
from tests.engines.disclosure.samples import RULES, Case, cross, random_counts, run


class NoWalk(Walk):
    """Every question by a programme of its own, as it was before there were walks."""

    def corner(self, cost):
        return None

    def whole(self, vector, sign, goal):
        self.out_of_reach = False


def both_ways(monkeypatch, files, **options):
    """Audit by walks and without; None for a contradiction."""
    quick = judged(files, **options)
    with monkeypatch.context() as slowly:
        slowly.setattr(hearing, "Walk", NoWalk)
        slowly.setattr(hearing, "_FEW", 0)
        slow = judged(files, **options)
    return quick, slow


def judged(files, **options):
    try:
        return audit(files, **options)
    except BadTable:
        return None


def assert_same(quick, slow):
    if quick is None or slow is None:
        assert quick is slow
        return
    assert [leak.as_json() for leak in quick.leaks] == [leak.as_json() for leak in slow.leaks]
    assert [one.as_json() for one in quick.warnings] == [one.as_json() for one in slow.warnings]
    assert (quick.cells, quick.withheld, quick.questions) == (slow.cells, slow.withheld, slow.questions)
    for ours, theirs in zip(quick.intervals, slow.intervals, strict=True):
        assert (ours.people, ours.places, ours.proven) == (theirs.people, theirs.places, theirs.proven)
        assert not ours.proven or (ours.low, ours.high) == (theirs.low, theirs.high)


def careless(seed):
    made, rng = project(seed), np.random.default_rng(seed)
    texts = [text for release in made.releases for text in release]
    public = [blanked(text, rng, zeros_hidden=made.zeros_hidden) for text in texts]
    lent = texts if seed % 3 else []
    return [(f"p{i}", text.encode()) for i, text in enumerate(public)], {
        "groups": {name: text.encode() for name, text in made.groups.items()},
        "policy": CellPolicy(6, hide_zeros=made.zeros_hidden, min_pct_base=20),
        "truth": [(f"t{i}", text.encode()) for i, text in enumerate(lent)],
    }


def assert_same_verdict(seed, monkeypatch):
    files, options = careless(seed)
    assert_same(*both_ways(monkeypatch, files, **options))


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize("seed", range(60))
def test_walks_and_single_questions_find_the_same(seed, monkeypatch):
    assert_same_verdict(seed, monkeypatch)


@pytest.mark.long
@pytest.mark.parametrize("start", range(2000, 2400, 40))
def test_walks_and_single_questions_find_the_same_at_length(start, monkeypatch):
    for seed in range(start, start + 40):
        assert_same_verdict(seed, monkeypatch)


def test_whole_people_that_contradict_a_percentage_are_refused_both_ways(monkeypatch):
    files = [("p", b"a,released,pct,pct_of\nx,,50,a\ny,,50,a\nTotal,15,,\n")]
    assert both_ways(monkeypatch, files, groups={}, policy=RULES) == (None, None)


@pytest.mark.parametrize("seed", range(3))
def test_linked_tables_that_are_safe_pass_both_ways_with_and_without_their_counts(seed, monkeypatch):
    joint = random_counts(np.random.default_rng(seed), (3, 3, 3)) // 3
    pairs = [(2, ["a", "b"]), (1, ["a", "c"]), (0, ["b", "c"])]
    result = run(Case([cross(joint.sum(axis=d), names=names) for d, names in pairs]))
    files = [(f"p{i}", t.public_bytes()) for i, t in enumerate(result.tables)]
    truth = [(f"t{i}", t.reviewer_bytes()) for i, t in enumerate(result.tables)]
    for lent in ((), truth):
        quick, slow = both_ways(monkeypatch, files, groups={}, policy=RULES, truth=lent)
        assert_same(quick, slow)
        assert quick.passed


def system(facts, low, high):
    matrix = sparse.csr_matrix(np.array(facts, dtype=float))
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    return System(matrix, low, high, ["fact"] * len(low), np.zeros(matrix.shape[1], dtype=bool), Work(10**6))


def test_a_walk_says_how_far_a_sum_goes_and_where_it_cannot_tell():
    walk = Walk(system([[1, 1, 0], [0, 1, 1]], [7, 2], [7, np.inf]))
    first, last = sparse.csr_matrix([[1.0, 0, 0]]), sparse.csr_matrix([[0, 0, 1.0]])
    assert walk.farthest(first, 1) == 7
    assert walk.farthest(first, -1) == 0
    assert walk.farthest(last, 1) is None  # nothing bounds it
    assert walk.whole(first, 1, 5.0)[0] >= 5
    assert walk.whole(first, 1, 8.0) is None
    assert walk.out_of_reach
    assert walk.farthest(first, 1) == 7  # the question has left no trace


def test_corners_that_are_no_whole_numbers_are_not_taken_for_tables():
    walk = Walk(system([[2, 1], [1, 2]], [1, 1], [1, 1]))  # only a third each
    assert walk.whole(sparse.csr_matrix([[1.0, 0]]), 1, 0.0) is None
    assert not walk.out_of_reach


def test_a_solver_without_an_answer_settles_nothing():
    walk = Walk(system([[1, 1]], [7], [7]))
    walk.highs.setOptionValue("simplex_iteration_limit", 0)
    assert walk.corner(np.array([1.0, -1.0])) is None
    assert walk.lost
    assert walk.whole(sparse.csr_matrix([[1.0, 0]]), 1, 1.0) is None
    assert not walk.out_of_reach
