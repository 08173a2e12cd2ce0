"""Tell a list of people from a table of counts: only tables may leave."""

import re

from disclosure.engine.codes import TOTAL
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import Row, Table

_NAMES = re.compile(
    r"(ssn|social.?security.*|sasid|"
    r"(student|person|client|participant|record|case|employee)[ _-]?(id|no|number)|"
    r"id|first.?name|last.?name|surname|full.?name|dob|date.?of.?birth|birth.?date|e-?mail|address|phone)",
    re.IGNORECASE,
)
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}")
_LONG_NUMBER = re.compile(r"\d{9,10}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}( 00:00:00)?|\d{1,2}/\d{1,2}/\d{4}")
_FEW = 20  # below this many rows, a column of different codes says nothing


def refuse_people(table: Table) -> None:
    """Refuse a table whose rows are people.

    :raises BadTable: naming what gives it away, never a value
    """
    for dim in table.dimensions:
        codes = [row.codes[dim] for row in table.rows if row.codes[dim] != TOTAL]
        if _NAMES.fullmatch(dim.strip()):
            raise _refusal(table, f"the column {dim} identifies people")
        if any(_SSN.fullmatch(code) or _LONG_NUMBER.fullmatch(code) for code in codes):
            raise _refusal(table, f"the column {dim} holds numbers that look like personal identifiers")
        if sum(1 for code in codes if _DATE.fullmatch(code)) > _FEW:
            raise _refusal(table, f"the column {dim} holds full dates")
    _refuse_one_row_each(table)


def _refuse_one_row_each(table: Table) -> None:
    inner = [row for row in table.rows if TOTAL not in row.codes.values()]
    if len(inner) < _FEW:
        return
    counts = [_count(row) for row in inner]
    if all(count in (0, 1) for count in counts):
        raise _refusal(table, "every row counts one person or none")
    for dim in table.dimensions:
        codes = [row.codes[dim] for row in inner]
        if len(set(codes)) == len(codes) and len(table.dimensions) > 1:
            raise _refusal(table, f"the column {dim} is different in every row, as in a list of people")


def _count(row: Row) -> int | None:
    if row.count is not None:
        return row.count
    return row.shown[0] if row.shown and row.shown[0] == row.shown[1] else None


def _refusal(table: Table, what: str) -> BadTable:
    return BadTable(f"{table.name}: {what}. Only tables of counts may leave; records may not.")
