"""Read a web page or a plain text: for the words that stand in it, not for tables."""

import re
from html.parser import HTMLParser

from disclosure.engine.documents.content import Document, NotReadable

_UNSEEN = frozenset({"script", "style", "template", "noscript", "head", "title"})
_EMPTY = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_INLINE = frozenset(
    {
        "a",
        "abbr",
        "b",
        "cite",
        "code",
        "em",
        "i",
        "mark",
        "q",
        "s",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "u",
    }
    | {"wbr", "font", "ins", "time", "var", "bdi", "bdo", "dfn", "kbd", "samp"}
)
_NOT_SHOWN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_MOST_DEEP = 500
HTML, TEXT = "html", "text"


def read_plain(name: str, content: bytes) -> Document:
    """Read the text of a web page, or of a text file.

    :raises NotReadable: if it is not text
    """
    text = _decoded(content)
    if name.casefold().endswith((".html", ".htm", ".xhtml")) or re.match(r"\s*<(!doctype|html)", text, re.I):
        page = _Page()
        page.feed(text)
        page.close()
        document = Document(HTML)
        document.say("the page", "".join(page.written))
        return document
    document = Document(TEXT)
    document.say("the text", text)
    return document


def _decoded(content: bytes) -> str:
    for encoding in ("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not re.search(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text):
            return text
    raise NotReadable("it is neither text nor DOCX, PPTX, XLSX or PDF. Send it as PDF.")


class _Page(HTMLParser):
    """Collects what a browser shows."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.written: list[str] = []
        self._open: list[tuple[str, bool]] = []  # tags, and whether each hides what is in it

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        if tag not in _INLINE or tag == "wbr":
            self.written.append("" if tag == "wbr" else "\n")
        if tag in _EMPTY:
            return
        said = dict(attrs)
        unseen = tag in _UNSEEN or "hidden" in said or bool(_NOT_SHOWN.search(said.get("style") or ""))
        if len(self._open) < _MOST_DEEP:
            self._open.append((tag, unseen))

    def handle_endtag(self, tag: str) -> None:
        """End an element, and those that were left open inside it."""
        if tag not in _INLINE:
            self.written.append("\n")
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at][0] == tag:
                del self._open[at:]
                return

    def handle_data(self, data: str) -> None:
        """Take text, unless something hides it."""
        if not any(unseen for _, unseen in self._open):
            self.written.append(data)
