"""Read a researcher's file, CSV or XLSX, as tables in long form.

A long table is taken as it is. A cross table has its row labels on the left and its column labels on
top; what calls itself a total is a Total. What could hide numbers (hidden sheets, rows and columns,
comments, formulas, links) is refused with the place, not read past. So is a list of people.
"""

import csv
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError
from openpyxl import load_workbook
from openpyxl.cell import Cell, MergedCell
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from disclosure.engine.codes import TOTAL
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import RESERVED, Table, table_from, whole_number
from disclosure.engine.people import refuse_people

_TOTAL_WORDS = re.compile(r"(grand\s+|sub-?)?totals?|all|overall|sum|everyone", re.IGNORECASE)
LARGEST_FILE = 20_000_000
_MOST_CELLS = 400_000
_EXTRA_PARTS = re.compile(
    r"xl/(externalLinks|pivotCache|pivotTables|embeddings|media|charts|drawings|comments|threadedComments|"
    r"customXml|model|vbaProject|queryTables|connections)"
)
_NOTE = re.compile(r"(?:notes?|sources?)\s*[:.-]|[*†‡§]\s*\S+(?:\s+\S+){2}", re.IGNORECASE)
YEARS = range(1900, 2101)
_FORMULA = re.compile(r"[=+@\t\r]|-(?![\d ])|-.*(?:[|!]|[A-Za-z_.]\()")
Grid = list[list[str]]
Grids = list[tuple[str, Grid]]
Reader = Callable[[str, bytes], Grids]


def read_grids(name: str, content: bytes) -> Grids:
    """Read the cells of every sheet, as text: the part that unpacks and parses what somebody sent.

    :raises BadTable: naming file, place and remedy
    """
    if len(content) > LARGEST_FILE:
        raise BadTable(f"{name}: larger than {LARGEST_FILE // 1_000_000} MB. Publish smaller tables.")
    if not content:
        raise BadTable(f"{name}: the file is empty.")
    return _xlsx_grids(name, content) if content.startswith(b"PK") else [(name, _csv_grid(name, content))]


def told_grids(name: str, content: bytes) -> dict[str, Any]:
    """Read the cells and answer in JSON's own types, for a process that does nothing else."""
    try:
        return {"grids": read_grids(name, content)}
    except BadTable as problem:
        return {"refused": str(problem)}


def grids_told(answer: Any) -> Grids:
    """Take the answer of `told_grids`, which may have been made by whoever wrote the file.

    :raises BadTable: if it refuses the file, or is no such answer
    """
    if isinstance(answer, dict) and isinstance(why := answer.get("refused"), str):
        raise BadTable(why)
    grids = answer.get("grids") if isinstance(answer, dict) else None
    if not isinstance(grids, list) or not all(_is_grid(entry) for entry in grids):
        raise BadTable("The file breaks the program that reads it. Save it again as CSV UTF-8.")
    return [(place, grid) for place, grid in grids]


def _is_grid(entry: Any) -> bool:
    if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str)):
        return False
    rows = entry[1]
    return isinstance(rows, list) and all(
        isinstance(row, list) and all(isinstance(cell, str) for cell in row) for row in rows
    )


def read_file(name: str, content: bytes, *, reader: Reader = read_grids) -> list[Table]:
    """Read every table of a file.

    :raises BadTable: naming file, place and remedy
    """
    return [table_of(place, grid) for place, grid in reader(name, content)]


def table_of(place: str, grid: Grid) -> Table:
    """Read one grid of cells as a table of counts.

    :raises BadTable: naming place and remedy; a list of people is none
    """
    table = _table(place, grid)
    without_people_and_formulas(table)
    return table


def without_people_and_formulas(table: Table) -> None:
    """Refuse a list of people, and labels that would run as formulas in the reader's spreadsheet.

    :raises BadTable: naming place and remedy
    """
    refuse_people(table)
    for row in table.rows:
        for code in (*row.codes, *row.codes.values()):
            if _FORMULA.match(code):
                raise BadTable(
                    f"{table.name}, line {row.line}: a label begins like a formula. Begin it with a letter."
                )


