"""Read what was published, for the sentence that must stand in it.

Imports all that reads documents: a sandbox opens no file later. Who only asks imports this late.
"""

from typing import Any

from disclosure.engine.documents import acknowledgement, pages, plain, slides, words, workbooks
from disclosure.engine.documents.acknowledgement import Answer
from disclosure.engine.documents.content import DOCX, PDF, PPTX, Document, NotReadable, kind_of
from disclosure.engine.documents.opening import Parts

LARGEST = 20 << 20


def told_words(name: str, content: bytes) -> dict[str, Any]:
    """Read a copy and answer in JSON's own types, for a process that does nothing else."""
    try:
        document = read_copy(name, bytes(content))
    except (NotReadable, RecursionError) as problem:
        why = str(problem) if isinstance(problem, NotReadable) else "it is damaged. Save it again."
        return {"texts": [], "unreadable": [why]}
    return {"texts": readings(document), "unreadable": document.unreadable}


def told_columns(name: str, content: bytes) -> dict[str, Any]:
    """Read a PDF column by column, for a process that does nothing else."""
    try:
        read = pages.read_columns(bytes(content)) if kind_of(content) == PDF else []
    except (NotReadable, RecursionError):
        read = []
    return {"texts": ["\n".join(read), pages.without_running_lines(read)], "unreadable": []}


def read_copy(name: str, content: bytes) -> Document:
    """Read the words of a document.

    :raises NotReadable: saying why, and what to do
    """
    if not content or len(content) > LARGEST:
        raise NotReadable(f"it is empty, or larger than {LARGEST >> 20} MB.")
    kind = kind_of(content)
    if kind == DOCX:
        return words.read_words(Parts(content))
    if kind == PPTX:
        return slides.read_slides(Parts(content))
    if kind == PDF:
        return pages.read_words(content)
    if content.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        return workbooks.read_workbook(content)
    return plain.read_plain(name, content)


def readings(document: Document) -> list[str]:
    """Return a document's words in the orders in which one may read them; what nobody sees is left out."""
    said = [passage.text for passage in document.passages if passage.shown]
    cells = [cell for _, grid in document.grids for row in grid for cell in row]
    texts = ["\n".join(said), "\n".join(cells)]
    return [*texts, pages.without_running_lines(said)] if document.kind == PDF else texts


def answer_of(sentence: str, told: Any) -> Answer:
    """Say whether a sentence stands in what was told of a document, which its writer may have forged."""
    texts = told.get("texts") if isinstance(told, dict) else None
    unreadable = told.get("unreadable") if isinstance(told, dict) else None
    if texts is None or unreadable is None or not (_are_texts(texts) and _are_texts(unreadable)):
        return Answer(acknowledgement.UNREADABLE, why="it breaks the program that reads it.")
    found = acknowledgement.find(sentence, texts)
    if found.state == acknowledgement.ABSENT and (unreadable or not any(map(str.strip, texts))):
        why = unreadable[0] if unreadable else "it has no text."
        return Answer(acknowledgement.UNREADABLE, why=why)
    return found


def _are_texts(said: Any) -> bool:
    return isinstance(said, list) and all(isinstance(text, str) for text in said)
