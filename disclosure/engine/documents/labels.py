"""Tell a label that counts people, such as “3 students transferred”, from a category, such as “2 children”.

A label is short, so that a number in it mostly is the category's own. It counts where something happens to
those counted, where it says so in a form of its own (“n = 3”, “4 of 17”), or where a number of people stands
alone: unless another label beside it says the same of another number, as the sizes of families do.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from disclosure.engine.documents.lexicon import (
    ANY_NUMBER,
    LABEL,
    NUMBER,
    PERSON,
    VALUES,
    WENT_ON,
    counts_people,
)

_HAPPENS: Final = re.compile(
    rf"(?:{ANY_NUMBER}|\bno|\bnone\b.*)(?:\s+.*?{PERSON})?{WENT_ON.pattern}", re.IGNORECASE
)
_FORMS: Final = re.compile(
    rf"\bn\s*(?:[=:]|of)\s*{ANY_NUMBER}|\b(?:only|just|merely|exactly|all|total\s+of)\s+{ANY_NUMBER}|\bnone\s+of\b|"
    rf"(?<![\w.,]){ANY_NUMBER}\s+(?:out\s+)?of\s+(?:the\s+)?{ANY_NUMBER}|\d\s?/\s?\d+\s*\(",
    re.IGNORECASE,
)
_TOLD: Final = re.compile(rf"{PERSON}\s*[:=]\s*{ANY_NUMBER}\s*$", re.IGNORECASE)
_NUMBER: Final = re.compile(NUMBER, re.IGNORECASE)
# Before a number, or after it: then it tells how large something is, or how old.
_SIZED: Final = re.compile(
    r"\b(?:with|of|has|have|having|per|to|and|or|under|over|below|above|than|least|most|between|aged?|served|every)"
    r"\s*$|\d\s?[-–]\s?$|[<>≤≥~]\s*$",
    re.IGNORECASE,
)
_RANGED: Final = re.compile(r"\s*(?:[-–+]|to\b|or\b|and\b|plus\b)", re.IGNORECASE)
_WORD: Final = re.compile(r"[a-z]+", re.IGNORECASE)
_SIZES: Final = frozenset(VALUES) | frozenset(
    "no none single sole only a an or more fewer less than at least most up to over under above below plus "
    "between and both couple pair several".split()
)
_ONE_OF: Final = {"children": "child", "people": "person", "persons": "person", "families": "family"}


def counting(labels: Iterable[str]) -> Iterator[str]:
    """Yield of a table's labels those that may count people, each once."""
    labels = [label for label in dict.fromkeys(labels) if any(map(str.isalpha, label))]
    sized = sorted((_rest(label), label) for label in labels if _names_a_size(label))
    series = {rest for rest, alike in groupby(sized, key=lambda each: each[0]) if len(list(alike)) > 1}
    for label in labels:
        is_alone = _rest(label) not in series and (_counts(label) or _TOLD.search(label))
        if is_alone or _HAPPENS.search(label) or _FORMS.search(label):
            yield label


def _counts(label: str) -> bool:
    """Say whether a number of people stands in a label, which is no size and no range."""
    return any(
        counts_people(label[found.end() :])
        and not LABEL.search(label[: found.start()])
        and not _SIZED.search(label[: found.start()])
        and not _RANGED.match(label[found.end() :])
        for found in _NUMBER.finditer(label)
    )


def _names_a_size(label: str) -> bool:
    words = label.casefold().split()
    return _NUMBER.search(label) is not None or bool({"no", "single", "none", "both", "only"} & set(words))


def _rest(label: str) -> tuple[str, ...]:
    """Return the words of a label without its numbers and what bounds them, each for one."""
    words = (word.casefold() for word in _WORD.findall(label))
    return tuple(_ONE_OF.get(word, word.removesuffix("s")) for word in words if word not in _SIZES)