def _csv_grid(name: str, content: bytes) -> Grid:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadTable(f"{name}: not UTF-8 text. Save the table as CSV UTF-8, or as XLSX.") from None
    if "\x00" in text:
        raise BadTable(f"{name}: not a text file. Save the table as CSV UTF-8, or as XLSX.")
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        return [list(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
    except csv.Error as error:
        raise BadTable(f"{name}: cannot be read as CSV ({error}).") from None


def _xlsx_grids(name: str, content: bytes) -> list[tuple[str, Grid]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > 20 * LARGEST_FILE:
                raise BadTable(f"{name}: unpacks to more than it should. Save a plain workbook.")
            extra = sorted({m[1] for part in archive.namelist() if (m := _EXTRA_PARTS.match(part))})
        if extra:
            raise BadTable(
                f"{name}: the workbook carries {', '.join(extra)}, where numbers can hide. "
                "Copy the values alone into a new workbook."
            )
        book = load_workbook(io.BytesIO(content), data_only=False, keep_links=False)
    except (
        zipfile.BadZipFile,
        InvalidFileException,
        DefusedXmlException,
        ParseError,
        KeyError,
        ValueError,
    ) as error:
        if isinstance(error, BadTable):
            raise
        raise BadTable(
            f"{name}: not a workbook that can be read. Save it as XLSX, or as CSV UTF-8."
        ) from None
    hidden = [sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible"]
    if hidden:
        raise BadTable(f"{name}: hidden sheet “{hidden[0]}”. Delete it, or show it.")
    if book.chartsheets:
        raise BadTable(f"{name}: chart sheets cannot be checked. Save the tables alone.")
    grids = [(f"{name}, sheet {sheet.title}", _sheet_grid(name, sheet)) for sheet in book.worksheets]
    grids = [(place, grid) for place, grid in grids if grid]
    if not grids:
        raise BadTable(f"{name}: no table on any sheet.")
    return grids


def _sheet_grid(name: str, sheet: Worksheet) -> Grid:
    place = f"{name}, sheet {sheet.title}"
    if sheet.max_row * sheet.max_column > _MOST_CELLS:
        raise BadTable(f"{place}: more than {_MOST_CELLS:,} cells. Publish smaller tables.")
    _refuse_hidden_lines(place, sheet)
    return trimmed(whole_sheet(place, sheet))


def whole_sheet(place: str, sheet: Worksheet) -> Grid:
    """Read the cells of a sheet as text, from its first row and column on.

    :raises BadTable: if one of them hides something
    """
    grid = [[_text(place, cell) for cell in row] for row in sheet.iter_rows()]
    used = {c for row in grid for c, text in enumerate(row) if text}
    for merged in sheet.merged_cells.ranges:  # a header over several columns speaks for each of them
        if used <= set(range(merged.min_col - 1, merged.max_col)):
            continue  # a title or a note across all
        text = grid[merged.min_row - 1][merged.min_col - 1]
        for r in range(merged.min_row - 1, merged.max_row):
            for c in range(merged.min_col - 1, merged.max_col):
                grid[r][c] = text
    return grid


def _refuse_hidden_lines(place: str, sheet: Worksheet) -> None:
    for number, row in sheet.row_dimensions.items():
        if row.hidden:
            raise BadTable(f"{place}: row {number} is hidden. Delete it, or show it.")
    for letter, column in sheet.column_dimensions.items():
        if column.hidden:
            raise BadTable(f"{place}: column {letter} is hidden. Delete it, or show it.")


def _text(place: str, cell: Cell | MergedCell) -> str:
    if cell.data_type == "f":
        raise BadTable(f"{place}: {cell.coordinate} is a formula. Paste the values instead.")
    if cell.comment is not None:
        raise BadTable(f"{place}: {cell.coordinate} has a comment. Delete it.")
    value = cell.value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def trimmed(grid: Grid) -> Grid:
    """Drop empty lines, and make all rows equally long."""
    rows, columns = kept(grid)
    return [[grid[r][c] if c < len(grid[r]) else "" for c in columns] for r in rows]


def kept(grid: Grid) -> tuple[list[int], list[int]]:
    """Return which rows and which columns hold anything."""
    rows = [r for r, row in enumerate(grid) if any(row)]
    width = max((len(grid[r]) for r in rows), default=0)
    return rows, [c for c in range(width) if any(c < len(grid[r]) and grid[r][c] for r in rows)]


def _table(place: str, grid: Grid) -> Table:
    grid = trimmed([[cell.strip() for cell in row] for row in grid])
    if len(grid) < 2:
        raise BadTable(f"{place}: no rows below the header.")
    if {"count", "released", "pct"} & {cell.lower() for cell in grid[0]}:
        header = [cell.lower() if cell.lower() in RESERVED else cell for cell in grid[0]]
        rows = [
            [TOTAL if header[c] not in RESERVED and is_total(v) else v for c, v in enumerate(r)]
            for r in grid[1:]
        ]
        return table_from(place, header, rows)
    return _cross_table(place, grid)


def is_total(text: str) -> bool:
    """Say whether a label means all categories together."""
    return bool(_TOTAL_WORDS.fullmatch(text.strip()))


def _cross_table(place: str, grid: Grid) -> Table:
    first, last = title_rows(grid), len(grid) - note_rows(grid)
    if any(is_lone_count(cell) for row in grid[:first] for cell in row):
        raise BadTable(f"{place}: a number stands alone above the table. Say in words what it counts.")
    grid = trimmed(grid[first:last])
    if not grid:
        raise BadTable(f"{place}: no table found.")
    heads, labels = corner(place, grid)
    if labels + 1 > len(grid[0]) or heads >= len(grid):
        raise BadTable(f"{place}: no numbers found below and beside the labels.")
    _refuse_mixed_labels(place, grid, heads, labels)
    names = _names(place, grid, heads, labels)
    above = filled([row[labels:] for row in grid[:heads]])
    left = [list(column) for column in zip(*filled(_columns(grid, heads, labels)), strict=True)]
    rows = []
    for r, row in enumerate(grid[heads:]):
        for c, text in enumerate(row[labels:]):
            codes = [*left[r], *(line[c] for line in above)]
            if text == "":
                raise BadTable(
                    f"{place}: no number for {' / '.join(code or '?' for code in codes)}. Write 0 if nobody."
                )
            if whole_number(text) is None:
                raise BadTable(f"{place}: “{' / '.join(codes)}” is not a whole number. Give counts only.")
            rows.append([*(TOTAL if is_total(code) else code for code in codes), text])
    for row in rows:
        if not all(row):
            raise BadTable(f"{place}: a row or column has no label. Name every category and total.")
    return table_from(place, [*names, "count"], rows)


def title_rows(grid: Grid) -> int:
    """Count the rows of a title above the table: such as hold one text."""
    above = 0
    while above < len(grid) and sum(1 for cell in grid[above] if cell) == 1:
        above += 1
    return above


def note_rows(grid: Grid) -> int:
    """Count the rows of notes below the table: such as hold one text that begins as notes do."""
    below = 0
    while below < len(grid):
        said = [cell for cell in grid[-1 - below] if cell]
        if len(said) != 1 or not _NOTE.match(said[0]):
            break
        below += 1
    return below


def is_lone_count(cell: str) -> bool:
    """Say whether a cell holds a number that is no year."""
    number = whole_number(cell)
    return number is not None and number not in YEARS


def corner(place: str, grid: Grid) -> tuple[int, int]:
    """Find where the numbers begin: rows of column labels, columns of row labels.

    :raises BadTable: if there are none
    """
    numeric = [[whole_number(cell) is not None for cell in row] for row in grid]
    height, width = len(grid), len(grid[0])
    for labels in range(1, width):
        for heads in range(1, height):
            block = [
                numeric[r][c] or grid[r][c] == "" for r in range(heads, height) for c in range(labels, width)
            ]
            if all(block) and any(numeric[r][c] for r in range(heads, height) for c in range(labels, width)):
                return heads, labels
    raise BadTable(
        f"{place}: not a table of counts. "
        "Put row labels on the left, column labels on top, whole numbers inside."
    )


def _refuse_mixed_labels(place: str, grid: Grid, heads: int, labels: int) -> None:
    """A word among numbers is a spoilt count, not one more column of labels."""
    levels = [(f"column {c + 1}", [row[c] for row in grid[heads:]]) for c in range(1, labels)]
    levels += [(f"row {r + 1}", grid[r][labels:]) for r in range(1, heads)]
    for where, level in levels:
        said = [text for text in level if text and not is_total(text)]
        numbers = sum(whole_number(text) is not None for text in said)
        if 0 < numbers < len(said):
            raise BadTable(
                f"{place}: {where} mixes words and numbers. Give whole numbers, or labels in words."
            )


def _by_categories(labels: Sequence[str]) -> str:
    said = sorted({label for label in labels if label and not is_total(label)})
    return " / ".join(said) or "all"


def _columns(grid: Grid, heads: int, labels: int) -> Grid:
    return [[row[c] for row in grid[heads:]] for c in range(labels)]


def filled(lines: Sequence[Sequence[str]]) -> Grid:
    """Repeat a label over the blanks that follow it, as a merged header means; not on the last level."""
    out = []
    for level, line in enumerate(lines):
        last, row = "", []
        for cell in line:
            last = cell or ("" if level == len(lines) - 1 else last)
            row.append(last)
        out.append(row)
    return _spread_totals(out)


def _spread_totals(levels: Grid) -> Grid:
    """A total of an outer level is a total of the levels inside it, whatever is written there."""
    for level in range(len(levels) - 1):
        for i, label in enumerate(levels[level]):
            if is_total(label) and not levels[level + 1][i]:
                levels[level + 1][i] = TOTAL
    return levels


def _names(place: str, grid: Grid, heads: int, labels: int) -> list[str]:
    """Name the dimensions: from the corner (`school` or `school \\ sex`), else after their categories.

    Named after their categories, two tables share a dimension only if it has the same ones in both.
    """
    corner = [grid[heads - 1][c] for c in range(labels)]
    last, _, across = (part.strip() for part in corner[-1].partition("\\"))
    columns = [next((cell for cell in reversed(grid[r][:labels]) if cell), "") for r in range(heads - 1)]
    columns = [name or _by_categories(grid[r][labels:]) for r, name in enumerate(columns)]
    columns.append(across or _by_categories(grid[heads - 1][labels:]))
    rows = [*corner[:-1], last]
    rows = [name or _by_categories([row[c] for row in grid[heads:]]) for c, name in enumerate(rows)]
    names = [*rows, *columns]
    if len(set(names)) < len(names) or any(name.lower() in RESERVED for name in names):
        raise BadTable(f"{place}: give each row label column a name of its own above it.")
    return names
