"""What an Office file carries beside its text: each part is read, left to people's eyes, or a hurdle.

The list says what may be there. A part that nobody thought of is a hurdle, too.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

from disclosure.engine.documents import charts
from disclosure.engine.documents.content import Document
from disclosure.engine.documents.opening import Parts

_PLAIN = re.compile(  # layout alone: nothing that people write goes there
    r"\[Content_Types\]\.xml|(.*/)?_rels/[^/]*\.rels|docProps/thumbnail\.\w+|"
    r"(word|ppt)/(theme/[^/]+|fonts/[^/]+|styles\.xml|stylesWithEffects\.xml|fontTable\.xml|webSettings\.xml|"
    r"settings\.xml|people\.xml|presProps\.xml|viewProps\.xml|tableStyles\.xml|commentAuthors\.xml|"
    r"authors\.xml|printerSettings/[^/]+|revisionInfo\.xml|diagrams/(layout|quickStyle|colors)\d*\.xml|"
    r"charts/(style|colors)\d*\.xml)"
)
_SAID = re.compile(  # text somewhere in it, which no reader need see
    r"docProps/\w+\.xml|word/numbering\.xml|word/glossary/.+\.xml|(word|ppt)/diagrams/(data|drawing)\d*\.xml|"
    r"(word|ppt)/drawings/[^/]+\.xml|(word|ppt)/charts/drawing\d*\.xml|customXml/itemProps\d+\.xml|"
    r"ppt/(tags/[^/]+|changesInfos/[^/]+|slideMasters/[^/]+|slideLayouts/[^/]+|notesMasters/[^/]+|"
    r"handoutMasters/[^/]+)\.xml"
)
_CHART = re.compile(r"(word|ppt)/charts/chart\d*\.xml")
_EMBEDDED = re.compile(r"(word|ppt)/embeddings/[^/]+")
_PICTURE = re.compile(
    r"(word|ppt)/media/[^/]+\.(png|jpe?g|gif|bmp|tiff?|emf|wmf|svg|wdp|webp)", re.IGNORECASE
)
_COMMENTS = re.compile(r"(word|ppt)/(comments\w*\.xml|comments/.+|modernComments/.+|threadedComments/.+)")
_CUSTOM = re.compile(r"customXml/item\d+\.xml")
_KNOWN_CUSTOM = (  # what Office and its servers write there by themselves
    "{http://schemas.openxmlformats.org/officeDocument/2006/bibliography}",
    "{http://purl.oclc.org/ooxml/officeDocument/bibliography}",
    "{http://schemas.microsoft.com/office/2006/coverPageProps}",
    "{http://schemas.microsoft.com/office/2006/metadata/",
    "{http://schemas.microsoft.com/sharepoint/",
)
_HARMLESS_LINKS = frozenset({"hyperlink", "attachedTemplate"})
_TEXT = frozenset({"t", "delText"})
COMMENTS = "it has comments. Delete them all, then save it again."


def read_rest(parts: Parts, document: Document, *, own: Callable[[str], bool]) -> None:
    """Read or refuse every part that the document's own reader did not read.

    :raises NotReadable: if one of them is damaged
    """
    behind = _charts(parts, document)
    for name in parts.names:
        if own(name) or name in behind or _PLAIN.fullmatch(name) or _CHART.fullmatch(name):
            continue
        answer = next((answer for kind, answer in _ANSWERS if kind.fullmatch(name)), _refuse_unknown)
        answer(parts, name, document)
    _links(parts, document)


def _say(parts: Parts, name: str, document: Document) -> None:
    for text in texts_of(parts.xml(name)):
        document.say(called(name), text, shown=False)


def _show(parts: Parts, name: str, document: Document) -> None:
    document.show([f"picture {posixpath.basename(name)}"])


def _refuse_comments(parts: Parts, name: str, document: Document) -> None:
    if parts.xml(name)[:]:
        document.refuse(COMMENTS)


def _refuse_data(parts: Parts, name: str, document: Document) -> None:
    if not parts.xml(name).tag.startswith(_KNOWN_CUSTOM):
        document.refuse(f"it carries data of another program ({name}). Paste its text into a new one.")


def _refuse_embedded(parts: Parts, name: str, document: Document) -> None:
    own = posixpath.basename(name)
    document.refuse(f"another file is put into it ({own}). Delete it, or paste what it says as text.")


def _refuse_unknown(parts: Parts, name: str, document: Document) -> None:
    document.refuse(f"it carries {called(name)}, where numbers can hide. Save it without.")


_ANSWERS = (
    (_SAID, _say),
    (_PICTURE, _show),
    (_COMMENTS, _refuse_comments),
    (_CUSTOM, _refuse_data),
    (_EMBEDDED, _refuse_embedded),
)


def _charts(parts: Parts, document: Document) -> set[str]:
    """Read every chart; return the workbooks behind them that hold no more than the charts."""
    places = _places_of_charts(parts)
    behind: set[str] = set()
    for number, name in enumerate((n for n in parts.names if _CHART.fullmatch(n)), start=1):
        place = f"Chart {number}" + (f" on {places[name]}" if places.get(name) else "")
        chart = parts.xml(name)
        grids = charts.grids_of(chart, place, document)
        document.grids += grids
        for text in texts_of(chart):
            document.say(place, text)
        for relation in parts.relations(name):
            if relation.kind == "package" and relation.target in parts.names:
                behind.add(relation.target)
                charts.compare_workbook(parts.read(relation.target), grids, place, document)
    return behind


def _places_of_charts(parts: Parts) -> dict[str, str]:
    found = {}
    for name in parts.names:
        if slide := re.fullmatch(r"ppt/slides/slide(\d+)\.xml", name):
            for relation in parts.relations(name):
                if relation.kind == "chart":
                    found[relation.target] = f"slide {slide[1]}"
    return found


def _links(parts: Parts, document: Document) -> None:
    for name in parts.names:
        if not name.endswith(".rels"):
            continue
        folder, own = posixpath.split(name)
        source = posixpath.join(posixpath.dirname(folder), own.removesuffix(".rels"))
        for relation in parts.relations(source):
            if relation.external and relation.kind not in _HARMLESS_LINKS:
                document.refuse(
                    f"{called(source)} takes its content from another file ({relation.kind}). Break the link."
                )


def called(name: str) -> str:
    """Say in words what a part is."""
    if name.startswith("docProps/"):
        return "the document's properties"
    if slide := re.search(r"slides/slide(\d+)\.xml$", name):
        return f"slide {slide[1]}"
    if "diagrams/" in name:
        return "a diagram"
    return f"the part {name}"


def texts_of(root: Element) -> Iterator[str]:
    """Yield the text of a part, paragraph by paragraph, else element by element."""
    paragraphs = [e for e in root.iter() if _local(e) == "p"]
    for paragraph in paragraphs:
        yield "".join(part.text or "" for part in paragraph.iter() if _local(part) in _TEXT)
    inside = {id(e) for paragraph in paragraphs for e in paragraph.iter()}
    for element in root.iter():
        if id(element) not in inside and element.text and _local(element) not in ("f", "v", "pt"):
            yield element.text
        if _local(element) in ("tag", "lvlText", "property", "cNvPr"):
            said = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
            yield from (said[key] for key in ("val", "descr", "title") if key in said)


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
