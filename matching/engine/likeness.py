"""Records beside each other: what is the same in each field and which characters differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Final

from matching.engine import defaults

SAME: Final = "the same"
DIFFERS: Final = "differs"
ONE_LACKS: Final = "only in one"
BOTH_LACK: Final = "in neither"
SOME_LACK: Final = "not in all"
ALL_LACK: Final = "in none"
_DOT: Final = "•"


def beside(
    left: Mapping[str, str | None], right: Mapping[str, str | None], *, masked: bool
) -> list[dict[str, Any]]:
    """Return for each field how the two compare, and each value in parts that are the same or differ.

    Masked, every letter and digit is a dot: length, gaps and the places that differ stay to be seen.
    """
    fields = [field for field in defaults.WORDS if field in left or field in right]
    return [_field(field, left.get(field), right.get(field), masked=masked) for field in fields]


def side_by_side(records: Sequence[Mapping[str, str | None]], *, masked: bool) -> list[dict[str, Any]]:
    """Return for each field how several records compare, and each value in parts.

    What differs is told against the first record that holds the field.
    """
    fields = [field for field in defaults.WORDS if any(field in record for record in records)]
    return [_of_all(field, [record.get(field) for record in records], masked=masked) for field in fields]


def _of_all(field: str, values: Sequence[str | None], *, masked: bool) -> dict[str, Any]:
    first = next((value for value in values if value), None)
    held = [value for value in values if value]
    parts = [
        _parts(first, value)[1] if first and value and value.casefold() != first.casefold() else _whole(value)
        for value in values
    ]
    if masked:
        parts = [[[_hidden(text), differs] for text, differs in each] for each in parts]
    if not held:
        word = ALL_LACK
    elif len({value.casefold() for value in held}) > 1:
        word = DIFFERS
    else:
        word = SAME if len(held) == len(values) else SOME_LACK
    return {"field": field, "word": word, "values": parts}


def _field(field: str, one: str | None, other: str | None, *, masked: bool) -> dict[str, Any]:
    word = _word(one, other)
    parts = _parts(one or "", other or "") if word == DIFFERS else [_whole(one), _whole(other)]
    if masked:
        parts = [[[_hidden(text), differs] for text, differs in side] for side in parts]
    return {"field": field, "word": word, "left": parts[0], "right": parts[1]}


def _word(one: str | None, other: str | None) -> str:
    if not one and not other:
        return BOTH_LACK
    if not one or not other:
        return ONE_LACKS
    return SAME if one.casefold() == other.casefold() else DIFFERS


def _whole(value: str | None) -> list[list[Any]]:
    return [[value, False]] if value else []


def _parts(one: str, other: str) -> list[list[list[Any]]]:
    left: list[list[Any]] = []
    right: list[list[Any]] = []
    blocks = SequenceMatcher(None, one.casefold(), other.casefold(), autojunk=False).get_opcodes()
    if len(one.casefold()) != len(one) or len(other.casefold()) != len(other):
        return [[[one, True]], [[other, True]]]  # places would not fit
    for kind, start, stop, other_start, other_stop in blocks:
        differs = kind != "equal"
        if stop > start:
            left.append([one[start:stop], differs])
        if other_stop > other_start:
            right.append([other[other_start:other_stop], differs])
    return [left, right]


def _hidden(text: str) -> str:
    return "".join(_DOT if letter.isalnum() else letter for letter in text)
