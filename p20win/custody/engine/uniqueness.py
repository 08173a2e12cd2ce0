"""Which rows repeat an earlier one, for any number of rows, in memory that does not grow."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from p20win.custody.engine.report import Report
from p20win.custody.engine.spill import IN_MEMORY, Digester, Spill, slices_for

Key = Callable[[list[str]], str]
"""What makes of a row's cells the text that may occur once; an empty text is not compared."""

TWICE: Final = (
    "Rows share one number. If they are one person, make them one row; if not, leave the number empty where"
    " it is not known whose it is."
)
_FILLED: Final = 2  # of a person's cells, so that two rows can be compared at all
_SSN: Final = 9
_FILLERS: Final = frozenset({"123456789", "987654321", "078051120", "219099999", "012345678"})
_MARKS: Final = re.compile(r"[\W_]+")


def row_key(cells: list[str]) -> str:
    """This will give what a row is known by; nothing if a cell of it is blank."""
    return "\x1f".join(cell.casefold() for cell in cells) if all(cells) else ""


def person_key(cells: list[str]) -> str:
    """This will give what a person is known by, blanks included; nothing if hardly a cell is filled."""
    plain = [cell.strip().casefold() for cell in cells]
    return "\x1f".join(plain) if sum(map(bool, plain)) >= _FILLED else ""


def number_key(form: str) -> Key:
    """This will give what makes a person of a number alone: none is made of a blank or a filler.

    The linkage knows the same fillers; a test compares the two.
    """
    if form in ("token", "bloom"):
        return lambda cells: cells[0]
    return _ssn if form == "ssn" else _number


def _ssn(cells: list[str]) -> str:
    digits = _MARKS.sub("", cells[0])
    if len(digits) != _SSN or len(set(digits)) == 1 or digits in _FILLERS:
        return ""
    zeros = digits[:3] == "000" or digits[3:5] == "00" or digits[5:] == "0000"
    return "" if zeros else digits


def _number(cells: list[str]) -> str:
    plain = _MARKS.sub("", cells[0]).casefold().lstrip("0")
    return "" if len(plain) > 3 and len(set(plain)) == 1 else plain


class Unique:
    """A set of columns of which something may occur only once."""

    def __init__(
        self,
        rule: str,
        names: tuple[str, ...],
        places: list[int],
        folder: Path | None = None,
        *,
        key: Key = row_key,
        hint: str = "",
        in_memory: int = IN_MEMORY,
    ) -> None:
        self._rule, self._names, self._places, self._in_memory = rule, names, places, in_memory
        self._key, self._hint = key, hint
        self._digester, self._seen = Digester(), Spill(folder, in_memory=in_memory)

    def look(self, row: int, cells: list[str]) -> None:
        """This will remember one row, as a number that tells nothing."""
        if key := self._key([cells[place] for place in self._places]):
            self._seen.add(self._digester.number(key), row)

    def finish(self, report: Report) -> None:
        """This will name the first rows that repeat an earlier one, and count the rest."""
        total, first = 0, np.empty(0, np.uint64)
        for digests, rows in self._seen.slices(slices_for(self._seen, in_memory=self._in_memory)):
            repeats = rows[1:][digests[1:] == digests[:-1]]
            total += len(repeats)
            first = np.sort(np.concatenate([first, repeats]))[: report.limit_per_place]
        column = " + ".join(self._names)
        for row in first.tolist():
            report.add(self._rule, column=column, row=row, hint=self._hint)
        if total:
            report.counts[self._rule, column] = total
        self._seen.close()
