"""Logs as files: CSV and XLSX in which no cell can be taken for a formula."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from openpyxl import Workbook

from p20win.clock import STATE_ZONE

if TYPE_CHECKING:
    from governance.log_kinds import Cell, Log

# What spreadsheet programs may take for the beginning of a formula, in plain and in full width.
_FORMULA: Final = tuple("=+-@\t\r\n|%＝＋－＠")
_UNSHOWN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def harmless(text: str) -> str:
    """Return text that every spreadsheet program shows as text."""
    shown = _UNSHOWN.sub("", text)
    return f"'{shown}" if shown.lstrip(" ").startswith(_FORMULA) else shown


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
    """Return a log as a workbook; every cell is text."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(log.title)
    sheet.append(headings(log))
    for cells in rows:
        sheet.append([spelt(cell) for cell in cells])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
