"""The copy of what was published: filed only if the acknowledgement stands in the file itself."""

import datetime as dt
import io

import pytest
from docx import Document
from weasyprint import HTML

from disclosure import acknowledging, copies
from disclosure.acknowledging import NotAcknowledged
from disclosure.package import ACKNOWLEDGEMENT
from p20win import clock
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from tests import factories
from tests import factories_disclosure as outputs
from tests.factories import START

LONG_AFTER = START + dt.timedelta(days=60)


def docx(*paragraphs, footer=""):
    document = Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    document.sections[0].footer.paragraphs[0].text = footer
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


@pytest.mark.django_db
@pytest.mark.usefixtures("vault")
class TestFiling:
    @pytest.fixture
    def output(self, monkeypatch):
        monkeypatch.setattr(clock, "now", lambda: LONG_AFTER)
        return outputs.released()

    def filed(self, output, name, content, by=None):
        said = {"name": name, "content": content, "where": "example.org"}
        return copies.file_copy(output, by=by or output.author, at=LONG_AFTER, **said)

    @pytest.mark.obligation("O-83", "O-84")
    def test_is_due_and_ends_with_a_copy_in_which_the_acknowledgement_stands(self, output):
        (due,) = deadlines.alive("published-copy", output)
        assert due.waiting_on_person == output.author
        for words in ("Our findings.", ACKNOWLEDGEMENT.replace("not ", "")):
            with pytest.raises(NotAcknowledged):
                self.filed(output, "report.docx", docx(words))
        assert not output.copies.exists()
        assert deadlines.alive("published-copy", output)

        self.filed(output, "report.docx", docx("Our findings.", footer=ACKNOWLEDGEMENT))

        assert output.copies.get().name == "report.docx"
        assert not deadlines.alive("published-copy", output)

    @pytest.mark.obligation("O-84")
    def test_is_the_authors_alone(self, output):
        with pytest.raises(Blocked, match="Only the author"):
            self.filed(output, "r.txt", ACKNOWLEDGEMENT.encode(), by=factories.operating_group_member())
        assert not output.copies.exists()


class TestLooking:
    @pytest.mark.obligation("O-83")
    def test_says_which_words_differ(self):
        words = ACKNOWLEDGEMENT.replace("data provided", "data given").replace("necessarily ", "")
        with pytest.raises(NotAcknowledged) as refusal:
            acknowledging.look_for("report.docx", docx(words))
        assert refusal.value.reasons[1:] == [
            "“given” stands where “provided” must stand.",
            "“necessarily” is missing.",
        ]
        assert ("missing", "necessarily") in refusal.value.difference

    @pytest.mark.obligation("O-83")
    def test_a_scan_is_refused_with_what_to_do(self):
        page = HTML(string='<svg width="300" height="300"><rect width="300" height="300"/></svg>').write_pdf()
        with pytest.raises(NotAcknowledged, match=r"page 1 is a picture.*from its program"):
            acknowledging.look_for("report.pdf", page)

    def test_a_locked_file_is_refused_with_what_to_do(self):
        with pytest.raises(NotAcknowledged, match="without a password"):
            acknowledging.look_for("report.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))

    def test_a_file_that_breaks_its_reader_is_refused(self):
        with pytest.raises(NotAcknowledged, match="damaged"):
            acknowledging.look_for("report.pdf", b"%PDF-1.7\nnothing\n")

    def test_in_columns_it_is_found_too(self):
        body = f"<div style='columns: 2'><p>{'Words before. ' * 40}</p><p>{ACKNOWLEDGEMENT}</p></div>"
        acknowledging.look_for("report.pdf", HTML(string=body).write_pdf())
