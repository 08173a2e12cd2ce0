"""Opening an Office file: a ZIP of XML parts, of sane size, without what XML can do to its reader."""

import io
import posixpath
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from disclosure.engine.documents.content import NotReadable

MOST_PARTS = 2000
MOST_UNPACKED = 100 << 20
MOST_RATIO = 100
LARGEST_PART = 30 << 20  # of XML: a part becomes some ten times its size when read
MOST_ELEMENTS = 1_000_000
_SMALL = 1 << 20  # what unpacks to less need not be told from a bomb
_LOCAL_HEADER = 30  # bytes, without the name
_OLE = b"\xd0\xcf\x11\xe0"  # what a password makes of an Office file; and the formats of before 2007
_EXTERNAL = "External"
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"


@dataclass(frozen=True)
class Relation:
    """A link from one part to another, or out of the file."""

    id: str
    kind: str  # the last word of its type
    target: str  # the part's name; of an external one, nothing
    external: bool


class Parts:
    """The parts of an Office file, read one by one."""

    def __init__(self, content: bytes) -> None:
        """Look through the list of parts.

        :raises NotReadable: if it is no ZIP, locked by a password, or unpacks to more than it should
        """
        if content.startswith(_OLE):
            raise NotReadable(
                "it is locked by a password or of a format before 2007. Save it again without a password, "
                "as DOCX, PPTX or XLSX."
            )
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError):
            raise NotReadable("it is damaged or no Office file. Save it again.") from None
        _refuse_bombs(self._archive.infolist())
        self.names = tuple(sorted(e.filename for e in self._archive.infolist() if not e.is_dir()))

    def read(self, name: str, *, largest: int = MOST_UNPACKED) -> bytes:
        """Unpack one part.

        :raises NotReadable: if it is missing, damaged or too large
        """
        try:
            entry = self._archive.getinfo(name)
            if entry.file_size > largest:
                raise NotReadable(f"its part {name} is too large. Publish less at once.")
            return self._archive.read(entry)
        except (
            KeyError,
            RuntimeError,
            NotImplementedError,
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
        ):
            raise NotReadable(f"its part {name} is missing or damaged. Save it again.") from None

    def xml(self, name: str) -> Element:
        """Read one part as XML.

        :raises NotReadable: if it is none, declares entities or refers outside, or is too large
        """
        content = self.read(name, largest=LARGEST_PART)
        if content.count(b"<") > 2 * MOST_ELEMENTS:
            raise NotReadable(f"its part {name} is too large. Publish less at once.")
        try:
            return fromstring(content, forbid_dtd=True)
        except (DefusedXmlException, ParseError, LookupError, ValueError, RecursionError):
            raise NotReadable(f"its part {name} holds forbidden or broken markup. Save it again.") from None

    def relations(self, name: str) -> Iterator[Relation]:
        """Yield what a part links to."""
        folder, own = posixpath.split(name)
        listed = posixpath.join(folder, "_rels", f"{own}.rels")
        if listed not in self.names:
            return
        for row in self.xml(listed).iter(_RELATION):
            target, external = row.get("Target", ""), row.get("TargetMode") == _EXTERNAL
            if not external:
                target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            kind = row.get("Type", "").rpartition("/")[2]
            yield Relation(row.get("Id", ""), kind, "" if external else target, external)


def _refuse_bombs(entries: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries) or 1
    names = [entry.filename for entry in entries]
    if len(entries) > MOST_PARTS or unpacked > MOST_UNPACKED:
        raise NotReadable("it unpacks to far more than its size. Save it again, without large pictures.")
    if any(e.file_size > max(_SMALL, MOST_RATIO * e.compress_size) for e in entries) or (
        unpacked > max(_SMALL, packed * MOST_RATIO)
    ):
        raise NotReadable("it unpacks to far more than its size. Save it again.")
    if len(set(names)) != len(names) or any(n.startswith("/") or ".." in n.split("/") for n in names):
        raise NotReadable("its parts have unsafe names. Save it again.")
    if any(stat.S_ISLNK(entry.external_attr >> 16) for entry in entries):
        raise NotReadable("it holds a link to a file. Save it again.")
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    ends = (entry.header_offset + _LOCAL_HEADER + entry.compress_size for entry in ordered)
    if any(end > after.header_offset for end, after in zip(ends, ordered[1:], strict=False)):
        raise NotReadable("its parts lie over each other. Save it again.")
