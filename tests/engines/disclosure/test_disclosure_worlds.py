"""Random tables with rows left out, judged by the third opinion: every population, in whole numbers."""

import numpy as np
import pytest

from tests.engines.disclosure.samples import RULES, ZEROS_SHOWN, Case, cross, run
from tests.engines.disclosure.worlds import leaks

GROUPS = {"N": ["d00", "d01"], "S": ["d02", "d03"]}
HIERARCHY = "parent,child\nTotal,N\nTotal,S\nTotal,d04\nN,d00\nN,d01\nS,d02\nS,d03\n"
UNIONS = {"d00|d01": ["d00", "d01"], "d01|d02": ["d01", "d02"], "d02|d03": ["d02", "d03"]}
ALONE_BESIDE_A_ZERO = 1218
KINDS = ("flat", "zeros", "linked", "groups", "unions", "cube", "later", "later groups")


def draw(rng, shape, zeros=0.1):
    """Draw small counts, a quarter of them below 6."""
    counts = rng.poisson(rng.gamma(1.5, 15, shape))
    small = rng.random(shape) < 0.25
    counts[small] = rng.integers(0, 6, int(small.sum()))
    counts[rng.random(shape) < zeros] = 0
    return counts


def thin(rng, text, share, *, zeros=False):
    """Leave out rows at random, totals less often; or all empty inner rows."""
    header, *lines = text.splitlines()
    kept = [header]
    for line in lines:
        inner = "Total" not in line
        gone = inner and line.endswith(",0") if zeros else rng.random() < (share if inner else share / 2)
        if not gone:
            kept.append(line)
    return "\n".join(kept) + "\n"


def made(seed):
    """Return one case of a kind, and what its groups mean."""
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    means = {"d0": {name: set(kids) for name, kids in GROUPS.items()}}
    if kind in ("flat", "zeros"):
        shape = tuple(int(n) for n in rng.integers(2, 5, 2))
        counts = draw(rng, shape, 0.4 if kind == "zeros" else 0.1)
        return Case([thin(rng, cross(counts), 0.2, zeros=kind == "zeros")]), {}
    if kind == "linked":
        joint = draw(rng, (3, 2, 2))
        pairs = [(2, ["a", "b"]), (1, ["a", "c"]), (0, ["b", "c"])][: int(rng.integers(2, 4))]
        return Case([thin(rng, cross(joint.sum(axis=d), names=names), 0.2) for d, names in pairs]), {}
    if kind == "groups":
        table = thin(rng, cross(draw(rng, (5, 2)), groups={"d0": GROUPS}), 0.25)
        return Case([table], groups={"d0": HIERARCHY}), means
    if kind == "unions":
        return Case([thin(rng, cross(draw(rng, (4, 2)), groups={"d0": UNIONS}), 0.1)]), {}
    if kind == "cube":
        return Case([thin(rng, cross(draw(rng, (2, 3, 2), 0.2)), 0.15)]), {}
    grouped = {"d0": GROUPS} if kind == "later groups" else None
    hierarchy = {"d0": HIERARCHY} if grouped else {}
    joint = draw(rng, (5 if grouped else 3, 2, 2), 0.05)
    first = Case([thin(rng, cross(joint.sum(axis=2), groups=grouped), 0.15)], groups=hierarchy)
    earlier = run(first, seconds=2).tables[0].public_bytes().decode()
    table = thin(rng, cross(joint, groups=grouped), 0.3)
    return Case([table], earlier=[earlier], groups=hierarchy), means if grouped else {}


def assert_no_world_tells(seed):
    case, means = made(seed)
    policy = ZEROS_SHOWN if seed % 7 == 0 and not case.earlier else RULES
    released = [t.public_bytes().decode() for t in run(case, policy, seconds=2).tables]
    found = leaks(case.tables, released, means, zeros=policy.hide_zeros, earlier=case.earlier)
    assert not found, (case.tables, case.earlier, found[:3])


@pytest.mark.obligation("O-78", "O-81")
@pytest.mark.parametrize("seed", [*range(40), ALONE_BESIDE_A_ZERO])
def test_no_population_can_be_worked_out(seed):
    assert_no_world_tells(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1000, 1240))
def test_no_population_can_be_worked_out_at_length(seed):
    assert_no_world_tells(seed)
