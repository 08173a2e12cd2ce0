"""A third opinion: every world of whole, non-negative counts that agrees with what is released.

Shares nothing with the engine: it reads the released bytes, crosses all leaves, and asks a whole-number
solver for the ends of a sum. For small tables only.
"""

import csv
import io
import itertools

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp


class Worlds:
    """All people crossed by the finest categories, and what released tables say of them."""

    def __init__(self, released, groups=None, *, zeros=True):
        self.groups = groups or {}  # dimension -> group -> leaves
        tables = [list(csv.DictReader(io.StringIO(text))) for text in released]
        not_dims = {"count", "released", "reason", "pct", "pct_of", "pct_n", "release"}
        self.codes = {}
        for table in tables:
            for row in table:
                for dim, code in row.items():
                    if dim not in not_dims and code != "Total":
                        self.codes.setdefault(dim, set()).add(code)
        self.dims = sorted(self.codes)
        self.leaves = {}
        for dim in self.dims:
            leaves = set().union(*self.groups.get(dim, {}).values()) if dim in self.groups else set()
            for code in self.codes[dim]:
                leaves |= self.means(dim, code)
            self.leaves[dim] = sorted(leaves)
        self.shape = tuple(len(self.leaves[dim]) for dim in self.dims)
        rows, low, high = [], [], []
        self.said = {}
        for table in tables:
            for row in table:
                who = {dim: row.get(dim, "Total") for dim in self.dims}
                value = row["released"] if "released" in row else row["count"]
                rows.append(self.vector(who))
                exact = value != ""
                low.append(float(value) if exact else 0.0 if zeros else 1.0)
                high.append(float(value) if exact else np.inf)
                key = self.vector(who).tobytes()
                self.said[key] = self.said.get(key) or value
        self.facts, self.low, self.high = np.array(rows), np.array(low), np.array(high)

    def means(self, dim, code):
        parts = code.split("|")
        return set().union(*(self.groups.get(dim, {}).get(p, {p}) for p in parts))

    def vector(self, who):
        picked = np.zeros(self.shape)
        index = []
        for dim in self.dims:
            leaves = self.leaves[dim]
            inside = set(leaves) if who[dim] == "Total" else self.means(dim, who[dim])
            index.append([i for i, leaf in enumerate(leaves) if leaf in inside])
        picked[np.ix_(*index)] = 1.0
        return picked.ravel()

    def ends(self, vector):
        """Return the least and the greatest value of a sum."""
        found = []
        for sign in (1, -1):
            answer = milp(
                sign * vector,
                constraints=LinearConstraint(self.facts, self.low, self.high),
                integrality=np.ones(len(vector)),
                bounds=Bounds(0, 10_000),
                options={"mip_rel_gap": 0},
            )
            assert answer.status == 0, answer.message
            found.append(round(sign * answer.fun))
        return tuple(found)

    def people(self):
        """Return every population that codes, leaves and groups can name."""
        choices = []
        for dim in self.dims:
            names = {*self.codes[dim], *self.leaves[dim], *self.groups.get(dim, {})}
            choices.append([*sorted(names), "Total"])
        for codes in itertools.product(*choices):
            yield dict(zip(self.dims, codes, strict=True))


def _dark(text):
    """Return a released table with everything withheld but its zeros."""
    lines = text.splitlines()
    return "\n".join(
        [lines[0], *(line if line.endswith(",0") else line.rpartition(",")[0] + "," for line in lines[1:])]
    )


def leaks(true, released, groups=None, *, zeros=True, top=5, earlier=()):
    """Return all that breaks the criterion, found by looking at every population there is."""
    full = Worlds([*true, *earlier], groups, zeros=zeros)
    seen = Worlds([*released, *earlier], groups, zeros=zeros)
    dark = Worlds([_dark(text) for text in released] + [*earlier], groups, zeros=zeros)
    floor = 0 if zeros else 1
    found, small = [], {}
    for who in seen.people():
        vector = seen.vector(who)
        value = seen.said.get(vector.tobytes())
        least, most = full.ends(vector)
        if value:
            if floor <= int(value) <= top:
                found.append(("shown", who, int(value)))
            continue
        if most <= top and least >= floor:
            low, high = seen.ends(vector)
            small[tuple(who.values())] = (who, vector)
            if low > max(floor, dark.ends(vector)[0]) or high < top:  # blanks count somebody if zeros show
                found.append(("cell", who, low, high))
        elif value == "":
            low, high = seen.ends(vector)
            if low == high:
                found.append(("exact", who, low))
    for d in range(len(seen.dims)):
        beside = {}
        for key, (who, vector) in small.items():
            beside.setdefault((*key[:d], *key[d + 1 :]), []).append((who, vector))
        for together in beside.values():
            for size in (2, 3):
                for some in itertools.combinations(together, size):
                    vector = sum(v for _, v in some)
                    if vector.max() > 1:
                        continue
                    least, most = full.ends(vector)
                    if least < 1 or most > top:
                        continue
                    low, high = seen.ends(vector)
                    if low >= 1 and high <= top:
                        found.append(("residual", [who for who, _ in some], low, high))
    return found
