"""The interchange form: long CSV, one row for one cell."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from disclosure.engine.codes import TOTAL
from disclosure.engine.errors import BadTable

RESERVED = ("count", "released", "reason", "pct", "pct_of", "pct_n", "release")
_ALIKE = {name.replace("_", ""): name for name in RESERVED} | {
    "counts": "count",
    "percent": "pct",
    "percentage": "pct",
    "percents": "pct",
    "%": "pct",
}
_TOTAL_ALIKE = re.compile(r"((sub|grand)[ -]?)?totals?|overall", re.IGNORECASE)
_NUMBER = re.compile(r"[\d,]*\.?\d+\s*%?")
_DIGITS = 12  # that a count of people may have
_WHOLE = re.compile(r"\d+|\d{1,3}(,\d{3})+")
_RANGE = re.compile(r"(\d+)\s*[-–]\s*(\d+)")
_BELOW = re.compile(r"<\s*(\d+)")
_ABOVE = re.compile(r">\s*(\d+)")
_ROUNDED = re.compile(r"~\s*(\d+)")
_LONGEST = 50  # characters of a count, or of how one is told
_STEPS = (3, 5, 10, 50, 100, 1000)  # counts are rounded to multiples of one of these
_REVIEWERS = {"count", "released", "reason"}  # columns of a file that is for the reviewer only
_PCT_WITHHELD = "percentage "  # how a reason begins that is about the percentage, not the count


@dataclass(frozen=True)
class Percentage:
    """A percentage of the row's count in a wider cell, as printed."""

    value: Decimal
    half: Decimal  # half a unit of its last printed digit
    of: tuple[str, ...]  # dimensions whose code is Total in the base


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    line: int
    codes: Mapping[str, str]
    count: int | None
    shown: tuple[int, int | None] | None  # what `released` says; None when withheld or absent
    percentage: Percentage | None
    base: int | None  # pct_n
    release: str
    cells: tuple[str, ...]  # as read, to be written back
    base_of: tuple[str, ...] = ()  # dimensions whose code is Total in the cell that pct and pct_n speak of
    pct_withheld: bool = False  # a reviewer's file tells pct or pct_n that its public file has blank
    rounded: int | None = None  # the rounded number that `released` says
    told: str = ""  # how its count is told where it may be shown, if not exactly: see `blurred`

    def share(self) -> Percentage:
        """Return the percentage of a row that has one."""
        if self.percentage is None:
            raise BadTable(f"Line {self.line} has no percentage.")
        return self.percentage


@dataclass(frozen=True)
class Table:
    """A long table with its place of origin."""

    name: str
    columns: tuple[str, ...]
    dimensions: tuple[str, ...]
    rows: tuple[Row, ...]
    ours: bool = True  # False: known to everybody without us, such as a public dashboard
    reaches: tuple[int, ...] = ()  # how far the truth may lie from its rounded numbers, nearest first

    def has(self, column: str) -> bool:
        """Say whether the table came with this column."""
        return column in self.columns


def whole_number(text: str) -> int | None:
    """Read a whole number, thousands separators allowed; None if it is not one."""
    text = text.strip()
    return int(text.replace(",", "")) if _WHOLE.fullmatch(text) else None


def _people(place: str, column: str, text: str) -> int | None:
    """Read how many people a column tells; None if it is blank.

    :raises BadTable: if that is no number of people
    """
    if not text:
        return None
    number = whole_number(text)
    if number is None:
        raise BadTable(f"{place}: {column} is not a whole number of 0 or more.")
    if number >= 10**_DIGITS:
        raise BadTable(f"{place}: {column} has {len(str(number))} digits; so many people there are not.")
    return number


def reads_like_a_total(code: str) -> bool:
    """Say whether a code would be taken for a total."""
    return _TOTAL_ALIKE.fullmatch(code) is not None


def read_long(name: str, text: str) -> Table:
    """Read a long CSV.

    :raises BadTable: naming file, line and remedy
    """
    lines = list(csv.reader(io.StringIO(text.lstrip("\ufeff"), newline="")))
    if not any(cell.strip() for line in lines for cell in line):
        raise BadTable(f"{name}: the file is empty.")
    return table_from(name, lines[0], lines[1:])


