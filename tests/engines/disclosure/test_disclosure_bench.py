"""The bench of disclosure: what its generator plants is found, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from bench.disclosure import __main__ as bench
from bench.disclosure import union
from bench.disclosure.hypercube import pattern
from bench.disclosure.ledger import FULL, LEAKS, Project
from disclosure.engine.audit.judge import audit

TINY = union.SIZES["tiny"]


def look(project, files):
    return audit(files, groups=project.groups, policy=union.RULES)


def test_the_full_size_is_what_the_goals_are_about():
    assert (FULL.releases, FULL.inner_cells) == (50, 100_000)
    assert len(Project(TINY, 1).ledger()) == 4 * TINY.releases


def test_the_same_seed_makes_the_same_bytes():
    assert Project(TINY, 3).ledger() == Project(TINY, 3).ledger()
    assert Project(TINY, 3).ledger() != Project(TINY, 4).ledger()


@pytest.mark.parametrize("case", [union.ALL, union.TWINS, union.MORE, union.MORE_LEAKING])
def test_a_case_ends_with_the_verdict_that_was_planted(case):
    told = union.judge(TINY, case)
    assert told["wrong"] == []
    assert bool(told["leaks"]) == (case == union.MORE_LEAKING)


@pytest.mark.parametrize("leak", LEAKS)
def test_each_kind_of_leak_is_found(leak):
    project = Project(TINY, 2)
    found = look(project, project.ledger(project.planted(leak, twin=False)))
    assert project.complaints(found, [leak]) == []
    assert project.complaints(replace(found, leaks=()), [leak]) == [f"missed: {leak}"]
    assert any("false alarm" in said for said in project.complaints(found, []))


def test_only_a_peer_without_leaks_is_compared_with():
    clean, leaking, failed = (
        {"withheld": 20.0, "leaks": 0.0},
        {"withheld": 9.0, "leaks": 3.0},
        {"failed": "no"},
    )
    told = bench.against([20.0, 21.0, 30.0, 5.0], [[clean, leaking], [clean], [leaking], [failed]])
    assert (told["cases"], told["a peer met the criterion"], told["ours withheld no more"]) == (4, 2, 1)
    assert told["share"] == 0.5
    without = bench.against([float("inf")], [[clean]])
    assert (without["share"], without["more withheld by the best of them"]) == (0.0, None)


def test_the_hypercube_takes_the_cheapest_rectangle_with_room():
    counts = np.array([[3, 40, 9], [50, 60, 70], [12, 80, 1000]])
    assert pattern(counts).tolist() == [[True, False, True], [True, False, True], [False, False, False]]
    assert pattern(np.array([[3, 40], [50, 1]])) is None


def test_a_kind_is_measured_with_the_peer_beside_it():
    kind = replace(bench.KINDS[0], seeds=1, seconds=0.2)
    told = bench.measure(kind, "")
    assert told["ended safe"] == told["peers"]["cases"] == 1
