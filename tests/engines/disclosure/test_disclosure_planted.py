"""Leaks planted across releases from a seed, each beside a twin that gives nothing away."""

import re

import numpy as np
import pytest

from disclosure.engine.audit.judge import audit
from tests.engines.disclosure.oracle import Oracle
from tests.engines.disclosure.samples import RULES


def table(head, *lines):
    return "\n".join([head, *(",".join(str(v) for v in line) for line in lines)]) + "\n"


def _without_one(rng, leak):
    """All, then all without one school."""
    few = int(rng.integers(1, 6)) if leak else int(rng.integers(6, 60))
    rest = [int(n) for n in rng.integers(40, 90, 3)]
    tree = "parent,child\n" + "".join(f"Total,s{i}\n" for i in range(4))
    first = table("school,released,release", ("Total", sum(rest) + few, "March"))
    second = table("school,released,release", ("s0|s1|s2", sum(rest), "June"))
    return [first, second], {"school": tree}, few


def _last_piece(rng, leak):
    """A pattern that is safe by itself; then a cell of it is shown."""
    few, big = int(rng.integers(0, 6)), [int(n) for n in rng.integers(40, 60, 3)]
    cells = {("x", "1"): few, ("x", "2"): big[0], ("y", "1"): big[1], ("y", "2"): big[2]}
    rows = [(a, b, "") for a, b in cells]
    rows += [(a, "Total", sum(n for (c, _), n in cells.items() if c == a)) for a in "xy"]
    rows += [("Total", b, sum(n for (_, c), n in cells.items() if c == b)) for b in "12"]
    first = table("a,b,released", *rows, ("Total", "Total", sum(cells.values())))
    extra = ("x", "2", big[0]) if leak else ("x", "Total", few + big[0])
    return [first, table("a,b,released", extra)], {}, few


def _share(rng, leak):
    """A percentage that is fine enough to count by."""
    few = int(rng.integers(1, 6))
    whole = int(rng.integers(40, 90)) if leak else int(rng.integers(40_000, 60_000))
    first = table("a,released", ("x", ""), ("y", ""), ("Total", whole))
    share = f"{100 * few / whole:.1f}" if leak else "12"
    second = table("a,pct,pct_of", ("x", share, "a"), ("y", "", ""))
    return [first, second], {}, few


def _ages(rng, leak):
    """Two age bands that overlap, in two releases."""
    few = int(rng.integers(1, 6)) if leak else int(rng.integers(6, 40))
    many = int(rng.integers(100, 200))
    tree = "parent,child\n" + "".join(f"Total,{age}\n" for age in range(18, 30))
    band = "|".join(str(age) for age in range(18, 25))
    return (
        [table("age,released", (band, many)), table("age,released", (f"{band}|25", many + few))],
        {"age": tree},
        few,
    )


def _no_line(rng, leak):
    """A category that one of the tables has no line for."""
    few = int(rng.integers(1, 6)) if leak else int(rng.integers(6, 15))
    f, m = (int(n) for n in rng.integers(20, 40, 2))
    other = [int(n) for n in rng.integers(40, 60, 3)]
    sexes = [
        ("Total", sex, n) for sex, n in zip("fmu", (f + other[0], m + other[1], few + other[2]), strict=True)
    ]
    races = [("x", "Total", f + m + few), ("y", "Total", sum(other))]
    first = table("race,sex,released", *sexes, *races)
    return [first, table("race,sex,released", ("x", "f", f), ("x", "m", m))], {}, few


def _two_groups(rng, leak):
    """What two withheld groups leave over together, when single members are shown later."""
    few = 5 if leak else int(rng.integers(11, 40))
    b, d = (int(n) for n in rng.integers(20, 40, 2))
    first = table("a,released", ("A", ""), ("B", ""), ("C", ""), ("D", ""), ("A|B", ""), ("C|D", ""),
                  ("Total", b + d + few))  # fmt: skip
    return [first, table("a,released", ("B", b), ("D", d))], {}, few


def _finer(rng, leak):
    """A table of three dimensions shows what a table of two withheld."""
    few, big = int(rng.integers(2, 6)), [int(n) for n in rng.integers(40, 60, 3)]
    first = table("a,b,released", ("x", "1", ""), ("x", "2", ""), ("y", "1", ""), ("y", "2", ""),
                  ("x", "Total", few + big[0]), ("y", "Total", big[1] + big[2]),
                  ("Total", "1", few + big[1]), ("Total", "2", big[0] + big[2]))  # fmt: skip
    half = big[2] // 2
    parts = [("y", "2", "p", half), ("y", "2", "q", big[2] - half if leak else "")]
    return [first, table("a,b,c,released", *parts)], {}, few


KINDS = [_without_one, _last_piece, _share, _ages, _no_line, _two_groups, _finer]
PLANTED = [(kind, seed) for kind in KINDS for seed in range(8)]
PART = re.compile(r"(?:(\d+(?:\.\d+)?) × )?(\d+)(?: to \d+)? \(")


def look(texts, groups):
    files = [(f"release{i}.csv", text.encode()) for i, text in enumerate(texts, start=1)]
    return audit(files, groups={k: v.encode() for k, v in groups.items()}, policy=RULES)


def worked_out(derivation):
    """Work the sum out again, from its own words."""
    said, _, result = derivation.rpartition(" = ")
    said = re.sub(r"\(([^()]*)\)", lambda found: "(" + re.sub(r"[−+=]", "", found[1]) + ")", said)
    total = 0.0
    for sign, part in re.findall(r"(^−?|[+−] )([^+−]+)", said):
        found = PART.search(part)
        total += (-1 if "−" in sign else 1) * float(found[1] or 1) * int(found[2])
    return total, float(result)


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize(("kind", "seed"), PLANTED)
def test_a_planted_leak_is_found_and_its_twin_is_not_flagged(kind, seed):
    texts, groups, few = kind(np.random.default_rng(seed), True)
    assert all(look([text], groups).passed for text in texts), "neither release leaks by itself"
    report = look(texts, groups)
    found = [leak for leak in report.leaks if leak.low == leak.high == few]
    assert found, report.leaks
    assert Oracle(texts, [], groups).leaks()
    for leak in found:
        if leak.derivation.endswith(f"= {few}"):
            total, result = worked_out(leak.derivation)
            assert total == result == few
            assert all(f"release{i}.csv" in leak.derivation for i in (1, 2))

    twin, groups, _ = kind(np.random.default_rng(seed), False)
    assert look(twin, groups).passed, look(twin, groups).leaks
    assert not Oracle(twin, [], groups).leaks()


@pytest.mark.parametrize("kind", [k for k in KINDS if k is not _share])
def test_the_derivation_is_a_sum_that_can_be_worked_out_again(kind):
    texts, groups, few = kind(np.random.default_rng(1), True)
    leaks = [k for k in look(texts, groups).leaks if k.low == k.high == few]
    assert any(worked_out(leak.derivation) == (few, few) for leak in leaks if " = " in leak.derivation)
