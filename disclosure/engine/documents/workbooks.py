"""Read the words of a workbook: for what stands in it. Its tables are read by `disclosure.engine.reading`."""

import io
import zipfile
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from disclosure.engine.documents.content import Document, NotReadable
from disclosure.engine.documents.opening import Parts
from disclosure.engine.documents.package import texts_of

_MOST_CELLS = 400_000
XLSX = "xlsx"


def read_workbook(content: bytes) -> Document:
    """Read the cells, headers, footers and text boxes of the sheets that are shown.

    :raises NotReadable: if it is no workbook, or too large
    """
    document, parts = Document(XLSX), Parts(content)
    try:
        book = load_workbook(io.BytesIO(content), data_only=True, keep_links=False)
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
    for sheet in book.worksheets:
        if sheet.sheet_state == "visible":
            _sheet(document, sheet)
    for name in parts.names:
        if name.startswith("xl/drawings/drawing"):
            document.say("a text box", "\n".join(texts_of(parts.xml(name))))
    return document


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
    for line in (sheet.oddHeader, sheet.oddFooter, sheet.firstHeader, sheet.firstFooter):
        for part in (line.left, line.center, line.right):
            document.say(place, part.text or "")
