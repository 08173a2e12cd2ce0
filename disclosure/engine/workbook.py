"""The researcher's own workbook with the withheld numbers marked: its form kept, its content audited.

It is built anew, cell by cell, so that nothing comes along unseen: properties, names, conditional formats,
number formats of one's own. Every withheld number has the same mark and the same look (other marks, or a
colour, would tell a small count from one that protects it), and one footnote says what the mark means.
What was written is read back and held against the audited tables.
"""

import datetime as dt
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Final, Self

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell
from openpyxl.packaging.core import DocumentProperties
from openpyxl.styles import PatternFill
from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from disclosure.engine.blurred import as_percentages, bases_shown, is_asked
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import RESERVED, Table
from disclosure.engine.protect import ProtectedTable
from disclosure.engine.reading import Grid, corner, kept, note_rows, title_rows, whole_sheet
from disclosure.engine.workbook_file import saved

MARK: Final = "*"
FOOTNOTE: Final = (
    f"{MARK} Withheld so that no small group of people can be recognised, here or together with other tables."
)
_MADE: Final = dt.datetime(1980, 1, 1)  # noqa: DTZ001 - the format knows no zone
_NUMBER: Final = re.compile(r"\d[\d,.]*")
_YEAR: Final = re.compile(r"(19|20)\d\d")
Place = tuple[int, int]  # row and column of a sheet, both from 1
Said = dict[Place, object]  # what stands at each number's place from now on


@dataclass(frozen=True)
class Told:
    """What a table says once it is protected: each number, or the mark. No withheld number is in it."""

    name: str
    counts: tuple[int | str, ...]
    others: Mapping[str, tuple[str, ...]]  # pct, pct_n, released, of a long table; empty where it had none
    codes: frozenset[str]

    @classmethod
    def of(cls, protected: ProtectedTable) -> Self:
        """Return what a protected table says."""
        table = protected.table
        counts = tuple(
            (row.told or row.count) if shown and row.count is not None else MARK
            for row, shown in zip(table.rows, protected.shown, strict=True)
        )
        others = {name: _percentages(protected, name) for name in table.columns if name in ("pct", "pct_n")}
        if is_asked([table]):
            others |= _less_exactly(table, counts)
        codes = frozenset(code for row in table.rows for code in row.codes.values())
        return cls(table.name, counts, others, codes)


def _percentages(protected: ProtectedTable, name: str) -> tuple[str, ...]:
    """Return what stands in the column of percentages, or of their bases: a range, where that is told."""
    table = protected.table
    at, bases = table.columns.index(name), bases_shown(protected)
    said = []
    for row, shown, counted in zip(table.rows, protected.percentage_shown, protected.shown, strict=True):
        told = row.cells[at] if shown else MARK
        if not shown and counted and name == "pct":
            told = as_percentages(row, bases) or MARK
        said.append(told if row.cells[at] else "")
    return tuple(said)


def _less_exactly(table: Table, counts: Sequence[int | str]) -> dict[str, tuple[str, ...]]:
    """Return what stands in the column of a table that asks how its counts are told."""
    at = table.columns.index("released")
    pairs = zip(table.rows, counts, strict=True)
    return {"released": tuple(str(count) if row.cells[at] else "" for row, count in pairs)}


@dataclass(frozen=True)
class _Numbers:
    """Where the numbers of a table stand: for each of its rows the count, and the percentage and its base."""

    counts: tuple[Place, ...]
    others: Mapping[str, tuple[Place, ...]]  # pct and pct_n, of a long table
    titles: frozenset[int]  # rows of titles above the table, and of notes below it
    first: int  # its first column


def suppressed(name: str, content: bytes, tables: Sequence[ProtectedTable]) -> bytes:
    """Return the workbook with every withheld number marked.

    :param name: the file's name, as its tables are named after
    :raises BadTable: if it is none of the workbook that was read, or what was written does not hold
    """
    return marked(name, content, [Told.of(table) for table in tables])


def marked(name: str, content: bytes, tables: Sequence[Told]) -> bytes:
    """Return the workbook saying what its protected tables say.

    :raises BadTable: if it is none of the workbook that was read, or what was written does not hold
    """
    source = load_workbook(io.BytesIO(content), data_only=False, keep_links=False)
    told, expected = {table.name: table for table in tables}, []
    book = Workbook()
    book.remove(book.worksheets[0])
    for number, sheet in enumerate(source.worksheets, start=1):
        if (table := told.pop(f"{name}, sheet {sheet.title}", None)) is not None:
            title = sheet.title if _is_harmless(sheet.title) else f"Table {number}"
            expected.append((table, _write(sheet, table, book.create_sheet(title))))
    if told or not book.worksheets:
        raise BadTable(f"{name}: its tables are not those of a workbook with this name.")
    book.properties = DocumentProperties(creator="", created=_MADE, modified=_MADE)
    written = saved(book)
    _hold_against(written, expected)
    return written


def as_it_should_read(grid: Grid, told: Told) -> Grid:
    """Return the cells of a sheet as they must read once its workbook is marked.

    :raises BadTable: if the numbers of the table do not stand in it
    """
    grid = [list(row) for row in grid]
    numbers = _numbers(told.name, grid, told)
    for (row, column), value in _said(told, numbers):
        grid[row - 1][column - 1] = str(value)
    for row in numbers.titles:
        grid[row - 1] = [cell if _is_harmless(cell) else "" for cell in grid[row - 1]]
    if _has_marks(told):
        last = [""] * len(grid[0])
        last[numbers.first - 1] = FOOTNOTE
        grid.append(last)
    rows, columns = kept(grid)
    return [[grid[r][c] for c in columns] for r in rows]


