"""Whether the quotes of a text open and close as RFC 4180 has it; one left open swallows all that follows."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from matching.engine.errors import BadInput

_QUOTE: Final = 0x22
_CHUNK: Final = 8 * 2**20
_QUOTED: Final = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"')


def check(view: memoryview, start: int, mark: bytes, where: str) -> None:
    """Pass if every field that opens with a quote is closed where it ends.

    :raises BadInput: naming the line where the field opens
    """
    if not _all_in_place(np.frombuffer(view, np.uint8), start, mark):
        _walk(view, start, mark, where)


def find(view: memoryview, wanted: bytes, start: int) -> int:
    """Return where a byte next stands, or the end."""
    found = re.compile(re.escape(wanted)).search(view, start)
    return found.start() if found else len(view)


def _all_in_place(content: np.ndarray, start: int, mark: bytes) -> bool:
    """Tell at a glance: quotes open after a delimiter, close before one, and are doubled in between."""
    beside = np.zeros(256, dtype=bool)
    beside[[mark[0], 0x0A, 0x0D, _QUOTE]] = True
    seen = 0
    for at in range(start, len(content), _CHUNK):
        places = np.flatnonzero(content[at : at + _CHUNK] == _QUOTE) + at
        opens, closes = places[seen % 2 :: 2], places[1 - seen % 2 :: 2]
        seen += len(places)
        before = content[opens[opens > start] - 1]
        after = content[closes[closes < len(content) - 1] + 1]
        if not (beside[before].all() and beside[after].all()):
            return False
    return seen % 2 == 0


def _walk(view: memoryview, start: int, mark: bytes, where: str) -> None:
    """Go from one quoted field to the next; elsewhere a quote is just a letter."""
    opener = re.compile(rb"[" + re.escape(mark) + rb'\r\n]"')
    ends = mark + b"\r\n"
    at = start if bytes(view[start : start + 1]) == b'"' else _next(opener, view, start)
    while at < len(view):
        field = _QUOTED.match(view, at)
        if field is None:
            raise BadInput(
                f"{where}: the quote opened in line {_line(view, at)} is never closed;"
                " close it, or write the field without quotes."
            )
        if field.end() < len(view) and bytes(view[field.end() : field.end() + 1]) not in ends:
            raise BadInput(
                f"{where}: in line {_line(view, at)} text follows a closing quote;"
                " a quote within quotes is written twice."
            )
        at = _next(opener, view, field.end())


def _next(opener: re.Pattern[bytes], view: memoryview, start: int) -> int:
    found = opener.search(view, start)
    return found.end() - 1 if found else len(view)


def _line(view: memoryview, at: int) -> int:
    before = bytes(view[:at])
    return 1 + (before.count(b"\n") or before.count(b"\r"))
