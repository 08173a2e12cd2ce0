"""Documents that people want to publish: their tables become tables, what hides in them is refused."""

import base64
import io
import time
import zipfile

import pytest
from PIL import Image

from disclosure.engine.documents.apart import document_told, read_document, told_document
from disclosure.engine.documents.content import DOCX, Document, Passage, kind_of
from disclosure.engine.documents.mapping import mapped
from disclosure.engine.errors import BadTable
from disclosure.engine.examine import IN_TEXT, SAFE, UNREADABLE, examine
from disclosure.engine.policy import CellPolicy
from disclosure.engine.sheet import written
from p20win.custody.engine import sandbox
from tests.engines.disclosure import documents as corpus
from tests.engines.disclosure import documents_changed as made

RULED = "<style>table { border-collapse: collapse } td, th { border: 1px solid; padding: 4px }</style>"
POLICY = CellPolicy(min_count=6, hide_zeros=True, min_pct_base=20)
SMALL = [["town", "female", "male"], ["Alder", "3", "40"], ["Birch", "51", "30"], ["Cedar", "61", "33"]]


def read(content, name="r.docx"):
    return mapped(name, read_document(name, content), POLICY)


def examined(content, name="r.docx"):
    return examine(name, content, policy=POLICY, seconds=20)


class TestTables:
    def test_a_table_of_a_document_is_protected_like_any_other(self):
        found = examined(made.docx("People by town.", table=SMALL))
        assert found.verdict == SAFE
        (content,) = found.released()
        assert b"Alder,female,\n" in content
        assert b"Birch,male,30\n" in content
        assert found.tables[0].name == "r.docx, Table 1"

    @pytest.mark.parametrize("kind", ["docx", "pptx", "chart", "pdf"])
    def test_each_kind_gives_tables_with_their_places(self, kind):
        one = getattr(corpus, kind)(3)
        found = read(one.content, one.name)
        assert not found.hurdles
        assert all(table.name.startswith(f"{one.name}, ") for table in found.tables)
        counts = {
            (code, row.count) for table in found.tables for row in table.rows for code in row.codes.values()
        }
        assert counts >= set(one.cells)

    def test_merged_cells_speak_for_all_they_cover(self):
        document = made.Docx()
        table = document.add_table(4, 5)
        heads = ["town", "2024", "2024", "2025", "2025"], ["", "f", "m", "f", "m"]
        for r, row in enumerate(
            (*heads, ["Alder", "30", "40", "31", "41"], ["Birch", "32", "42", "33", "43"])
        ):
            for c, text in enumerate(row):
                table.cell(r, c).text = text
        for c in (1, 3):
            table.cell(0, c + 1).text = ""
            table.cell(0, c).merge(table.cell(0, c + 1))
        table.cell(0, 0).merge(table.cell(1, 0))
        (found,) = read(made.saved(document)).tables
        assert {"2025", "f", "Birch"} in [set(row.codes.values()) for row in found.rows if row.count == 33]

    @pytest.mark.obligation("O-80")
    def test_a_list_of_people_goes_back(self):
        people = [["student id", "town", "count"], *([f"{1000 + i}", "Alder", "1"] for i in range(30))]
        found = examined(made.docx(table=people))
        assert found.verdict == UNREADABLE
        assert "Only tables of counts may leave" in found.message
        assert not found.released()

    @pytest.mark.parametrize(
        ("table", "why"),
        [
            ([["town", "share"], ["Alder", "12.5%"], ["Birch", "40%"]], "not a table of counts"),
            ([["town", "n (%)"], ["Alder", "3 (12%)"], ["Birch", "40 (88%)"]], "not a table of counts"),
            ([["town", "f", "m"], ["Alder", "<6", "40"], ["Birch", "51", "30"]], "mixes words and numbers"),
            ([["town", "f", "m"], ["Alder", "", "40"], ["Birch", "51", "30"]], "no number for"),
            ([["Alder", "30", "40"], ["Birch", "51", "30"]], "begins with a row of numbers"),
            ([["town", "people"], ["Alder Birch", "31 40"], ["Elm", "51"]], "several numbers in one cell"),
        ],
    )
    def test_what_cannot_be_mapped_with_certainty_stops_it(self, table, why):
        found = examined(made.docx(table=table))
        assert found.verdict == UNREADABLE
        assert why in found.message
        assert "Table 1" in found.message

    def test_small_numbers_of_a_table_that_was_not_mapped_are_listed(self):
        found = read(made.docx(table=[["town", "n (%)"], ["Alder", "3 (12%)"], ["Birch", "40 (88%)"]]))
        assert [(f.place, f.quote) for f in found.findings] == [
            ("Table 1, row 2, column 2", "Alder: 3 (12%)")
        ]

    def test_a_raised_mark_is_no_digit(self):
        markup = (
            "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>town</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>f</w:t></w:r>"
            "</w:p></w:tc></w:tr><w:tr><w:tc><w:p><w:r><w:t>Alder</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r>"
            '<w:t>4</w:t></w:r><w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>1</w:t></w:r></w:p>'
            "</w:tc></w:tr></w:tbl>"
        )
        found = read(made.in_body(made.docx(table=None), markup))
        assert [f.quote for f in found.findings] == ["Alder: 4 ^1"]
        page = read(
            made.pdf(f"{RULED}<table><tr><th>town<th>f<tr><td>Alder<td>4<sup>1</sup></table>"), "r.pdf"
        )
        assert [f.quote for f in page.findings] == ["Alder: 4 ^1"]

    def test_a_table_of_words_is_text(self):
        found = read(made.docx(table=[["town", "remark"], ["Alder", "Only three students left."]]))
        assert not found.hurdles
        assert [f.place for f in found.findings] == ["Table 1"]

    def test_without_any_table_there_is_nothing_to_release(self):
        assert examined(made.docx("Words alone.", table=None)).verdict == UNREADABLE


