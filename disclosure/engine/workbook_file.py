"""A workbook as bytes: written in memory alone, and the same whenever it is written."""

import io
import re
import zipfile
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.packaging.extended import ExtendedProperties
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.writer.excel import ExcelWriter

# Openpyxl imports it only when it writes, and in the sandbox no module can be opened then.
_NEEDED_LATER: Final = (ExtendedProperties,)
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


class _InMemory(ExcelWriter):
    """Writes no sheet to a file on the way: none can be opened in the sandbox, and none should be."""

    def write_worksheet(self, ws: Any) -> None:
        """Write one sheet without drawings."""
        ws._drawing = None
        out = io.BytesIO()
        writer = WorksheetWriter(ws, out=out)
        writer.write()
        ws._rels = writer._rels
        self._archive.writestr(ws.path[1:], out.getvalue())
        self.manifest.append(ws)


def saved(book: Workbook) -> bytes:
    """Return the workbook as a file without a time in it."""
    out, again = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        _InMemory(book, archive).write_data()
    with zipfile.ZipFile(out) as made, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in made.namelist():
            content = made.read(part)
            if part == "docProps/core.xml":  # the time of writing stands in it
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>1980-01-01T00:00:00Z", content)
            archive.writestr(zipfile.ZipInfo(part, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return again.getvalue()
