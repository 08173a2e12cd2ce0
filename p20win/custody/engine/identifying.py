"""Identifiers where none may be: in the cells of an analytical file (O-103)."""

import re
from typing import Final

from p20win.custody.engine.cells import is_issued_ssn
from p20win.custody.engine.report import Report

_INSIDE: Final = re.compile(
    r"(?<![0-9])[0-9]{3}[- .][0-9]{2}[- .][0-9]{4}(?![0-9])"  # a social security number as people write it
    r"|(?<![A-Za-z0-9])[0-9]{9}(?![A-Za-z0-9])"  # and bare
    r"|(?<![0-9])\(?[0-9]{3}\)?[- .]{1,2}[0-9]{3}[- .][0-9]{4}(?![0-9])"  # a telephone number
    r"|[^\s@]@[A-Za-z0-9-]+\.[A-Za-z]"  # an address for mail
)
_STUDENT: Final = re.compile(r"[1-9][0-9]{9}")
_FEW: Final = 20
_ALIKE: Final = 0.9


def holds_identifier(value: str) -> bool:
    """This will say whether a text holds what looks like an identifier of somebody."""
    return _INSIDE.search(value) is not None or _STUDENT.fullmatch(value) is not None


class NumbersInside:
    """A column of numbers, nearly all of which could be social security numbers."""

    def __init__(self, name: str, place: int) -> None:
        self._name, self._place = name, place
        self._filled = self._alike = 0

    def look(self, cells: list[str]) -> None:
        """This will count one row."""
        if value := cells[self._place]:
            self._filled += 1
            self._alike += len(value) == 9 and is_issued_ssn(value)

    def finish(self, report: Report) -> None:
        """This will judge the whole column."""
        if self._alike >= max(_FEW, self._filled * _ALIKE):
            hint = f"{self._alike} numbers look like social security numbers."
            report.add("identifier_inside", column=self._name, hint=hint)