def _has_marks(told: Told) -> bool:
    return MARK in told.counts or any(MARK in column for column in told.others.values())


def _numbers(place: str, grid: Grid, told: Told) -> _Numbers:
    """Find the numbers again, as they were found when the sheet was read.

    :raises BadTable: if they are not there
    """
    rows, columns = kept(grid)
    table = [[grid[r][c] for c in columns] for r in rows]
    header = [cell.strip().lower() for cell in table[0]] if table else []
    first = columns[0] + 1 if columns else 1
    if {"count", "released", "pct"} & set(header):
        below = [r + 1 for r in rows[1:]]
        at = {text: columns[c] + 1 for c, text in enumerate(header) if text in RESERVED}
        asked = {"released"} & set(told.others)
        if "count" not in at or {"released", "reason", "release"} & set(at) - asked:
            raise BadTable(f"{place}: it has columns that the check writes itself, or none of counts.")
        others: dict[str, tuple[Place, ...]] = {
            n: tuple((r, at[n]) for r in below) for n in ("pct", "pct_n", *asked) if n in at
        }
        found = _Numbers(tuple((r, at["count"]) for r in below), others, frozenset(), first)
    else:
        start, end = title_rows(table), len(table) - note_rows(table)
        titles, rows = rows[:start] + rows[max(start, end) :], rows[start:end]
        table = table[start:end]
        inner_rows, inner_columns = kept(table)
        rows, columns = [rows[r] for r in inner_rows], [columns[c] for c in inner_columns]
        table = [[table[r][c] for c in inner_columns] for r in inner_rows]
        heads, labels = corner(place, table) if table else (0, 0)
        counts = tuple((r + 1, c + 1) for r in rows[heads:] for c in columns[labels:])
        found = _Numbers(counts, {}, frozenset(r + 1 for r in titles), first)
    if len(found.counts) != len(told.counts) or set(found.others) != set(told.others):
        raise BadTable(f"{place}: its numbers cannot be found again.")
    return found


def _write(source: Worksheet, told: Told, sheet: Worksheet) -> Said:
    numbers = _numbers(told.name, whole_sheet(told.name, source), told)
    said = dict(_said(told, numbers))
    plain = _plainest([source.cell(*place) for place in said])
    for row in source.iter_rows():
        for cell in row:
            if not isinstance(cell, Cell):
                continue  # covered by a merged one
            place = (cell.row, cell.column)
            value = said.get(place, cell.value)
            if place not in said and cell.row in numbers.titles and not _is_harmless(str(value or "")):
                value = None
            at = sheet.cell(*place, value=value)
            if isinstance(value, str):
                at.data_type = "s"  # a text that begins like a formula stays a text
            _dress(at, plain if value == MARK and place in said else cell, without_fill=value == MARK)
    _lay_out(source, sheet)
    if _has_marks(told):
        sheet.cell(source.max_row + 2, numbers.first, value=FOOTNOTE)
    return said


def _said(told: Told, numbers: _Numbers) -> Iterator[tuple[Place, object]]:
    """Give what stands at each number's place: the audited number, or the mark."""
    yield from zip(numbers.counts, told.counts, strict=True)
    for column, places in numbers.others.items():
        yield from ((place, text) for place, text in zip(places, told.others[column], strict=True) if text)


def _plainest(cells: Sequence[Cell]) -> Cell:
    """Return a cell of the look that most numbers have: every mark has that one."""
    looks = [(c.font, c.border, c.alignment, _format(c)) for c in cells]
    keys = [repr(look) for look in looks]
    most = Counter(keys).most_common(1)[0][0]
    return cells[keys.index(most)]


def _dress(cell: Cell, like: Cell, *, without_fill: bool) -> None:
    if not like.has_style:
        return
    cell.font, cell.border, cell.alignment = copy(like.font), copy(like.border), copy(like.alignment)
    cell.fill = PatternFill() if without_fill else copy(like.fill)
    cell.number_format = _format(like)


def _format(cell: Cell) -> str:
    """Return how a number is written; a format of one's own may write anything in its place."""
    return cell.number_format if cell.number_format in BUILTIN_FORMATS.values() else "General"


def _lay_out(source: Worksheet, sheet: Worksheet) -> None:
    for merged in source.merged_cells.ranges:
        sheet.merge_cells(merged.coord)
    for number in range(1, source.max_column + 1):
        letter = get_column_letter(number)
        if letter in source.column_dimensions:
            sheet.column_dimensions[letter].width = source.column_dimensions[letter].width
    for number, row in source.row_dimensions.items():
        if row.height is not None:
            sheet.row_dimensions[number].height = row.height
    sheet.freeze_panes = source.freeze_panes


def _is_harmless(text: str) -> bool:
    """Say whether a title names no number but years: nobody audited its words."""
    return all(_YEAR.fullmatch(number.rstrip(".,")) for number in _NUMBER.findall(text))


def _hold_against(written: bytes, expected: Sequence[tuple[Told, Said]]) -> None:
    """Read the workbook back: at each number's place stands what was audited, and elsewhere no number.

    :raises BadTable: if not
    """
    book = load_workbook(io.BytesIO(written))
    for sheet, (told, said) in zip(book.worksheets, expected, strict=True):
        there = {(c.row, c.column): c.value for row in sheet.iter_rows() for c in row if c.value is not None}
        if any(there.pop(place, None) != value for place, value in said.items()):
            raise BadTable(f"{sheet.title}: the workbook does not show what was audited.")
        if any(_is_number(value) and str(value) not in told.codes for value in there.values()):
            raise BadTable(f"{sheet.title}: a number stands in it that no audit has seen.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or (
        isinstance(value, str) and bool(_NUMBER.fullmatch(value.strip()))
    )
