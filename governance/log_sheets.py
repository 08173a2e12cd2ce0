"""Logs as files: CSV and XLSX in which no cell can be taken for a formula."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from p20win.clock import STATE_ZONE
from p20win.custody.public import harmless

if TYPE_CHECKING:
    from governance.log_kinds import Cell, Log

_WIDTHS: Final = {"time": 20, "date": 14, "name": 40, "list": 48}  # in characters, by kind of column


def spelt(cell: Cell) -> str:
    """Return what stands in a cell: times in Connecticut, lists with semicolons."""
    if cell is None:
        return ""
    if isinstance(cell, dt.datetime):
        return cell.astimezone(STATE_ZONE).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, dt.date):
        return cell.isoformat()
    if isinstance(cell, list):
        return harmless("; ".join(cell))
    return harmless(str(cell))


def headings(log: Log) -> list[str]:
    """Return the first row."""
    return [f"{column.label} (ET)" if column.kind == "time" else column.label for column in log.columns]


def as_csv(log: Log, rows: Iterable[list[Cell]]) -> Iterator[bytes]:
    """Give a log as CSV, row by row, with the mark by which spreadsheet programs know UTF-8."""
    yield b"\xef\xbb\xbf"
    for row in [headings(log)]:
        yield _line(row)
    for cells in rows:
        yield _line([spelt(cell) for cell in cells])


def _line(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(cells)
    return text.getvalue().encode()


def as_xlsx(log: Log, rows: Iterable[list[Cell]]) -> bytes:
    """Return a log as a workbook: every cell is text, the headings stay in sight, columns can be filtered."""
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(log.title)
    sheet.freeze_panes = "A2"
    for place, column in enumerate(log.columns, 1):
        sheet.column_dimensions[get_column_letter(place)].width = _WIDTHS.get(column.kind, 24)
    sheet.append([_cell(sheet, words, font=Font(bold=True)) for words in headings(log)])
    last = 1
    for last, cells in enumerate(rows, 2):  # noqa: B007  # the number of the last row is wanted afterwards
        sheet.append([_cell(sheet, spelt(cell)) for cell in cells])
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(log.columns))}{last}"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _cell(sheet: Any, words: str, *, font: Font | None = None) -> Any:
    cell: Any = WriteOnlyCell(sheet, words)
    cell.alignment = Alignment(vertical="top", wrap_text=True)
    if font is not None:
        cell.font = font
    return cell
