"""Rules under which a small cell can have one value only: it may lie in its class, but never be known to."""

import numpy as np
import pytest

from disclosure.engine.audit.judge import audit
from disclosure.engine.policy import CellPolicy
from tests.engines.disclosure.oracle import Oracle
from tests.engines.disclosure.samples import ZEROS_SHOWN, Case, cross, judge, random_counts, run

EMPTY_ONLY = CellPolicy(1, hide_zeros=True, min_pct_base=20)
ONE_ONLY = CellPolicy(2, hide_zeros=False, min_pct_base=20)
NOTHING = CellPolicy(1, hide_zeros=False, min_pct_base=20)


def look(text, policy):
    return audit([("public.csv", text.encode())], groups={}, policy=policy)


def found(texts, lent, policy):
    said = Oracle(texts, lent, zeros_hidden=policy.hide_zeros)
    said.small = policy.min_count
    return said.leaks()


@pytest.mark.obligation("O-78", "O-81")
@pytest.mark.parametrize(("policy", "lone"), [(EMPTY_ONLY, 0), (ONE_ONLY, 1)])
def test_a_lone_small_cell_is_not_left_exact(policy, lone):
    case = Case([f"a,b,count\nx,1,{lone}\nx,2,40\nx,Total,{40 + lone}\ny,1,30\ny,2,30\ny,Total,60\n"])
    result = run(case, policy)
    public = result.tables[0].public_bytes().decode()
    assert public.splitlines()[1] == "x,1,"
    assert result.complementary
    assert judge(case, result, policy=policy).passed
    assert look(public, policy).passed
    assert not found([public], case.tables, policy)
    assert not found([public], [], policy)


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize(("policy", "lone"), [(EMPTY_ONLY, 0), (ONE_ONLY, 1), (NOTHING, 1)])
@pytest.mark.parametrize("lent", [True, False])
def test_the_audit_finds_the_one_value(policy, lone, lent):
    public = f"a,released\nx,\ny,40\nTotal,{40 + lone}\n"
    counts = f"a,count\nx,{lone}\ny,40\nTotal,{40 + lone}\n"
    if lent and policy is NOTHING:
        return  # nothing is small, and what is withheld without need is no secret
    truth = [("counts.csv", counts.encode())] if lent else []
    report = audit([("public.csv", public.encode())], groups={}, policy=policy, truth=truth)
    assert [(leak.people, leak.low, leak.high) for leak in report.leaks] == [("a x", lone, lone)]
    assert found([public], [counts] if lent else [], policy)
    open_ = public.replace("y,40", "y,")
    assert audit([("public.csv", open_.encode())], groups={}, policy=policy, truth=truth).passed


@pytest.mark.obligation("O-81")
def test_a_mark_that_leaves_one_value_is_exact():
    public = "a,released\nx,<2\ny,\nz,40\nTotal,\n"
    assert not look(public, ONE_ONLY).passed
    assert found([public], [], ONE_ONLY)
    assert look(public.replace("<2", ""), ONE_ONLY).passed


@pytest.mark.obligation("O-78", "O-81")
def test_a_total_of_as_many_parts_as_people_is_not_left_exact():
    """Five withheld parts, each of them somebody: the total is 5 or more, and may not be known to be 5."""
    parts = "".join(f"x,{b},1\n" for b in range(5))
    case = Case([f"a,b,count\n{parts}x,Total,5\ny,Total,40\nTotal,Total,45\n"])
    result = run(case, ZEROS_SHOWN)
    public = result.tables[0].public_bytes().decode()
    assert judge(case, result, policy=ZEROS_SHOWN).passed
    assert not found([public], case.tables, ZEROS_SHOWN)
    assert "Total,Total,45" not in public or "y,Total,40" not in public
    given_away = public.replace("y,Total,\n", "y,Total,40\n").replace("Total,Total,\n", "Total,Total,45\n")
    files, truth = [("p.csv", given_away.encode())], [("t.csv", case.tables[0].encode())]
    report = audit(files, groups={}, policy=ZEROS_SHOWN, truth=truth)
    assert ("a x", 5, 5) in {(leak.people, leak.low, leak.high) for leak in report.leaks}
    assert found([given_away], case.tables, ZEROS_SHOWN)


@pytest.mark.obligation("O-78", "O-81")
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("policy", [EMPTY_ONLY, ONE_ONLY])
def test_what_is_protected_is_safe_by_audit_and_oracle(seed, policy):
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(2, 4, 2 + seed % 2))
    text = cross(random_counts(rng, shape, zeros=0.15))
    lines = text.splitlines()
    if seed % 3 == 0:  # a line is left out
        del lines[int(rng.integers(1, len(lines) - 1))]
    case = Case(["\n".join(lines) + "\n"])
    result = run(case, policy, seconds=1)
    public = result.tables[0].public_bytes().decode()
    assert judge(case, result, policy=policy).passed
    assert look(public, policy).passed == (not found([public], [], policy))
    assert not found([public], case.tables, policy)


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize("policy", [EMPTY_ONLY, ONE_ONLY])
def test_what_was_withheld_before_is_not_left_exact(policy):
    """The first release has two blanks; the second would fill one of them in."""
    lone = policy.smallest_hidden
    old = f"a,b,released\nx,1,\nx,2,\nx,Total,{30 + lone}\n"
    case = Case(["a,b,count\nx,2,30\ny,2,50\n"], [old])
    result = run(case, policy)
    assert not result.tables[0].shown[0]
    assert judge(case, result, policy=policy).passed