class TestText:
    def test_a_small_number_in_a_sentence_makes_it_not_safe(self):
        found = examined(made.docx("Fine.", "In Alder, three students left."))
        assert found.verdict == IN_TEXT
        assert not found.released()
        assert b"paragraph 2" in written(found)
        assert "three" not in found.message

    @pytest.mark.parametrize(
        ("content", "place"),
        [
            (
                made.with_part(made.docx("x"), "word/footnotes.xml", made.footnotes("n = 3 pupils")),
                "footnotes",
            ),
            (made.in_body(made.docx("x"), made.text_box("only two girls")), "text box in paragraph 1"),
            (made.in_body(made.docx("x"), made.run("three girls")), "paragraph 1"),
        ],
    )
    def test_it_is_found_in_notes_and_boxes(self, content, place):
        assert {finding.place for finding in read(content).findings} == {place}

    def test_it_is_found_in_notes_of_slides_alternative_texts_and_properties(self):
        deck = made.Presentation()
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.notes_slide.notes_text_frame.text = "Say that two girls left."
        slide.shapes.title._element.nvSpPr.cNvPr.set("descr", "four boys stayed")
        deck.core_properties.subject = "five pupils"
        found = read(made.saved(deck), "r.pptx")
        places = {"notes of slide 1", "alternative text on slide 1", "the document's properties"}
        assert {finding.place for finding in found.findings} == places

    def test_a_sentence_that_goes_on_in_the_next_column_or_page_is_one(self):
        words = (
            "<p style='columns: 2; width: 300px'>"
            + "Words go on. " * 40
            + "In Alder three homeless students left.</p>"
        )
        assert read(made.pdf(words), "r.pdf").findings
        page = "<p>In Alder we met three</p><p style='break-before: page'>students in all.</p>"
        assert read(made.pdf(page), "r.pdf").findings


TRACKED = '<w:p><w:ins w:id="1" w:author="A"><w:r><w:t>new</w:t></w:r></w:ins></w:p>'
COMMENTS = f'<w:comments {made.W}><w:comment w:id="0"><w:p/></w:comment></w:comments>'
LINKED = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="x/oleObject" Target="file:///x.xlsx" TargetMode="External"/></Relationships>'
)
HIDDEN_IN_WORDS = {
    "changes are tracked": lambda plain: made.in_body(plain, TRACKED),
    "has comments": lambda plain: made.with_part(plain, "word/comments.xml", COMMENTS),
    "hidden text": lambda plain: made.in_body(plain, made.run("x", "<w:vanish/>")),
    "another file is put into it": lambda plain: made.with_part(
        plain, "word/embeddings/oleObject1.bin", b"x"
    ),
    "data of another program": lambda plain: made.with_part(
        plain, "customXml/item7.xml", "<rows><n>3</n></rows>"
    ),
    "where numbers can hide": lambda plain: made.with_part(plain, "word/vbaProject.bin", b"x"),
    "takes its content from another file": lambda plain: made.with_part(
        plain, "word/_rels/header1.xml.rels", LINKED
    ),
    "takes its text from elsewhere": lambda plain: made.in_body(
        plain, "<w:p><w:r><w:instrText>LINK Excel.Sheet.12 x</w:instrText></w:r></w:p>"
    ),
}


