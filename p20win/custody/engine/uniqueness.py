"""Which rows repeat an earlier one, for any number of rows, in memory that does not grow."""

from pathlib import Path

import numpy as np

from p20win.custody.engine.report import Report
from p20win.custody.engine.spill import IN_MEMORY, Digester, Spill, slices_for


class Unique:
    """A set of columns whose values together may occur only once; blanks are not compared."""

    def __init__(
        self,
        rule: str,
        names: tuple[str, ...],
        places: list[int],
        folder: Path | None = None,
        *,
        in_memory: int = IN_MEMORY,
    ) -> None:
        self._rule, self._names, self._places, self._in_memory = rule, names, places, in_memory
        self._digester, self._seen = Digester(), Spill(folder, in_memory=in_memory)

    def look(self, row: int, cells: list[str]) -> None:
        """This will remember one row, as a number that tells nothing."""
        values = [cells[place].casefold() for place in self._places]
        if all(values):
            self._seen.add(self._digester.number("\x1f".join(values)), row)

    def finish(self, report: Report) -> None:
        """This will name the first rows that repeat an earlier one, and count the rest."""
        total, first = 0, np.empty(0, np.uint64)
        for digests, rows in self._seen.slices(slices_for(self._seen, in_memory=self._in_memory)):
            repeats = rows[1:][digests[1:] == digests[:-1]]
            total += len(repeats)
            first = np.sort(np.concatenate([first, repeats]))[: report.limit_per_place]
        column = " + ".join(self._names)
        for row in first.tolist():
            report.add(self._rule, column=column, row=row)
        if total:
            report.counts[self._rule, column] = total
        self._seen.close()
