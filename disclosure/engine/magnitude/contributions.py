"""Who paid whom how much, as numbered arrays: the records behind a table of sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from disclosure.engine.codes import TOTAL
from disclosure.engine.errors import BadTable, Stopped

EXACT = 2**53  # below this every whole number is a float of its own, and sums of them too
LARGEST = 4_000_000  # inner cells; beyond this memory runs out


@dataclass(frozen=True)
class Contributions:
    """Records of pay, each in one inner cell (a leaf in every dimension).

    With m records and d dimensions: `cell`, `employer`, `person` and `amount` have shape (m,) and are
    int64. `cell` is the row-major number of the inner cell in the crossing of `leaves`; `employer` and
    `person` count from 0 and stand for identities that are no longer there. `amount` is in the smallest
    unit of money (cents), so that every sum is exact.
    """

    names: tuple[str, ...]
    leaves: tuple[tuple[str, ...], ...]
    cell: np.ndarray
    employer: np.ndarray
    person: np.ndarray
    amount: np.ndarray
    employers: int
    persons: int

    @property
    def shape(self) -> tuple[int, ...]:
        """How many leaves each dimension has."""
        return tuple(len(leaves) for leaves in self.leaves)

    def __repr__(self) -> str:
        """Name sizes, never a value."""
        return f"<Contributions: {len(self.amount)} records over {', '.join(self.names) or 'no dimension'}>"


def read_contributions(codes: Mapping[str, Any], *, employer: Any, person: Any, amount: Any) -> Contributions:
    """Number the records of pay.

    `codes` gives for each dimension the leaf of every record. All arguments are one-dimensional, of one
    length: lists, NumPy arrays or PyArrow arrays. `amount` is whole cents of 0 or more; an employer that
    pays nothing in a cell is none of its contributors, while the person is counted.

    :raises BadTable: if lengths differ, a value is missing, an amount is negative, not whole or not a
        number, a code is no leaf, or the amounts add up to more than can be summed exactly
    :raises Stopped: if the dimensions cross into too many inner cells
    """
    names = tuple(sorted(codes))
    money = _amounts(amount)
    size = len(money)
    if not size:
        raise BadTable("Contributions: there is no record.")
    leaves, cell = [], np.zeros(size, dtype=np.int64)
    crossing = 1
    for name in names:
        words, numbers = _sorted(*_encoded(name, codes[name], size))
        if wrong := [w for w in words if not w.strip() or w == TOTAL or "|" in w]:
            raise BadTable(
                f"Contributions: “{wrong[0]}” in {name} is no leaf. Give the finest code there is."
            )
        crossing *= len(words)
        if crossing > LARGEST:
            raise Stopped(f"The dimensions cross into more than {LARGEST:,} inner cells. Use fewer.")
        leaves.append(words)
        cell = cell * len(words) + numbers
    employers, employer_numbers = _encoded("employer", employer, size)
    persons, person_numbers = _encoded("person", person, size)
    return Contributions(
        names=names,
        leaves=tuple(leaves),
        cell=cell,
        employer=employer_numbers,
        person=person_numbers,
        amount=money,
        employers=len(employers),
        persons=len(persons),
    )


def _amounts(given: Any) -> np.ndarray:
    try:
        money = np.asarray(given)
        numbers = money.astype(float)
    except (TypeError, ValueError):
        raise BadTable("Contributions: an amount is not a number.") from None
    if numbers.ndim != 1:
        raise BadTable("Contributions: amounts are one column.")
    if not np.isfinite(numbers).all():
        raise BadTable("Contributions: an amount is missing or not a number.")
    if (numbers < 0).any():
        # A negative amount makes room for others: neither rule means anything then (Handbook, 4.2.1).
        raise BadTable("Contributions: an amount is negative. Correct it, or leave the record out.")
    if (numbers != np.floor(numbers)).any():
        raise BadTable("Contributions: an amount is not whole. Give cents, not dollars.")
    if numbers.sum() >= EXACT:
        raise BadTable("Contributions: the amounts are too large to be summed exactly.")
    return money.astype(np.int64)


def _sorted(words: Sequence[str], numbers: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Number codes in the order of their words."""
    order = sorted(range(len(words)), key=lambda i: words[i])
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return tuple(words[i] for i in order), rank[numbers]


def _encoded(name: str, values: Any, size: int) -> tuple[list[str], np.ndarray]:
    """Return the different values as they first come, and for each record the number of its own."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    try:
        column = values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError):
        raise BadTable(f"Contributions: {name} holds values of several kinds.") from None
    if len(column) != size:
        raise BadTable(f"Contributions: {name} has {len(column)} values for {size} amounts.")
    if column.null_count:
        raise BadTable(f"Contributions: {name} is missing in {column.null_count} records.")
    plain = column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column
    coded = plain.dictionary_encode()
    words = [str(word) for word in coded.dictionary.to_pylist()]
    if not all(words):
        raise BadTable(f"Contributions: {name} is blank in some records.")
    return words, coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
