"""The inner cells of everything a project shows, and each shown number as a sum of them.

A cell is a code in every dimension, Total where its table has none. The unknowns are the crossings of
the finest codes seen. Where tables share only some dimensions the full crossing is not needed: it is
replaced by one crossing for each clique of dimensions, tied together by equal margins. That loses
nothing, since whole-number tables that agree on their common margin can always be joined.

Apart, each table is crossed on its own, tied to the others by equal margins alone. That is far smaller, and
tells an attacker less: what is unsafe then is unsafe together, and not the other way round.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import prod

import numpy as np
from scipy import sparse

from disclosure.engine.codes import TOTAL, Dimension, Hierarchy, build_dimension
from disclosure.engine.errors import Stopped

Key = tuple[int, ...]
_NAMED = 6  # leaves named one by one in a label
LARGEST = 4_000_000  # inner cells before merging; beyond this memory, not patience, runs out


class Space:
    """Dimensions with numbered codes; number 0 is Total."""

    def __init__(self, used: Mapping[str, Iterable[str]], hierarchies: Mapping[str, Hierarchy]) -> None:
        self.names = tuple(sorted(used))
        self.dims: list[Dimension] = [build_dimension(n, used[n], hierarchies.get(n)) for n in self.names]
        self.numbers: list[dict[frozenset[int], int]] = []
        self.words: list[list[str]] = []
        self.named: list[int] = []  # how many of them tables name; the others are only added up
        for dim in self.dims:
            numbers: dict[frozenset[int], int] = {}
            words: list[str] = []
            for code in [TOTAL, *sorted(set(dim.atoms_of) - {TOTAL})]:
                if dim.atoms_of[code] not in numbers:
                    numbers[dim.atoms_of[code]] = len(words)
                    words.append(code)
            self.named.append(len(words))
            for group, atoms in dim.unused.items():
                if atoms not in numbers:
                    numbers[atoms] = len(words)
                    words.append(group)
            self.numbers.append(numbers)
            self.words.append(words)
        self.sets = [sorted(n, key=n.__getitem__) for n in self.numbers]
        self.above = [[self._supersets(d, atoms) for atoms in sets] for d, sets in enumerate(self.sets)]

    def _supersets(self, d: int, atoms: frozenset[int]) -> list[int]:
        named = self.sets[d][: self.named[d]]
        return [n for n, wide in enumerate(named) if (n == 0 or len(wide) > 1) and atoms < wide]

    def part(self, d: int, atoms: frozenset[int]) -> int:
        """Return the number of a part of a dimension that no code names, numbering it if need be."""
        if atoms not in self.numbers[d]:
            leaves = sorted(leaf for atom in atoms for leaf in self.dims[d].leaves[atom])
            few = len(leaves) <= _NAMED
            self.numbers[d][atoms] = len(self.sets[d])
            self.words[d].append(
                "|".join(leaves) if few else f"{'|'.join(leaves[:_NAMED])} and {len(leaves) - _NAMED} more"
            )
            self.above[d].append(self._supersets(d, atoms))
            self.sets[d].append(atoms)
        return self.numbers[d][atoms]

    def key(self, codes: Mapping[str, str]) -> Key:
        """Return the number of each code, 0 where the table lacks the dimension."""
        return tuple(
            self.numbers[d][dim.atoms_of[codes.get(dim.name, TOTAL)]] for d, dim in enumerate(self.dims)
        )

    def label(self, key: Key) -> str:
        """Say in words which people a cell counts."""
        said = [f"{self.names[d]} {self.words[d][number]}" for d, number in enumerate(key) if number]
        return ", ".join(said) or "everyone"

    def dims_of(self, key: Key) -> frozenset[int]:
        """Return the dimensions in which the cell is not Total."""
        return frozenset(d for d, number in enumerate(key) if number)


def cliques(groups: Iterable[frozenset[int]]) -> list[frozenset[int]]:
    """Cover groups of dimensions by the cliques of a chordal graph (fewest new ties first)."""
    near: dict[int, set[int]] = {}
    for group in groups:
        for d in group:
            near.setdefault(d, set()).update(group - {d})
    found: list[frozenset[int]] = []
    while near:

        def fill(d: int) -> int:
            return sum(1 for a, b in combinations(sorted(near[d]), 2) if b not in near[a])

        chosen = min(sorted(near), key=lambda d: (fill(d), len(near[d])))
        clique = frozenset(near[chosen] | {chosen})
        for a in near[chosen]:
            near[a] |= near[chosen] - {a}
            near[a].discard(chosen)
        del near[chosen]
        if not any(clique <= other for other in found):
            found.append(clique)
    return found or [frozenset()]


def _tree(blocks: Sequence[frozenset[int]]) -> list[tuple[int, int]]:
    """Join the cliques by their widest overlaps; for chordal graphs that keeps every overlap tied."""
    joined, edges = {0}, []
    while len(joined) < len(blocks):
        a, b = max(
            ((a, b) for a in sorted(joined) for b in range(len(blocks)) if b not in joined),
            key=lambda ab: (len(blocks[ab[0]] & blocks[ab[1]]), -ab[0], -ab[1]),
        )
        edges.append((a, b))
        joined.add(b)
    return edges


def _widest(groups: Iterable[frozenset[int]]) -> list[frozenset[int]]:
    """Return the groups that are part of no other."""
    found: list[frozenset[int]] = []
    for group in sorted(set(groups), key=lambda g: (-len(g), sorted(g))):
        if not any(group <= other for other in found):
            found.append(group)
    return found or [frozenset()]


def _overlaps(blocks: Sequence[frozenset[int]]) -> list[tuple[int, int]]:
    """Tie each block, for what it shares with an earlier one, to the first that has the same."""
    ties: dict[tuple[int, int], None] = {}
    for b, block in enumerate(blocks):
        for a in range(b):
            first = next(n for n, other in enumerate(blocks) if blocks[a] & block <= other)
            ties.setdefault((first, b))
    return list(ties)


class Incidence:
    """Each cell as a sum of inner cells: `cells @ x`, with `links @ x == 0`."""

    def __init__(
        self, space: Space, keys: Sequence[Key], impossible: Sequence[Key], *, apart: bool = False
    ) -> None:
        self.space = space
        self.keys, self.impossible = list(keys), list(impossible)
        together = [space.dims_of(k) for k in keys]
        self.tables = _widest(together)  # the dimensions of each that is part of no other
        self.blocks = self.tables if apart else cliques([*together, *map(space.dims_of, impossible)])
        self.ties = _overlaps(self.blocks) if apart else _tree(self.blocks)
        sizes = [prod(space.dims[d].size for d in block) for block in self.blocks]
        if sum(sizes) > LARGEST:
            raise Stopped(
                f"The tables cross into {sum(sizes):,} inner cells; the limit is {LARGEST:,}. "
                "Protect fewer dimensions together, or group their codes."
            )
        self._offset = np.concatenate(([0], np.cumsum(sizes)))
        full = self._rows([self._inner(k) for k in keys])
        links = self._links()
        gone = np.zeros(full.shape[1], dtype=bool)
        for key in impossible:
            for block in range(len(self.blocks)):
                if space.dims_of(key) <= self.blocks[block]:
                    gone[self._inner(key, block)] = True
        self.width = full.shape[1]  # before merging
        self.cells, self.links, self.chosen, self.place = _merged(full, links, gone)

    @property
    def size(self) -> int:
        """How many unknowns there are."""
        return int(self.cells.shape[1])

    def apart(self) -> "Incidence":
        """Return the same cells with every table crossed on its own."""
        return Incidence(self.space, self.keys, self.impossible, apart=True)

    def _home(self, key: Key) -> int:
        dims = self.space.dims_of(key)
        fits = [b for b, block in enumerate(self.blocks) if dims <= block]
        return min(fits, key=lambda b: (self._offset[b + 1] - self._offset[b], b))

    def _inner(self, key: Key, block: int | None = None) -> np.ndarray:
        home = self._home(key) if block is None else block
        flat = np.zeros(1, dtype=np.int64)
        for d in sorted(self.blocks[home]):
            atoms = np.fromiter(sorted(self.space.sets[d][key[d]]), dtype=np.int64)
            flat = (flat[:, None] * self.space.dims[d].size + atoms[None, :]).ravel()
        return flat + self._offset[home]

    def _rows(self, members: Sequence[np.ndarray]) -> sparse.csr_matrix:
        starts = np.concatenate(([0], np.cumsum([len(m) for m in members]))).astype(np.int64)
        index = np.concatenate(members) if members else np.zeros(0, dtype=np.int64)
        shape = (len(members), int(self._offset[-1]))
        return sparse.csr_matrix((np.ones(len(index)), index, starts), shape=shape)

    def _links(self) -> sparse.csr_matrix:
        parts = []
        for a, b in self.ties:
            common = sorted(self.blocks[a] & self.blocks[b])
            parts.append(self._margin(a, common) - self._margin(b, common))
        width = int(self._offset[-1])
        return sparse.vstack(parts).tocsr() if parts else sparse.csr_matrix((0, width))

    def _margin(self, block: int, common: Sequence[int]) -> sparse.csr_matrix:
        dims = sorted(self.blocks[block])
        shape = [self.space.dims[d].size for d in dims]
        size = prod(shape)
        position = np.unravel_index(np.arange(size), shape) if dims else ()
        row = np.zeros(size, dtype=np.int64)
        for d in common:
            row = row * self.space.dims[d].size + position[dims.index(d)]
        height = prod(self.space.dims[d].size for d in common)
        columns = np.arange(size) + self._offset[block]
        return sparse.csr_matrix((np.ones(size), (row, columns)), shape=(height, int(self._offset[-1])))


def _merged(
    cells: sparse.csr_matrix, links: sparse.csr_matrix, gone: np.ndarray
) -> tuple[sparse.csr_matrix, sparse.csr_matrix, np.ndarray, np.ndarray]:
    """Merge inner cells that no shown number tells apart, and drop those that are impossible.

    Return the cells and the links, the inner cell that stands for each unknown, and the unknown that stands
    for each inner cell: -1 for none.
    """
    both = sparse.vstack([cells, links]).tocsc()
    marks = fingerprints(both.tocsc())
    keep = np.flatnonzero(~gone & (np.diff(both.indptr) > 0))
    _, first, same = np.unique(marks[keep], axis=0, return_index=True, return_inverse=True)
    chosen = keep[np.sort(first)]
    place = np.full(both.shape[1], -1)
    place[keep] = np.argsort(np.argsort(first))[same.ravel()]
    small = both[:, chosen].tocsr()
    return small[: cells.shape[0]], small[cells.shape[0] :], chosen, place


def fingerprints(columns: sparse.csc_matrix) -> np.ndarray:
    """Return two 64-bit numbers for each column, equal for equal columns."""
    rng = np.random.default_rng(20)
    weights = rng.integers(1, 2**63, size=(columns.shape[0], 2), dtype=np.uint64)
    out = np.zeros((columns.shape[1], 2), dtype=np.uint64)
    values = columns.data.astype(np.int64).view(np.uint64)
    owner = np.repeat(np.arange(columns.shape[1]), np.diff(columns.indptr))
    for side in (0, 1):
        np.add.at(out[:, side], owner, values * weights[columns.indices, side])
    return out
