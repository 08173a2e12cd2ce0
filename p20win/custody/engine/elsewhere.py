"""Does an id hold an identifier of another row? Found for any number of rows, in memory that does not grow.

From each id come the pieces that could be an identifier (runs of digits as long as one, runs of letters),
from each row the identifiers, forwards and backwards. Both are kept as keyed digests (engine.spill) and
compared when the file has ended. Short identifiers turn up in random ids by chance: how often is known, and
only what is far more often is reported.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from p20win.custody.engine.cells import is_date
from p20win.custody.engine.report import Report
from p20win.custody.engine.spill import IN_MEMORY, Digester, Spill, slices_for

_DIGITS: Final = re.compile(r"[0-9]{8,}")
_LETTERS: Final = re.compile(r"[a-z]{5,}")
_LENGTHS: Final = (9, 10)  # of the numbers that identify: social security, student
_SHORTEST_NAME, _LONGEST_NAME = 5, 20
_MOST_PIECES: Final = 24
_LETTERS_FROM: Final = 100
_MANY: Final = 3
_TIMES_CHANCE: Final = 10
_COLUMN_BITS: Final = 8
_KIND_BITS: Final = 8


class Elsewhere:
    """Compares every id with every row's identifiers."""

    def __init__(self, columns: Sequence[str], folder: Path | None, *, in_memory: int = IN_MEMORY) -> None:
        self._columns, self._in_memory = columns, in_memory
        self._digester = Digester()
        self._ids, self._identifiers = Spill(folder, in_memory=in_memory), Spill(folder, in_memory=in_memory)
        self._pieces: Counter[int] = Counter()

    def look(self, row: int, bare: str, reduced: Sequence[str]) -> None:
        """This will remember what one row's id could hold, and its identifiers."""
        for kind, piece in _pieces(bare):
            self._pieces[kind] += 1
            self._ids.add(self._digester.number(piece), row)
        for column, value in enumerate(reduced[: 1 << _COLUMN_BITS]):
            kind = _kind(value)
            if kind and not is_date(value):
                mark = (row << _KIND_BITS | kind) << _COLUMN_BITS | column
                for text in {value, value[::-1]}:
                    self._identifiers.add(self._digester.number(text), mark)

    def finish(self, report: Report) -> None:
        """This will report the columns whose values stand in ids of other rows."""
        hits: Counter[tuple[int, int]] = Counter()
        first: dict[tuple[int, int], int] = {}
        distinct: Counter[int] = Counter()
        count = slices_for(self._ids, self._identifiers, in_memory=self._in_memory)
        pairs = zip(self._ids.slices(count), self._identifiers.slices(count), strict=True)
        for (ids, rows), (identifiers, marks) in pairs:
            if not len(identifiers):
                continue
            fresh = np.concatenate(([True], identifiers[1:] != identifiers[:-1]))
            kinds = (marks >> np.uint64(_COLUMN_BITS)) & np.uint64((1 << _KIND_BITS) - 1)
            for kind, much in zip(*np.unique(kinds[fresh], return_counts=True), strict=True):
                distinct[int(kind)] += int(much)
            at = np.minimum(np.searchsorted(identifiers, ids), len(identifiers) - 1)
            found = identifiers[at] == ids
            for row, mark in zip(rows[found].tolist(), marks[at[found]].tolist(), strict=True):
                place = (mark >> _COLUMN_BITS) & ((1 << _KIND_BITS) - 1), mark & ((1 << _COLUMN_BITS) - 1)
                hits[place] += 1
                first[place] = min(row, first.get(place, row))
        self._judge(report, hits, first, distinct)
        self.close()

    def close(self) -> None:
        """This will forget what was remembered."""
        self._ids.close()
        self._identifiers.close()

    def _judge(
        self,
        report: Report,
        hits: Counter[tuple[int, int]],
        first: dict[tuple[int, int], int],
        distinct: Counter[int],
    ) -> None:
        for (kind, place), seen in sorted(hits.items()):
            base, length = (10, kind) if kind < _LETTERS_FROM else (26, kind - _LETTERS_FROM)
            by_chance = self._pieces[kind] * distinct[kind] / base**length
            column = self._columns[place]
            if seen < max(_MANY, _TIMES_CHANCE * by_chance) or report.counts["id_contains", column]:
                continue
            hint = f"Ids hold values of this column that belong to other rows: {seen} times."
            report.add("id_contains", row=first[kind, place], column=column, hint=hint)


def _kind(value: str) -> int:
    """A number for what is compared with what: digits by length, letters by length; 0 is not compared."""
    if value.isdigit():
        return len(value) if len(value) in _LENGTHS else 0
    letters = value.isascii() and value.isalpha() and _SHORTEST_NAME <= len(value) <= _LONGEST_NAME
    return _LETTERS_FROM + len(value) if letters else 0


def _pieces(bare: str) -> set[tuple[int, str]]:
    found = {
        (length, run[start : start + length])
        for run in _DIGITS.findall(bare)
        for length in _LENGTHS
        for start in range(min(len(run) - length + 1, _MOST_PIECES))
    }
    return found | {
        (_LETTERS_FROM + len(run), run) for run in _LETTERS.findall(bare) if len(run) <= _LONGEST_NAME
    }
