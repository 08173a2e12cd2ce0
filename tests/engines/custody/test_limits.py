"""C21: what is as large as a limit passes, and one more is refused, for every limit of what is taken in."""

import io
import zipfile

import pytest

from p20win.custody.engine import archives, office, tables
from p20win.custody.engine.intake import LONGEST_CELL, LONGEST_LINE, MOST_COLUMNS, check_stream
from p20win.custody.engine.rules import from_spec
from p20win.custody.engine.tables import LARGEST_TABLE, check_table

ID = "k3v9q2xw7z"
SPEC = {"kind": "analytical", "number": "DR-0034", "agencies": ["DOL"], "id_column": "ID"}


def rules(header, row):
    """Return which rules a file of this one row breaks."""
    columns = [{"name": name, "form": "text"} for name in header[1:]]
    spec = SPEC | {"columns": [{"name": "ID", "form": "synthetic_id", "required": True}, *columns]}
    report = check_stream(["\n".join(["\t".join(header), "\t".join(row), ""]).encode()], from_spec(spec))
    return {rule for rule, _ in report.counts}


@pytest.mark.parametrize(("more", "broken"), [(0, set()), (1, {"header"})])
def test_columns(more, broken):
    header = ["ID", *(f"C{n}" for n in range(1, MOST_COLUMNS + more))]
    assert rules(header, [ID] + [""] * (len(header) - 1)) == broken


@pytest.mark.parametrize(("more", "broken"), [(0, set()), (1, {"line_length"})])
def test_a_cell(more, broken):
    assert rules(["ID", "NOTE"], [ID, "x " * (LONGEST_CELL // 2) + "x" * more]) == broken


@pytest.mark.parametrize(("more", "broken"), [(0, set()), (1, {"line_length"})])
def test_a_row(more, broken):
    header = ["ID", *(f"C{n}" for n in range(20))]
    left = LONGEST_LINE - len(ID) - 20 + more
    cells = [min(LONGEST_CELL, max(0, left - n * LONGEST_CELL)) for n in range(20)]
    row = [ID, *(("x " * LONGEST_CELL)[:size] for size in cells)]
    assert len("\t".join(row)) == LONGEST_LINE + more
    assert rules(header, row) == broken


def workbook(parts, *, stored=()):
    """Return a workbook of these parts, packed unless they are to be stored as they are."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in {"xl/workbook.xml": b"<workbook/>", **parts}.items():
            archive.writestr(name, part, zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED)
    return target.getvalue()


def accepted(content, name="table.xlsx"):
    return check_table(name, content).accepted


def test_a_table():
    line = b"F,123456789012\n"
    full = b"sex,count\n" + line * (LARGEST_TABLE // len(line))
    full = full[: LARGEST_TABLE - 1] + b"\n"
    assert accepted(full, "table.csv")
    assert not accepted(full + b"\n", "table.csv")


def test_parts_of_a_workbook():
    parts = {f"xl/part{n}.xml": b"<a/>" for n in range(archives._MOST_ENTRIES - 1)}
    assert accepted(workbook(parts))
    assert not accepted(workbook(parts | {"xl/one.xml": b"<a/>"}))


def test_what_a_workbook_unpacks_to_beside_its_size():
    def of(pad):
        return workbook({"xl/a.bin": bytes(1_000_000), "xl/b.bin": b"x" * pad}, stored=("xl/b.bin",))

    with zipfile.ZipFile(io.BytesIO(of(0))) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
        packed = sum(entry.compress_size for entry in archive.infolist())
    most = archives._MOST_RATIO
    pad = -((most * packed - unpacked) // (most - 1))  # the least that keeps to the ratio
    assert pad > 0
    assert accepted(of(pad))
    assert not accepted(of(pad - 1))


def test_what_a_workbook_unpacks_to_at_all(monkeypatch):
    content = workbook({"xl/a.bin": b"x" * 5000}, stored=("xl/a.bin",))
    monkeypatch.setattr(archives, "_MOST_UNPACKED", 5000 + len(b"<workbook/>"))
    assert accepted(content)
    monkeypatch.setattr(archives, "_MOST_UNPACKED", 5000 + len(b"<workbook/>") - 1)
    assert not accepted(content)


@pytest.mark.parametrize(("more", "fits"), [(0, True), (1, False)])
def test_cells_of_a_sheet(more, fits):
    cells = b"".join(b'<c r="%d"/>' % n for n in range(tables._MOST_CELLS + more))
    assert accepted(workbook({"xl/worksheets/sheet1.xml": b"<worksheet>" + cells + b"</worksheet>"})) is fits


@pytest.mark.parametrize(("more", "fits"), [(0, True), (1, False)])
def test_elements_inside_elements(more, fits):
    inner = tables._DEEPEST - 1 + more
    sheet = b"<worksheet>" + b"<a>" * inner + b"</a>" * inner + b"</worksheet>"
    assert accepted(workbook({"xl/worksheets/sheet1.xml": sheet})) is fits


@pytest.mark.parametrize(("more", "fits"), [(0, True), (1, False)])
def test_elements_of_a_sheet(more, fits, monkeypatch):
    monkeypatch.setattr(tables, "_MOST_ELEMENTS", 100)
    sheet = b"<worksheet>" + b"<a/>" * (99 + more) + b"</worksheet>"
    assert accepted(workbook({"xl/worksheets/sheet1.xml": sheet})) is fits


def document(markup, parts=()):
    """Return a text document with this markup."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("word/document.xml", markup)
        for name, part in parts:
            archive.writestr(name, part)
    return target.getvalue()


@pytest.mark.parametrize(("more", "fits"), [(0, True), (1, False)])
def test_elements_inside_elements_of_a_document(more, fits):
    inner = office._DEEPEST - 1 + more
    markup = b"<document>" + b"<a>" * inner + b"</a>" * inner + b"</document>"
    assert accepted(document(markup), "report.docx") is fits


@pytest.mark.parametrize(("more", "fits"), [(0, True), (1, False)])
def test_elements_of_a_document(more, fits, monkeypatch):
    monkeypatch.setattr(office, "_MOST_ELEMENTS", 100)
    markup = b"<document>" + b"<a/>" * (49 + more) + b"</document>"
    more_markup = [("word/styles.xml", b"<styles>" + b"<a/>" * 49 + b"</styles>")]  # counted together
    assert accepted(document(markup, more_markup), "report.docx") is fits


@pytest.mark.parametrize(("inside", "fits"), [({}, True), ({"xl/embeddings/book2.xlsx": b"x"}, False)])
def test_workbooks_inside_a_document_but_none_inside_these(inside, fits):
    chart = [("word/embeddings/book1.xlsx", workbook(inside))]
    assert accepted(document(b"<document/>", chart), "report.docx") is fits
