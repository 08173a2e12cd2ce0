"""A large table in parts: what stands on one screen, where a cell stands, and where the findings are."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from disclosure.explained import TOTAL

ROWS, COLUMNS = 25, 9  # on one screen
MORE_ROWS, MORE_COLUMNS = 3, 1  # on the last one: a total need not stand alone
MOST_NAMES: Final = 300  # proposed where one types which cell to go to
_COUNT: Final = "Count"


class Parts:
    """One table, cut into screens of so many rows and columns."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        """Lay its last dimension across, and all others down."""
        self.dimensions: Sequence[str] = table["dimensions"]
        self.cut = max(len(self.dimensions) - 1, 1)
        self.rows: Sequence[Mapping[str, Any]] = table["rows"]
        self.places: list[tuple[int, int]] = []  # of each cell: its line and its column
        heads: dict[str, int] = {}
        lines: dict[tuple[str, ...], dict[str, int]] = {}
        order: dict[tuple[str, ...], int] = {}
        for number, row in enumerate(self.rows):
            labels = tuple(row["codes"][: self.cut])
            line = lines.setdefault(labels, {})
            head = row["codes"][-1] if len(self.dimensions) > 1 else _COUNT
            head += " (another percentage)" * (head in line)
            line[head] = number
            self.places.append(
                (order.setdefault(labels, len(order)), heads.setdefault(head, len(heads))),
            )
        self.heads, self.lines = list(heads), list(lines.items())

    @property
    def pages(self) -> int:
        """Return into how many parts its rows are cut."""
        return max(-(-(len(self.lines) - MORE_ROWS) // ROWS), 1)

    @property
    def windows(self) -> int:
        """Return into how many parts its columns are cut."""
        return max(-(-(len(self.heads) - MORE_COLUMNS) // COLUMNS), 1)

    def part_of(self, number: int) -> tuple[int, int]:
        """Return which page of rows, and which of columns, a cell stands on."""
        line, column = self.places[number]
        return min(line // ROWS + 1, self.pages), min(column // COLUMNS + 1, self.windows)

    def lines_of(self, page: int) -> list[tuple[tuple[str, ...], dict[str, int]]]:
        """Return the rows of a page."""
        return self.lines[(page - 1) * ROWS : page * ROWS if page < self.pages else None]

    def heads_of(self, window: int) -> list[str]:
        """Return the columns of a page."""
        return self.heads[(window - 1) * COLUMNS : window * COLUMNS if window < self.windows else None]

    def rows_named(self, page: int) -> str:
        """Name a page of rows by its ends."""
        return _ends([", ".join(labels) for labels, _ in self.lines_of(page)])

    def columns_named(self, window: int) -> str:
        """Name a page of columns by its ends."""
        return _ends(self.heads_of(window))

    def found_in(self, numbers: Iterable[int]) -> list[list[int]]:
        """Count these cells in each part: by pages of rows, then of columns."""
        counted = Counter(map(self.part_of, numbers))
        return [
            [counted[page, window] for window in range(1, self.windows + 1)]
            for page in range(1, self.pages + 1)
        ]

    # ------------------------------------------------------------ going to a cell

    @cached_property
    def codes(self) -> list[list[str]]:
        """Return the codes of each dimension, in the order of the file."""
        return [
            list(dict.fromkeys(row["codes"][d] for row in self.rows)) for d in range(len(self.dimensions))
        ]

    def called(self, typed: Sequence[str]) -> int | None:
        """Return the cell of these codes, however they are spelled; a blank one is Total, or anything.

        A word of a code will do: then the first cell that has it.
        """
        wanted = [_spelled(word) for word in typed]
        fitting = [
            {code: _fit(word, code) for code in codes} for word, codes in zip(wanted, self.codes, strict=True)
        ]
        best: tuple[int, int] | None = None
        for number, row in enumerate(self.rows):
            fits = [fitting[d][code] for d, code in enumerate(row["codes"])]
            if all(fits) and (best is None or sum(fits) > best[0]):
                best = sum(fits), number
        return best[1] if best else None


def _fit(word: str, code: str) -> int:
    """Say how well a code answers what was typed: not at all, as a part of it, or whole."""
    spelled = _spelled(code)
    if not word:
        return 2 if code == TOTAL else 1
    return 2 if spelled == word else int(word in spelled)


def _spelled(text: str) -> str:
    return " ".join(text.split()).casefold()


def _ends(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}" if names else ""
