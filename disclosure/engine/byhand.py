"""How a table is read, said by hand: which columns count, which tell apart, and what means Total.

Remembered under the words of a table's first row of headings, never under a number in it. What is said is
held against the numbers: parts that do not make their total stop the file. Numbers that are said to count
nobody are for people to rule on, and are not released.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Final

from disclosure.engine.codes import TOTAL
from disclosure.engine.documents.numbers import Finding
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import RESERVED, Row, Table, table_from, whole_number
from disclosure.engine.people import refuse_people
from disclosure.engine.policy import CellPolicy
from disclosure.engine.reading import (
    YEARS,
    Grid,
    filled,
    is_lone_count,
    is_total,
    note_rows,
    title_rows,
    trimmed,
    without_people_and_formulas,
)
from disclosure.engine.untold import untold_totals

HEADER: Final = ("what", "which", "is")
DIMENSION, COUNT, PERCENTAGE, OTHER = "dimension", "count", "percentage", "other"
ROLES: Final = (DIMENSION, COUNT, PERCENTAGE, OTHER)
NOT_A_COUNT, NUMBERED, UNTOLD = "not a count", "numbered", "untold total"
MOST_COLUMNS: Final = 60
MOST_HEADINGS: Final = 3
_LONGEST: Final = 160  # characters of what a table is remembered under
_SEAM: Final = " × "


@dataclass(frozen=True)
class ByHand:
    """What was said of the tables with certain headings."""

    roles: tuple[str, ...]  # by column, from the left
    headings: int = 1  # rows of headings
    names: Mapping[int, str] = field(default_factory=dict)  # of dimensions, by column
    across: Mapping[int, str] = field(default_factory=dict)  # what a row of headings tells apart, by its row
    codes: Mapping[int, str] = field(default_factory=dict)  # the category of a column of numbers
    totals: frozenset[str] = frozenset()  # labels, in lower case, that mean all together
    base: tuple[str, ...] = ()  # dimensions that are Total in what a percentage is of


def signature(grid: Grid) -> str:
    """Return what a table is remembered under: the words of its first row of headings, and no number."""
    grid = plain(grid)
    first = title_rows(grid)
    line = grid[first] if first < len(grid) else []
    said = _SEAM.join("#" if any(c.isdigit() for c in cell) else " ".join(cell.split()) for cell in line)
    if len(said) > _LONGEST:
        said = f"{said[:_LONGEST]}… {sha256(said.encode()).hexdigest()[:12]}"
    return f"columns: {said}"


def read_by_hand(text: str) -> ByHand:
    """Read what was said of a table.

    :raises BadTable: if a line is none, or what is said cannot be
    """
    lines = [line for line in csv.reader(io.StringIO(text.lstrip("\ufeff"), newline="")) if any(line)]
    if not lines or tuple(lines[0]) != HEADER or any(len(line) != len(HEADER) for line in lines):
        raise BadTable(f"The columns are {', '.join(HEADER)}.")
    said: dict[str, dict[str, str]] = {}
    for what, which, means in lines[1:]:
        there = said.setdefault(what, {})
        if what not in ("headings", "column", "name", "across", "code", "total", "base") or which in there:
            raise BadTable(f"“{what} {which}” cannot be said, or is said twice.")
        there[which] = means.strip()
    roles = _numbered(said.get("column", {}), MOST_COLUMNS)
    if sorted(roles) != list(range(1, len(roles) + 1)) or not set(roles.values()) <= set(ROLES):
        raise BadTable("Say of every column what it is.")
    many = said.get("headings", {}).get("", "1")
    if many not in map(str, range(1, MOST_HEADINGS + 1)):
        raise BadTable(f"A table has one to {MOST_HEADINGS} rows of headings.")
    return ByHand(
        roles=tuple(roles[at] for at in sorted(roles)),
        headings=int(many),
        names=_numbered(said.get("name", {}), len(roles)),
        across=_numbered(said.get("across", {}), int(many)),
        codes=_numbered(said.get("code", {}), len(roles)),
        totals=frozenset(label.casefold() for label in said.get("total", {})),
        base=tuple(said.get("base", {})),
    )


def _numbered(said: Mapping[str, str], most: int) -> dict[int, str]:
    if not all(which in map(str, range(1, most + 1)) for which in said):
        raise BadTable(f"Columns and rows of headings are named by their number, up to {most}.")
    return {int(which): means for which, means in said.items() if means}


def written(lines: Iterable[Sequence[str]]) -> bytes:
    """Write what was said of a table."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([HEADER, *lines])
    return out.getvalue().encode()


