"""All people the released tables speak of, cut as finely as the tables cut them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import prod

import numpy as np
from scipy import sparse

from disclosure.engine.audit.reading import EVERYBODY, Line
from disclosure.engine.errors import BadTable, Stopped

Who = tuple[frozenset[int], ...]  # the atoms meant, per dimension
LIMIT = 4_000_000
OTHERS = "(not listed)"


class Universe:
    """Dimensions, their atoms, and the unknown counts of their crossings."""

    def __init__(
        self,
        lines: Sequence[Line],
        groups: Mapping[str, Mapping[str, set[str]]],
        patterns: Iterable[Mapping[str, str]],
        *,
        unlisted: bool = False,
    ) -> None:
        self.unlisted = unlisted  # categories that no table names may be there, too
        self.names = sorted({name for line in lines for name in line.people})
        self.codes: list[dict[str, frozenset[int]]] = []
        self.sets: list[dict[frozenset[int], str]] = []  # whatever has a name, and each atom
        self.size: list[int] = []
        self.atom: list[dict[str, int]] = []  # of each leaf
        said: dict[str, set[str]] = {name: set() for name in self.names}
        for line in lines:
            for name, code in line.people.items():
                said[name].add(code)
        # A pattern about people whom no table and no hierarchy knows says nothing about those they know.
        known = {name: set(groups[name]) if name in groups else _parts(said[name]) for name in self.names}
        self.impossible = [
            dict(p) for p in patterns if all(n in known and _parts({c}) <= known[n] for n, c in p.items())
        ]
        for pattern in self.impossible:
            for name, code in pattern.items():
                said[name].add(code)
        for name in self.names:
            self._cut(name, said[name] - {EVERYBODY}, groups.get(name))

    def _cut(self, name: str, said: set[str], groups: Mapping[str, set[str]] | None) -> None:
        meaning: dict[str, frozenset[str]] = {}
        for code in said:
            parts = [part.strip() for part in code.split("|")]
            if EVERYBODY in parts or "" in parts:
                raise BadTable(f"{name}: “{code}” cannot be read as a code or a union.")
            if groups is None:
                meaning[code] = frozenset(parts)
                continue
            for part in parts:
                if part not in groups:
                    raise BadTable(f"{name}: “{part}” is not in the hierarchy.")
            meaning[code] = frozenset().union(*(groups[part] for part in parts))
        leaves = frozenset().union(*(groups.values() if groups is not None else meaning.values()))
        if groups is None and self.unlisted:
            leaves |= {OTHERS}
        order = sorted(meaning)
        atom: dict[str, int] = {}
        if groups is None and all(len(m) == 1 for m in meaning.values()):
            atom = {leaf: i for i, leaf in enumerate(sorted(leaves))}  # nothing overlaps
        else:
            inside: dict[str, list[int]] = {leaf: [] for leaf in sorted(leaves)}
            for i, code in enumerate(order):
                for leaf in meaning[code]:
                    inside[leaf].append(i)
            kinds: dict[tuple[int, ...], int] = {}
            atom = {leaf: kinds.setdefault(tuple(kind), len(kinds)) for leaf, kind in inside.items()}
        size = max(1, len(set(atom.values())))
        codes = {code: frozenset(atom[leaf] for leaf in meaning[code]) for code in order}
        codes[EVERYBODY] = frozenset(range(size))
        self.codes.append(codes)
        self.atom.append(atom)
        self.size.append(size)
        self.sets.append(_named(codes, atom, groups or {}))

    def who(self, people: Mapping[str, str]) -> Who:
        """Return the population of a line; a dimension it lacks means everybody."""
        return tuple(
            codes[people.get(name, EVERYBODY)] for name, codes in zip(self.names, self.codes, strict=True)
        )

    def others(self) -> list[Who]:
        """Return, for each dimension that may have categories no table names, all of those."""
        if not self.unlisted:
            return []
        everybody = [frozenset(range(n)) for n in self.size]
        atoms = [(d, atom[OTHERS]) for d, atom in enumerate(self.atom) if OTHERS in atom]
        return [(*everybody[:d], frozenset((a,)), *everybody[d + 1 :]) for d, a in atoms]

    def narrow(self, who: Who) -> frozenset[int]:
        """Return the dimensions that restrict a population."""
        return frozenset(d for d, atoms in enumerate(who) if len(atoms) < self.size[d])

    def words(self, who: Who) -> str:
        """Name a population."""
        said = [f"{self.names[d]} {self._name(d, who[d])}" for d in sorted(self.narrow(who))]
        return ", ".join(said) or "everyone"

    def codes_of(self, who: Who) -> tuple[tuple[str, str], ...] | None:
        """Return a population as dimensions and codes; None if it holds people whom no code names."""
        said = tuple((self.names[d], self._name(d, who[d])) for d in sorted(self.narrow(who)))
        return None if any(OTHERS in code for _, code in said) else said

    def _name(self, d: int, atoms: frozenset[int]) -> str:
        if atoms in self.sets[d]:
            return self.sets[d][atoms]
        names, left = [], set(atoms)
        for known in sorted(self.sets[d], key=lambda s: (-len(s), sorted(s))):
            if known <= left:
                names.append(self.sets[d][known])
                left -= known
        return "|".join(sorted(names))


def _parts(codes: Iterable[str]) -> set[str]:
    return {part.strip() for code in codes for part in code.split("|")} - {EVERYBODY}


def _named(
    codes: Mapping[str, frozenset[int]], atom: Mapping[str, int], groups: Mapping[str, set[str]]
) -> dict[frozenset[int], str]:
    """List every set of atoms that has a name, and each atom by the names of its leaves."""
    leaves: dict[int, list[str]] = {}
    for leaf, number in atom.items():
        leaves.setdefault(number, []).append(leaf)
    named: dict[frozenset[int], str] = {codes[EVERYBODY]: EVERYBODY}
    for code in sorted(codes, key=lambda c: (len(c), c)):
        named.setdefault(codes[code], code)
    for group in sorted(groups, key=lambda c: (len(c), c)):
        atoms = frozenset(atom[leaf] for leaf in groups[group])
        if sum(len(leaves[a]) for a in atoms) == len(groups[group]):
            named.setdefault(atoms, group)
    for number, names in leaves.items():
        named.setdefault(frozenset((number,)), "|".join(names))
    return named


class Unknowns:
    """Numbers the crossings of atoms; tables that hang together loosely are crossed apart."""

    def __init__(self, universe: Universe, populations: Iterable[Who]) -> None:
        self.universe = universe
        edges: set[frozenset[int]] = {universe.narrow(who) for who in populations} | {frozenset[int]()}
        self.blocks, self.tree = _blocks(sorted(edges, key=lambda e: (-len(e), sorted(e))))
        self.start = [0]
        for block in self.blocks:
            self.start.append(self.start[-1] + prod(universe.size[d] for d in block))
        if self.start[-1] > LIMIT:
            raise Stopped(f"The tables cross into {self.start[-1]:,} inner cells; the limit is {LIMIT:,}.")

    @property
    def count(self) -> int:
        """How many unknowns there are."""
        return self.start[-1]

    def places(self, who: Who) -> list[int]:
        """Return the blocks that can express a population."""
        need = self.universe.narrow(who)
        return [b for b, block in enumerate(self.blocks) if need <= set(block)]

    def members(self, who: Who, block: int | None = None) -> np.ndarray:
        """Return the unknowns that make up a population."""
        if block is None:
            block = min(self.places(who), key=lambda b: self.start[b + 1] - self.start[b])
        numbers = np.zeros(1, dtype=np.int64)
        for d in self.blocks[block]:
            inside = np.array(sorted(who[d]), dtype=np.int64)
            numbers = np.add.outer(numbers * self.universe.size[d], inside).ravel()
        return numbers + self.start[block]

    def ties(self) -> sparse.csr_matrix:
        """Say that blocks agree about the people they share."""
        rows, columns, values, height = [], [], [], 0
        everybody = [frozenset(range(n)) for n in self.universe.size]
        for a, b in self.tree:
            common = sorted(set(self.blocks[a]) & set(self.blocks[b]))
            for atoms in product(*(range(self.universe.size[d]) for d in common)):
                who = list(everybody)
                for d, atom in zip(common, atoms, strict=True):
                    who[d] = frozenset((atom,))
                for block, sign in ((a, 1.0), (b, -1.0)):
                    members = self.members(tuple(who), block)
                    rows.append(np.full(len(members), height))
                    columns.append(members)
                    values.append(np.full(len(members), sign))
                height += 1
        if not height:
            return sparse.csr_matrix((0, self.count))
        index = (np.concatenate(rows), np.concatenate(columns))
        return sparse.csr_matrix((np.concatenate(values), index), shape=(height, self.count))


def _blocks(edges: Sequence[frozenset[int]]) -> tuple[list[tuple[int, ...]], list[tuple[int, int]]]:
    """Take off ears until one table is left; what has no ear is crossed as a whole."""
    left = [e for i, e in enumerate(edges) if not any(e < f for f in edges) and e not in edges[:i]]
    ears: list[tuple[frozenset[int], frozenset[int]]] = []
    taken = True
    while len(left) > 1 and taken:
        taken = False
        for edge in left:
            others = [f for f in left if f != edge]
            shared = edge & frozenset().union(*others)
            host = next((f for f in others if shared <= f), None)
            if host is not None:
                ears.append((edge, host))
                left.remove(edge)
                taken = True
                break
    core = frozenset().union(*left)
    blocks = [tuple(sorted(core)), *(tuple(sorted(e)) for e, _ in ears)]
    number = {edge: i + 1 for i, (edge, _) in enumerate(ears)}
    return blocks, [(number[e], number.get(host, 0)) for e, host in ears]
