"""Checks a document (DOCX, PPTX, PDF) before anything reads it. What it says is the disclosure desk's."""

import io
import zipfile
import zlib
from typing import IO, Final
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from p20win.custody.engine.archives import check_archive
from p20win.custody.engine.report import Report

MAIN_PARTS: Final = {".docx": "word/document.xml", ".pptx": "ppt/presentation.xml"}
_REFUSED = ("vbaproject", "activex/", "ctrlprops/", "externallinks/", "connections.xml", "querytables/")
_MARKUP = (".xml", ".rels")
_MOST_ELEMENTS = 2_000_000
_DEEPEST = 256
_BLOCK = 1 << 16


def check_pdf(content: bytes, report: Report) -> None:
    """This will say whether a file begins like a PDF."""
    if not content.startswith(b"%PDF-"):
        report.add("workbook", hint="The file is not a PDF. Save it as PDF again.")


def check_office(content: bytes, report: Report, *, main: str) -> None:
    """This will say whether an Office file may be unpacked and parsed, its charts' workbooks included."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if check_archive(archive, report, main=main, refused=_REFUSED):
                _check_parts(archive, report)
    except (DefusedXmlException, ParseError, LookupError):
        report.add("workbook", hint="The file holds forbidden or broken markup.")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, zlib.error):
        report.add("workbook", hint="The file cannot be read. Save it again, without a password.")


def _check_parts(archive: zipfile.ZipFile, report: Report) -> None:
    """This will parse every part that is markup, and look through the workbooks behind charts."""
    counted = _Counted()
    for name in archive.namelist():
        if name.casefold().endswith(".xlsx"):
            inside = io.BytesIO(archive.read(name))
            with zipfile.ZipFile(inside) as book:
                if not check_archive(
                    book, report, main="xl/workbook.xml", refused=(*_REFUSED, "embeddings/")
                ):
                    return
                _check_markup(book, counted, report)
    _check_markup(archive, counted, report)


def _check_markup(archive: zipfile.ZipFile, counted: "_Counted", report: Report) -> None:
    for name in archive.namelist():
        if name.casefold().endswith(_MARKUP):
            with archive.open(name) as part:
                _check_part(part, counted, report)


def _check_part(part: IO[bytes], counted: "_Counted", report: Report) -> None:
    parser = DefusedXMLParser(target=counted, forbid_dtd=True)
    try:
        while block := part.read(_BLOCK):
            parser.feed(block)
        parser.close()
    except _Enough:
        report.add("workbook", hint="The file is too large or too deep to be read.")


class _Enough(Exception):
    """Nothing more need be read."""


class _Counted:
    """Counts elements as they pass by; nothing is kept."""

    def __init__(self) -> None:
        self._elements = self._depth = 0

    def start(self, _tag: str, _attributes: dict[str, str]) -> None:
        """Begin an element. :raises _Enough: if there are too many, or too deep"""
        self._elements += 1
        self._depth += 1
        if self._elements > _MOST_ELEMENTS or self._depth > _DEEPEST:
            raise _Enough

    def end(self, _tag: str) -> None:
        """End an element."""
        self._depth -= 1

    def close(self) -> None:
        """End a part."""
        self._depth = 0
