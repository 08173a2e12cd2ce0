"""The suppressed workbook, made in a process that does nothing else, and held against what was audited.

Whoever wrote the workbook may have taken over the process that unpacks it. So what comes of it is read back
in another one, by the reader that read the original, and its cells are compared by who asked: every cell
must read as it did, but for the marks.
"""

import base64
import binascii
import io
import json
import re
import zipfile
from collections.abc import Sequence
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.styles.numbers import BUILTIN_FORMATS

from disclosure.engine.errors import BadTable
from disclosure.engine.reading import Grids, told_grids
from disclosure.engine.workbook import Told, as_it_should_read, marked

_HEADER: Final = 4  # bytes that say how long what was told is
_PARTS: Final = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|docProps/(app|core)\.xml|xl/_rels/workbook\.xml\.rels|"
    r"xl/(workbook|styles|sharedStrings|theme/theme1|worksheets/sheet\d+)\.xml"
)


def packed(content: bytes, tables: Sequence[Told]) -> bytes:
    """Put a workbook and what its tables say into one, for `told_marked`."""
    told = json.dumps([[t.name, t.counts, t.others, sorted(t.codes)] for t in tables]).encode()
    return len(told).to_bytes(_HEADER, "big") + told + content


def told_marked(name: str, question: bytes) -> dict[str, Any]:
    """Mark a workbook and answer in JSON's own types, for a process that does nothing else."""
    end = _HEADER + int.from_bytes(question[:_HEADER], "big")
    tables = [
        Told(table, tuple(counts), {n: tuple(texts) for n, texts in others.items()}, frozenset(codes))
        for table, counts, others, codes in json.loads(question[_HEADER:end])
    ]
    try:
        made = marked(name, bytes(question[end:]), tables)
    except BadTable as problem:
        return {"refused": str(problem)}
    return {"workbook": base64.b64encode(made).decode()}


def marked_told(answer: Any) -> bytes:
    """Take the answer of `told_marked`, which may have been made by whoever wrote the file.

    :raises BadTable: if it refuses the file, or is no such answer
    """
    if isinstance(answer, dict) and isinstance(why := answer.get("refused"), str):
        raise BadTable(why)
    made = answer.get("workbook") if isinstance(answer, dict) else None
    try:
        if isinstance(made, str):
            return base64.b64decode(made, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise BadTable("The file breaks the program that marks it.")


def told_back(name: str, content: bytes) -> dict[str, Any]:
    """Read a marked workbook back, for a process that does nothing else; more than cells is refused."""
    if why := _beside_cells(content):
        return {"refused": f"{name}: {why}"}
    return told_grids(name, content)


def _beside_cells(content: bytes) -> str:
    """Say what a marked workbook holds besides cells and their look; empty if nothing."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(not _PARTS.fullmatch(part) for part in archive.namelist()):
            return "a part that was not written by us."
    book = load_workbook(io.BytesIO(content), data_only=False, keep_links=False)
    about = book.properties
    said = (about.creator, about.title, about.subject, about.description, about.keywords, about.category)
    if any(said) or about.lastModifiedBy or len(book.custom_doc_props) or book.defined_names:
        return "properties or names."
    for sheet in book.worksheets:
        heads = [sheet.oddHeader, sheet.oddFooter, sheet.firstHeader, sheet.firstFooter]
        heads += [sheet.evenHeader, sheet.evenFooter]
        if any(part.text for head in heads for part in (head.left, head.center, head.right)):
            return "a header or footer."
        if list(sheet.conditional_formatting) or sheet.data_validations.dataValidation or sheet.tables:
            return "rules for its cells."
        formats = {cell.number_format for row in sheet.iter_rows() for cell in row}
        if not formats <= set(BUILTIN_FORMATS.values()):
            return "a number format of its own."
    return ""


def hold_against(original: Grids, back: Grids, tables: Sequence[Told]) -> None:
    """Compare the cells of the marked workbook with those of the one that was submitted.

    :raises BadTable: if one of them reads otherwise than it should
    """
    told = {table.name: table for table in tables}
    if set(told) != {place for place, _ in original} or len(back) != len(original):
        raise BadTable("The workbook does not have the tables that were audited.")
    for (place, grid), (_, read) in zip(original, back, strict=True):
        if as_it_should_read(grid, told[place]) != read:
            raise BadTable(f"{place}: the workbook does not show what was audited.")
