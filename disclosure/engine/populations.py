"""Outputs about different people, held together: who is counted becomes a dimension like any other."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from disclosure.engine.codes import Hierarchy, read_hierarchy
from disclosure.engine.errors import BadTable
from disclosure.engine.kin import Held
from disclosure.engine.longform import Table, write
from disclosure.engine.protect import Protection

DIMENSION: Final = "Who is counted"


@dataclass(frozen=True)
class Among:
    """The dimension that tells the people of several outputs apart, while they are held together."""

    name: str
    own: str  # the code of the people whom the tables to be released count
    groups: bytes  # the hierarchy of the codes

    def marked(self, text: bytes, code: str) -> bytes:
        """Return a long table with a column that says whom it counts."""
        lines = [line for line in csv.reader(io.StringIO(text.decode("utf-8-sig"), newline="")) if any(line)]
        return write((self.name, *lines[0]), [(code, *line) for line in lines[1:]]) if lines else text

    def entered(self, tables: Sequence[Table]) -> list[Table]:
        """Return the tables to be released with that column.

        :raises BadTable: if one has such a column already
        """
        for table in tables:
            if self.name in table.columns:
                raise BadTable(f"{table.name}: give the column {self.name} another name; the check uses it.")
        return [
            replace(
                table,
                columns=(self.name, *table.columns),
                dimensions=(self.name, *table.dimensions),
                rows=tuple(
                    replace(row, codes={self.name: self.own, **row.codes}, cells=(self.own, *row.cells))
                    for row in table.rows
                ),
            )
            for table in tables
        ]

    def left(self, found: Protection) -> Protection:
        """Return what was protected without that column: it is no part of what is released."""
        return replace(
            found, tables=tuple(replace(each, table=self._without(each.table)) for each in found.tables)
        )

    def _without(self, table: Table) -> Table:
        at = table.columns.index(self.name)
        rows = tuple(
            replace(
                row,
                codes={dim: code for dim, code in row.codes.items() if dim != self.name},
                cells=(*row.cells[:at], *row.cells[at + 1 :]),
            )
            for row in table.rows
        )
        columns = (*table.columns[:at], *table.columns[at + 1 :])
        dimensions = tuple(dim for dim in table.dimensions if dim != self.name)
        return replace(table, columns=columns, dimensions=dimensions, rows=rows)

    def along(
        self, known: Mapping[str, Hierarchy], groups: Mapping[str, bytes]
    ) -> tuple[dict[str, Hierarchy], dict[str, bytes]]:
        """Return hierarchies, and the files they were read from, with that of whom the tables count."""
        own = read_hierarchy(self.name, self.groups.decode())
        return {**known, self.name: own}, {**groups, self.name: self.groups}

    def of_own(self, told: Mapping[frozenset[tuple[str, str]], str]) -> dict[frozenset[tuple[str, str]], str]:
        """Return what was told of the own people, without saying so."""
        own = (self.name, self.own)
        return {people - {own}: where for people, where in told.items() if own in people}


def among(held: Held, name: str = DIMENSION) -> Among | None:
    """Return the dimension that tells groups of people apart; None if all are the same people."""
    if held.is_of_one:
        return None
    lines = [(code, cell) for code, cells in held.cells.items() for cell in cells]
    return Among(name, held.codes[held.own], write(("parent", "child"), lines))
