"""Linear programmes come to an end, and say so where they do not."""

import itertools

import numpy as np
import pytest
from scipy import sparse

from disclosure.engine.audit import linear
from disclosure.engine.audit.judge import audit
from disclosure.engine.audit.linear import solved
from disclosure.engine.audit.work import Work
from tests.engines.disclosure.derivations import Facts
from tests.engines.disclosure.samples import RULES


@pytest.fixture
def asked(monkeypatch):
    """Return by which method each programme was solved, with the status of its answer."""
    found = []
    real = linear.linprog

    def watched(cost, **options):
        answer = real(cost, **options)
        found.append((options["method"], answer.status))
        return answer

    monkeypatch.setattr(linear, "linprog", watched)
    return found


def programme():
    """Return the cheapest way to carry 30 from 3 places to 3 others, which needs some steps."""
    cells = list(itertools.product(range(3), range(3)))
    rows = [[1.0 if cell[side] == n else 0.0 for cell in cells] for side in (0, 1) for n in range(3)]
    cost = np.array([4.0, 1, 3, 2, 5, 2, 6, 2, 1])
    return cost, {"A_eq": sparse.csr_matrix(rows), "b_eq": np.full(6, 10.0), "bounds": (0, None)}


def test_what_ends_by_corners_is_not_asked_again(asked):
    cost, told = programme()
    assert solved(cost, Work(None), **told).fun == pytest.approx(40)
    assert asked == [("highs", 0)]


@pytest.mark.obligation("O-81")
def test_what_goes_round_in_circles_is_solved_from_within(asked, monkeypatch):
    monkeypatch.setattr(linear, "most_steps", lambda numbers, facts: 1)
    cost, told = programme()
    answer = solved(cost, Work(None), **told)
    assert (answer.status, answer.fun) == (0, pytest.approx(40))
    assert asked == [("highs", 1), ("highs-ipm", 0)]
    assert answer.nit > 1


def test_without_time_left_it_is_not_asked_again(asked, monkeypatch):
    monkeypatch.setattr(linear, "most_steps", lambda numbers, facts: 1)
    monkeypatch.setattr(Work, "seconds", lambda self: 0.0)
    cost, told = programme()
    assert solved(cost, Work(None), **told).status == 1
    assert asked == [("highs", 1)]


def shares(rng):
    """Draw a table of many percentages with one decimal and few counts: many bounds meet in one corner."""
    counts = rng.poisson(rng.gamma(1.5, 40, (4, 3, 5)))
    lines = ["c,b,a,released,pct,pct_of"]
    for c, b in itertools.product([*range(4), None], [*range(3), None]):
        people = counts if c is None else counts[c : c + 1]
        people = people if b is None else people[:, b : b + 1]
        codes = ["Total" if c is None else f"c{c}", "Total" if b is None else f"b{b}"]
        for a in range(5):
            number = int(people[..., a].sum())
            shown = "" if rng.random() < 0.7 or number < 6 else str(number)
            lines.append(",".join([*codes, f"a{a}", shown, f"{100 * number / people.sum():.1f}", "a"]))
        lines.append(",".join([*codes, "Total", "", "", ""]))
    return "\n".join(lines) + "\n"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", [8, 13])
def test_an_audit_of_many_percentages_ends_and_its_sums_add_up(seed, asked):
    """These never ended: in a derivation the simplex method went on for ever."""
    text = shares(np.random.default_rng(seed))
    report = audit([("t1.csv", text.encode())], groups={}, policy=RULES)
    printed = Facts({"t1.csv": text.encode()}, {})
    told = [leak for leak in report.leaks if leak.derivation.startswith("at most") and leak.kind == "cell"]
    told = [leak for leak in told if "more facts" not in leak.derivation]
    assert ("highs-ipm", 0) in asked
    assert told
    for leak in told[:20]:
        assert printed.worked_out(leak) == (leak.low, leak.high)
