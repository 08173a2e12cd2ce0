"""The researcher's own workbook with the withheld numbers marked: its form kept, its content audited.

It is built anew, cell by cell, so that nothing comes along unseen: properties, names, conditional formats,
number formats of one's own. Every withheld number has the same mark and the same look (other marks, or a
colour, would tell a small count from one that protects it), and one footnote says what the mark means.
What was written is read back and held against the audited tables.
"""

import datetime as dt
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Final

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell
from openpyxl.packaging.core import DocumentProperties
from openpyxl.styles import PatternFill
from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from disclosure.engine.errors import BadTable
from disclosure.engine.longform import RESERVED
from disclosure.engine.protect import ProtectedTable
from disclosure.engine.reading import corner, kept, title_rows, whole_sheet

MARK: Final = "*"
FOOTNOTE: Final = (
    f"{MARK} Withheld so that no small group of people can be recognised, here or together with other tables."
)
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the same workbook has the same bytes whenever it is made
_MADE: Final = dt.datetime(1980, 1, 1)  # noqa: DTZ001 - the format knows no zone
_NUMBER: Final = re.compile(r"\d[\d,.]*")
_YEAR: Final = re.compile(r"(19|20)\d\d")
Place = tuple[int, int]  # row and column of a sheet, both from 1
Said = dict[Place, object]  # what stands at each number's place from now on


@dataclass(frozen=True)
class _Numbers:
    """Where the numbers of a table stand: for each of its rows the count, and the percentage and its base."""

    counts: tuple[Place, ...]
    others: Mapping[str, tuple[Place, ...]]  # pct and pct_n, of a long table
    titles: frozenset[int]  # rows above the table


def suppressed(name: str, content: bytes, tables: Sequence[ProtectedTable]) -> bytes:
    """Return the workbook with every withheld number marked.

    :param name: the file's name, as its tables are named after
    :raises BadTable: if it is none of the workbook that was read, or what was written does not hold
    """
    source = load_workbook(io.BytesIO(content), data_only=False, keep_links=False)
    told, expected = {table.table.name: table for table in tables}, []
    book = Workbook()
    book.remove(book.worksheets[0])
    for number, sheet in enumerate(source.worksheets, start=1):
        if (protected := told.pop(f"{name}, sheet {sheet.title}", None)) is not None:
            title = sheet.title if _is_harmless(sheet.title) else f"Table {number}"
            expected.append((protected, _write(sheet, protected, book.create_sheet(title))))
    if told or not book.worksheets:
        raise BadTable(f"{name}: its tables are not those of a workbook with this name.")
    book.properties = DocumentProperties(creator="", created=_MADE, modified=_MADE)
    written = _same_each_time(book)
    _hold_against(written, expected)
    return written


def _numbers(place: str, sheet: Worksheet, protected: ProtectedTable) -> _Numbers:
    """Find the numbers again, as they were found when the sheet was read."""
    grid = whole_sheet(place, sheet)
    rows, columns = kept(grid)
    table = [[grid[r][c] for c in columns] for r in rows]
    header = [cell.strip().lower() for cell in table[0]]
    if {"count", "released", "pct"} & set(header):
        below = [r + 1 for r in rows[1:]]
        at = {text: columns[c] + 1 for c, text in enumerate(header) if text in RESERVED}
        others: dict[str, tuple[Place, ...]] = {
            n: tuple((r, at[n]) for r in below) for n in ("pct", "pct_n") if n in at
        }
        found = _Numbers(tuple((r, at["count"]) for r in below), others, frozenset())
    else:
        above = title_rows(table)
        titles, rows = rows[:above], rows[above:]
        table = table[above:]
        inner_rows, inner_columns = kept(table)
        rows, columns = [rows[r] for r in inner_rows], [columns[c] for c in inner_columns]
        table = [[table[r][c] for c in inner_columns] for r in inner_rows]
        heads, labels = corner(place, table)
        counts = tuple((r + 1, c + 1) for r in rows[heads:] for c in columns[labels:])
        found = _Numbers(counts, {}, frozenset(r + 1 for r in titles))
    if len(found.counts) != len(protected.table.rows):
        raise BadTable(f"{place}: its numbers cannot be found again.")
    return found


def _write(source: Worksheet, protected: ProtectedTable, sheet: Worksheet) -> Said:
    numbers = _numbers(protected.table.name, source, protected)
    said = dict(_said(protected, numbers))
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
    if MARK in said.values():
        sheet.cell(source.max_row + 2, 1, value=FOOTNOTE)
    return said


def _said(protected: ProtectedTable, numbers: _Numbers) -> Iterator[tuple[Place, object]]:
    """Give what stands at each number's place: the audited number, or the mark."""
    for n, (row, shown) in enumerate(zip(protected.table.rows, protected.shown, strict=True)):
        yield numbers.counts[n], row.count if shown else MARK
        for column, places in numbers.others.items():
            told = dict(zip(protected.table.columns, row.cells, strict=True))[column]
            if told:
                yield places[n], told if protected.percentage_shown[n] else MARK


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


def _same_each_time(book: Workbook) -> bytes:
    out, again = io.BytesIO(), io.BytesIO()
    book.save(out)
    with zipfile.ZipFile(out) as made, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in made.namelist():
            content = made.read(part)
            if part == "docProps/core.xml":  # the time of writing stands in it
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>1980-01-01T00:00:00Z", content)
            archive.writestr(zipfile.ZipInfo(part, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return again.getvalue()


def _hold_against(written: bytes, expected: Sequence[tuple[ProtectedTable, Said]]) -> None:
    """Read the workbook back: at each number's place stands what was audited, and elsewhere no number.

    :raises BadTable: if not
    """
    book = load_workbook(io.BytesIO(written))
    for sheet, (protected, said) in zip(book.worksheets, expected, strict=True):
        there = {(c.row, c.column): c.value for row in sheet.iter_rows() for c in row if c.value is not None}
        if any(there.pop(place, None) != value for place, value in said.items()):
            raise BadTable(f"{sheet.title}: the workbook does not show what was audited.")
        codes = {code for row in protected.table.rows for code in row.codes.values()}
        if any(_is_number(value) and str(value) not in codes for value in there.values()):
            raise BadTable(f"{sheet.title}: a number stands in it that no audit has seen.")
        shown = sum(1 for value in said.values() if value == MARK)
        if shown < sum(not each for each in protected.shown):
            raise BadTable(f"{sheet.title}: the workbook does not mark every number that is withheld.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or (
        isinstance(value, str) and bool(_NUMBER.fullmatch(value.strip()))
    )
