"""Made-up tables of many kinds, from a seed."""

import itertools
from dataclasses import dataclass, field

import numpy as np

from disclosure.engine.codes import read_hierarchy
from disclosure.engine.longform import Table, read_long
from disclosure.engine.policy import CellPolicy
from disclosure.engine.protect import Protection, protect
from disclosure.engine.release import Outside, audit_release

RULES = CellPolicy(min_count=6, hide_zeros=True, min_pct_base=20)
ZEROS_SHOWN = CellPolicy(min_count=6, hide_zeros=False, min_pct_base=20)


def cross(counts, *, names=None, codes=None, margins=True, name="table.csv", groups=None) -> str:
    """Write an array as a long table, with all margins, and with groups of its codes."""
    names = names or [f"d{i}" for i in range(counts.ndim)]
    codes = codes or [[f"{n}{i}" for i in range(size)] for n, size in zip(names, counts.shape, strict=True)]
    choices = []
    for d, size in enumerate(counts.shape):
        options = [(codes[d][i], [i]) for i in range(size)]
        for group, members in (groups or {}).get(names[d], {}).items():
            options.append((group, [codes[d].index(m) for m in members]))
        if margins:
            options.append(("Total", list(range(size))))
        choices.append(options)
    rows = [",".join([*names, "count"])]
    for picked in itertools.product(*choices):
        number = counts[np.ix_(*(index for _, index in picked))].sum()
        rows.append(",".join([*(code for code, _ in picked), str(int(number))]))
    return "\n".join(rows) + "\n"


def random_counts(rng, shape, *, zeros=0.0):
    """Draw counts with some small cells, some empty."""
    counts = rng.poisson(rng.gamma(1.5, 25, shape))
    small = rng.random(shape) < 0.15
    counts[small] = rng.integers(0, 6, int(small.sum()))
    counts[rng.random(shape) < zeros] = 0
    return counts


@dataclass
class Case:
    """Tables to protect, what is released already, and the groups of their codes."""

    tables: list[str]
    earlier: list[str] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)

    def read(self) -> tuple[list[Table], list[Table]]:
        return (
            [read_long(f"new{i}.csv", text) for i, text in enumerate(self.tables)],
            [read_long(f"old{i}.csv", text) for i, text in enumerate(self.earlier)],
        )


def run(case: Case, policy=RULES, *, seconds=5.0) -> Protection:
    """Protect a case."""
    tables, earlier = case.read()
    hierarchies = {name: read_hierarchy(name, text) for name, text in case.groups.items()}
    return protect(tables, earlier, hierarchies=hierarchies, policy=policy, seconds=seconds)


def judge(case: Case, result: Protection, tmp_path=None, policy=RULES):
    """Audit what would be released, together with all earlier releases."""
    groups = {name: text.encode() for name, text in case.groups.items()}
    earlier = [(f"old{i}.csv", text.encode()) for i, text in enumerate(case.earlier)]
    return audit_release(result, Outside(earlier), groups=groups, policy=policy)


def random_case(seed: int) -> Case:
    """Draw one of many kinds of case."""
    rng = np.random.default_rng(seed)
    kind = ("flat", "zeros", "cube", "groups", "linked", "overlap")[seed % 6]
    if kind in ("flat", "zeros"):
        shape = tuple(int(n) for n in rng.integers(2, 7, 2))
        return Case([cross(random_counts(rng, shape, zeros=0.4 if kind == "zeros" else 0.05))])
    if kind == "cube":
        return Case([cross(random_counts(rng, tuple(int(n) for n in rng.integers(2, 4, 3))))])
    if kind == "groups":
        groups = {"north": ["d00", "d01"], "south": ["d02", "d03", "d04"]}
        hierarchy = "parent,child\n" + "".join(f"{g},{c}\n" for g, kids in groups.items() for c in kids)
        table = cross(random_counts(rng, (5, 3)), groups={"d0": groups})
        return Case([table], groups={"d0": hierarchy})
    if kind == "linked":
        joint = random_counts(rng, (3, 3, 3))
        return Case(
            [
                cross(joint.sum(axis=2), names=["a", "b"]),
                cross(joint.sum(axis=1), names=["a", "c"]),
            ]
        )
    counts = random_counts(rng, (4, 3))
    union = {"d00|d01": ["d00", "d01"], "d01|d02": ["d01", "d02"]}
    return Case([cross(counts, groups={"d0": union})])
