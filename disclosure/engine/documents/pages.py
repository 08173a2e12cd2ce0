"""The words of a PDF, in the order of its file and in the order of its columns."""

import io
import re
from collections import Counter
from collections.abc import Iterator

import pypdfium2
from pdfminer.high_level import extract_pages
from pdfminer.layout import LAParams, LTPage, LTTextContainer

from disclosure.engine.documents.content import PDF, Document, NotReadable

MOST_PAGES = 500
_MOST_COLUMNS = 100  # pages whose columns are looked for
_LOCKED = "it is locked by a password. Save it again without one."
_DAMAGED = "it is damaged. Save it as PDF again."
SCANNED = "{place} is a picture, such as a scan: it has no text. Save the document as PDF from its program."


def read_words(content: bytes) -> Document:
    """Read the words of each page.

    :raises NotReadable: if it is locked, damaged, or too long
    """
    document = Document(PDF)
    try:
        book = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as problem:
        raise NotReadable(_LOCKED if "password" in str(problem).casefold() else _DAMAGED) from None
    if len(book) > MOST_PAGES:
        raise NotReadable(f"it has more than {MOST_PAGES} pages. Send the pages that matter.")
    for number in range(len(book)):
        place = f"page {number + 1}"
        try:
            page = book[number]
            text = page.get_textpage().get_text_bounded()
        except pypdfium2.PdfiumError:
            document.refuse_unreadable(f"{place} is damaged. Save the document as PDF again.")
            continue
        document.say(place, text)
        if not any(c.isalnum() for c in text) and any(True for _ in page.get_objects(max_depth=2)):
            document.refuse_unreadable(SCANNED.format(place=place))
    return document


def read_columns(content: bytes) -> list[str]:
    """Read each page's words column by column: slower, and right where the file's own order is not.

    :raises NotReadable: if it cannot be read like this
    """
    try:
        laid_out = extract_pages(io.BytesIO(content), maxpages=_MOST_COLUMNS, laparams=LAParams())
        return ["\n".join(_boxes(page)) for page in laid_out]
    except Exception as problem:  # a damaged PDF makes its parsers stumble in every way there is
        raise NotReadable(_DAMAGED) from problem


def _boxes(page: LTPage) -> Iterator[str]:
    yield from (box.get_text() for box in page if isinstance(box, LTTextContainer))


def without_running_lines(pages: list[str]) -> str:
    """Join pages without the lines at their heads and feet: a sentence may go on across them."""
    cut = [[line for line in page.splitlines() if line.strip()] for page in pages]
    ends = Counter(_shape(line) for lines in cut for line in {*lines[:2], *lines[-2:]})
    kept = []
    for lines in cut:
        for at, line in enumerate(lines):
            runs = ends[_shape(line)] > 1 or not any(c.isalpha() for c in line)
            if not (runs and len(cut) > 1 and (at < 2 or at >= len(lines) - 2)):
                kept.append(line)
    return "\n".join(kept)


def _shape(line: str) -> str:
    return re.sub(r"\d+", "#", " ".join(line.split()))
