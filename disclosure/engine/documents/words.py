"""Read a Word document: paragraphs, tables, notes, headers, text boxes; what hides in it is a hurdle."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from disclosure.engine.documents import package
from disclosure.engine.documents.content import DOCX, Document
from disclosure.engine.documents.opening import Parts
from disclosure.engine.reading import Grid

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_MAIN = "word/document.xml"
_BESIDE = re.compile(r"word/((header|footer)\d*|footnotes|endnotes)\.xml")
_CALLED = {"footnotes": "footnotes", "endnotes": "endnotes", "header": "page header", "footer": "page footer"}
_PULLS_IN = re.compile(
    r"\s*(LINK|DDE|DDEAUTO|INCLUDETEXT|INCLUDEPICTURE|DATABASE|MERGEFIELD)\b", re.IGNORECASE
)
_DRAWN = {f"{_W}drawing", f"{_W}pict", f"{_W}object", f"{_MC}AlternateContent"}
_SKIPPED = {f"{_W}pPr", f"{_W}rPr", f"{_W}del", f"{_W}moveFrom", f"{_W}delText", f"{_W}instrText"} | _DRAWN
_SPACES = {f"{_W}tab": " ", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-", f"{_W}sym": "\ufffd"}
TRACKED = "changes are tracked in it. Accept or reject them all, then save it again."
HIDDEN = "it has hidden text. Delete it, or show it."


def read_words(parts: Parts) -> Document:
    """Read the document.

    :raises NotReadable: if a part of it is damaged
    """
    document = Document(DOCX)
    root = parts.xml(_MAIN)
    if root.tag.startswith(_STRICT):
        document.refuse_unreadable("it is a Strict Open XML file. Save it again as an ordinary DOCX.")
        return document
    reading = _Reading(document, _hidden_styles(parts))
    reading.blocks(root, "")
    for name in parts.names:
        if found := _BESIDE.fullmatch(name):
            reading.blocks(parts.xml(name), _CALLED[found[2] or found[1]])
    if "word/settings.xml" in parts.names:
        settings = parts.xml("word/settings.xml")
        if any(True for tag in ("docVar", "mailMerge") for _ in settings.iter(_W + tag)):
            document.refuse("it carries variables or a mail merge. Paste its text into a new document.")
    package.read_rest(parts, document, own=lambda name: name == _MAIN or bool(_BESIDE.fullmatch(name)))
    return document


def _hidden_styles(parts: Parts) -> frozenset[str]:
    """Return the styles whose text is hidden."""
    if "word/styles.xml" not in parts.names:
        return frozenset()
    styles = parts.xml("word/styles.xml").iter(f"{_W}style")
    return frozenset(
        style.get(f"{_W}styleId", "") for style in styles if _on(style.find(f"{_W}rPr/{_W}vanish"))
    )


def _on(mark: Element | None) -> bool:
    return mark is not None and mark.get(f"{_W}val", "true") not in ("0", "false", "off")


class _Reading:
    """Walks through the parts that hold text, and numbers what it meets."""

    def __init__(self, document: Document, hidden: frozenset[str]) -> None:
        self._document, self._hidden = document, hidden
        self._tables = self._paragraphs = 0

    def blocks(self, container: Element, inside: str) -> None:
        """Read paragraphs and tables in their order."""
        for block in container:
            if block.tag == f"{_W}p":
                self._paragraph(block, inside)
            elif block.tag == f"{_W}tbl":
                self._table(block, inside)
            elif block.tag == f"{_W}altChunk":
                self._document.refuse("another document is put into it. Paste its text instead.")
            elif block.tag in (f"{_W}del", f"{_W}moveFrom"):
                self._document.refuse(TRACKED)
            elif not block.tag.endswith("Pr"):
                if block.tag in (f"{_W}ins", f"{_W}moveTo"):
                    self._document.refuse(TRACKED)
                self.blocks(block, inside)

    def _paragraph(self, block: Element, inside: str) -> None:
        self._paragraphs += not inside
        place = inside or f"paragraph {self._paragraphs}"
        self._document.say(place, self._text(block))
        for box in _boxes(block):
            self.blocks(box, f"text box in {place}" if not place.startswith("text box") else place)

    def _text(self, paragraph: Element) -> str:
        written: list[str] = []
        hidden_style = self._is_hidden(paragraph.find(f"{_W}pPr"), "pStyle")
        self._inline(paragraph, written, hidden=hidden_style)
        return "".join(written)

    def _inline(self, element: Element, written: list[str], *, hidden: bool) -> None:
        for part in element:
            self._look(part)
            if part.tag in _SKIPPED:
                continue
            if part.tag in _SPACES:
                written.append(_SPACES[part.tag])
            elif part.tag in (f"{_W}t", f"{_M}t"):
                self._write(part.text or "", written, hidden=hidden)
            elif part.tag == f"{_W}r":
                self._run(part, written, hidden=hidden)
            else:
                self._inline(part, written, hidden=hidden)

    def _run(self, run: Element, written: list[str], *, hidden: bool) -> None:
        made = run.find(f"{_W}rPr")
        inside: list[str] = []
        own = made is not None and _on(made.find(f"{_W}vanish"))
        self._inline(run, inside, hidden=hidden or own or self._is_hidden(made, "rStyle"))
        raised = made.find(f"{_W}vertAlign") if made is not None else None
        text = "".join(inside)
        written.append(apart(text) if raised is not None and _is_raised(raised) else text)

    def _write(self, text: str, written: list[str], *, hidden: bool) -> None:
        if not hidden:
            written.append(text)
        elif text.strip():
            self._document.refuse(HIDDEN)

    def _is_hidden(self, made: Element | None, kind: str) -> bool:
        named = made.find(f"{_W}{kind}") if made is not None else None
        return named is not None and named.get(f"{_W}val", "") in self._hidden

    def _look(self, part: Element) -> None:
        """Notice what says that more is in the document than one reads."""
        if part.tag in (f"{_W}del", f"{_W}moveFrom", f"{_W}ins", f"{_W}moveTo"):
            self._document.refuse(TRACKED)
        elif _PULLS_IN.match(
            (part.text or "") if part.tag == f"{_W}instrText" else part.get(f"{_W}instr", "")
        ):
            self._document.refuse("a field takes its text from elsewhere. Replace it by its text.")

    def _table(self, table: Element, inside: str) -> None:
        self._tables += 1
        place = f"Table {self._tables}" + (f" in the {inside}" if inside else "")
        rows = [list(self._cells(row, place)) for row in _rows(table)]
        self._document.grids.append((place, _laid_out(rows)))

    def _cells(self, row: Element, place: str) -> Iterator[tuple[str, int, bool]]:
        """Yield text, width, and whether it goes on from the row above."""
        made = row.find(f"{_W}trPr")
        if made is not None and any(made.find(_W + tag) is not None for tag in ("ins", "del")):
            self._document.refuse(TRACKED)
        if made is not None and _on(made.find(f"{_W}hidden")):
            self._document.refuse(f"{place}: a row is hidden. Delete it, or show it.")
        yield from [("", 1, False)] * _number(made, "gridBefore", least=0)
        for cell in _inside(row, "tc"):
            properties = cell.find(f"{_W}tcPr")
            merged = properties.find(f"{_W}vMerge") if properties is not None else None
            goes_on = merged is not None and merged.get(f"{_W}val", "continue") == "continue"
            yield self._cell_text(cell, place), _number(properties, "gridSpan", least=1), goes_on

    def _cell_text(self, cell: Element, place: str) -> str:
        written = []
        for block in _flat(cell):
            if block.tag == f"{_W}p":
                written.append(self._text(block))
                for box in _boxes(block):
                    self.blocks(box, f"text box in {place}")
            elif block.tag == f"{_W}tbl":
                self._table(block, f"cell of {place}")
        return "\n".join(text for text in written if text.strip()).strip()


def apart(text: str) -> str:
    """Keep a raised mark from becoming a digit of the number before it."""
    return f" ^{text}" if any(c.isdigit() for c in text) else text


def _is_raised(mark: Element) -> bool:
    return mark.get(f"{_W}val") in ("superscript", "subscript")


def _flat(container: Element) -> Iterator[Element]:
    """Yield the blocks of a cell, also of those inside content controls and insertions."""
    for block in container:
        if block.tag in (f"{_W}p", f"{_W}tbl"):
            yield block
        elif block.tag not in (f"{_W}tcPr", f"{_W}del", f"{_W}moveFrom"):
            yield from _flat(block)


def _inside(container: Element, tag: str) -> Iterator[Element]:
    """Yield rows or cells, also of those inside content controls."""
    for part in container:
        if part.tag == _W + tag:
            yield part
        elif part.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}customXml", f"{_W}ins", f"{_W}moveTo"):
            yield from _inside(part, tag)


def _rows(table: Element) -> Iterator[Element]:
    return _inside(table, "tr")


def _boxes(block: Element) -> Iterator[Element]:
    """Yield the text boxes of a paragraph, once each; not of those inside them."""
    for part in block:
        if part.tag == f"{_W}txbxContent":
            yield part
        elif part.tag == f"{_MC}AlternateContent":
            choices = [way for way in part if any(True for _ in way.iter(f"{_W}txbxContent"))]
            for way in choices[:1]:
                yield from _boxes(way)
        else:
            yield from _boxes(part)


def _number(properties: Element | None, tag: str, *, least: int) -> int:
    found = properties.find(_W + tag) if properties is not None else None
    said = found.get(f"{_W}val", "") if found is not None else ""
    return min(max(least, int(said)), 100) if said.isdecimal() else least


def _laid_out(rows: list[list[tuple[str, int, bool]]]) -> Grid:
    """Lay cells out in a grid: a merged one speaks for all it covers, but a title across all is one cell."""
    grid: Grid = []
    for row in rows:
        if len(row) == 1 and row[0][1] > 1:
            grid.append([row[0][0], *[""] * (row[0][1] - 1)])
            continue
        line: list[str] = []
        for text, width, goes_on in row:
            at = len(line)
            above = grid[-1][at] if goes_on and grid and at < len(grid[-1]) else ""
            line += [above if goes_on else text] * width
        grid.append(line)
    return grid
