"""Leaks planted across releases from a seed, each beside a twin that gives nothing away."""

import re

import numpy as np
import pytest

from disclosure.engine.audit.judge import audit
from tests.engines.disclosure.derivations import PLACE, Facts
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


def _rounded(rng, leak):
    """A count that was rounded, and the total later: whoever is left is known within a few."""
    few = int(rng.integers(1, 6))
    total = 43 if leak else int(rng.integers(60, 90))  # ~40 is 38 to 42
    first = table("a,released", ("x", ""), ("y", "~40"))
    return [first, table("a,released", ("Total", total))], {}, (1, 5) if leak else few


def _range(rng, leak):
    """A count told as a range, and the total later."""
    few, low = int(rng.integers(2, 6)), int(rng.integers(40, 60))
    high = low + 1 if leak else low + 9
    first = table("a,released", ("x", ""), ("y", f"{low}-{high}"))
    return [first, table("a,released", ("Total", (low if leak else high) + few))], {}, (few - 1, few)


def _ranges_twice(rng, leak):
    """Two ranges of the same people that overlap in one number only."""
    few, middle = int(rng.integers(1, 6)), int(rng.integers(40, 60))
    more = 0 if leak else 4
    first = table("a,released", ("x", ""), ("y", f"{middle - 9}-{middle + more}"), ("Total", middle + few))
    return [first, table("a,released", ("y", f"{middle - more}-{middle + 9}"))], {}, few


def _dashboard(rng, leak):
    """A table that was public before, and not through us, completes what ours withholds."""
    few, big = int(rng.integers(0, 6)), [int(n) for n in rng.integers(40, 60, 3)]
    ours = table("a,b,released", ("x", "1", ""), ("x", "2", big[0]), ("y", "1", ""), ("y", "2", big[1]),
                 ("Total", "1", few + big[2]), ("Total", "2", big[0] + big[1]))  # fmt: skip
    public = ("x", "Total", few + big[0]) if leak else ("Total", "Total", few + sum(big))
    return [ours], {}, few, [table("a,b,count", public)]


KINDS = [_without_one, _last_piece, _share, _ages, _no_line, _two_groups, _finer]
KINDS += [_rounded, _range, _ranges_twice, _dashboard]
PLANTED = [(kind, seed) for kind in KINDS for seed in range(8)]


def planted(kind, seed, *, leak):
    """Return the releases, the groups, what is given away, and what was public before."""
    texts, groups, few, *known = kind(np.random.default_rng(seed), leak)
    return texts, groups, few if isinstance(few, tuple) else (few, few), known[0] if known else []


def named(texts, word):
    return [(f"{word}{i}.csv", text.encode()) for i, text in enumerate(texts, start=1)]


def look(texts, groups, known=()):
    hierarchies = {k: v.encode() for k, v in groups.items()}
    return audit(named(texts, "release"), groups=hierarchies, policy=RULES, known=named(known, "public"))


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize(("kind", "seed"), PLANTED)
def test_a_planted_leak_is_found_and_its_twin_is_not_flagged(kind, seed):
    texts, groups, (low, high), known = planted(kind, seed, leak=True)
    assert all(look([text], groups).passed for text in texts), "no release leaks by itself"
    report = look(texts, groups, known)
    found = [leak for leak in report.leaks if (leak.low, leak.high) == (low, high)]
    assert found, report.leaks
    assert Oracle([*texts, *known], [], groups).leaks()
    for leak in found:
        if leak.derivation.endswith(f"= {low}"):
            files = [name for name, _ in (*named(texts, "release"), *named(known, "public"))]
            assert all(name in leak.derivation for name in files)

    twin, groups, _, known = planted(kind, seed, leak=False)
    assert look(twin, groups, known).passed, look(twin, groups, known).leaks
    assert not Oracle([*twin, *known], [], groups).leaks()


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize(("kind", "seed"), PLANTED)
def test_each_derivation_is_worked_out_again_from_what_is_printed(kind, seed):
    """Every fact is looked up at its place, and the sum of facts is the equation or bound that is told."""
    texts, groups, expected, known = planted(kind, seed, leak=True)
    printed = Facts(dict([*named(texts, "release"), *named(known, "public")]), groups)
    leaks = look(texts, groups, known).leaks
    told = [printed.worked_out(leak) for leak in leaks]
    assert expected in told
    assert told == [(leak.low, leak.high) for leak in leaks]


@pytest.mark.parametrize("kind", [_last_piece, _share, _rounded, _range])
def test_a_derivation_with_another_number_in_it_is_not_taken(kind):
    texts, groups, expected, known = planted(kind, 3, leak=True)
    files = dict([*named(texts, "release"), *named(known, "public")])
    leak = next(k for k in look(texts, groups, known).leaks if (k.low, k.high) == expected)
    assert Facts(files, groups).worked_out(leak) == expected
    at = PLACE.search(leak.derivation)
    lines = files[at["file"]].decode().splitlines()
    changed = int(at["line"]) - 1
    lines[changed] = re.sub(r"(\d+)$", lambda n: str(int(n[1]) + 7), lines[changed].rstrip(","))
    files[at["file"]] = "\n".join([*lines, ""]).encode()
    with pytest.raises(AssertionError):
        Facts(files, groups).worked_out(leak)
