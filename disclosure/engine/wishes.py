"""Cells that an author wishes to be shown: others are withheld in their place, where that keeps all safe."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from disclosure.engine.codes import TOTAL
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import write
from disclosure.engine.protect import Protection

HEADER: Final = ("wish", "dimension", "code")
MOST: Final = 20


def read_wishes(text: str) -> list[dict[str, str]]:
    """Read which cells are wished for.

    :raises BadTable: if a line is none
    """
    lines = [line for line in csv.reader(io.StringIO(text.lstrip("\ufeff"), newline="")) if any(line)]
    if not lines or tuple(lines[0]) != HEADER or any(len(line) != len(HEADER) for line in lines):
        raise BadTable(f"The columns are {', '.join(HEADER)}.")
    wishes: dict[int, dict[str, str]] = {}
    for number, dim, code in lines[1:]:
        if not number.isdecimal() or not 1 <= int(number) <= MOST or not dim or not code:
            raise BadTable(f"A wish names its dimensions and codes; there are at most {MOST}.")
        wishes.setdefault(int(number), {})[dim] = code
    return [wishes[number] for number in sorted(wishes)]


def written(wishes: Iterable[Mapping[str, str]]) -> bytes:
    """Write which cells are wished for."""
    lines = [
        [str(number), dim, code]
        for number, codes in enumerate(wishes, start=1)
        for dim, code in sorted(codes.items())
    ]
    return write(HEADER, lines)


def as_json(wishes: Sequence[Mapping[str, str]], result: Protection | None) -> list[dict[str, Any]]:
    """Tell of each wish whether it was granted: no where the cell is withheld, or in no table."""
    told = {
        frozenset((dim, code) for dim, code in row.codes.items() if code != TOTAL): shown
        for table in (result.tables if result else ())
        for row, shown in zip(table.table.rows, table.shown, strict=True)
    }
    return [
        {
            "codes": dict(codes),
            "shown": told.get(frozenset((dim, code) for dim, code in codes.items() if code != TOTAL), False),
        }
        for codes in wishes
    ]
