"""Made-up projects from a seed: tables, releases, hierarchies, missing lines, percentages."""

import itertools
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Project:
    """Tables of the same people, release after release."""

    kind: str
    releases: list[list[str]]  # each a list of long tables with true counts
    groups: dict[str, str] = field(default_factory=dict)
    zeros_hidden: bool = True


KINDS = ("flat", "zeros", "cube", "four", "tree", "gaps", "linked", "releases", "shares", "overlap")


def project(seed: int) -> Project:
    """Draw one of ten kinds of project."""
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    made = globals()[f"_{kind}"](rng)
    made.zeros_hidden = seed // len(KINDS) % 4 != 3
    return made


def counts(rng, shape, *, zeros=0.05, small=0.15):
    """Draw people: some cells small, some empty."""
    drawn = rng.poisson(rng.gamma(1.5, 25, shape))
    few = rng.random(shape) < small
    drawn[few] = rng.integers(0, 6, int(few.sum()))
    drawn[rng.random(shape) < zeros] = 0
    return drawn


def long(joint, dims, *, groups=None, keep=lambda codes: True, share=None, decimals=0):
    """Write a table of some dimensions of the joint counts, with margins and groups of their codes."""
    axes = tuple(i for i, d in enumerate("abcd"[: joint.ndim]) if d not in dims)
    table = joint.sum(axis=axes)
    choices = []
    for dim, size in zip(dims, table.shape, strict=True):
        options = [(f"{dim}{i}", (i,)) for i in range(size)]
        options += (groups or {}).get(dim, [])
        choices.append([*options, ("Total", tuple(range(size)))])
    lines = [",".join([*dims, "count", *(["pct", "pct_of"] if share else [])])]
    for picked in itertools.product(*choices):
        codes = [code for code, _ in picked]
        if not keep(codes):
            continue
        number = int(table[np.ix_(*(index for _, index in picked))].sum())
        line = [*codes, str(number)]
        if share:
            at = dims.index(share)
            wide = [picked[i][1] if i != at else choices[at][-1][1] for i in range(len(dims))]
            base = int(table[np.ix_(*wide)].sum())
            plain = codes[at] == "Total" or base == 0
            line += ["", ""] if plain else [f"{100 * number / base:.{decimals}f}", share]
        lines.append(",".join(line))
    return "\n".join(lines) + "\n"


def blanked(text: str, rng, *, zeros_hidden: bool) -> str:
    """Release a table by a careless hand: small counts blank or marked, some others too, some blurred."""
    head, *lines = text.splitlines()
    columns = head.split(",")
    at = columns.index("count")
    out = [",".join(["released" if c == "count" else c for c in columns])]
    often = rng.choice([0.0, 0.25, 0.5])
    for line in lines:
        values = line.split(",")
        number = int(values[at])
        chance = rng.random()
        if (0 if zeros_hidden else 1) <= number < 6:
            values[at] = "" if chance < 0.9 or number == 0 else "<6"
        elif chance < often and (number or zeros_hidden):  # where zeros are shown, a blank is somebody
            values[at] = ""
        elif chance > 0.96:
            values[at] = f"~{5 * round(number / 5)}"
        elif chance > 0.93:
            values[at] = f"{max(0, number - int(rng.integers(0, 3)))}-{number + int(rng.integers(1, 4))}"
        if len(values) > at + 1 and rng.random() < 0.5:
            values[at + 1 :] = ["", ""]
        out.append(",".join(values))
    return "\n".join(out) + "\n"


def _flat(rng):
    shape = tuple(int(n) for n in rng.integers(2, 6, 2))
    return Project("flat", [[long(counts(rng, shape), "ab")]])


def _zeros(rng):
    shape = tuple(int(n) for n in rng.integers(2, 5, 2))
    return Project("zeros", [[long(counts(rng, shape, zeros=0.4), "ab")]])


def _cube(rng):
    shape = tuple(int(n) for n in rng.integers(2, 4, 3))
    return Project("cube", [[long(counts(rng, shape, zeros=float(rng.choice([0, 0.3]))), "abc")]])


def _four(rng):
    return Project("four", [[long(counts(rng, (2, 2, 2, 2), zeros=0.1), "abcd")]])


def _tree(rng):
    """Districts with schools; one has a single school."""
    joint = counts(rng, (5, int(rng.integers(2, 4))))
    parts = [[0], [1, 2], [3, 4]] if rng.random() < 0.6 else [[0, 1], [2, 3, 4]]
    groups = [(f"D{i}", tuple(part)) for i, part in enumerate(parts)]
    tree = "parent,child\n" + "".join(f"D{i},a{k}\n" for i, part in enumerate(parts) for k in part)
    listed = groups if rng.random() < 0.5 else groups[1:]
    return Project("tree", [[long(joint, "ab", groups={"a": listed})]], {"a": tree})


def _gaps(rng):
    """Lines are missing, and a category stands in no table at all."""
    joint = counts(rng, (int(rng.integers(3, 5)), 3))
    tree = "parent,child\n" + "".join(f"Total,a{i}\n" for i in range(joint.shape[0]))
    quiet = f"a{joint.shape[0] - 1}" if rng.random() < 0.3 else ""
    gone = set(rng.permutation(joint.shape[0] * 3)[: int(rng.integers(1, 3))].tolist())

    def keep(codes):
        if codes[0] == quiet:
            return False
        inner = "Total" not in codes
        return not (inner and int(codes[0][1:]) * 3 + int(codes[1][1:]) in gone)

    return Project("gaps", [[long(joint, "ab", keep=keep)]], {"a": tree})


def _linked(rng):
    """Two cross tables of three dimensions, or three to five margins of a table of four."""
    if rng.random() < 0.6:
        joint = counts(rng, (3, 3, 2)) // 3
        return Project("linked", [[long(joint, "ab"), long(joint, "ac")]])
    joint = counts(rng, (2, 2, 2, 2)) // 5
    margins = ["".join(dims) for size in (2, 3) for dims in itertools.combinations("abcd", size)]
    chosen = rng.permutation(len(margins))[: int(rng.integers(3, 6))]
    return Project("linked", [[long(joint, margins[i]) for i in sorted(chosen)]])


def _releases(rng):
    joint = counts(rng, (3, 3, 2), small=0.05) + 4
    steps = [["ab"], ["ac"], ["bc"]] if rng.random() < 0.5 else [["a"], ["ab"], ["abc"]]
    return Project("releases", [[long(joint, dims) for dims in step] for step in steps])


def _shares(rng):
    joint = counts(rng, (int(rng.integers(2, 5)), 3), small=0.1)
    return Project("shares", [[long(joint, "ab", share="b", decimals=int(rng.integers(0, 2)))]])


def _overlap(rng):
    joint = counts(rng, (4, 2))
    groups = {"a": [("a0|a1", (0, 1)), ("a1|a2", (1, 2))][: int(rng.integers(1, 3))]}
    return Project("overlap", [[long(joint, "ab", groups=groups)]])
