"""Codes of a dimension: leaves, groups of a hierarchy, unions written `A|B`, and Total."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from disclosure.engine.errors import BadTable

TOTAL = "Total"
_LEVELS = 200  # of a hierarchy


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

    :raises BadTable: if columns are missing, a line is incomplete, a group contains itself, or there are too
        many levels
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
    height: dict[str, int] = {}  # levels from a code down to its leaves

    def walk(code: str, above: tuple[str, ...]) -> None:
        if code in above:
            raise BadTable(f"Hierarchy of {hierarchy.name}: “{code}” is below itself.")
        if code not in height and len(above) <= _LEVELS:
            children = hierarchy.children.get(code, ())
            for child in children:
                walk(child, (*above, code))
            height[code] = max((height[child] + 1 for child in children), default=0)
        if height.get(code, 0) + len(above) > _LEVELS:
            raise BadTable(f"Hierarchy of {hierarchy.name}: more than {_LEVELS} levels of groups.")

    for code in list(hierarchy.children):
        walk(code, ())


@dataclass(frozen=True)
class Dimension:
    """One dimension cut into atoms: the finest sets of leaves that the used codes tell apart."""

    name: str
    atoms_of: Mapping[str, frozenset[int]]  # code -> its atoms
    size: int
    leaves: tuple[tuple[str, ...], ...] = ()  # of each atom
    unused: Mapping[str, frozenset[int]] = field(default_factory=dict)  # groups that no table names


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
    cut = _cut(name, universe, leaves)
    return cut if hierarchy is None else replace(cut, unused=_unused(cut, hierarchy))


def _unused(cut: Dimension, hierarchy: Hierarchy) -> dict[str, frozenset[int]]:
    """Return the groups that no table names, but that the named codes add up to."""
    found = {}
    named = set(cut.atoms_of.values())
    for group in sorted(set(hierarchy.children) - set(cut.atoms_of)):
        inside = hierarchy.leaves_of(group)
        atoms = frozenset(a for a, leaves in enumerate(cut.leaves) if inside.issuperset(leaves))
        if atoms and atoms not in named and sum(len(cut.leaves[a]) for a in atoms) == len(inside):
            found[group] = atoms
    return found


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
    atoms_of = {code: frozenset(atom_of[leaf] for leaf in leaves[code]) for code in ordered}
    atoms_of[TOTAL] = frozenset(range(size))
    inside: list[list[str]] = [[] for _ in range(size)]
    for leaf, atom in atom_of.items():
        inside[atom].append(leaf)
    return Dimension(name, atoms_of, size, tuple(tuple(sorted(names)) for names in inside))