def table_by_hand(
    place: str, grid: Grid, said: ByHand, policy: CellPolicy
) -> tuple[Table | None, list[Finding]]:
    """Read a table as it was said; return it, and what people must rule on. None if it counts nobody.

    :raises BadTable: if the table is not as it was said, or its numbers contradict it
    """
    return _Reading(place, grid, said, policy).table()


class _Reading:
    """One table, while it is read."""

    def __init__(self, place: str, grid: Grid, said: ByHand, policy: CellPolicy) -> None:
        self.place, self.said, self.policy = place, said, policy
        grid = plain(grid)
        first, last = title_rows(grid), len(grid) - note_rows(grid)
        if any(is_lone_count(cell) for row in grid[:first] for cell in row):
            raise BadTable(f"{place}: a number stands alone above the table. Say in words what it counts.")
        if not grid or len(grid[0]) != len(said.roles) or last - first <= said.headings:
            raise BadTable(f"{place}: it has not the columns and rows that were said of it. Say it anew.")
        self.heads = grid[first : first + said.headings]
        self.body = grid[first + said.headings : last]

    def table(self) -> tuple[Table | None, list[Finding]]:
        doubts = [*self._not_counts(), *self._numbered_labels()]
        left, dims = self._columns(DIMENSION), self._dimensions()
        self._refuse_identifiers()
        if not self._columns(COUNT):
            if self._columns(PERCENTAGE):
                raise BadTable(
                    f"{self.place}: a percentage needs the count beside it. Say which column it is."
                )
            return None, doubts
        if not dims or len(set(dims)) < len(dims) or any(name.lower() in RESERVED for name in dims):
            raise BadTable(f"{self.place}: every dimension needs a name of its own.")
        if missing := [dim for dim in self.said.base if dim not in dims]:
            raise BadTable(
                f"{self.place}: percentages are of “{missing[0]}”, which is none of its dimensions."
            )
        labels = filled([[row[c] for row in self.body] for c in left])
        cells: dict[tuple[str, ...], dict[str, str]] = {}
        for r, row in enumerate(self.body):
            for c in (*self._columns(COUNT), *self._columns(PERCENTAGE)):
                codes = tuple(map(self._code, (*(line[r] for line in labels), *self._above(c))))
                self._take(cells.setdefault(codes, {}), codes, self.said.roles[c], row[c])
        table = self._written(dims, cells)
        once = [code for _, code, often in untold_totals(table) if not often]
        return table, doubts + [
            Finding(self._own(), f"“{code}” is the sum of all others", UNTOLD) for code in once
        ]

    def _columns(self, role: str) -> list[int]:
        return [c for c, each in enumerate(self.said.roles) if each == role]

    def _dimensions(self) -> list[str]:
        """Name the dimensions: of the columns of labels, then of the rows of headings."""
        left = [self.said.names.get(c + 1) or self.heads[-1][c] for c in self._columns(DIMENSION)]
        return [*left, *(self.said.across[r] for r in sorted(self.said.across))]

    def _above(self, column: int) -> list[str]:
        """Return the categories that the headings of a column of numbers name."""
        if not self.said.across:
            return []
        counted = [c for c, role in enumerate(self.said.roles) if role in (COUNT, PERCENTAGE)]
        above = filled([[row[c] for c in counted] for row in self.heads])
        codes = [above[r - 1][counted.index(column)] for r in sorted(self.said.across)]
        if own := self.said.codes.get(column + 1):
            codes[-1] = own
        return codes

    def _code(self, label: str) -> str:
        return TOTAL if is_total(label) or label.casefold() in self.said.totals else label

    def _take(self, cell: dict[str, str], codes: tuple[str, ...], role: str, text: str) -> None:
        named = " / ".join(code or "?" for code in codes)
        if not all(codes):
            raise BadTable(f"{self.place}: a row or column has no label. Name every category and total.")
        if role in cell:
            raise BadTable(f"{self.place}: “{named}” stands twice. Say which row or column is the {role}.")
        if role == COUNT and whole_number(text) is None:
            raise BadTable(f"{self.place}: “{named}” is not a whole number. Give counts only.")
        cell[role] = text

    def _written(self, dims: Sequence[str], cells: Mapping[tuple[str, ...], Mapping[str, str]]) -> Table:
        lines, has_shares = [], bool(self._columns(PERCENTAGE))
        of = ";".join(self.said.base)
        for codes, cell in cells.items():
            if COUNT not in cell:
                raise BadTable(
                    f"{self.place}: a percentage needs the count beside it. Say which column it is."
                )
            share = cell.get(PERCENTAGE, "")
            lines.append([*codes, cell[COUNT], *([share, of if share else ""] if has_shares else [])])
        columns = [*dims, "count", *(["pct", "pct_of"] if has_shares else [])]
        table = table_from(self.place, columns, lines)
        without_people_and_formulas(table)
        for row in table.rows:
            self._refuse_wrong_share(table, row)
        return table

    def _refuse_wrong_share(self, table: Table, row: Row) -> None:
        """A percentage that the counts do not give is none, or the counts are none."""
        if row.percentage is None or row.count is None:
            return
        base = dict(row.codes) | dict.fromkeys(row.percentage.of, TOTAL)
        size = next((each.count for each in table.rows if each.codes == base), None)
        if size is None:
            return
        if not size or abs(Decimal(100 * row.count) / size - row.percentage.value) > row.percentage.half:
            raise BadTable(
                f"{self.place}, line {row.line}: the percentage is not what the counts give. Say which"
                " columns are which, and what percentages are of."
            )

    def _refuse_identifiers(self) -> None:
        """A column that is said to count nobody may still name people."""
        for c in self._columns(OTHER):
            dim = self.heads[-1][c] or f"column {c + 1}"
            rows = [Row(2, {dim: row[c]}, None, None, None, None, "", ()) for row in self.body]
            refuse_people(Table(self.place, (dim,), (dim,), tuple(rows)))

    def _not_counts(self) -> Iterable[Finding]:
        for c in self._columns(OTHER):
            numbers = [row[c] for row in self.body if any(char.isdigit() for char in row[c])]
            if numbers:
                self._refuse_sum(c)
                small = sum(self._is_small(cell) for cell in numbers)
                said = f"{self._named(c)}: {len(numbers)} with numbers, {small} of them small"
                yield Finding(self._own(), said, NOT_A_COUNT)

    def _refuse_sum(self, column: int) -> None:
        """Numbers whose parts make their total are counts, whatever is said of them."""
        left = self._columns(DIMENSION)
        labels = filled([[row[c] for row in self.body] for c in left])
        is_whole = [all(self._code(line[r]) == TOTAL for line in labels) for r in range(len(self.body))]
        is_part = [all(self._code(line[r]) != TOTAL for line in labels) for r in range(len(self.body))]
        numbers = [whole_number(row[column]) for row in self.body]
        wholes = [n for n, whole in zip(numbers, is_whole, strict=True) if whole and n is not None]
        parts = [n for n, part in zip(numbers, is_part, strict=True) if part and n is not None]
        if left and len(wholes) == 1 and len(parts) > 1 and sum(parts) == wholes[0] > 0:
            raise BadTable(
                f"{self.place}: {self._named(column)} is said to count nobody, but its parts make its total."
                " Say that it counts, or take it out of the table."
            )

    def _numbered_labels(self) -> Iterable[Finding]:
        """Yield where numbers tell categories apart: they would be released as labels."""
        for c in self._columns(DIMENSION):
            if any(map(_is_number, (row[c] for row in self.body))):
                yield Finding(self._own(), f"{self._named(c)}: numbers as categories", NUMBERED)
        counted = [*self._columns(COUNT), *self._columns(PERCENTAGE)]
        if any(_is_number(row[c]) for row in self.heads for c in counted):
            yield Finding(self._own(), "numbers among the headings", NUMBERED)

    def _is_small(self, cell: str) -> bool:
        number = whole_number(cell)
        return number is not None and self.policy.is_small(number)

    def _named(self, column: int) -> str:
        return f"column {column + 1}" + (f", {name}" if (name := self.heads[-1][column]) else "")

    def _own(self) -> str:
        return self.place.partition(", ")[2] or self.place


def _is_number(label: str) -> bool:
    """Say whether a label is a number, or a range; years are none."""
    letters, digits = any(map(str.isalpha, label)), any(map(str.isdigit, label))
    return digits and not letters and whole_number(label) not in YEARS


def plain(grid: Grid) -> Grid:
    """Return the cells of a table without blanks around it."""
    return trimmed([[cell.strip() for cell in row] for row in grid])
