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
    way: str = ""  # how some of it was told before, less exactly; empty: it was not


KINDS = ("flat", "zeros", "cube", "four", "tree", "gaps", "linked", "releases", "shares", "overlap")


MANY = 30  # people: a fifth of them is not few yet
WAYS = ("rounded", "ranges", "marked", "mixed")


def project(seed: int, *, clean: bool = False) -> Project:
    """Draw one of ten kinds of project; a clean one is its twin in which nobody is few."""
    rng = np.random.default_rng(seed)
    kind, turn = KINDS[seed % len(KINDS)], seed // len(KINDS)
    zeros_hidden = turn % 4 != 3
    draw = counts if not clean else many if zeros_hidden else many_or_nobody
    made = globals()[f"_{kind}"](rng, draw)
    made.zeros_hidden = zeros_hidden
    if turn % 3 == 1:
        made.way = WAYS[turn // 3 % len(WAYS)]
    return made


def counts(rng, shape, *, zeros=0.05, small=0.15, least=0):
    """Draw people: some cells small, some empty."""
    drawn = rng.poisson(rng.gamma(1.5, 25, shape))
    few = rng.random(shape) < small
    drawn[few] = rng.integers(0, 6, int(few.sum()))
    drawn[rng.random(shape) < zeros] = 0
    return drawn + least


def many(rng, shape, **options):
    """Draw at least as many people in every cell as leave enough when they are divided."""
    return counts(rng, shape, **options) + MANY


def many_or_nobody(rng, shape, *, least=0, **options):
    """Draw many people or nobody: where zeros are shown, there is nothing to hide."""
    drawn = counts(rng, shape, **options)
    return np.where(drawn > 0, drawn + MANY, 0)


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


def margin(text: str, rng) -> str:
    """Return the counts of a table over one of its dimensions or two, without its percentages."""
    head, *lines = (line.split(",") for line in text.splitlines())
    dims = head[: head.index("count")]
    kept = sorted(rng.permutation(len(dims))[: int(rng.integers(1, max(2, len(dims))))].tolist())
    gone = [i for i in range(len(dims)) if i not in kept]
    rows = [[head[i] for i in kept] + ["count"]]
    rows += [
        [*(line[i] for i in kept), line[len(dims)]] for line in lines if all(line[i] == "Total" for i in gone)
    ]
    return "\n".join(map(",".join, rows)) + "\n"


def roughly(text: str, rng, *, way: str, zeros_hidden: bool) -> str:
    """Tell counts by a careful hand: rounded to five, as ranges, with small ones marked, or all of these."""
    head, *lines = (line.split(",") for line in text.splitlines())
    rows = [[*head[:-1], "released"]]
    often = rng.choice([0.0, 0.3, 0.6])  # of the large counts, left blank
    for *codes, count in lines:
        one = str(rng.choice(WAYS[:3])) if way == "mixed" else way
        rows.append([*codes, _rough(int(count), one, blank=rng.random() < often, zeros_hidden=zeros_hidden)])
    return "\n".join(map(",".join, rows)) + "\n"


def _rough(number: int, way: str, *, blank: bool, zeros_hidden: bool) -> str:
    if number == 0 and not zeros_hidden:
        return "0"
    if number < 6:
        return {"rounded": "", "ranges": "0-9", "marked": "<6"}[way]
    if blank:
        return ""
    if way == "marked":
        return str(number)
    if way == "rounded":
        return f"~{5 * ((number + 2) // 5)}" if number >= 8 else ""
    start = number - number % (5 if number < 30 else 10)
    return f"{start}-{start + (4 if number < 30 else 9)}"


def shut(text: str, *, zeros_hidden: bool) -> str:
    """Release nothing of a table, but for zeros where they are shown."""
    head, *lines = (line.split(",") for line in text.splitlines())
    at = head.index("count")
    rows = [[*head[:at], "released"]]
    rows += [[*line[:at], "0" if line[at] == "0" and not zeros_hidden else ""] for line in lines]
    return "\n".join(map(",".join, rows)) + "\n"


def _flat(rng, draw):
    shape = tuple(int(n) for n in rng.integers(2, 6, 2))
    return Project("flat", [[long(draw(rng, shape), "ab")]])


def _zeros(rng, draw):
    shape = tuple(int(n) for n in rng.integers(2, 5, 2))
    return Project("zeros", [[long(draw(rng, shape, zeros=0.4), "ab")]])


def _cube(rng, draw):
    shape = tuple(int(n) for n in rng.integers(2, 4, 3))
    return Project("cube", [[long(draw(rng, shape, zeros=float(rng.choice([0, 0.3]))), "abc")]])


def _four(rng, draw):
    return Project("four", [[long(draw(rng, (2, 2, 2, 2), zeros=0.1), "abcd")]])


def _tree(rng, draw):
    """Districts with schools; one has a single school."""
    joint = draw(rng, (5, int(rng.integers(2, 4))))
    parts = [[0], [1, 2], [3, 4]] if rng.random() < 0.6 else [[0, 1], [2, 3, 4]]
    groups = [(f"D{i}", tuple(part)) for i, part in enumerate(parts)]
    tree = "parent,child\n" + "".join(f"D{i},a{k}\n" for i, part in enumerate(parts) for k in part)
    listed = groups if rng.random() < 0.5 else groups[1:]
    return Project("tree", [[long(joint, "ab", groups={"a": listed})]], {"a": tree})


def _gaps(rng, draw):
    """Lines are missing, and a category stands in no table at all."""
    joint = draw(rng, (int(rng.integers(3, 5)), 3))
    tree = "parent,child\n" + "".join(f"Total,a{i}\n" for i in range(joint.shape[0]))
    quiet = f"a{joint.shape[0] - 1}" if rng.random() < 0.3 else ""
    gone = set(rng.permutation(joint.shape[0] * 3)[: int(rng.integers(1, 3))].tolist())

    def keep(codes):
        if codes[0] == quiet:
            return False
        inner = "Total" not in codes
        return not (inner and int(codes[0][1:]) * 3 + int(codes[1][1:]) in gone)

    return Project("gaps", [[long(joint, "ab", keep=keep)]], {"a": tree})


def _linked(rng, draw):
    """Two cross tables of three dimensions, or three to five margins of a table of four."""
    if rng.random() < 0.6:
        joint = draw(rng, (3, 3, 2)) // 3
        return Project("linked", [[long(joint, "ab"), long(joint, "ac")]])
    joint = draw(rng, (2, 2, 2, 2)) // 5
    margins = ["".join(dims) for size in (2, 3) for dims in itertools.combinations("abcd", size)]
    chosen = rng.permutation(len(margins))[: int(rng.integers(3, 6))]
    return Project("linked", [[long(joint, margins[i]) for i in sorted(chosen)]])


def _releases(rng, draw):
    joint = draw(rng, (3, 3, 2), small=0.05, least=4)
    steps = [["ab"], ["ac"], ["bc"]] if rng.random() < 0.5 else [["a"], ["ab"], ["abc"]]
    return Project("releases", [[long(joint, dims) for dims in step] for step in steps])


def _shares(rng, draw):
    joint = draw(rng, (int(rng.integers(2, 5)), 3), small=0.1)
    return Project("shares", [[long(joint, "ab", share="b", decimals=int(rng.integers(0, 2)))]])


def _overlap(rng, draw):
    joint = draw(rng, (4, 2))
    groups = {"a": [("a0|a1", (0, 1)), ("a1|a2", (1, 2))][: int(rng.integers(1, 3))]}
    return Project("overlap", [[long(joint, "ab", groups=groups)]])
