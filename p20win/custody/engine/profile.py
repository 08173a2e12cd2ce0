"""What a file is like, column by column, while it streams past (O-97). Counts alone, and no record.

No value of an identifier is kept. The ends of a range are those that at least `smallest` records reach, and a
code that fewer have is hidden, together with as many others as it takes that nobody can reckon it.
"""

import math
from bisect import insort
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from p20win.custody.engine.rules import Column

MOST_CODES: Final = 50
EXACT_DISTINCT: Final = 1024
_BITS: Final = 12
_REGISTERS: Final = 1 << _BITS
_MASK: Final = (1 << 52) - 1
_ORDERED: Final[dict[str, Callable[[str], Any]]] = {
    "date": str, "year": str, "quarter": str, "integer": int, "decimal": float,
}  # fmt: skip


class ColumnProfile:
    """One column."""

    def __init__(self, column: Column, *, smallest: int) -> None:
        self._column, self._smallest = column, smallest
        self._filled = self._unfit = 0
        self._lengths: Counter[int] = Counter()
        self._registers = bytearray(_REGISTERS)
        self._few: set[int] | None = set()
        open_to_see = not column.identifier
        codes = column.codes or (frozenset("01") if column.form == "flag" else frozenset())
        self._codes = Counter(dict.fromkeys(codes, 0)) if open_to_see and codes else None
        key = _ORDERED.get(column.form)
        self._ends = _Ends(key, smallest) if open_to_see and key and not codes else None

    def look(self, value: str, *, fits: bool) -> None:
        """This will count one filled cell."""
        self._filled += 1
        self._lengths[len(value)] += 1
        number = hash(value)  # keyed anew in every process
        rest = (number >> _BITS) & _MASK
        rank = 53 - rest.bit_length()
        place = number & (_REGISTERS - 1)
        if rank > self._registers[place]:
            self._registers[place] = rank
        if self._few is not None:
            self._few.add(number)
            if len(self._few) > EXACT_DISTINCT:
                self._few = None
        if not fits:
            self._unfit += 1
        elif self._codes is not None:
            self._codes[value] += 1
        elif self._ends:
            self._ends.look(value)

    def told(self, rows: int) -> dict[str, Any]:
        """This will give what may be stored and shown."""
        shortest, longest = self._length_range()
        low, high = self._ends.told() if self._ends else ("", "")
        codes, unlisted = _shown_codes(self._codes, self._smallest) if self._codes is not None else ([], 0)
        return {
            "name": self._column.name,
            "form": self._column.form,
            "identifier": self._column.identifier,
            "filled": self._filled,
            "missing": rows - self._filled,
            "unfit": self._unfit,
            "distinct": self._distinct(),
            "shortest": shortest,
            "longest": longest,
            "low": low,
            "high": high,
            "codes": codes,
            "unlisted": unlisted,
        }

    def _distinct(self) -> int:
        """This will count up to EXACT_DISTINCT different values, and estimate more."""
        if self._few is not None:
            return len(self._few)
        return min(_estimate(self._registers), self._filled)

    def _length_range(self) -> tuple[int | None, int | None]:
        ends = []
        for lengths in (sorted(self._lengths), sorted(self._lengths, reverse=True)):
            seen, end = 0, None
            for length in lengths:
                seen += self._lengths[length]
                if seen >= self._smallest:
                    end = length
                    break
            ends.append(end)
        return ends[0], ends[1]


class Profile:
    """All columns of one file."""

    def __init__(self, columns: Sequence[Column], *, smallest: int) -> None:
        self._smallest = smallest
        self.columns = [ColumnProfile(column, smallest=smallest) for column in columns]

    def told(self, rows: int) -> dict[str, Any]:
        """This will give what may be stored and shown."""
        columns = [column.told(rows) for column in self.columns]
        return {"rows": rows, "smallest": self._smallest, "columns": columns}


class _Ends:
    """The values that exactly so many records lie at or below, and at or above."""

    def __init__(self, key: Callable[[str], Any], depth: int) -> None:
        self._key, self._depth = key, depth
        self._low: list[tuple[Any, str]] = []
        self._high: list[tuple[Any, str]] = []
        self._seen = 0

    def look(self, value: str) -> None:
        pair = (self._key(value), value)
        self._seen += 1
        if len(self._low) < self._depth or pair < self._low[-1]:
            insort(self._low, pair)
            del self._low[self._depth :]
        if len(self._high) < self._depth or pair > self._high[0]:
            insort(self._high, pair)
            del self._high[: -self._depth]

    def told(self) -> tuple[str, str]:
        if self._seen < 2 * self._depth:
            return "", ""
        return self._low[-1][1], self._high[0][1]


def _shown_codes(counts: Mapping[str, int], smallest: int) -> tuple[list[dict[str, Any]], int]:
    """This will list codes with their counts; hidden ones have None. Also: how many are not listed."""
    ordered = sorted(counts.items(), key=lambda entry: (entry[1], entry[0]))
    hidden: set[str] = set()
    together = 0
    for code, count in ordered:
        enough = together >= smallest and len(hidden) > 1
        if count and (count < smallest or (hidden and not enough)):
            hidden.add(code)
            together += count
    shown = sorted(
        ((code, None if code in hidden else count) for code, count in ordered),
        key=lambda entry: (-(entry[1] or 0), entry[1] is None, entry[0]),
    )
    listed = [{"code": code, "count": count} for code, count in shown[:MOST_CODES]]
    return listed, max(0, len(shown) - MOST_CODES)


def _estimate(registers: bytearray) -> int:
    """This will say how many different values there were, within a few per cent (HyperLogLog)."""
    counts = Counter(registers)
    raw = (
        0.7213 / (1 + 1.079 / _REGISTERS) * _REGISTERS**2 / sum(n * 2.0**-rank for rank, n in counts.items())
    )
    if raw <= 2.5 * _REGISTERS and counts[0]:
        return round(_REGISTERS * math.log(_REGISTERS / counts[0]))
    return round(raw)
