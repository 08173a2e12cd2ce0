"""The acknowledgement in what was published, looked for in the file itself (O-83)."""

from typing import TYPE_CHECKING, Final

from disclosure.package import ACKNOWLEDGEMENT
from p20win.custody import public as custody
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from disclosure.engine.documents.acknowledgement import Answer

_LIMITS: Final = custody.Limits(memory=768 << 20, answer=16 << 20, cpu_seconds=20, seconds=25)
_MOST_NAMED: Final = 8


class NotAcknowledged(Blocked):
    """The sentence does not stand in the file word for word; `difference` says which words differ."""

    def __init__(self, reasons: list[str], difference: tuple[tuple[str, str], ...] = ()) -> None:
        """Keep the difference for the page."""
        super().__init__(reasons)
        self.difference = difference


def look_for(name: str, content: bytes) -> None:
    """Return if the acknowledgement stands in a document, word for word.

    :raises NotAcknowledged: if not, or if the document cannot be read, with what to do
    """
    from disclosure.engine.documents import acknowledgement, copies  # what reads PDF starts slowly

    try:
        told = custody.read_apart(copies.told_words, name, content, limits=_LIMITS)
    except custody.NotRead as failure:
        raise NotAcknowledged([f"The file cannot be read. {failure} Send it as PDF or DOCX."]) from None
    found = copies.answer_of(ACKNOWLEDGEMENT, told)
    if found.state != acknowledgement.EXACT and content.lstrip()[:5] == b"%PDF-":
        found = _by_columns(name, content) or found
    if found.state == acknowledgement.EXACT:
        return
    if found.state == acknowledgement.UNREADABLE:
        raise NotAcknowledged(
            [f"The acknowledgement was not found, and the file cannot be read whole: {found.why}"]
        )
    if found.state == acknowledgement.NEAR:
        raise NotAcknowledged(
            ["The acknowledgement stands in the file, but not word for word.", *_in_words(found.difference)],
            found.difference,
        )
    raise NotAcknowledged(["The acknowledgement does not stand in the file."], found.difference)


def _by_columns(name: str, content: bytes) -> "Answer | None":
    """Look again, column by column: the file's own order may not be the reader's."""
    from disclosure.engine.documents import acknowledgement, copies

    try:
        told = custody.read_apart(copies.told_columns, name, content, limits=_LIMITS)
    except custody.NotRead:
        return None
    found = copies.answer_of(ACKNOWLEDGEMENT, told)
    return found if found.state in (acknowledgement.EXACT, acknowledgement.NEAR) else None


def _in_words(difference: tuple[tuple[str, str], ...]) -> list[str]:
    said = []
    for at, (kind, words) in enumerate(difference):
        before = difference[at - 1] if at else ("same", "")
        after = difference[at + 1] if at + 1 < len(difference) else ("same", "")
        if kind == "missing" and after[0] == "extra":
            said.append(f"“{after[1]}” stands where “{words}” must stand.")
        elif kind == "missing":
            said.append(f"“{words}” is missing.")
        elif kind == "extra" and before[0] != "missing":
            said.append(f"“{words}” is too much.")
    return said[:_MOST_NAMED]
