"""Codes of a dimension: leaves, groups of a hierarchy, unions written `A|B`, and Total."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from disclosure.engine.errors import BadTable

TOTAL = "Total"


@dataclass(frozen=True)
class Hierarchy:
    """Which codes a group stands for; a child may have several parents."""

    name: str
    children: Mapping[str, tuple[str, ...]]

    def leaves_of(self, code: str) -> frozenset[str]:
        """Return the leaves below a code."""
        below = self.children.get(code)
        if below is None:
            return frozenset((code,))
        return frozenset().union(*(self.leaves_of(child) for child in below))

    def codes(self) -> set[str]:
        """Return every code the hierarchy knows, Total left out."""
        return (set(self.children) | {c for kids in self.children.values() for c in kids}) - {TOTAL}


def read_hierarchy(name: str, text: str) -> Hierarchy:
    """Read a `parent,child` list.

    :raises BadTable: if columns are missing, a line is incomplete, or a group contains itself
    """
    rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))
    if not rows or [cell.strip().lower() for cell in rows[0]] != ["parent", "child"]:
        raise BadTable(f"Hierarchy of {name}: the first line must be parent,child.")
    children: dict[str, list[str]] = {}
    for number, row in enumerate(rows[1:], start=2):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) != 2 or not all(cells):
            raise BadTable(f"Hierarchy of {name}, line {number}: give a parent and a child.")
        parent, child = cells
        if child == TOTAL:
            raise BadTable(f"Hierarchy of {name}, line {number}: Total cannot be a child.")
        if child not in children.setdefault(parent, []):
            children[parent].append(child)
    hierarchy = Hierarchy(name, {parent: tuple(kids) for parent, kids in children.items()})
    _refuse_circles(hierarchy)
    return hierarchy


def _refuse_circles(hierarchy: Hierarchy) -> None:
    done: set[str] = set()

    def walk(code: str, above: tuple[str, ...]) -> None:
        if code in above:
            raise BadTable(f"Hierarchy of {hierarchy.name}: “{code}” is below itself.")
        if code not in done:
            for child in hierarchy.children.get(code, ()):
                walk(child, (*above, code))
            done.add(code)

    for code in list(hierarchy.children):
        walk(code, ())


@dataclass(frozen=True)
class Dimension:
    """One dimension cut into atoms: the finest sets of leaves that the used codes tell apart."""

    name: str
    atoms_of: Mapping[str, frozenset[int]]  # code -> its atoms
    size: int
    lines: tuple[tuple[str, tuple[str, ...]], ...]  # (group, disjoint codes directly inside it)
    everything: frozenset[int] = field(default=frozenset())

    def canonical(self, code: str) -> frozenset[int]:
        """Return the atoms of a code that was named when the dimension was built."""
        return self.atoms_of[code]


def build_dimension(name: str, used: Iterable[str], hierarchy: Hierarchy | None) -> Dimension:
    """Cut a dimension into atoms.

    :raises BadTable: if a code is not in the hierarchy, or a union is malformed
    """
    codes = sorted(set(used) - {TOTAL})
    parts = {code: _parts(name, code) for code in codes}
    if hierarchy is None:
        universe = frozenset(p for ps in parts.values() for p in ps)
        leaves = {code: frozenset(ps) for code, ps in parts.items()}
    else:
        known = hierarchy.codes()
        for code in codes:
            if strange := [p for p in parts[code] if p not in known]:
                raise BadTable(
                    f"Dimension {name}: “{strange[0]}” is not in its hierarchy. "
                    "Add it there or correct the code."
                )
        universe = frozenset(c for c in known if c not in hierarchy.children)
        leaves = {c: frozenset().union(*(hierarchy.leaves_of(p) for p in ps)) for c, ps in parts.items()}
    return _cut(name, universe, leaves)


def _parts(name: str, code: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in code.split("|"))
    if not all(parts) or TOTAL in parts:
        raise BadTable(f"Dimension {name}: “{code}” is not a code, nor a union written A|B.")
    return parts


def _cut(name: str, universe: frozenset[str], leaves: Mapping[str, frozenset[str]]) -> Dimension:
    ordered = sorted(leaves)
    marks: dict[str, list[int]] = {leaf: [] for leaf in sorted(universe)}
    for number, code in enumerate(ordered):
        for leaf in leaves[code]:
            marks[leaf].append(number)
    numbers: dict[tuple[int, ...], int] = {}
    atom_of = {leaf: numbers.setdefault(tuple(seen), len(numbers)) for leaf, seen in marks.items()}
    size = max(len(numbers), 1)
    everything = frozenset(range(size))
    atoms_of = {code: frozenset(atom_of[leaf] for leaf in leaves[code]) for code in ordered}
    atoms_of[TOTAL] = everything
    return Dimension(name, atoms_of, size, _lines(atoms_of, size), everything)


def _lines(atoms_of: Mapping[str, frozenset[int]], size: int) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Find, for each group, the families of disjoint codes directly inside it."""
    sets: dict[frozenset[int], str] = {}
    for code in sorted(atoms_of, key=lambda c: (c != TOTAL, c)):
        sets.setdefault(atoms_of[code], code)  # two names of one set are one code
    groups = [atoms for atoms in sets if len(atoms) > 1]
    lines: list[tuple[str, tuple[str, ...]]] = []
    for group in groups:
        if group == frozenset(range(size)) and all(len(a) == 1 or a == group for a in sets):
            inside = [a for a in sets if a < group]  # a flat list: the usual case, and a long one
        else:
            inside = _maximal([a for a in sets if a < group])
        lines.extend((sets[group], tuple(sets[a] for a in family)) for family in _disjoint_families(inside))
    return tuple(lines)


def _maximal(sets: list[frozenset[int]]) -> list[frozenset[int]]:
    kept: list[frozenset[int]] = []
    for candidate in sorted(sets, key=lambda s: (-len(s), sorted(s))):
        if not any(candidate < other for other in kept):
            kept.append(candidate)
    return kept


def _disjoint_families(sets: list[frozenset[int]]) -> list[list[frozenset[int]]]:
    families: list[list[frozenset[int]]] = []
    left = sorted(sets, key=lambda s: (-len(s), sorted(s)))
    while left:
        family: list[frozenset[int]] = []
        taken: frozenset[int] = frozenset()
        for candidate in [*left, *sets]:  # first those in no family yet, then whatever still fits
            if not candidate & taken:
                family.append(candidate)
                taken |= candidate
        families.append(family)
        left = [s for s in left if s not in family]
    return families
