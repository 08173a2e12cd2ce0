"""Documents at this desk: read apart from everything else, and told in a sentence."""

from typing import TYPE_CHECKING, Final

from disclosure.engine.errors import BadTable
from p20win.custody import public as custody

if TYPE_CHECKING:
    from disclosure.engine.documents.content import Document

# A page of a PDF takes some megabytes and a tenth of a second to read; one page after the other.
_READING: Final = custody.Limits(memory=1 << 30, answer=64 << 20, cpu_seconds=120, seconds=150)
NOT_RELEASED: Final = (
    "The portal releases the tables in this document, as CSV. The document itself is not released: "
    "publish in it only what stands in those tables."
)
IN_TEXT: Final = (
    "The text says numbers of people that are too small, or percentages of too few. Take them out of the "
    "sentences, or say them as ranges such as “fewer than 6”, and send a corrected file."
)


def note_on(file: "custody.SealedFile | None") -> str:
    """Say of a document what becomes of it; nothing of a plain table."""
    return NOT_RELEASED if file is not None and file.name.endswith((".docx", ".pptx", ".pdf")) else ""


def read_document_apart(name: str, content: bytes) -> "Document":
    """Read a document in the sandbox.

    :raises BadTable: if it cannot be read: naming file and remedy
    """
    from disclosure.engine.documents.apart import document_told, told_document  # loads what reads PDF

    try:
        return document_told(custody.read_apart(told_document, name, content, limits=_READING))
    except custody.NotRead as failure:
        raise BadTable(f"{name}: {failure} Send it in parts, or its tables as CSV UTF-8.") from None
