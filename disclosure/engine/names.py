"""Names that mean the same: a project's tables call one dimension or category by different names.

The audit of all releases together takes the same heading for the same dimension, and nothing else. Somebody
who knows says which heading, and which code, of tables with certain headings is one of those known already;
such tables are then read as if they said so.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from disclosure.engine.codes import TOTAL
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import RESERVED, Row, Table

HEADER = ("dimension", "code", "means")
_SEAM = " × "
_UNION = "|"


@dataclass(frozen=True)
class Names:
    """What the headings and codes of tables with certain headings mean."""

    headings: str  # all of them, as `headings_of` writes them
    dimensions: Mapping[str, str]
    codes: Mapping[str, Mapping[str, str]]  # by the heading in the table


def headings_of(dimensions: Iterable[str]) -> str:
    """Return the headings of a table in one line, what names are remembered under; no codes, no counts."""
    return _SEAM.join(sorted(" ".join(dim.split()) for dim in dimensions))


def read_names(headings: str, text: str) -> Names:
    """Read a list of names.

    :raises BadTable: if a line is none, says two things of one name, or would make two names one
    """
    lines = [line for line in csv.reader(io.StringIO(text.lstrip("\ufeff"), newline="")) if any(line)]
    if not lines or tuple(lines[0]) != HEADER:
        raise BadTable(f"{headings}: the columns are {', '.join(HEADER)}.")
    dimensions: dict[str, str] = {}
    codes: dict[str, dict[str, str]] = {}
    for line in lines[1:]:
        if len(line) != len(HEADER) or not line[0].strip() or not line[2].strip():
            raise BadTable(f"{headings}: each line names a dimension and what is meant.")
        dimension, code, means = (part.strip() for part in line)
        there = codes.setdefault(dimension, {}) if code else dimensions
        if (code or dimension) in there or means in there.values():
            raise BadTable(f"{headings}: “{code or dimension}” or “{means}” is named twice.")
        if TOTAL in (code, means) or _UNION in code + means or (not code and means.lower() in RESERVED):
            raise BadTable(f"{headings}: “{code or dimension}” cannot mean “{means}”.")
        there[code or dimension] = means
    known = headings.split(_SEAM)
    if strange := [dim for dim in (*dimensions, *codes) if " ".join(dim.split()) not in known]:
        raise BadTable(f"{headings}: “{strange[0]}” is none of these headings.")
    return Names(headings, dimensions, codes)


def written(lines: Iterable[Sequence[str]]) -> bytes:
    """Write a list of names: dimension, code (blank for the dimension itself), what it means."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([HEADER, *lines])
    return out.getvalue().encode()


def read_as(table: Table, known: Mapping[str, Names]) -> Table:
    """Return the table under the names that are known; as it is, if nothing is known of its headings.

    :raises BadTable: if two of its dimensions or codes would become one
    """
    names = known.get(headings_of(table.dimensions))
    if names is None or not (names.dimensions or names.codes):
        return table
    columns = tuple(names.dimensions.get(column, column) for column in table.columns)
    if len(set(columns)) < len(columns):
        raise BadTable(
            f"{table.name}: two of its dimensions would mean the same. Change what they are read as."
        )
    for dim in table.dimensions:
        codes = {row.codes[dim] for row in table.rows}
        if len({_code(code, names.codes.get(dim, {})) for code in codes}) < len(codes):
            raise BadTable(
                f"{table.name}: two categories of {dim} would mean the same. Change what they are read as."
            )
    rows = tuple(_row(row, table, names) for row in table.rows)
    dimensions = tuple(names.dimensions.get(dim, dim) for dim in table.dimensions)
    return replace(table, columns=columns, dimensions=dimensions, rows=rows)


def _row(row: Row, table: Table, names: Names) -> Row:
    codes = {
        names.dimensions.get(dim, dim): _code(code, names.codes.get(dim, {}))
        for dim, code in row.codes.items()
    }
    cells = []
    for column, cell in zip(table.columns, row.cells, strict=True):
        if column in table.dimensions:
            cell = codes[names.dimensions.get(column, column)]
        elif column == "pct_of":
            of = (part.strip() for part in cell.split(";"))
            cell = ";".join(names.dimensions.get(part, part) for part in of)
        cells.append(cell)
    share, base_of = row.percentage, tuple(names.dimensions.get(dim, dim) for dim in row.base_of)
    if share is not None:
        share = replace(share, of=base_of)
    return replace(row, codes=codes, cells=tuple(cells), percentage=share, base_of=base_of)


def _code(code: str, means: Mapping[str, str]) -> str:
    return _UNION.join(means.get(part.strip(), part) for part in code.split(_UNION))
