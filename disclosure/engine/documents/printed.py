"""Read a PDF: its text box by box, its tables, and what tells that more is in it than can be read."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import pdfplumber
from pdfminer.pdfdocument import PDFPasswordIncorrect
from pdfminer.pdftypes import resolve1
from pdfplumber.utils.exceptions import PdfminerException

from disclosure.engine.documents import layout
from disclosure.engine.documents.content import PDF, Document, NotReadable
from disclosure.engine.documents.layout import Word
from disclosure.engine.documents.pages import SCANNED
from disclosure.engine.reading import Grid

MOST_PAGES = 100
_WHOLE_PAGE = 0.8  # of its area: a picture of the page, whatever text lies over it
_THICKEST = 3.0  # points: the line of a table, drawn as a box
_TURNED = 0.3  # of its letters
_MOST_DRAWN = 20  # lines and curves that are no frame of a table
_LAYOUT: dict[str, Any] = {}  # pdfminer's own numbers
_SETTINGS = {"use_text_flow": False, "keep_blank_chars": False, "extra_attrs": ["size"], "x_tolerance": 1.5}
Box = tuple[float, float, float, float]


def read_printed(content: bytes) -> Document:
    """Read the document.

    :raises NotReadable: if it is locked, damaged, or too long
    """
    try:
        with pdfplumber.open(io.BytesIO(content), laparams=_LAYOUT) as book:
            return _read(book)
    except NotReadable:
        raise
    except (PDFPasswordIncorrect, PdfminerException) as problem:
        locked = isinstance(problem, PDFPasswordIncorrect) or "PDFPasswordIncorrect" in repr(problem)
        why = "locked by a password. Save it again without one" if locked else "damaged. Save it as PDF again"
        raise NotReadable(f"it is {why}.") from None
    except Exception as problem:  # a damaged PDF makes its parsers stumble in every way there is
        raise NotReadable("it is damaged. Save it as PDF again.") from problem


def _read(book: Any) -> Document:
    if len(book.pages) > MOST_PAGES:
        raise NotReadable(
            f"it has more than {MOST_PAGES} pages. Send the pages with tables, a part at a time."
        )
    document = Document(PDF)
    _look_inside(book, document)
    for page in book.pages:
        _page(page, f"page {page.page_number}", document)
        page.close()
    return document


def _look_inside(book: Any, document: Document) -> None:
    """Notice what a PDF can carry beside its pages."""
    for said in (book.metadata or {}).values():
        document.say("the document's properties", str(said), shown=False)
    catalog = resolve1(book.doc.catalog)
    names = resolve1(catalog.get("Names")) or {}
    if "EmbeddedFiles" in names or "AF" in catalog:
        document.refuse("another file is attached to it. Save it without attachments.")
    form = resolve1(catalog.get("AcroForm")) or {}
    if resolve1(form.get("Fields")) or "XFA" in form:
        document.refuse("it is a form. Print it to a PDF file, so that what was filled in becomes text.")
    layers = resolve1((resolve1(catalog.get("OCProperties")) or {}).get("D")) or {}
    if resolve1(layers.get("OFF")):
        document.refuse("it has layers that are switched off. Save it without them.")


def _page(page: Any, place: str, document: Document) -> None:
    _notes(page, place, document)
    letters = [c for c in page.chars if c["text"].strip()]
    drawn = len(page.curves) + len(page.lines) + len(page.rects)
    if not letters:
        if page.images or drawn:
            document.refuse_unreadable(SCANNED.format(place=place))
        return
    area = float(page.width * page.height) or 1.0
    if any(_area(image) >= _WHOLE_PAGE * area for image in page.images):
        document.refuse_unreadable(SCANNED.format(place=place))
    if any(_is_no_letter(c["text"]) for c in letters):
        document.refuse_unreadable(f"{place} has letters that cannot be read. Save it as PDF with its fonts.")
    if sum(not c["upright"] for c in letters) > _TURNED * len(letters):
        document.refuse_unreadable(f"{place} has turned text. Turn it, or give its tables as DOCX.")
    words = [_word(w) for w in page.extract_words(**_SETTINGS)]
    tables = [table for table in page.filter(_is_drawn).find_tables() if _is_table(table, words)]
    _tables(page, place, tables, words, document)
    if page.images:
        document.show([f"picture on {place}"])
    if len(page.curves) > _MOST_DRAWN or (drawn > _MOST_DRAWN and not tables):
        document.show([f"drawing on {place}"])


def _notes(page: Any, place: str, document: Document) -> None:
    for note in page.annots:
        kind = getattr(resolve1((note.get("data") or {}).get("Subtype")), "name", "")
        if kind not in ("Link", "Popup"):
            document.refuse(
                f"{place} has a comment, a stamp or a field. Delete it, or print it to a PDF file."
            )


def _area(image: dict[str, Any]) -> float:
    return float(image["x1"] - image["x0"]) * float(image["bottom"] - image["top"])


def _is_no_letter(text: str) -> bool:
    return "(cid:" in text or "\ufffd" in text or any("\ue000" <= c <= "\uf8ff" for c in text)


def _word(found: dict[str, Any]) -> Word:
    return Word(
        found["text"],
        float(found["x0"]),
        float(found["top"]),
        float(found["x1"]),
        float(found["bottom"]),
        float(found["size"]),
    )


def _is_drawn(thing: dict[str, Any]) -> bool:
    """Say whether something may be the line of a table: what shades a row is none."""
    shades = thing["object_type"] == "rect" and thing.get("fill") and not thing.get("stroke")
    return not (shades and min(thing["width"], thing["height"]) > _THICKEST)


def _is_table(table: Any, words: list[Word]) -> bool:
    """Say whether ruled lines make a table: a frame around text is none, nor one around columns."""
    cells: list[Box] = [cell for row in table.rows for cell in row.cells if cell is not None]
    if len(table.rows) < 2 or len({round(cell[0]) for cell in cells}) < 2:
        return False
    inside = (layout.lines_of(word for word in words if _within(word, cell)) for cell in cells)
    return not any(layout.is_row(line) for lines in inside for line in lines)


def _tables(page: Any, place: str, tables: Sequence[Any], words: list[Word], document: Document) -> None:
    """Take the tables of a page, with lines or without, and leave the rest as text."""
    boxes: list[Box] = [table.bbox for table in tables]
    found = [(box[1], _grid(table, words)) for table, box in zip(tables, boxes, strict=True)]
    outside = [word for word in words if not any(_within(word, box) for box in boxes)]
    runs = layout.unruled(layout.lines_of(outside))
    taken = {id(word) for run in runs for line in run for word in line}
    found += [(run[0][0].top, layout.columns_of(run)) for run in runs]
    for number, (_, grid) in enumerate(sorted(found, key=lambda each: each[0]), start=1):
        document.grids.append((f"Table {number} on {place}", grid))
    apart = [*boxes, *(_around(run) for run in runs)]
    flow = [_word(w) for w in page.extract_words(**_SETTINGS | {"use_text_flow": True})]
    flow = [word for word in flow if not any(_within(word, box) for box in apart)]
    document.say(place, "\n".join(map(layout.text_of, layout.flowing(flow))))
    for text in _by_boxes(page, [word for word in outside if id(word) not in taken]):
        document.say(place, text, again=True)


def _within(word: Word, box: Box) -> bool:
    return box[0] <= (word.x0 + word.x1) / 2 <= box[2] and box[1] <= word.middle <= box[3]


def _around(run: Sequence[Sequence[Word]]) -> Box:
    words = [word for line in run for word in line]
    return (
        min(w.x0 for w in words),
        min(w.top for w in words),
        max(w.x1 for w in words),
        max(w.bottom for w in words),
    )


def _by_boxes(page: Any, words: list[Word]) -> Iterator[str]:
    """Yield the text of each box of text; columns are boxes side by side."""
    boxes: list[Box] = [
        (b["x0"], b["top"], b["x1"], b["bottom"])
        for kind in ("textboxhorizontal", "textboxvertical")
        for b in page.objects.get(kind, [])
    ]
    inside: dict[int, list[Word]] = {}
    for word in words:
        home = next((number for number, box in enumerate(boxes) if _within(word, box)), -1)
        inside.setdefault(home, []).append(word)
    for _, own in sorted(inside.items()):
        yield "\n".join(layout.text_of(line) for line in layout.lines_of(own))


def _grid(table: Any, words: list[Word]) -> Grid:
    """Lay the cells of a ruled table out: a merged one speaks for all it covers."""
    cells: list[Box] = [cell for row in table.rows for cell in row.cells if cell is not None]
    text = {cell: layout.cell_text(word for word in words if _within(word, cell)) for cell in cells}
    across = _middles(sorted({cell[0] for cell in cells}), max(cell[2] for cell in cells))
    down = _middles(sorted({cell[1] for cell in cells}), max(cell[3] for cell in cells))
    grid: Grid = []
    for y in down:
        homes = [next((c for c in cells if c[0] <= x <= c[2] and c[1] <= y <= c[3]), None) for x in across]
        line = [text[home] if home else "" for home in homes]
        if len(set(homes)) == 1 and len(homes) > 1:
            line[1:] = [""] * (len(homes) - 1)
        grid.append(line)
    return grid


def _middles(starts: Sequence[float], end: float) -> list[float]:
    """Return the middles of bands; starts that all but touch are one."""
    kept: list[float] = []
    for start in starts:
        if not kept or start - kept[-1] > 1.5:
            kept.append(start)
    return [(a + b) / 2 for a, b in zip(kept, [*kept[1:], end], strict=True)]
