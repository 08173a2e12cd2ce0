"""Every row of a table of sums: how many people, how many employers, how much, and the largest shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from disclosure.engine.codes import TOTAL, Hierarchy
from disclosure.engine.errors import BadTable, Stopped
from disclosure.engine.magnitude.contributions import Contributions

_MOST = 50_000_000  # inner cells looked at over all rows


@dataclass(frozen=True)
class Tally:
    """One row, summed up exactly. `largest` holds employers' totals, falling, those above nothing."""

    persons: int
    employers: int  # that pay more than nothing in this row
    total: int  # of all amounts, in their unit
    largest: tuple[int, ...]


class Ledger:
    """Contributions put in order once, so that any set of inner cells is soon summed."""

    def __init__(self, contributions: Contributions, hierarchies: Mapping[str, Hierarchy]) -> None:
        """Sort the records by inner cell.

        :raises BadTable: if a record's code is a group of a hierarchy, or unknown to it
        """
        self.given = contributions
        self.hierarchies = hierarchies
        self._numbers = [{w: i for i, w in enumerate(leaves)} for leaves in contributions.leaves]
        for name, leaves in zip(contributions.names, contributions.leaves, strict=True):
            if (known := hierarchies.get(name)) is None:
                continue
            ends = known.codes() - set(known.children)
            if wrong := [leaf for leaf in leaves if leaf not in ends]:
                raise BadTable(f"Contributions: “{wrong[0]}” in {name} is no leaf of its hierarchy.")
        cell, amount = contributions.cell, contributions.amount
        self._payers = _Pairs(cell, contributions.employer, contributions.employers, amount)
        self._people = _Pairs(cell, contributions.person, contributions.persons, amount)

    @property
    def person_in_two_cells(self) -> bool:
        """Say whether some person stands in more than one inner cell: counts then do not add up."""
        return not self._people.once

    def cells_of(self, codes: Mapping[str, str]) -> np.ndarray:
        """Return the numbers of the inner cells of a row, shape (k,); a dimension left out means Total.

        :raises BadTable: if the row names a dimension that the contributions lack
        """
        if strange := sorted(set(codes) - set(self.given.names)):
            raise BadTable(f"The contributions have no dimension {strange[0]}.")
        flat = np.zeros(1, dtype=np.int64)
        for d, name in enumerate(self.given.names):
            inside = self._leaves(d, name, codes.get(name, TOTAL))
            flat = (flat[:, None] * len(self._numbers[d]) + inside[None, :]).ravel()
        return flat

    def _leaves(self, d: int, name: str, code: str) -> np.ndarray:
        if code == TOTAL:
            return np.arange(len(self._numbers[d]))
        known = self.hierarchies.get(name)
        words: set[str] = set()
        for part in code.split("|"):
            words |= known.leaves_of(part.strip()) if known else {part.strip()}
        return np.array(sorted(self._numbers[d][w] for w in words if w in self._numbers[d]), dtype=np.int64)

    def tally(self, cells: np.ndarray, most: int) -> Tally:
        """Sum up a set of inner cells, with its `most` largest employers."""
        paid = self._payers.sums(cells)
        paid = paid[paid > 0]
        top = paid if len(paid) <= most else np.partition(paid, len(paid) - most)[-most:]
        return Tally(
            persons=self._people.different(cells),
            employers=len(paid),
            total=int(paid.sum()),
            largest=tuple(sorted((int(x) for x in top), reverse=True)),
        )

    def pay_of_people(self, cells: np.ndarray) -> np.ndarray:
        """Return what each person has in a set of inner cells, rising, shape (persons,)."""
        return np.sort(self._people.sums(cells))

    def tallies(self, rows: Sequence[Mapping[str, str]], most: int) -> list[Tally]:
        """Sum up every row of a table, given by its codes.

        :raises BadTable: if a row names a dimension that the contributions lack
        :raises Stopped: if rows and inner cells are too many
        """
        found, seen = [], 0
        for codes in rows:
            cells = self.cells_of(codes)
            seen += len(cells)
            if seen > _MOST:
                raise Stopped(f"The rows are made of more than {_MOST:,} inner cells in all. Use fewer rows.")
            found.append(self.tally(cells, most))
        return found


class _Pairs:
    """Amounts by inner cell and by somebody (an employer, a person), each pair once."""

    def __init__(self, cell: np.ndarray, who: np.ndarray, size: int, amount: np.ndarray) -> None:
        key = cell * size + who
        order = np.argsort(key, kind="stable")
        key = key[order]
        first = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
        self.size = size
        self.amount = np.add.reduceat(amount[order], first)
        cells, self.who = np.divmod(key[first], size)
        self.cells, start = np.unique(cells, return_index=True)
        self.start = np.append(start, len(cells))
        self.once = bool(np.bincount(self.who).max() == 1)

    def _picked(self, cells: np.ndarray) -> np.ndarray:
        """Return the positions of all pairs in a set of cells."""
        at = np.minimum(np.searchsorted(self.cells, cells), len(self.cells) - 1)
        at = at[self.cells[at] == cells]
        sizes = self.start[at + 1] - self.start[at]
        ends = np.cumsum(sizes)
        return np.arange(ends[-1] if len(ends) else 0) + np.repeat(self.start[at] - (ends - sizes), sizes)

    def sums(self, cells: np.ndarray) -> np.ndarray:
        """Return what each of those in a set of cells has there, shape (k,), in no order."""
        picked = self._picked(cells)
        if self.once or len(cells) == 1:
            return self.amount[picked]
        _, number = np.unique(self.who[picked], return_inverse=True)
        return np.bincount(number, weights=self.amount[picked]).astype(np.int64)  # exact below 2**53

    def different(self, cells: np.ndarray) -> int:
        """Count how many different ones there are in a set of cells."""
        picked = self._picked(cells)
        return len(picked) if self.once or len(cells) == 1 else len(np.unique(self.who[picked]))
