"""Uploaded tables: plain cells only, and nothing that unpacks, runs or points elsewhere."""

import io
import time
import zipfile

import openpyxl
import pytest

from p20win.custody.engine import tables
from p20win.custody.engine.sandbox import Limits
from p20win.custody.engine.tables import LARGEST_TABLE, check_apart, check_table
from tests.faults import breaking


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
        ("t.csv", b"\xff\xfe", "not_text"),
        ("t.csv", b"PK\x03\x04", "not_text"),
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


class TestApart:
    """In the vault a table is read in a process of its own."""

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("t.csv", b"sex,count\nF,12\n"),
            ("t.xlsx", workbook()),
            ("t.xlsx", workbook(A1="=1+1")),
            ("t.xlsx", with_part(workbook(), SHEET, XXE)),
            ("t.csv", b"a,=1+1\n"),
            ("t.exe", b"MZ"),
            ("t.csv", b"x" * (LARGEST_TABLE + 1)),
        ],
    )
    def test_the_report_is_the_same(self, name, content):
        apart, here = check_apart(name, content), check_table(name, content)
        assert apart.as_dict() == here.as_dict()

    @pytest.mark.obligation("O-62")
    @pytest.mark.parametrize("task", [breaking.segfault, breaking.eat_memory, breaking.hang])
    def test_what_breaks_the_reader_is_refused_with_words(self, monkeypatch, task):
        monkeypatch.setattr(tables, "_as_dict", task)
        report = check_apart("t.xlsx", b"x", limits=Limits(memory=64 << 20, cpu_seconds=1, seconds=1))
        assert {rule for rule, _ in report.counts} == {"parser"}
        assert "Save it again" in report.findings[0].hint

    @pytest.mark.parametrize(
        "said",
        [
            None,
            [],
            {"rows": 0},
            {"rows": -1, "counts": [], "findings": []},
            {"rows": True, "counts": [], "findings": []},
            {"rows": 1, "counts": [{"rule": "made up", "column": "", "count": 1}], "findings": []},
            {"rows": 1, "counts": [{"rule": [], "column": "", "count": 1}], "findings": []},
            {"rows": 1, "counts": [{"rule": "form", "column": "x" * 400, "count": 1}], "findings": []},
            {
                "rows": 1,
                "counts": [],
                "findings": [{"rule": "form", "row": 1, "column": None, "hint": "a\0"}],
            },
            {"rows": 1, "counts": [], "findings": [{"rule": "form", "row": 1, "column": None, "hint": "x"}]},
        ],
    )
    def test_an_answer_that_is_no_report_is_not_believed(self, monkeypatch, said):
        monkeypatch.setattr(tables.sandbox, "run", lambda *_, **__: said)
        assert {rule for rule, _ in check_apart("t.csv", b"x").counts} == {"parser"}
