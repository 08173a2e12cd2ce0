"""What was read in a document: text and tables with their places, and what keeps us from trusting it."""

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field

from disclosure.engine.reading import Grid

DOCX, PPTX, PDF, XLSX, CSV = "docx", "pptx", "pdf", "xlsx", "csv"


class NotReadable(ValueError):
    """A document that cannot be read whole: the message names the place and the remedy, never a value."""


@dataclass(frozen=True)
class Passage:
    """Some text that is read at once: a paragraph, a cell, a page."""

    place: str
    text: str
    shown: bool = True  # False: in the file, but no reader of the document sees it, as its properties
    again: bool = False  # read a second time, in another order


@dataclass
class Document:
    """A document as it was read. Only one without hurdles was read whole."""

    kind: str
    passages: list[Passage] = field(default_factory=list)
    grids: list[tuple[str, Grid]] = field(default_factory=list)
    hurdles: list[str] = field(default_factory=list)  # where numbers hide, or cannot be read: with the remedy
    unreadable: list[str] = field(default_factory=list)  # of these, what nobody but a person can read
    for_eyes: list[str] = field(default_factory=list)  # pictures and drawings: a person looks at them

    def say(self, place: str, text: str, *, shown: bool = True, again: bool = False) -> None:
        """Add a passage, unless it is empty."""
        if text.strip():
            self.passages.append(Passage(place, text.strip(), shown, again))

    def refuse(self, hurdle: str) -> None:
        """Add a hurdle, once."""
        if hurdle not in self.hurdles:
            self.hurdles.append(hurdle)

    def refuse_unreadable(self, hurdle: str) -> None:
        """Add a hurdle that hides the text of a page."""
        self.refuse(hurdle)
        if hurdle not in self.unreadable:
            self.unreadable.append(hurdle)

    def show(self, places: Iterable[str]) -> None:
        """Add what a person must look at, once."""
        self.for_eyes += [place for place in dict.fromkeys(places) if place not in self.for_eyes]


def kind_of(content: bytes) -> str:
    """Say what a file is by its first bytes and parts; empty if it is no document."""
    if content.lstrip(b"\xef\xbb\xbf\r\n\t ")[:5] == b"%PDF-":
        return PDF
    names = _parts(content) if content.startswith(b"PK") else ()
    if "word/document.xml" in names:
        return DOCX
    return PPTX if "ppt/presentation.xml" in names else ""


def is_workbook(content: bytes) -> bool:
    """Say whether a file of tables is a workbook."""
    return content.startswith(b"PK") and not kind_of(content)


def _parts(content: bytes) -> tuple[str, ...]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return tuple(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError):
        return ()
