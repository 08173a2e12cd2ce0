"""Read the words of a workbook: for what stands in it, or beside its tables.

Its tables are read by `disclosure.engine.reading`, which refuses what hides numbers.
"""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook import Workbook

from disclosure.engine.documents.content import XLSX, Document, NotReadable
from disclosure.engine.documents.opening import Parts
from disclosure.engine.documents.package import texts_of

_MOST_CELLS = 400_000


def read_workbook(content: bytes) -> Document:
    """Read the cells, headers, footers and text boxes of the sheets that are shown.

    :raises NotReadable: if it is no workbook, or too large
    """
    document, parts, book = Document(XLSX), Parts(content), _opened(content)
    for sheet in book.worksheets:
        if sheet.sheet_state == "visible":
            _sheet(document, sheet)
    for name in parts.names:
        if name.startswith("xl/drawings/drawing"):
            document.say("a text box", "\n".join(texts_of(parts.xml(name))))
    return document


def read_beside_tables(content: bytes) -> Document:
    """Read what a workbook says beside the cells of its sheets.

    :raises NotReadable: if it is no workbook, or too large
    """
    document, parts, book = Document(XLSX), Parts(content), _opened(content)
    for name in parts.names:
        if name.startswith("docProps/") and name.endswith(".xml"):
            for text in texts_of(parts.xml(name)):
                document.say("the workbook's properties", text, shown=False)
    for place, text in _names(book):
        document.say(place, text, shown=False)
    for sheet in book.worksheets:
        document.say("the name of a sheet", sheet.title)
        for text in _head_and_foot(sheet):
            document.say(f"the header or footer of sheet {sheet.title}", text)
        for text in _hints(sheet):
            document.say(f"a hint on sheet {sheet.title}", text, shown=False)
    return document


def _names(book: Workbook) -> Iterator[tuple[str, str]]:
    """Yield what names of cells and tables say, with blanks for what a name may not hold."""
    yield from (("the workbook's properties", entry.name or "") for entry in book.custom_doc_props)
    defined = [*book.defined_names.values()]
    for sheet in book.worksheets:
        defined += sheet.defined_names.values()
        for table in sheet.tables.values():
            yield "the name of a table", f"{table.displayName or ''}".replace("_", " ")
            yield "what is said of a table", table.comment or ""
    for name in defined:
        yield "the name of cells", f"{name.name}".replace("_", " ").replace(".", " ")
        yield "what is said of named cells", f"{name.comment or ''} {name.description or ''}"
        if '"' in (name.attr_text or ""):  # a text of its own, instead of cells
            yield "the name of cells", name.attr_text


def _head_and_foot(sheet: Any) -> Iterator[str]:
    for line in (
        sheet.oddHeader,
        sheet.oddFooter,
        sheet.evenHeader,
        sheet.evenFooter,
        sheet.firstHeader,
        sheet.firstFooter,
    ):
        for part in (line.left, line.center, line.right):
            yield part.text or ""


def _hints(sheet: Any) -> Iterator[str]:
    """Yield what is shown when somebody points at a cell or fills it in."""
    for rule in sheet.data_validations.dataValidation:
        yield from (rule.promptTitle or "", rule.prompt or "", rule.errorTitle or "", rule.error or "")
    for cell in (c for row in sheet.iter_rows() for c in row if c.hyperlink):
        yield from (cell.hyperlink.tooltip or "", cell.hyperlink.display or "")


def _opened(content: bytes) -> Workbook:
    try:
        return load_workbook(io.BytesIO(content), data_only=True, keep_links=False)
    except (
        InvalidFileException,
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        OSError,
    ):
        raise NotReadable("it is no workbook that can be read. Save it again as XLSX.") from None


def _sheet(document: Document, sheet: Any) -> None:
    place = f"sheet {sheet.title}"
    if sheet.max_row * sheet.max_column > _MOST_CELLS:
        raise NotReadable(f"{place} has more than {_MOST_CELLS:,} cells. Publish smaller tables.")
    rows = {number for number, row in sheet.row_dimensions.items() if row.hidden}
    columns = {letter for letter, column in sheet.column_dimensions.items() if column.hidden}
    for row in sheet.iter_rows():
        for cell in row:
            if isinstance(cell.value, str) and cell.row not in rows and cell.column_letter not in columns:
                document.say(place, cell.value)
    for text in _head_and_foot(sheet):
        document.say(place, text)
