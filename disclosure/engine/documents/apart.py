"""Read a document in a process that does nothing else, and take its answer as distrustfully as the file.

Imports all that reads documents: a sandbox opens no file later. Who only asks imports this late.
"""

from collections.abc import Callable
from typing import Any

from disclosure.engine.documents import printed, slides, words, workbooks
from disclosure.engine.documents.content import (
    DOCX,
    PDF,
    PPTX,
    XLSX,
    Document,
    NotReadable,
    Passage,
    is_workbook,
    kind_of,
)
from disclosure.engine.documents.opening import Parts
from disclosure.engine.errors import BadTable
from disclosure.engine.reading import LARGEST_FILE, grids_told

_READERS: dict[str, Callable[[bytes], Document]] = {
    DOCX: lambda content: words.read_words(Parts(content)),
    PPTX: lambda content: slides.read_slides(Parts(content)),
    PDF: printed.read_printed,
    XLSX: workbooks.read_beside_tables,  # its tables are read by `disclosure.engine.reading`
}
DocumentReader = Callable[[str, bytes], Document]


def read_document(name: str, content: bytes) -> Document:
    """Read a document whole, as far as it can be read.

    :raises BadTable: if nothing of it can be: naming file and remedy
    """
    if len(content) > LARGEST_FILE:
        raise BadTable(f"{name}: larger than {LARGEST_FILE // 1_000_000} MB. Publish less at once.")
    try:
        return _READERS[XLSX if is_workbook(content) else kind_of(content)](bytes(content))
    except NotReadable as problem:
        raise BadTable(f"{name}: {problem}") from None
    except RecursionError:
        raise BadTable(f"{name}: it is damaged. Save it again.") from None


def told_document(name: str, content: bytes) -> dict[str, Any]:
    """Read a document and answer in JSON's own types, for a process that does nothing else."""
    try:
        found = read_document(name, content)
    except BadTable as problem:
        return {"refused": str(problem)}
    return {
        "kind": found.kind,
        "passages": [[p.place, p.text, p.shown, p.again] for p in found.passages],
        "grids": [[place, grid] for place, grid in found.grids],
        "hurdles": found.hurdles,
        "unreadable": found.unreadable,
        "for_eyes": found.for_eyes,
    }


def document_told(answer: Any) -> Document:
    """Take the answer of `told_document`, which may have been made by whoever wrote the file.

    :raises BadTable: if it refuses the file, or is no such answer
    """
    grids = grids_told(answer)
    passages = answer.get("passages")
    lists = [answer.get(name) for name in ("hurdles", "unreadable", "for_eyes")]
    if (
        answer.get("kind") not in _READERS
        or not isinstance(passages, list)
        or not all(map(_is_passage, passages))
    ):
        raise BadTable("The file breaks the program that reads it. Save it again.")
    if not all(isinstance(each, list) and all(isinstance(text, str) for text in each) for each in lists):
        raise BadTable("The file breaks the program that reads it. Save it again.")
    hurdles, unreadable, for_eyes = lists
    return Document(answer["kind"], [Passage(*p) for p in passages], grids, hurdles, unreadable, for_eyes)


def _is_passage(entry: Any) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) == 4
        and isinstance(entry[0], str)
        and isinstance(entry[1], str)
        and isinstance(entry[2], bool)
        and isinstance(entry[3], bool)
    )
