"""A third opinion on released tables, written from the criterion alone.

It imports neither the side that protects nor the audit. Every combination of leaves is an unknown, every
released number a fact about sums of them, and every question goes to a solver for whole numbers by itself
(or, for tiny tables, to a list of all worlds there are).
"""

import csv
import io
import itertools
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

NUMBERS = {"count", "released", "reason", "pct", "pct_of", "pct_n", "release"}


@dataclass
class Oracle:
    """Released texts, lent true counts, and the rules."""

    released: list[str]
    lent: list[str] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)
    small: int = 6
    zeros_hidden: bool = True
    base: int = 20

    def __post_init__(self):
        self.rows = [list(csv.DictReader(io.StringIO(text))) for text in self.released]
        self.lent_rows = [list(csv.DictReader(io.StringIO(text))) for text in self.lent]
        everything = [row for rows in (*self.rows, *self.lent_rows) for row in rows]
        self.dims = sorted({name for row in everything for name in row} - NUMBERS)
        self.below = {dim: self._below(dim) for dim in self.dims}
        self.leaves, self.codes = {}, {}
        for dim in self.dims:
            said = {row[dim] for row in everything if dim in row} - {"Total"}
            leaves = set()
            for code in said | set(self.below[dim]):
                leaves |= self._leaves(dim, code)
            self.leaves[dim] = sorted(leaves) or ["-"]
            sets = {code: frozenset(self._leaves(dim, code)) for code in said | set(self.below[dim])}
            sets |= {leaf: frozenset((leaf,)) for leaf in self.leaves[dim]}
            sets["Total"] = frozenset(self.leaves[dim])
            self.codes[dim] = sets
        self.atoms = {
            atom: i for i, atom in enumerate(itertools.product(*(self.leaves[d] for d in self.dims)))
        }
        self._hear()

    def _below(self, dim):
        below = {}
        for row in csv.DictReader(io.StringIO(self.groups.get(dim, "parent,child\n"))):
            below.setdefault(row["parent"], set()).add(row["child"])
        below.pop("Total", None)
        for row in csv.DictReader(io.StringIO(self.groups.get(dim, "parent,child\n"))):
            below.setdefault(row["child"], set())
        return below

    def _leaves(self, dim, code):
        if "|" in code:
            return set().union(*(self._leaves(dim, part) for part in code.split("|")))
        children = self.below[dim].get(code)
        return set().union(*(self._leaves(dim, child) for child in children)) if children else {code}

    def vector(self, people):
        """Mark the unknowns that a line is about."""
        wanted = [self.codes[d][people.get(d, "Total")] for d in self.dims]
        mark = np.zeros(len(self.atoms))
        for atom in itertools.product(*wanted):
            mark[self.atoms[atom]] = 1
        return mark

    def _hear(self):
        facts, low, high = [], [], []
        self.blank, self.marked, self.exact, self.named, self.shares = {}, {}, {}, {}, []

        def fact(vector, at_least, at_most):
            facts.append(vector)
            low.append(at_least)
            high.append(at_most)

        for rows in self.rows:
            left_out = {self.vector(row).tobytes() for row in rows if row.get("released") == ""}
            for row in rows:
                vector = self.vector(row)
                key = vector.tobytes()
                self.named[key] = vector
                text = row.get("released", row.get("count"))
                if text == "":
                    self.blank[key] = vector
                    if not self.zeros_hidden:
                        fact(vector, 1, np.inf)
                elif text is not None:
                    at_least, at_most = said(text)
                    if text.startswith("<") and not self.zeros_hidden:
                        at_least = 1
                        self.marked[key] = vector
                    fact(vector, at_least, at_most)
                    if at_least == at_most:
                        self.exact[key] = at_least
                of = (row.get("pct_of") or "").split(";")
                base = self.vector({d: "Total" if d in of else c for d, c in row.items() if d in self.dims})
                if row.get("pct_n"):
                    number = int(row["pct_n"])
                    fact(base, number, number)
                    self.named[base.tobytes()] = base
                    if base.tobytes() not in left_out:  # else one table prints what it withholds
                        self.exact[base.tobytes()] = number
                if row.get("pct"):
                    fact(base, 1, np.inf)  # nobody has no percentage
                    half = 0.5 * 10.0 ** -len(row["pct"].partition(".")[2])
                    fact(100 * vector - (float(row["pct"]) - half) * base, 0, np.inf)
                    fact(100 * vector - (float(row["pct"]) + half) * base, -np.inf, 0)
                    self.shares.append((vector, base))
        self.facts = np.array(facts).reshape(-1, len(self.atoms))
        self.low, self.high = np.array(low, float), np.array(high, float)
        lent = [(self.vector(row), int(row["count"])) for rows in self.lent_rows for row in rows]
        self.lent_vectors = np.array([v for v, _ in lent]) if lent else np.zeros((0, len(self.atoms)))
        self.lent_counts = np.array([c for _, c in lent], float)
        for key in list(self.blank):
            if key in self.exact:
                del self.blank[key]

    def truth(self, vector):
        """Return the true count, if the lent counts settle it; else None."""
        inside = self.lent_vectors @ vector == vector.sum()
        if (self.lent_counts[inside] == 0).any():
            return 0
        if not len(self.lent_vectors):
            return None
        weights, *_ = np.linalg.lstsq(self.lent_vectors.T, vector, rcond=None)
        if np.abs(self.lent_vectors.T @ weights - vector).max() > 1e-7:
            return None
        return round(float(self.lent_counts @ weights))

    # Worlds.

    def solve(self, vector, sign):
        """Return the end of a sum in whole worlds (+1 highest, -1 lowest), and the world."""
        answer = milp(
            -sign * vector,
            constraints=LinearConstraint(self.facts, self.low, self.high),
            integrality=np.ones(len(vector)),
            bounds=Bounds(0, np.inf),
            options={"mip_rel_gap": 0.0},
        )
        if answer.status == 3 or answer.status == 4:  # open to one side
            return sign * np.inf, None
        if answer.status != 0:
            raise ArithmeticError(f"The oracle found no world: {answer.message}")
        world = np.round(answer.x)
        assert (self.facts @ world >= self.low - 1e-6).all()
        assert (self.facts @ world <= self.high + 1e-6).all()
        return float(vector @ world), world

    def worlds(self, most):
        """List every world in which no unknown exceeds `most`: for tiny tables."""
        size = len(self.atoms)
        every = np.indices((most + 1,) * size).reshape(size, -1).T
        told = every @ self.facts.T
        fits = (told >= self.low - 1e-9) & (told <= self.high + 1e-9)
        return every[fits.all(axis=1)]

    # The criterion.

    def leaks(self):
        """Return what the criterion forbids, as (kind, low, high, vector)."""
        found, self.seen = [], []
        floor, top = (0 if self.zeros_hidden else 1), self.small - 1
        for vector in self.cells():
            key = vector.tobytes()
            truth = self.truth(vector)
            if key in self.exact:
                if floor <= self.exact[key] < self.small:
                    found.append(("shown", self.exact[key], self.exact[key], vector))
                continue
            blank = key in self.blank
            least = max(floor, min(top, self.sure(vector)))
            if truth is not None and floor <= truth < self.small:
                if self.reaches(vector, least, max(top, least + 1)):
                    continue
                low, high = self.ends(vector)
                if low > least or high < top or low == high:
                    found.append(("cover", low, high, vector))
                continue
            if truth is not None and not blank:
                continue
            if self.reaches(vector, None, self.small) and (not blank or self.moves(vector)):
                continue
            low, high = self.ends(vector)
            if blank and low == high:
                found.append(("exact", low, high, vector))
            elif (
                truth is None
                and floor <= low
                and high <= top
                and (low == high or (low, high) != (least, top))
            ):
                found.append(("narrow", low, high, vector))
        for vector, members in self.residuals():
            if self.reaches(vector, None, self.small):
                continue
            low, high = self.ends(vector)
            if low >= 1 and high <= top and sum(self.reaches(m, None, 1) for m in members) > 1:
                found.append(("residual", low, high, vector))
        for _, base in self.shares:
            if not self.reaches(base, None, self.base) and self.ends(base)[1] < self.base:
                found.append(("base", *self.ends(base), base))
        return found

    def sure(self, vector):
        """Say how many people are in a cell just because what is withheld is not empty.

        Where a number is shown as 0 nobody is: whoever is withheld beside it is in the rest.
        """
        if self.zeros_hidden:
            return 0
        somebody = np.ones(len(vector))
        for key, number in self.exact.items():
            if number == 0:
                somebody[self.named[key] > 0] = 0
        withheld = [b * somebody for b in (*self.blank.values(), *self.marked.values())]
        inside = [b for b in withheld if b @ vector == b.sum() > 0]
        if not inside:
            return 0
        answer = milp(
            vector,
            constraints=LinearConstraint(np.array(inside), 1, np.inf),
            integrality=np.ones(len(vector)),
            bounds=Bounds(0, np.inf),
        )
        return round(answer.fun)

    def cells(self):
        """List every cell of every table's crossing, listed or not, once each."""
        found = {}
        for rows in (*self.rows, *self.lent_rows):
            dims = [d for d in self.dims if d in rows[0]]
            for codes in itertools.product(*(self.codes[d] for d in dims)):
                vector = self.vector(dict(zip(dims, codes, strict=True)))
                found.setdefault(vector.tobytes(), vector)
        return list(found.values())

    def residuals(self):
        """List sums of two or more cells along a line, not printed, that do not overlap, with the cells.

        A cell that is 0 in every world adds nothing: a sum needs two others to be one.
        """
        found = {}
        for rows in (*self.rows, *self.lent_rows):
            dims = [d for d in self.dims if d in rows[0]]
            for along in dims:
                rest = [d for d in dims if d != along]
                for codes in itertools.product(*(self.codes[d] for d in rest)):
                    there = dict(zip(rest, codes, strict=True))
                    line = {}
                    for code in self.codes[along]:
                        vector = self.vector({**there, along: code})
                        if vector.tobytes() not in self.exact:
                            line[vector.tobytes()] = vector
                    for vector, members in apart(sorted(line.values(), key=lambda v: (v.sum(), tuple(v)))):
                        found.setdefault(vector.tobytes(), (vector, members))
        return list(found.values())

    def ends(self, vector):
        """Return the lowest and highest count in whole worlds."""
        ends = []
        for sign in (-1, 1):
            end, world = self.solve(vector, sign)
            if world is not None:
                self.seen.append(world)
            ends.append(end)
        return ends[0], ends[1]

    def reaches(self, vector, low, high):
        """Say whether worlds are known, or found, that go that far down and up."""
        return self._reach(vector, high, 1) and (low is None or self._reach(vector, low, -1))

    def _reach(self, vector, goal, sign):
        if any(sign * (vector @ world) >= sign * goal for world in self.seen):
            return True
        end, world = self.solve(vector, sign)
        if world is not None:
            self.seen.append(world)
        return sign * end >= sign * goal

    def moves(self, vector):
        """Say whether a cell has two possible values or more."""
        values = {float(vector @ world) for world in self.seen}
        if len(values) > 1:
            return True
        low, high = self.ends(vector)
        return low < high


def said(text):
    """Return the lowest and highest count that a printed text allows."""
    if text.startswith("<"):
        return 0, int(text[1:]) - 1
    if "-" in text:
        low, high = text.split("-")
        return int(low), int(high)
    if text.startswith("~"):
        return max(0, int(text[1:]) - 2), int(text[1:]) + 2
    return int(text), int(text)


def apart(vectors, most=200):
    """Sum up every selection of two or more that do not overlap."""
    sums, found = [(np.zeros_like(vectors[0]), ())] if vectors else [], []
    for vector in vectors:
        new = [(total + vector, (*cells, vector)) for total, cells in sums if not (total * vector).any()]
        sums += new[: max(0, most - len(sums))]
        found += [(total, cells) for total, cells in new if len(cells) > 1]
    return found
