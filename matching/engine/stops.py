"""Why a pair that is likely enough is not joined: in few words for counts, in more for who decides on it."""

from __future__ import annotations

from typing import Final

TWO_ROWS: Final = "two rows of one file"
TOO_MANY: Final = "too many rows"
CONTRADICTION: Final = "contradiction"
TWINS: Final = "probable twins"
APART: Final = "told apart in review"

_WORDS: Final = {
    TWO_ROWS: "joined, one person would have two rows of a file that holds one row a person",
    TOO_MANY: "joined, one person would have more rows than anybody has",
    CONTRADICTION: "different SSNs and different first names",
    TWINS: "probable twins, with one surname, one birth date and two first names",
    APART: "people told them apart before",
}
_DIRECT: Final = frozenset({TWO_ROWS, TOO_MANY})


def words(reason: str) -> str:
    """Return what a reason means; what a record was joined with before speaks for it, too."""
    said = _WORDS.get(reason, "")
    return said if not said or reason in _DIRECT else f"{said}: these two, or records joined with them before"
