"""Records of pay as they come in a file: one line for a person and an employer, and the table they make."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

from disclosure.engine.codes import TOTAL, Hierarchy
from disclosure.engine.errors import BadTable, Stopped
from disclosure.engine.longform import RESERVED, Table, read_long, reads_like_a_total, write
from disclosure.engine.magnitude.contributions import Contributions, read_contributions
from disclosure.engine.magnitude.published import MEAN, ROUNDED_TO, SUM
from disclosure.engine.magnitude.tally import Ledger

CENTS: Final = 100  # in a dollar: amounts are read as dollars, and summed as cents
MOST_ROWS: Final = 50_000
_AMOUNT = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,2}))?")


@dataclass(frozen=True)
class Columns:
    """What the columns of a file of records hold."""

    person: str
    employer: str
    pay: str
    by: tuple[str, ...]  # the dimensions of the table
    also: tuple[str, ...] = ()  # those of tables that are out already

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Return every dimension of a record, each once."""
        return tuple(dict.fromkeys((*self.by, *self.also)))

    def __post_init__(self) -> None:
        """Refuse columns with two meanings.

        :raises BadTable: naming the column
        """
        if not self.by:
            raise BadTable("Name at least one column that the table is told by.")
        if len(set(self.by)) < len(self.by):
            raise BadTable("The table is told by a column twice. Name each once.")
        each = [self.person, self.employer, self.pay, *self.dimensions]
        if twice := [name for name in each if each.count(name) > 1]:
            raise BadTable(f"The column {twice[0]} is named for two things. Name a column for each.")
        for name in self.dimensions:
            if name in (*RESERVED, SUM, MEAN, ROUNDED_TO, f"true_{SUM}", f"true_{MEAN}"):
                raise BadTable(f"{name} cannot be the name of a dimension. Give the column another name.")


def cents(text: str) -> int | None:
    """Read an amount in dollars as whole cents; None if it is none, is below 0 or has more decimals."""
    if not (found := _AMOUNT.fullmatch(text.strip())):
        return None
    return int(found[1]) * CENTS + int((found[2] or "").ljust(2, "0"))


def read_records(
    name: str, text: str, columns: Columns, hierarchies: Mapping[str, Hierarchy]
) -> Contributions:
    """Read records of pay from a CSV. A message names the line and the column, never a value.

    :raises BadTable: naming file, line and remedy
    :raises Stopped: if the dimensions cross into too many inner cells
    """
    leaves = {dim: known.codes() - set(known.children) for dim, known in hierarchies.items()}
    told: dict[str, list[str]] = {dim: [] for dim in columns.dimensions}
    persons, employers, amounts = [], [], []
    where: dict[str, tuple[str, ...]] = {}
    for place, row in _lines(name, text, (columns.person, columns.employer, columns.pay, *told)):
        person, employer, pay, *codes = row
        for column, value in ((columns.person, person), (columns.employer, employer)):
            if not value:
                raise BadTable(f"{place}: {column} is blank. Leave the line out, or fill it in.")
        if (amount := cents(pay)) is None:
            raise BadTable(
                f"{place}: {columns.pay} is not an amount in dollars: a number of 0 or more with at most two "
                "decimals and no thousands separator."
            )
        for dim, code in zip(told, codes, strict=True):
            _expect_leaf(place, dim, code, leaves.get(dim))
            told[dim].append(code)
        if where.setdefault(person, tuple(codes)) != tuple(codes):
            raise BadTable(
                f"{place}: an earlier line of the same person has other codes. Give each person one code in "
                "each dimension, such as that of the main employer."
            )
        persons.append(person)
        employers.append(employer)
        amounts.append(amount)
    if not amounts:
        raise BadTable(f"{name}: no records below the header.")
    return read_contributions(told, employer=employers, person=persons, amount=amounts)


def _lines(name: str, text: str, wanted: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [column.strip() for column in next(reader, [])]
    if missing := [column for column in wanted if header.count(column) != 1]:
        raise BadTable(f"{name}: needs one column {missing[0]}. The first line names the columns.")
    at = [header.index(column) for column in wanted]
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        place = f"{name}, line {reader.line_num}"
        if len(cells) != len(header):
            raise BadTable(f"{place}: {len(cells)} values for {len(header)} columns.")
        yield place, [cells[i].strip() for i in at]


def _expect_leaf(place: str, dim: str, code: str, leaves: set[str] | None) -> None:
    if not code or "|" in code or reads_like_a_total(code):
        raise BadTable(f"{place}: {dim} is blank, a union or a total. Give the finest code there is.")
    if leaves is not None and code not in leaves:
        raise BadTable(f"{place}: the code of {dim} is no leaf of its hierarchy. Add it there or correct it.")


def table_of(
    name: str, contributions: Contributions, by: Sequence[str], hierarchies: Mapping[str, Hierarchy]
) -> Table:
    """Count the people of every crossing of leaves, groups and Total.

    :raises BadTable: if a code is unknown to its hierarchy
    :raises Stopped: if there are too many rows
    """
    codes = [_codes(contributions, dim, hierarchies.get(dim)) for dim in by]
    if prod(map(len, codes)) > MOST_ROWS:
        raise Stopped(f"The table would have more than {MOST_ROWS:,} rows. Use fewer or wider codes.")
    rows = [dict(zip(by, each, strict=True)) for each in product(*codes)]
    counts = [tally.persons for tally in Ledger(contributions, hierarchies).tallies(rows, 1)]
    return read_long(name, written(by, rows, counts))


def written(by: Sequence[str], rows: Iterable[Mapping[str, str]], counts: Iterable[int]) -> str:
    """Write counts of people as a long table."""
    lines = [[*(row[dim] for dim in by), str(count)] for row, count in zip(rows, counts, strict=True)]
    return write([*by, "count"], lines).decode()


def _codes(contributions: Contributions, dim: str, known: Hierarchy | None) -> list[str]:
    leaves = contributions.leaves[contributions.names.index(dim)]
    groups = sorted(known.codes()) if known else leaves
    return [*groups, TOTAL]