def table_from(name: str, header: Sequence[str], lines: Iterable[Sequence[str]]) -> Table:
    """Build a table from its header and lines.

    :raises BadTable: naming file, line and remedy
    """
    columns = tuple(column.strip() for column in header)
    if not all(columns) or len(set(columns)) != len(columns):
        raise BadTable(f"{name}, line 1: every column needs a name of its own.")
    if "count" not in columns and "released" not in columns and "pct" not in columns:
        raise BadTable(
            f"{name}: no column count, released or pct. Name the column that holds the numbers. "
            f"The columns are {', '.join(columns)}.{_separated(columns)}"
        )
    dimensions = tuple(c for c in columns if c not in RESERVED)
    for dim in dimensions:
        if meant := _ALIKE.get(re.sub(r"[^a-z%]", "", dim.casefold())):
            raise BadTable(
                f"{name}: the column {dim} is no dimension by its name. Call it {meant} if that is what it "
                "holds, leave it out, or give it another name."
            )
    rows = []
    written = list(lines)
    if not dimensions:
        _refuse_to_guess(name, columns, written)
    reaches = _reaches(columns, written)
    for number, cells in enumerate(written, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            raise BadTable(f"{name}, line {number}: {len(cells)} values for {len(columns)} columns.")
        rows.append(_row(f"{name}, line {number}", number, columns, dimensions, cells, reaches))
    if not rows:
        raise BadTable(f"{name}: no rows below the header.")
    _refuse_measures(name, dimensions, rows)
    return Table(name, columns, dimensions, tuple(rows), reaches=reaches)


def _separated(columns: Sequence[str]) -> str:
    """Say what may have gone wrong where all columns became one."""
    found = next((mark for mark in (";", "\t") if len(columns) == 1 and mark in columns[0]), "")
    return " Put commas between them." if found else ""


def _refuse_to_guess(name: str, columns: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Refuse a table that does not say whom its numbers count, unless it is one number, of everybody.

    :raises BadTable: naming what is missing
    """
    full = [dict(zip(columns, cells, strict=True)) for cells in lines if len(cells) == len(columns)]
    counts = {row.get("count", "").strip() for row in full} - {""}
    if "pct" in columns or "pct_n" in columns or len(counts) > 1:
        raise BadTable(
            f"{name}: no column says whom the numbers count; there is only {', '.join(columns)}. Add one for "
            f"each thing the table is told by, such as school, with a code in each line, {TOTAL} for all."
        )


def _reaches(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> tuple[int, ...]:
    """Return how far the truth may lie from the rounded numbers of a table, nearest first.

    The step is one that all of them are multiples of. To three, they may be rounded by chance to either of
    the two multiples around.
    """
    if "released" not in columns:
        return ()
    at = columns.index("released")
    said = [_ROUNDED.fullmatch(cells[at].strip()) for cells in lines if len(cells) > at]
    numbers = [int(found[1]) for found in said if found]
    if not numbers:
        return ()
    steps = [step for step in _STEPS if all(number % step == 0 for number in numbers)]
    if 3 in steps and 5 in steps:
        steps.remove(3)  # to 5 is the commoner way
    by_chance = {2} if steps == [3] else set()
    return tuple(sorted({step // 2 for step in steps} | by_chance)) or (1, 5)


def _refuse_measures(name: str, dimensions: Sequence[str], rows: Sequence[Row]) -> None:
    """Refuse a column of numbers that add up like counts or percentages: it is no dimension.

    :raises BadTable: naming the column
    """
    for dim in dimensions:
        others = [d for d in dimensions if d != dim]
        told = [(row.codes[dim], all(row.codes[d] == TOTAL for d in others)) for row in rows]
        if not others or len(rows) < 3 or not all(_NUMBER.fullmatch(code) for code, _ in told):
            continue
        whole = [float(code.rstrip("%").replace(",", "")) for code, total in told if total]
        plain = [row for row in rows if all(row.codes[d] != TOTAL for d in others)]
        added = sum(float(row.codes[dim].rstrip("%").replace(",", "")) for row in plain)
        if len(whole) == 1 and len(plain) > 1 and abs(whole[0] - added) <= 0.005 * len(plain) + 0.01 * added:
            raise BadTable(
                f"{name}: the column {dim} holds numbers that add up; it is no dimension. Call it count or "
                "pct if that is what it holds, or leave it out."
            )


def _row(
    place: str,
    number: int,
    columns: Sequence[str],
    dims: Sequence[str],
    cells: Sequence[str],
    reaches: Sequence[int],
) -> Row:
    value = {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}
    for column in ("count", "released", "pct_n"):
        if len(value.get(column, "")) > _LONGEST:
            raise BadTable(f"{place}: {column} is no number of people: it is too long.")
    codes = {}
    for dim in dims:
        if not value[dim]:
            raise BadTable(f"{place}: no code for {dim}. Write {TOTAL} for all.")
        if value[dim] != TOTAL and _TOTAL_ALIKE.fullmatch(value[dim]):
            raise BadTable(
                f"{place}: {dim} “{value[dim]}” reads like a total. Write {TOTAL}, or name it anew."
            )
        codes[dim] = value[dim]
    count = _people(place, "count", value.get("count", ""))
    base = _people(place, "pct_n", value.get("pct_n", ""))
    return Row(
        line=number,
        codes=codes,
        count=count,
        shown=_shown(place, value.get("released", ""), reaches),
        percentage=_percentage(place, value, dims),
        base=base,
        base_of=_base_of(place, value, dims) if value.get("pct") or value.get("pct_n") else (),
        release=value.get("release", ""),
        pct_withheld=_pct_withheld(value),
        cells=tuple(cells),
        rounded=int(found[1]) if (found := _ROUNDED.fullmatch(value.get("released", ""))) else None,
    )


def _pct_withheld(value: Mapping[str, str]) -> bool:
    if not value.keys() >= _REVIEWERS:
        return False
    reasons = [part.strip() for part in value["reason"].split(";")]
    return not value.get("pct") or any(reason.startswith(_PCT_WITHHELD) for reason in reasons)


def _shown(place: str, text: str, reaches: Sequence[int]) -> tuple[int, int | None] | None:
    if not text:
        return None
    if (number := whole_number(text)) is not None:
        return number, number
    if found := _BELOW.fullmatch(text):
        return 0, int(found[1]) - 1
    if (found := _RANGE.fullmatch(text)) and int(found[1]) <= int(found[2]):
        return int(found[1]), int(found[2])
    if found := _ABOVE.fullmatch(text):
        return int(found[1]) + 1, None
    if found := _ROUNDED.fullmatch(text):
        middle = int(found[1])
        return max(0, middle - reaches[0]), middle + reaches[0]
    raise BadTable(f"{place}: released must be blank, a number, <6, 5-9, >11 or ~15.")


def _percentage(place: str, value: Mapping[str, str], dims: Sequence[str]) -> Percentage | None:
    text = value.get("pct", "").rstrip("%").strip()
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise BadTable(f"{place}: pct is not a number.") from None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or not 0 <= number <= 100:
        raise BadTable(f"{place}: pct must lie between 0 and 100.")
    of = _base_of(place, value, dims)
    if not of:
        raise BadTable(f"{place}: pct needs pct_of, the dimensions that are Total in its base.")
    return Percentage(number, Decimal(5).scaleb(exponent - 1), of)


def _base_of(place: str, value: Mapping[str, str], dims: Sequence[str]) -> tuple[str, ...]:
    of = tuple(part.strip() for part in value.get("pct_of", "").split(";") if part.strip())
    if unknown := [dim for dim in of if dim not in dims]:
        raise BadTable(f"{place}: pct_of names {unknown[0]}, which is no dimension of this table.")
    return of


def write(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Write a CSV the same way every time."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode()