class TestHidden:
    @pytest.mark.parametrize("why", HIDDEN_IN_WORDS)
    def test_what_hides_in_a_document_stops_it(self, why):
        found = examined(HIDDEN_IN_WORDS[why](made.docx("Fine.")))
        assert found.verdict == UNREADABLE
        assert why in found.message

    def test_a_hidden_slide_and_a_hidden_shape_stop_a_talk(self):
        deck = made.Presentation()
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide._element.set("show", "0")
        slide.shapes.title._element.nvSpPr.cNvPr.set("hidden", "1")
        hurdles = " ".join(read(made.saved(deck), "r.pptx").hurdles)
        assert "slide 1 is hidden" in hurdles
        assert "slide 1: a shape is hidden" in hurdles

    def test_the_workbook_behind_a_chart_may_hold_no_more_than_the_chart(self):
        assert not read(corpus.chart(1).content, "r.pptx").hurdles

        def more(book):
            book.active["F9"] = 3.5

        def sheet(book):
            book.create_sheet("raw").sheet_state = "hidden"

        (why,) = read(corpus.chart(1, more=more).content, "r.pptx").hurdles
        assert "Chart 1 on slide 1: the workbook behind it holds more than the chart shows" in why
        assert "hidden sheets" in read(corpus.chart(1, more=sheet).content, "r.pptx").hurdles[0]

    def test_a_scanned_page_is_never_passed(self):
        scan = (
            "<p style='break-before: page'><svg width=300 height=300><rect width=300 height=300 /></svg></p>"
        )
        table = (
            f"{RULED}<table><tr><th>town<th>f<th>m<tr><td>Alder<td>30<td>40<tr><td>Elm<td>51<td>30</table>"
        )
        assert examined(made.pdf(table), "r.pdf").verdict == SAFE
        found = examined(made.pdf(table + scan), "r.pdf")
        assert found.verdict == UNREADABLE
        assert "page 2 is a picture" in found.message

    def test_pictures_are_listed_for_eyes(self):
        out = io.BytesIO()
        Image.new("RGB", (4, 4)).save(out, "PNG")
        pixel = f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
        page = f"<p>Look</p><img width=90 src='{pixel}'>"
        assert read(made.pdf(page), "r.pdf").for_eyes == ["picture on page 1"]

    def test_a_form_and_an_attachment_stop_a_pdf(self):
        attached = made.HTML(string="<p>Text").write_pdf(attachments=[io_attachment()])
        assert "attached" in read(attached, "r.pdf").hurdles[0]
        form = made.HTML(string="<form><input name=a value=3></form><p>Text").write_pdf(pdf_forms=True)
        assert any("form" in why for why in read(form, "r.pdf").hurdles)


def io_attachment():
    from weasyprint import Attachment

    return Attachment(string="3", name="data.csv")


def bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"<a/>" + b" " * (90 << 20))
    return out.getvalue()


ENTITIES = '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d SYSTEM "file:///etc/passwd">]>'
HOSTILE = {
    "unpacks to far more": bomb,
    "forbidden or broken markup": lambda: made.with_part(
        made.docx("x"), "word/document.xml", None, change=lambda text: ENTITIES + text.partition("?>")[2]
    ),
    "is missing or damaged": lambda: (
        made.with_part(made.docx("x"), "word/document.xml", None)[:-900] + made.docx("x")[-900:]
    ),
    "is damaged": lambda: b"%PDF-1.7\n" + b"\x00garbage" * 5000,
    "damaged. Save it again": lambda: made.in_body(made.docx("x"), "<w:sdt>" * 3000 + "</w:sdt>" * 3000),
}


class TestHostile:
    @pytest.mark.parametrize("why", [why for why in HOSTILE if why != "is missing or damaged"])
    def test_a_hostile_file_is_refused_within_seconds(self, why):
        content, start = HOSTILE[why](), time.monotonic()
        with pytest.raises(BadTable, match=why):
            read_document("r", content)
        assert time.monotonic() - start < 5

    @pytest.mark.parametrize(
        "text", ["1 " * 150_000, "1" + ". " * 150_000 + "x", "no " * 100_000, "4 of " * 60_000]
    )
    def test_text_made_to_be_slow_is_not(self, text):
        start = time.monotonic()
        document = Document(DOCX, [Passage("p", text)], [("Table 1", [["town", text], ["Alder", "3"]])])
        mapped("r", document, POLICY)
        assert time.monotonic() - start < 60

    def test_cut_or_changed_bytes_never_pass_as_whole(self):
        for one in (corpus.docx(1), corpus.pptx(1), corpus.pdf(1)):
            content = bytearray(one.content)
            for at in range(100, len(content), len(content) // 25):
                content[at] ^= 0xFF
            for broken in (one.content[: len(one.content) // 2], bytes(content)):
                found = examine(one.name, broken, policy=POLICY, seconds=5)
                assert found.verdict != SAFE

    @pytest.mark.parametrize("kind", ["docx", "pptx", "chart", "pdf"])
    def test_the_sandbox_reads_the_same(self, kind):
        one = getattr(corpus, kind)(5)
        limits = sandbox.Limits(memory=1 << 30, answer=16 << 20)
        told = sandbox.run(told_document, one.name, one.content, limits=limits)
        assert document_told(told) == read_document(one.name, one.content)

    @pytest.mark.parametrize(
        "change", [{"grids": 3}, {"passages": [[1]]}, {"hurdles": None}, {"kind": "exe"}]
    )
    def test_a_forged_answer_is_refused(self, change):
        told = told_document("r.docx", made.docx("x"))
        assert document_told(told).grids
        with pytest.raises(BadTable):
            document_told(told | change)


def test_a_kind_is_told_by_the_bytes_and_not_by_the_name():
    assert [kind_of(one) for one in (made.docx(), made.pptx("x"), made.pdf("x"))] == ["docx", "pptx", "pdf"]
    assert kind_of(corpus.xlsx(1).content) == kind_of(b"PK\x03\x04") == kind_of(b"town,f\n") == ""
