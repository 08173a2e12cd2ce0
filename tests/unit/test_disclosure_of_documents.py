"""Documents at the disclosure desk: read in the sandbox, and never safe while their text says too much."""

import json

import pytest

from disclosure import pages, services, standing
from disclosure.models import OutputStatus, Verdict
from p20win.audit.public import events_of
from p20win.custody import public as custody
from p20win.custody.engine.tables import check_table
from tests import factories_disclosure as outputs
from tests.engines.disclosure import documents as corpus
from tests.engines.disclosure import documents_changed as made

TABLE = [["school", "female", "male"], ["Alder", "3", "40"], ["Birch", "51", "30"], ["Cedar", "61", "33"]]


def sheet(found):
    return json.loads(b"".join(services.give_sheet(found, found.output.author)))


@pytest.mark.django_db
@pytest.mark.usefixtures("vault")
class TestAtTheDesk:
    @pytest.mark.obligation("O-78")
    def test_the_tables_of_a_document_are_protected_and_released_as_csv_alone(self):
        output = outputs.checked(content=made.docx("Graduates by school.", table=TABLE), name="study.docx")
        found = standing.latest_check(output)
        assert (output.status, found.verdict, found.small) == (OutputStatus.CHECKED, Verdict.SAFE, 1)
        (table,) = standing.clean_tables(output)
        content = b"".join(custody.open_bytes(table.file))
        assert table.name == "table-1.csv"
        assert b"Alder,female,\n" in content
        shown = pages.detail(output, output.author, output.status_since)
        assert "The document itself is not released" in shown["document_note"]

    @pytest.mark.obligation("O-78")
    def test_a_small_number_in_the_text_returns_it_and_its_place_is_told_in_the_sheet_alone(self):
        words = "In Zqville, three students left."
        output = outputs.checked(content=made.docx("Fine.", words, table=TABLE), name="study.docx")
        found = standing.latest_check(output)
        assert (output.status, found.verdict) == (OutputStatus.RETURNED, Verdict.IN_TEXT)
        assert not standing.clean_tables(output)
        (told,) = sheet(found)["beside"]["findings"]
        assert (told["place"], words in told["quote"]) == ("paragraph 2", True)
        kept = json.dumps([event.details for event in events_of(output)], default=str)
        kept += json.dumps([str(vars(row)) for row in output.checks.all()], default=str)
        assert "Zqville" not in kept
        assert "Take them out of the sentences" in pages.verdict(output, found)

    @pytest.mark.obligation("O-80")
    def test_records_in_a_document_go_back(self):
        rows = [["student id", "school", "count"], *([f"Zq{i}", "Alder", "1"] for i in range(30))]
        output = outputs.checked(content=made.docx(table=rows), name="study.docx")
        found = standing.latest_check(output)
        assert (output.status, found.verdict) == (OutputStatus.RETURNED, Verdict.UNREADABLE)
        assert "Only tables of counts may leave" in sheet(found)["message"]

    def test_a_scan_goes_back(self):
        scan = made.pdf("<svg width=300 height=300><rect width=300 height=300 /></svg>")
        output = outputs.checked(content=scan, name="study.pdf")
        found = standing.latest_check(output)
        assert (output.status, found.verdict) == (OutputStatus.RETURNED, Verdict.UNREADABLE)
        assert "page 1 is a picture" in sheet(found)["message"]

    @pytest.mark.parametrize("kind", ["pptx", "chart", "pdf"])
    def test_talks_charts_and_pdf_are_taken(self, kind):
        one = getattr(corpus, kind)(3, planted=False, **({} if kind == "chart" else {"tables": 1}))
        output = outputs.checked(content=one.content, name=one.name)
        assert standing.latest_check(output).verdict == Verdict.SAFE

    @pytest.mark.obligation("O-78")
    def test_so_does_what_a_workbook_says_beside_its_tables(self):
        made = corpus.worded_xlsx(7)
        output = outputs.checked(content=made.content, name=made.name)
        found = standing.latest_check(output)
        assert (output.status, found.verdict) == (OutputStatus.RETURNED, Verdict.IN_TEXT)
        assert len(sheet(found)["beside"]["findings"]) >= len(made.phrases)
        assert not standing.clean_tables(output)

    def test_a_workbook_that_says_nothing_of_the_kind_goes_on(self):
        made = corpus.worded_xlsx(7, planted=False)
        output = outputs.checked(content=made.content, name=made.name)
        assert standing.latest_check(output).verdict == Verdict.SAFE


class TestAtTheGate:
    @pytest.mark.parametrize("kind", ["docx", "pptx", "chart", "pdf"])
    def test_documents_pass(self, kind):
        one = getattr(corpus, kind)(1)
        assert check_table(one.name, one.content).accepted

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.docx", made.pptx("x")),
            ("a.pdf", made.docx()),
            ("a.pptx", b"PK\x03\x04"),
            ("a.docx", made.with_part(made.docx(), "word/vbaProject.bin", b"x")),
            ("a.docx", made.with_part(made.docx(), "word/big.bin", bytes(99 << 20))),
            ("a.docx", made.with_part(made.docx(), "../x.xml", "<a/>")),
            ("a.docx", made.with_part(made.docx(), "word/x.xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")),
            ("a.docx", made.with_part(made.docx(), "word/x.xml", "<a>" * 300 + "</a>" * 300)),
            ("a.pptx", made.with_part(made.pptx("x"), "ppt/embeddings/a.xlsx", b"PK\x05\x06" + bytes(18))),
        ],
    )
    def test_what_is_no_such_document_or_made_to_harm_does_not(self, name, content):
        assert not check_table(name, content).accepted
