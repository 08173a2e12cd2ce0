"""Data elements from a spreadsheet: all or nothing."""

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import Workbook

from p20win.refusal import Blocked
from requests_app import completeness
from requests_app.services import importing
from tests import factories_requests as made
from tests.factories import START

pytestmark = pytest.mark.django_db


CSV = """Related Questions,DATA ELEMENT NAME,source agency,Source data element,Data type,How it serves
"RQ0","Grade",{agency},GRD,integer,It is the grade
"""


class TestImport:
    def test_takes_headers_in_any_order_and_case(self):
        row = made.complete()
        agency = made.agencies_of(row)[0]

        count = importing.import_elements(
            row,
            name="a.CSV",
            content=CSV.format(agency=agency.short_name).encode(),
            by=row.requestor,
            at=START,
        )

        element = row.elements.get(name="Grade")
        assert count == 1
        assert (element.source, element.data_type) == (agency, "integer")
        assert [question.code for question in element.questions.all()] == ["RQ0"]
        assert element.history.get().history_user == row.requestor

    @pytest.mark.obligation("O-21")
    def test_names_every_error_by_row_and_column_and_imports_nothing(self):
        row = made.complete()
        agency = made.agencies_of(row)[0]
        bad = CSV.format(agency=agency.slug) + (
            f"RQ2A RQ3,Grade,{agency.slug},G,integer,x\n,1st,Nowhere,G,wave,x\n,Outcome,{agency.slug},O,,x\n"
        )

        with pytest.raises(importing.ImportRefused) as refused:
            importing.import_elements(row, name="a.csv", content=bad.encode(), by=row.requestor, at=START)

        found = {(each.row, each.column, each.message) for each in refused.value.errors}
        assert (3, "Related questions", "RQ2A, RQ3 is not among the research questions.") in found
        assert (3, "Data element name", "“Grade” is listed already for this source.") in found
        assert (4, "Source agency", "No participating agency is called “Nowhere”.") in found
        assert (5, "Data element name", "“Outcome” is listed already for this source.") in found
        assert any(number == 4 and column == "Data type" for number, column, _ in found)
        assert row.elements.count() == 4

    @pytest.mark.parametrize(
        ("name", "body", "why"),
        [
            ("a.pdf", b"x", "ends in .csv or .xlsx"),
            ("a.xlsx", b"not a workbook", "not a readable XLSX"),
            ("a.csv", b"\xff\xfe\x00", "UTF-8"),
            ("a.csv", b"Name,Colour\nx,y\n", "not known"),
            ("a.csv", b"Name,Source,Source element\n", "no row"),
        ],
    )
    def test_says_what_is_wrong_with_a_file(self, name, body, why):
        row = made.complete()

        with pytest.raises(Blocked, match=why):
            importing.import_elements(row, name=name, content=body, by=row.requestor, at=START)

    def test_asks_the_database_in_batches_however_many_rows_there_are(self):
        def imported(rows):
            row = made.complete()
            agency = made.agencies_of(row)[0]
            head, _ = CSV.split("\n", 1)
            lines = [f"RQ0,Column{n},{agency.short_name},C{n},text,It serves" for n in range(rows)]
            content = "\n".join([head, *lines]).encode()
            with CaptureQueriesContext(connection) as asked:
                count = importing.import_elements(
                    row, name="a.csv", content=content, by=row.requestor, at=START
                )
            assert count == rows
            assert completeness.problems(row) == []
            return len(asked)

        assert imported(1000) <= imported(10) + 10

    def test_reads_a_workbook(self):

        row = made.complete()
        book = Workbook()
        book.active.append(
            ["Data element name", "Source agency", "Source data element", "Matching identifier"]
        )
        book.active.append(["SASID", made.agencies_of(row)[0].legal_name, "SASID", "Yes"])
        packed = io.BytesIO()
        book.save(packed)

        importing.import_elements(row, name="a.xlsx", content=packed.getvalue(), by=row.requestor, at=START)

        assert row.elements.get(name="SASID").is_matching_identifier
