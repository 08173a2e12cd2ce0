"""Read a PowerPoint presentation: text, tables, notes, charts; what hides in it is a hurdle."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from disclosure.engine.documents import package
from disclosure.engine.documents.content import PPTX, Document
from disclosure.engine.documents.opening import Parts
from disclosure.engine.reading import Grid

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_MAIN = "ppt/presentation.xml"
_SLIDE = re.compile(r"ppt/(slides|notesSlides)/\w+\.xml")


def read_slides(parts: Parts) -> Document:
    """Read the presentation.

    :raises NotReadable: if a part of it is damaged
    """
    document = Document(PPTX)
    root = parts.xml(_MAIN)
    if not root.tag.startswith(_P):
        document.refuse_unreadable("it is a Strict Open XML file. Save it again as an ordinary PPTX.")
        return document
    targets = {relation.id: relation.target for relation in parts.relations(_MAIN)}
    listed = [targets.get(e.get(f"{_R}id", ""), "") for e in root.iter(f"{_P}sldId")]
    layouts: set[str] = set()
    for number, name in enumerate(listed, start=1):
        _slide(parts, document, name, f"slide {number}", layouts)
    for name in sorted(layouts):
        for text in _fixed_texts(parts.xml(name)):
            document.say("the slide layout", text)
    if any(name.startswith("ppt/slides/") and name not in listed for name in _slide_parts(parts)):
        document.refuse(
            "it carries slides that are not shown. Save it again, or copy the slides to a new file."
        )
    package.read_rest(parts, document, own=lambda name: bool(_SLIDE.fullmatch(name)) or name == _MAIN)
    return document


def _slide_parts(parts: Parts) -> list[str]:
    return [name for name in parts.names if re.fullmatch(r"ppt/slides/\w+\.xml", name)]


def _slide(parts: Parts, document: Document, name: str, place: str, layouts: set[str]) -> None:
    slide = parts.xml(name)
    if slide.get("show") in ("0", "false"):
        document.refuse(f"{place} is hidden. Delete it, or show it.")
    _shapes(slide, document, place)
    for relation in parts.relations(name):
        if relation.kind == "notesSlide":
            _shapes(parts.xml(relation.target), document, f"notes of {place}")
        elif relation.kind == "slideLayout":
            layouts.add(relation.target)
            layouts |= {up.target for up in parts.relations(relation.target) if up.kind == "slideMaster"}


def _shapes(root: Element, document: Document, place: str) -> None:
    for mark in root.iter(f"{_P}cNvPr"):
        if mark.get("hidden") in ("1", "true"):
            document.refuse(f"{place}: a shape is hidden. Delete it, or show it.")
        for said in (mark.get("descr", ""), mark.get("title", "")):
            document.say(f"alternative text on {place}", said, shown=False)
    tables = [table for table in _once(root) if table.tag == f"{_A}tbl"]
    for number, table in enumerate(tables, start=1):
        document.grids.append((f"Table {number} on {place}", _laid_out(table)))
    inside = {id(element) for table in tables for element in table.iter()}
    for element in _once(root):
        if element.tag == f"{_A}p" and id(element) not in inside:
            document.say(place, paragraph_text(element))


def _once(root: Element) -> Iterator[Element]:
    """Yield the elements, of each alternative only the first that is offered."""
    for element in root:
        if element.tag == f"{_MC}AlternateContent":
            for way in list(element)[:1]:
                yield from _once(way)
            continue
        yield element
        yield from _once(element)


def paragraph_text(paragraph: Element) -> str:
    """Return a paragraph's text; a raised mark stays apart from the number before it."""
    written = []
    for part in paragraph:
        if part.tag == f"{_A}br":
            written.append("\n")
        elif part.tag in (f"{_A}r", f"{_A}fld"):
            made, text = part.find(f"{_A}rPr"), part.findtext(f"{_A}t", "")
            raised = made is not None and made.get("baseline", "0") not in ("0", "0%")
            written.append(f" ^{text}" if raised and any(c.isdigit() for c in text) else text)
        else:
            written += [each.text or "" for each in part.iter() if str(each.tag).endswith("}t")]
    return "".join(written)


def _laid_out(table: Element) -> Grid:
    """Lay cells out in a grid: a merged one speaks for all it covers, but a title across all is one cell."""
    grid: Grid = []
    for row in table.iter(f"{_A}tr"):
        cells = list(row.iter(f"{_A}tc"))
        line: list[str] = []
        for at, cell in enumerate(cells):
            if _yes(cell, "hMerge"):
                line.append(line[-1] if line else "")
            elif _yes(cell, "vMerge"):
                line.append(grid[-1][at] if grid and at < len(grid[-1]) else "")
            else:
                line.append("\n".join(map(paragraph_text, cell.iter(f"{_A}p"))).strip())
        if cells and cells[0].get("gridSpan") == str(len(cells)) and len(cells) > 1:
            line[1:] = [""] * (len(cells) - 1)
        grid.append(line)
    return grid


def _yes(cell: Element, mark: str) -> bool:
    return cell.get(mark) in ("1", "true")


def _fixed_texts(layout: Element) -> Iterator[str]:
    """Yield what a layout writes on its slides; what stands in placeholders, it only asks for."""
    for shape in layout.iter(f"{_P}sp"):
        if not any(True for _ in shape.iter(f"{_P}ph")):
            yield from map(paragraph_text, shape.iter(f"{_A}p"))
