"""The acknowledgement in a document: found wherever it stands, word for word, and nothing else passes."""

import random

import pytest
from openpyxl import Workbook

from disclosure.engine.documents import acknowledgement as found
from disclosure.engine.documents import copies
from tests.engines.disclosure import documents_changed as made

SENTENCE = (
    "This work would not be possible without data provided by the P20 WIN participating agencies. The "
    "findings do not necessarily reflect the opinions of the State of Connecticut or the organizations and "
    "agencies contributing data."
)


def answer(name, content):
    return copies.answer_of(SENTENCE, copies.told_words(name, content))


def workbook(text):
    book = Workbook()
    book.active["B3"] = text
    return made.saved(book)


def slide_notes(text):
    deck = made.Presentation()
    deck.slides.add_slide(deck.slide_layouts[5]).notes_slide.notes_text_frame.text = text
    return made.saved(deck)


def footer(text):
    document = made.Docx()
    document.sections[0].footer.paragraphs[0].text = text
    return made.saved(document)


PLACES = {
    "body.docx": lambda text: made.docx("Before.", text, "After."),
    "table.docx": lambda text: made.docx(table=[["Note", text]]),
    "footer.docx": footer,
    "footnote.docx": lambda text: made.with_part(made.docx("x"), "word/footnotes.xml", made.footnotes(text)),
    "box.docx": lambda text: made.in_body(made.docx("x"), made.text_box(text)),
    "slide.pptx": lambda text: made.pptx("One", text),
    "notes.pptx": slide_notes,
    "cell.xlsx": workbook,
    "page.pdf": lambda text: made.pdf(f"<p>Before</p><p>{text}</p>"),
    "columns.pdf": lambda text: made.pdf(
        f"<div style='columns: 2'>{'<p>Words.</p>' * 30}<p>{text}</p></div>"
    ),
    "hyphens.pdf": lambda text: made.pdf(
        f"<p lang=en style='width: 140px; hyphens: auto; text-align: justify'>{text}</p>"
    ),
    "page.html": lambda text: f"<html><body><p>{text}</p></body></html>".encode(),
    "page.txt": lambda text: f"Before\n{text}\nAfter".encode(),
}


@pytest.mark.obligation("O-83")
@pytest.mark.parametrize("name", PLACES)
def test_it_is_found_wherever_it_stands(name):
    assert answer(name, PLACES[name](SENTENCE)).state == found.EXACT


@pytest.mark.obligation("O-83")
@pytest.mark.parametrize("name", PLACES)
def test_one_word_less_is_not_it(name):
    said = answer(name, PLACES[name](SENTENCE.replace("necessarily ", "")))
    assert said.state == found.NEAR
    assert ("missing", "necessarily") in said.difference
    assert answer(name, PLACES[name]("We thank nobody in particular.")).state != found.EXACT


def test_quotes_hyphens_spaces_and_line_breaks_are_of_any_kind():
    chance = random.Random(20)
    for _ in range(200):
        text = "".join(
            chance.choice([" ", "\n", "\u00a0", "  ", "\r\n\t"]) if c == " " else c for c in SENTENCE
        )
        at = text.index("participating") + chance.randint(3, 8)
        text = text[:at] + chance.choice(["\u00ad", "-\n", "\u2010\n", "\u200b", ""]) + text[at:]
        text = chance.choice(["“{}”", "«{}»", "({})", "{}", "Note: {}"]).format(text)
        assert found.find(SENTENCE, [f"Before it. {text} After it."]).state == found.EXACT


@pytest.mark.parametrize("change", [("findings", "results"), ("not ", ""), ("P20 WIN", "P20"), (".", "!")])
def test_any_other_word_is_told(change):
    said = found.find(SENTENCE, [f"Before. {SENTENCE.replace(*change, 1)} After."])
    assert said.state == found.NEAR
    assert {kind for kind, _ in said.difference} >= {"missing"}


def test_words_in_front_of_it_do_not_hide_it_and_words_inside_do():
    assert found.find(SENTENCE, [f"Unless {SENTENCE}"]).state == found.EXACT
    assert found.find(SENTENCE, [SENTENCE.replace("would not", "would certainly not")]).state == found.NEAR
    assert found.find(SENTENCE, [f"Un{SENTENCE}"]).state == found.NEAR


def test_half_of_it_is_absent():
    assert found.find(SENTENCE, [SENTENCE.partition(". ")[0]]).state == found.ABSENT
    assert found.find(SENTENCE, ["Nothing of the kind. " * 500]).state == found.ABSENT


@pytest.mark.obligation("O-83")
def test_what_nobody_can_read_does_not_count():
    hidden = made.in_body(made.docx("Report"), made.run(SENTENCE, "<w:vanish/>"))
    deleted = f"<w:p><w:del w:id='1' w:author='A'><w:r><w:delText>{SENTENCE}</w:delText></w:r></w:del></w:p>"
    properties = made.Docx()
    properties.add_paragraph("Report")
    properties.core_properties.comments = SENTENCE[:250]
    for content in (hidden, made.in_body(made.docx("Report"), deleted), made.saved(properties)):
        assert answer("r.docx", content).state == found.ABSENT
    page = (
        f"<html><body><p>Report</p><p style='display: none'>{SENTENCE}</p><!-- {SENTENCE} --></body></html>"
    )
    assert answer("r.html", page.encode()).state == found.ABSENT


def test_a_page_without_text_is_not_readable():
    scan = made.pdf('<svg width="300" height="300"><rect width="300" height="300"/></svg>')
    said = answer("r.pdf", scan)
    assert said.state == found.UNREADABLE
    assert "page 1 is a picture" in said.why


def test_a_locked_or_broken_file_is_not_readable():
    for content in (
        b"\xd0\xcf\x11\xe0" + bytes(600),
        b"PK\x03\x04broken",
        b"%PDF-1.4 broken",
        b"\x00\x01\x02",
        b"",
    ):
        said = answer("r.docx", content)
        assert said.state == found.UNREADABLE
        assert "." in said.why


@pytest.mark.parametrize(
    "told", [None, {}, {"texts": "x", "unreadable": []}, {"texts": [1], "unreadable": []}]
)
def test_an_answer_that_was_forged_is_no_text(told):
    assert copies.answer_of(SENTENCE, told).state == found.UNREADABLE
