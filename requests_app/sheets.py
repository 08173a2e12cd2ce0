"""Reading a sheet of data elements, CSV or XLSX, headers in any order and case. Pure: rows in, errors out."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

MAX_ROWS: Final = 5_000
MAX_UNPACKED: Final = 100 * 1024 * 1024  # bytes an XLSX may unfold to

# The form's own headers first, then what agencies' sheets call them.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "name": ("data element name", "data element", "element", "element name", "name", "column"),
    "source": ("source agency", "source", "agency", "data source", "provider"),
    "source_element": ("source data element", "source element", "name at the source", "source name"),
    "is_matching_identifier": ("matching identifier", "identifier", "matching", "is matching identifier"),
    "category": ("category of data", "category", "data category"),
    "codes": ("code set values to include", "code set values", "values to include", "values", "codes"),
    "qualifier": ("other qualifier", "qualifier"),
    "questions": ("related questions", "related question", "research questions", "questions", "rq"),
    "explanation": ("how it serves the question", "how it serves", "explanation", "justification", "purpose"),
    "data_type": ("data type", "type"),
    "format": ("format",),
    "is_uc": ("unemployment compensation record", "unemployment compensation", "uc"),
}
NEEDED: Final = ("name", "source", "source_element")
TITLES: Final = {name: names[0].capitalize() for name, names in COLUMNS.items()}
YES: Final = frozenset({"yes", "y", "true", "1", "x"})
NO: Final = frozenset({"", "no", "n", "false", "0"})


@dataclass(frozen=True)
class CellError:
    """What is wrong in one cell. Row 1 is the header."""

    row: int
    column: str
    message: str


@dataclass(frozen=True)
class Sheet:
    """The rows of a sheet by field name, each with its number in the file, and what could not be read."""

    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)


def read(name: str, content: bytes) -> Sheet:
    """Read a file by the ending of its name."""
    try:
        if name.lower().endswith(".csv"):
            return _by_header(_csv_rows(content))
        if name.lower().endswith(".xlsx"):
            return _by_header(_xlsx_rows(content))
    except UnicodeDecodeError as error:
        return _refused(f"Save the CSV as UTF-8: byte {error.start} is not.")
    except csv.Error as error:
        return _refused(f"This is not a readable CSV file ({error}).")
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError):
        return _refused("This is not a readable XLSX workbook. Save it anew, or export it as CSV.")
    return _refused("Choose a file whose name ends in .csv or .xlsx.")


def yes_or_no(text: str) -> bool | None:
    """Return what a cell of a yes/no column says; None if it says neither."""
    word = text.strip().casefold()
    return True if word in YES else False if word in NO else None


def _refused(message: str) -> Sheet:
    return Sheet(errors=[CellError(1, "", message)])


def _csv_rows(content: bytes) -> Iterator[list[str]]:
    text = content.decode("utf-8-sig")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _xlsx_rows(content: bytes) -> Iterator[list[str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(part.file_size for part in packed.infolist()) > MAX_UNPACKED:
            raise ValueError("unfolds to more than is read")
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    try:
        for row in book.worksheets[0].iter_rows(values_only=True):
            yield [_text(value) for value in row]
    finally:
        book.close()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _by_header(lines: Iterator[list[str]]) -> Sheet:
    header = next(lines, [])
    places, errors = _places(header)
    sheet = Sheet(errors=errors)
    if errors:
        return sheet
    for number, line in enumerate(lines, start=2):
        if not any(cell.strip() for cell in line):
            continue
        if len(sheet.rows) >= MAX_ROWS:
            sheet.errors.append(CellError(number, "", f"More than {MAX_ROWS} rows: split the file."))
            return sheet
        row = {name: line[place].strip() if place < len(line) else "" for name, place in places.items()}
        sheet.rows.append((number, row))
    if not sheet.rows:
        sheet.errors.append(CellError(2, "", "There is no row under the header."))
    return sheet


def _places(header: list[str]) -> tuple[dict[str, int], list[CellError]]:
    known = {each: name for name, names in COLUMNS.items() for each in names}
    places: dict[str, int] = {}
    errors = []
    for place, title in enumerate(header):
        folded = re.sub(r"[^a-z0-9]+", " ", title.casefold()).strip()
        if not folded:
            continue
        name = known.get(folded)
        if name is None:
            errors.append(CellError(1, title.strip(), "This column is not known. Rename or remove it."))
        elif name in places:
            errors.append(CellError(1, title.strip(), "This column stands twice."))
        else:
            places[name] = place
    errors += [CellError(1, TITLES[name], "This column is missing.") for name in NEEDED if name not in places]
    return places, errors
