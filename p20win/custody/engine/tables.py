"""Checks an uploaded table or document before anything reads it: small files, held in memory."""

import io
import re
import zipfile
import zlib
from typing import IO, Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from p20win.custody.engine import sandbox
from p20win.custody.engine.archives import check_archive
from p20win.custody.engine.errors import Unreadable
from p20win.custody.engine.formulas import may_run
from p20win.custody.engine.intake import LONGEST_MARK, what_it_is
from p20win.custody.engine.office import MAIN_PARTS, check_office, check_pdf
from p20win.custody.engine.report import Report, read_report

LARGEST_TABLE = 20 << 20
ENDINGS = (".csv", ".xlsx", ".docx", ".pptx", ".pdf")
ASKED_FOR = "Send a file that ends in .csv, .xlsx, .docx, .pptx or .pdf."
LIMITS = sandbox.Limits()
_MOST_ELEMENTS = 1_000_000
_MOST_CELLS = 400_000
_DEEPEST = 64
_BLOCK = 1 << 16
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NOT_PLAIN = (
    "vbaproject",
    "externallinks/",
    "embeddings/",
    "activex/",
    "ctrlprops/",
    "connections.xml",
    "querytables/",
)
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")


class TableCheck:
    """A table that comes in chunks: it is small, and is checked whole, in a process of its own."""

    def __init__(self, name: str) -> None:
        self._name, self._content = name, bytearray()

    def update(self, chunk: bytes) -> None:
        """This will keep the chunk; of a table that is too large no more than shows it."""
        if len(self._content) <= LARGEST_TABLE:
            self._content += chunk

    def finish(self) -> Report:
        """This will check the table."""
        return check_apart(self._name, bytes(self._content))


def check_apart(name: str, content: bytes, *, limits: sandbox.Limits = LIMITS) -> Report:
    """This will check a table in a process of its own: unpacking and markup are read by native code."""
    if len(content) > LARGEST_TABLE:  # larger than the process may hold
        return check_table(name, content)
    try:
        return read_report(sandbox.run(_as_dict, name, content, limits=limits))
    except sandbox.Failed as failure:
        hint = f"{failure} Save it again as plain CSV in UTF-8."
    except Unreadable:
        hint = "It breaks the program that reads it. Save it again as plain CSV in UTF-8."
    report = Report()
    report.add("parser", hint=hint)
    return report


def _as_dict(name: str, content: bytes) -> dict[str, Any]:
    return check_table(name, content).as_dict()


def check_table(name: str, content: bytes) -> Report:
    """This will say whether a file may be read: as its name says, of sane size, with plain cells."""
    report = Report()
    ending = next((ending for ending in ENDINGS if name.casefold().endswith(ending)), "")
    if not content:
        report.add("empty")
    elif len(content) > LARGEST_TABLE:
        report.add("size", hint=f"At most {LARGEST_TABLE >> 20} MiB.")
    elif ending == ".csv":
        _check_csv(content, report)
    elif ending == ".xlsx":
        _check_workbook(content, report)
    elif ending in MAIN_PARTS:
        check_office(content, report, main=MAIN_PARTS[ending])
    elif ending == ".pdf":
        check_pdf(content, report)
    else:
        report.add("name", hint=ASKED_FOR)
    return report


def _check_csv(content: bytes, report: Report) -> None:
    if what := what_it_is(content[:LONGEST_MARK]):
        report.add("not_text", hint=f"This is {what}. Send the table itself.")
        return
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        report.add("encoding", hint="Save the file as CSV in UTF-8.")
        return
    if _CONTROL.search(text):
        report.add("control", hint="This is not a text file.")
        return
    for row, line in enumerate(text.splitlines(), start=1):
        report.rows = row
        for place, cell in enumerate(line.split(","), start=1):
            if may_run(cell.strip().strip('"'), label=True):
                report.add("form", row=row, column=f"column {place}", hint="A cell begins like a formula.")


def _check_workbook(content: bytes, report: Report) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if check_archive(archive, report, main="xl/workbook.xml", refused=_NOT_PLAIN):
                for entry in archive.namelist():
                    if _SHEET.fullmatch(entry):
                        with archive.open(entry) as sheet:
                            _check_sheet(sheet, report)
    except (DefusedXmlException, ParseError, LookupError):
        report.add("workbook", hint="The workbook holds forbidden or broken markup.")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, zlib.error):
        report.add(
            "workbook", hint="The workbook cannot be read. Save it again as .xlsx, without a password."
        )


def _check_sheet(sheet: IO[bytes], report: Report) -> None:
    seen = _Sheet(report)
    parser = DefusedXMLParser(target=seen, forbid_dtd=True)
    try:
        while part := sheet.read(_BLOCK):
            parser.feed(part)
        parser.close()
    except _Enough:
        report.add("workbook", hint="A sheet has too many cells, or cells inside cells.")
    report.rows = max(report.rows, seen.rows)


class _Enough(Exception):
    """Nothing more of the sheet need be read."""


class _Sheet:
    """Counts the rows of a sheet and looks for formulas, as its markup passes by; nothing is kept."""

    def __init__(self, report: Report) -> None:
        self._report, self._elements, self._cells, self._depth = report, 0, 0, 0
        self.rows = 0

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        """Begin an element. :raises _Enough: if there are too many, or too deep"""
        self._elements += 1
        self._depth += 1
        name = tag.rpartition("}")[2]
        self._cells += name == "c"
        if self._elements > _MOST_ELEMENTS or self._cells > _MOST_CELLS or self._depth > _DEEPEST:
            raise _Enough
        if name == "row":
            self.rows += 1
        elif name == "f":
            hint = "A cell holds a formula. Paste the values instead."
            self._report.add("workbook", row=self.rows, hint=hint)

    def end(self, _tag: str) -> None:
        """End an element."""
        self._depth -= 1

    def close(self) -> None:
        """End the sheet."""
