"""Many random tables: nothing falls out, by the audit and by trying every table there is."""

import itertools

import numpy as np
import pytest

from tests.engines.disclosure.samples import RULES, ZEROS_SHOWN, Case, cross, judge, random_case, run


def assert_safe(case, tmp_path, policy=RULES, seconds=1.0):
    result = run(case, policy, seconds=seconds)
    report = judge(case, result, tmp_path, policy)
    assert report.passed, [leak.as_json() for leak in report.leaks]
    return result


@pytest.mark.obligation("O-78", "O-81")
@pytest.mark.parametrize("seed", range(36))
def test_no_kind_of_table_leaks(seed, tmp_path):
    assert_safe(random_case(seed), tmp_path)


@pytest.mark.parametrize("seed", range(100, 112))
def test_no_kind_of_table_leaks_when_zeros_are_shown(seed, tmp_path):
    assert_safe(random_case(seed), tmp_path, ZEROS_SHOWN)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1000, 1400))
def test_no_kind_of_table_leaks_at_length(seed, tmp_path):
    policy = RULES if seed % 3 else ZEROS_SHOWN
    assert_safe(random_case(seed), tmp_path, policy, seconds=2.0)


def worlds(shown, shape, limit):
    """Every table of small whole numbers that agrees with what is shown."""
    for cells in itertools.product(range(limit), repeat=int(np.prod(shape))):
        table = np.array(cells).reshape(shape)
        full = np.zeros((shape[0] + 1, shape[1] + 1), dtype=int)
        full[:-1, :-1] = table
        full[-1, :-1], full[:-1, -1], full[-1, -1] = table.sum(axis=0), table.sum(axis=1), table.sum()
        if ((shown < 0) | (shown == full)).all():
            yield full


@pytest.mark.parametrize("seed", range(4))
def test_trying_every_table_finds_no_more_than_the_audit(seed, tmp_path):
    """Six cells, each below 14: a computer can list all tables that fit."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 14, (2, 2))
    counts[0, 0] = rng.integers(0, 6)
    case = Case([cross(counts)])
    result = assert_safe(case, tmp_path)
    shown = np.full((3, 3), -1)
    for row, visible in zip(result.tables[0].table.rows, result.tables[0].shown, strict=True):
        place = tuple(2 if code == "Total" else int(code[-1]) for code in row.codes.values())
        if visible:
            shown[place] = row.count
    possible = np.array(list(worlds(shown, (2, 2), 26)))
    assert len(possible)
    full = np.zeros((3, 3), dtype=int)
    full[:-1, :-1] = counts
    full[-1, :-1], full[:-1, -1], full[-1, -1] = counts.sum(axis=0), counts.sum(axis=1), counts.sum()
    for place in zip(*np.where(full < 6), strict=True):
        seen = possible[(slice(None), *place)]
        assert seen.min() == 0
        assert seen.max() >= 5


def test_the_same_tables_give_the_same_bytes():
    case = random_case(2)
    first, again = run(case), run(case)
    assert [t.reviewer_bytes() for t in first.tables] == [t.reviewer_bytes() for t in again.tables]


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize("seed", range(6))
def test_a_second_release_does_not_give_the_first_away(seed, tmp_path):
    """A finer table follows a coarser one of the same people."""
    rng = np.random.default_rng(seed)
    joint = rng.poisson(rng.gamma(2, 12, (3, 3, 2)))
    first = Case([cross(joint.sum(axis=2), names=["a", "b"])])
    public = run(first, seconds=1).tables[0].public_bytes().decode()
    second = Case([cross(joint, names=["a", "b", "c"])], earlier=[public])
    result = run(second, seconds=2)

    report = judge(second, result, tmp_path)
    assert report.passed, [leak.as_json() for leak in report.leaks]
