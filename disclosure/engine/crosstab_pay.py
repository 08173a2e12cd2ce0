"""The pay behind a cross table: what each employer paid each person, read from the same files."""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from disclosure.engine.crosstab import LINK_ID, Axis, Open, people_of, read_dimensions, rows_of_file
from disclosure.engine.errors import BadTable
from disclosure.engine.magnitude.contributions import Contributions, read_contributions
from disclosure.engine.magnitude.records import cents

MOST_RECORDS: Final = 5_000_000
_NOBODY: Final = 0  # the employer of those who are counted and have no pay


@dataclass(frozen=True)
class PayColumns:
    """Where the counted file tells pay, in dollars, and who pays; `name` is what people call it."""

    name: str
    pay: str
    employer: str


def read_paid(
    counted: str,
    axes: Sequence[Axis],
    columns: PayColumns,
    files: Mapping[str, Open],
    *,
    told: Callable[[int, str], None] = lambda percent, message: None,
) -> Contributions:
    """Return who paid whom how much, by the finest categories of these dimensions.

    All rows of a person add up. Who has no pay is counted, and paid nothing by nobody. The dimensions may be
    those of several tables.

    :raises BadTable: naming the column and what to do; no value of a record
    :raises Stopped: if the dimensions cross into too many inner cells
    """
    once = {axis.name: axis for axis in axes}
    told(10, "Finding who is counted.")
    people = people_of(counted, files)
    told(15, "Reading the files.")
    codes = {reading.axis.name: reading.finest() for reading in read_dimensions(once.values(), files, people)}
    told(18, "Reading the pay.")
    person, employer, amount = _records(counted, columns, files, people)
    return read_contributions(
        {name: _taken(words, numbers, person) for name, (words, numbers) in codes.items()},
        employer=employer,
        person=person,
        amount=amount,
    )


def _records(
    counted: str, columns: PayColumns, files: Mapping[str, Open], people: Mapping[str, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each record the person, the employer and the amount in cents, as numbers."""
    persons, employers, amounts = array("q"), array("q"), array("q")
    known: dict[str, int] = {}
    wanted = [LINK_ID, columns.employer, columns.pay]
    for link, employer, pay in rows_of_file(counted, files, wanted):
        employer, pay = employer.strip(), pay.strip()
        if not employer and not pay:
            continue
        amount = cents(pay)
        if not employer or amount is None:
            raise BadTable(
                f"{columns.name}: a row has no employer, or no amount in dollars of 0 or more with at most "
                "two decimals. Ask the hub to have the element delivered otherwise."
            )
        persons.append(people[link])
        employers.append(known.setdefault(employer, len(known) + 1))
        amounts.append(amount)
        if len(persons) > MOST_RECORDS:
            raise BadTable(f"{columns.name}: more than {MOST_RECORDS:,} rows. Ask for the counts alone.")
    paid = np.zeros(len(people), dtype=bool)
    paid[np.frombuffer(persons, dtype=np.int64)] = True
    others = np.flatnonzero(~paid)
    nothing = np.zeros(len(others), dtype=np.int64)
    return (
        np.concatenate([np.frombuffer(persons, dtype=np.int64), others]),
        np.concatenate([np.frombuffer(employers, dtype=np.int64), nothing + _NOBODY]),
        np.concatenate([np.frombuffer(amounts, dtype=np.int64), nothing]),
    )


def _taken(words: Iterable[str], numbers: np.ndarray, person: np.ndarray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(numbers[person]), pa.array(list(words)))
