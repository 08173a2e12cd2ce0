"""C21: what the readers of tables and documents take: as large as a limit, and no more, in words."""

import io
import zipfile
from fractions import Fraction

import pypdfium2
import pytest
from openpyxl import Workbook

from disclosure.engine import reading
from disclosure.engine.documents import apart, copies, mapping, opening, pages, printed, workbooks
from disclosure.engine.documents.content import DOCX, Document, NotReadable, Passage
from disclosure.engine.errors import BadTable
from tests.engines.disclosure.documents_changed import docx
from tests.engines.disclosure.test_disclosure_documents import POLICY

LIMITS = pytest.mark.parametrize("more", [0, 1])


def refusal(act):
    """Return what a reader says against a file, or nothing."""
    try:
        act()
    except (BadTable, NotReadable) as problem:
        return str(problem)
    return ""


def said_once_more(more, why, act):
    """Say whether the limit holds: nothing is said at it, and this at one more."""
    return (why in refusal(act)) if more else refusal(act) == ""


def book(rows, columns):
    made = Workbook()
    made.active.cell(1, 1, "town")
    made.active.cell(rows, columns, 7)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def blank(count):
    made = pypdfium2.PdfDocument.new()
    for _ in range(count):
        made.new_page(200, 200)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def archive(parts):
    """Return an archive of these parts, packed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, part in parts.items():
            target.writestr(name, part)
    return out.getvalue()


@LIMITS
def test_a_table(more, monkeypatch):
    content = b"sex,count\nF,10\nM,12\n"
    monkeypatch.setattr(reading, "LARGEST_FILE", len(content) - more)
    assert said_once_more(more, "larger than", lambda: reading.read_grids("t.csv", content))


@LIMITS
def test_a_workbook_unpacked(more, monkeypatch):
    content = book(3, 2)
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        parts = {each: opened.read(each) for each in opened.namelist()}
    lacks = 400_000 - sum(map(len, parts.values())) % 20  # the limit is twenty times another
    content = archive(parts | {"xl/more.xml": b" " * lacks})
    limit = (sum(map(len, parts.values())) + lacks) // 20
    assert len(content) < limit
    monkeypatch.setattr(reading, "LARGEST_FILE", limit - more)
    assert said_once_more(more, "unpacks to more", lambda: reading.read_grids("t.xlsx", content))


@LIMITS
@pytest.mark.parametrize("reader", ["tables", "copies"])
def test_cells_of_a_sheet(more, reader, monkeypatch):
    place, read = {
        "tables": (reading, lambda: reading.read_grids("t.xlsx", book(4, 5))),
        "copies": (workbooks, lambda: copies.read_copy("t.xlsx", book(4, 5))),
    }[reader]
    monkeypatch.setattr(place, "_MOST_CELLS", 4 * 5 - more)
    assert said_once_more(more, "cells. Publish smaller tables.", read)


@LIMITS
def test_a_document(more, monkeypatch):
    content = docx("Nothing small.")
    monkeypatch.setattr(apart, "LARGEST_FILE", len(content) - more)
    assert said_once_more(more, "larger than", lambda: apart.read_document("r.docx", content))


@LIMITS
def test_a_copy_of_what_was_published(more, monkeypatch):
    content = docx("Nothing small.")
    monkeypatch.setattr(copies, "LARGEST", len(content) - more)
    assert said_once_more(more, "larger than", lambda: copies.read_copy("r.docx", content))


@LIMITS
def test_pages_of_a_copy(more):
    assert said_once_more(
        more, "more than 500 pages", lambda: pages.read_words(blank(pages.MOST_PAGES + more))
    )


@LIMITS
def test_pages_of_a_report(more):
    content = blank(printed.MOST_PAGES + more)
    assert said_once_more(more, "more than 100 pages", lambda: printed.read_printed(content))


@LIMITS
def test_parts_of_a_document(more):
    parts = {f"word/{n}.xml": b"<a/>" for n in range(opening.MOST_PARTS + more)}
    assert said_once_more(more, "unpacks to far more", lambda: opening.Parts(archive(parts)))


@LIMITS
def test_what_a_document_unpacks_to(more, monkeypatch):
    monkeypatch.setattr(opening, "MOST_UNPACKED", 5000)
    content = archive({"a": b"x" * (5000 + more)})
    assert said_once_more(more, "unpacks to far more", lambda: opening.Parts(content))


@LIMITS
def test_what_a_document_unpacks_to_beside_its_size(more, monkeypatch):
    content = archive({"a.bin": bytes(2_000_000)})
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        (part,) = opened.infolist()
    assert part.file_size > opening.MOST_RATIO * part.compress_size
    monkeypatch.setattr(opening, "MOST_RATIO", Fraction(part.file_size - more, part.compress_size))
    assert said_once_more(more, "unpacks to far more", lambda: opening.Parts(content))


@LIMITS
def test_what_is_too_small_to_be_a_bomb(more):
    content = archive({"a.bin": bytes(opening._SMALL + more)})
    assert said_once_more(more, "unpacks to far more", lambda: opening.Parts(content))


@LIMITS
def test_a_part_of_a_document(more, monkeypatch):
    content = archive({"word/document.xml": b"<a>" + b" " * 100 + b"</a>"})
    monkeypatch.setattr(opening, "LARGEST_PART", 107 - more)
    read = opening.Parts(content)
    assert said_once_more(more, "is too large", lambda: read.xml("word/document.xml"))


@LIMITS
def test_elements_of_a_part(more, monkeypatch):
    monkeypatch.setattr(opening, "MOST_ELEMENTS", 50)
    read = opening.Parts(archive({"a.xml": b"<a>" + b"<b></b>" * 49 + b"<c/>" * more + b"</a>"}))
    assert said_once_more(more, "is too large", lambda: read.xml("a.xml"))


@LIMITS
def test_tables_and_text_of_a_document(more):
    grid = [["town", "count"], ["Alder", "30"]]
    many = Document(DOCX, [], [(f"Table {n}", grid) for n in range(mapping._MOST_TABLES + more)])
    assert any("more than 200 tables" in each for each in mapping.mapped("r", many, POLICY).hurdles) is bool(
        more
    )
    text = "x" * (mapping._MOST_TEXT + more)
    long = mapping.mapped("r", Document(DOCX, [Passage("p", text)], []), POLICY)
    assert any("more text than is read" in each for each in long.hurdles) is bool(more)
