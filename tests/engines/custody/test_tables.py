"""Uploaded tables: plain cells only, and nothing that unpacks, runs or points elsewhere."""

import io
import time
import zipfile

import openpyxl
import pytest

from p20win.custody.engine.tables import LARGEST_TABLE, check_table


def workbook(**cells):
    book = openpyxl.Workbook()
    for place, value in (cells or {"A1": "sex", "B1": "count", "A2": "F", "B2": 12}).items():
        book.active[place] = value
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def with_part(content, name, part):
    target = io.BytesIO(content)
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, part)
    return target.getvalue()


def archive(**parts):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, part in parts.items():
            made.writestr(name, part)
    return target.getvalue()


SHEET = "xl/worksheets/sheet9.xml"
BOMB = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><worksheet><row>&b;</row></worksheet>'
XXE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><worksheet><row>&a;</row></worksheet>'


def test_plain_tables_are_accepted():
    assert check_table("t.csv", b"sex,count\nF,12\nM,-3\n").accepted
    assert check_table("T.XLSX", workbook()).accepted


@pytest.mark.obligation("O-62")
@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("t.csv", b"", "empty"),
        ("t.csv", b"x" * (LARGEST_TABLE + 1), "size"),
        ("t.exe", b"MZ", "name"),
        ("t.csv", b"\xff\xfe", "encoding"),
        ("t.csv", b"PK\x03\x04", "control"),
        ("t.csv", b"a\x00b", "control"),
        ("t.csv", b"a,=1+1\n", "form"),
        ("t.csv", b'a,"@SUM(1)"\n', "form"),
        ("t.xlsx", b"not a zip", "workbook"),
        ("t.xlsx", workbook()[:-60], "workbook"),
        ("t.xlsx", workbook(A1="=1+1"), "workbook"),
        ("t.xlsx", with_part(workbook(), "xl/vbaProject.bin", b"x"), "workbook"),
        ("t.xlsx", with_part(workbook(), "xl/externalLinks/externalLink1.xml", b"x"), "workbook"),
        ("t.xlsx", with_part(workbook(), "xl/embeddings/o.bin", b"x"), "workbook"),
        ("t.xlsx", with_part(workbook(), "../../etc/x", b"x"), "workbook"),
        ("t.xlsx", with_part(workbook(), "zeros", bytes(50 << 20)), "workbook"),
        ("t.xlsx", with_part(workbook(), SHEET, BOMB), "workbook"),
        ("t.xlsx", with_part(workbook(), SHEET, XXE), "workbook"),
        ("t.xlsx", with_part(workbook(), SHEET, b"<worksheet><row>"), "workbook"),
        ("t.xlsx", archive(a="x"), "workbook"),
        ("t.xlsx", archive(**{f"p{n}": "x" for n in range(1001)}), "workbook"),
    ],
)
def test_hostile_tables_are_refused_at_once(name, content, rule):
    start = time.monotonic()
    report = check_table(name, content)

    assert {found for found, _ in report.counts} == {rule}
    assert time.monotonic() - start < 2
