"""What a supplier of a list affirms before it can send it (O-124). The words are our own, and versioned.

Who changes a word gives the text the next version. What each supplier affirmed is kept with its invitation.
"""

from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from p20win.custody.invitation_models import Invitation

VERSION: Final = "1"
_LINES: Final = (
    "{supplier} may share the lists named here with the data integration hub for request {number}."
    " The law and our own rules allow it.",
    "I may say so for {supplier}.",
    "Each list holds the people it is meant to hold: their identifier and the flag, and nothing else.",
    "I know what becomes of it. The hub alone compares the identifiers, with those that a participating"
    " agency sends. Whoever asked for the data receives no identifier.",
    "I know that the lists are destroyed with the other files of the match, and that I am told. They are kept"
    " longer only if every party of the agreement signs that, or while the law holds them.",
)


def lines(invitation: "Invitation") -> list[str]:
    """Return what is affirmed, point by point."""
    said = {"supplier": invitation.supplier.legal_name, "number": invitation.project.number}
    return [line.format(**said) for line in _LINES]


def text(invitation: "Invitation") -> str:
    """Return what is affirmed, as it is kept: the lists by their titles, and every point."""
    titles = invitation.slots.order_by("title").values_list("title", flat=True)
    named = "\n".join(f"- {title}" for title in titles)
    points = "\n".join(f"{number}. {line}" for number, line in enumerate(lines(invitation), start=1))
    return f"Lists\n{named}\n\nI affirm\n{points}\n"


def digest(said: str) -> str:
    """Return the hash of a text, as the ledger names it."""
    return sha256(said.encode()).hexdigest()
