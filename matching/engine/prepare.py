"""An agency's file as engines see it: every field in its normal form, with the columns that blocks need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matching.engine import defaults, normalise
from matching.engine.errors import BadInput
from matching.engine.spec import File

ROW: Final = "row"
"""The number of a record within its file: engines know records by nothing else."""


def _one_by_one(rule: Callable[[str], str | None]) -> Callable[[pa.Array], pa.Array]:
    return lambda values: normalise.each(values, rule)


def _of_compounds(rule: Callable[[str], str | None]) -> Callable[[pa.Array], pa.Array]:
    """Return what applies a rule to names of several words; of a single word it makes nothing else."""

    def made(values: pa.Array) -> pa.Array:
        several = pc.fill_null(pc.match_substring(values, " "), False)
        changed = normalise.each(values.filter(several), rule)
        return pc.replace_with_mask(values, several, changed)

    return made


def _part(start: int, stop: int) -> Callable[[pa.Array], pa.Array]:
    return lambda values: pc.utf8_slice_codeunits(values, start, stop)


def _swapped(values: pa.Array) -> pa.Array:
    year, month, day = (_part(*at)(values) for at in ((0, 4), (4, 6), (6, 8)))
    return pc.binary_join_element_wise(year, day, month, "")


MADE: Final[dict[str, Callable[[pa.Array], pa.Array]]] = {
    "first_canonical": _one_by_one(normalise.canonical),
    "first_sound": normalise.sounds,
    "last_sound": normalise.sounds,
    "last_a": _of_compounds(normalise.first_word),
    "last_b": _of_compounds(normalise.last_word),
    "middle_initial": _part(0, 1),
    "birth_year": _part(0, 4),
    "birth_month_day": _part(4, 8),
    "birth_swapped": _swapped,
}
"""How columns are made from the distinct values of a field."""
SLICES: Final = {"ssn_first5": _part(0, 5), "ssn_last4": _part(5, 9)}
"""The same for fields of which nearly every row has a value of its own."""
NUMBERS: Final = frozenset({"ssn", "sasid"})
"""Fields that one person alone may have a value of."""
_MOST_ROWS_UNIQUE: Final = 5
"""Where a row is a person, a number in more rows than this is nobody's."""


def ids(table: pa.Table, file: File, where: str) -> pa.Array:
    """Return the generic ids of a file.

    :raises BadInput: if a column named in the specification is missing, or an id is empty or repeated
    """
    for column in (file.id_column, *file.columns.values()):
        if column not in table.column_names:
            raise BadInput(f"{where}: there is no column “{column}”.")
    held = table[file.id_column].combine_chunks().cast(pa.string())
    empty = pc.fill_null(pc.or_(pc.equal(held, ""), pc.utf8_is_space(held)), True)
    if pc.any(empty).as_py():
        raise BadInput(f"{where}: the id in column “{file.id_column}” is empty in row {_first(empty) + 1}.")
    if pc.count_distinct(held).as_py() != len(held):
        raise BadInput(
            f"{where}: the id in column “{file.id_column}” is repeated in row {_repeated(held) + 1}."
        )
    return held


def _first(marks: pa.Array) -> int:
    return pc.index(marks, pa.scalar(True)).as_py()


def _repeated(held: pa.Array) -> int:
    codes = held.dictionary_encode().indices.to_pylist()
    # Codes are given out in order of first sight, so the first that is not a new one is the repeat.
    seen = -1
    for row, code in enumerate(codes):
        if code <= seen:
            return row
        seen = code
    raise AssertionError("no id is repeated")


def prepare(table: pa.Table, file: File) -> pa.Table:
    """Return the file in its normal form: `row`, then every column of `defaults.COLUMNS`, else null.

    Tokens are there only if the file holds some.
    """
    rows = table.num_rows
    columns: dict[str, pa.Array] = {ROW: pa.array(np.arange(rows, dtype=np.int32))}
    encoded: dict[str, pa.DictionaryArray] = {}
    for column, field in defaults.COLUMNS.items():
        if field in defaults.TOKENS:  # made by the agency in their one form
            if field in file.columns:
                columns[column] = table[file.columns[field]].cast(pa.string())
        elif field not in file.columns:
            columns[column] = pa.nulls(rows, pa.string())
        elif column == field:
            columns[column] = normalise.column(table[file.columns[field]], field)
            if field in NUMBERS:
                columns[column] = _of_one_person(columns[column], most_rows(file))
        elif column == "names":
            columns[column] = either_order(columns["first_name"], columns["last_name"])
        elif column in SLICES:
            columns[column] = SLICES[column](columns[field])
        else:
            if field not in encoded:
                encoded[field] = columns[field].dictionary_encode()
            made = MADE[column](encoded[field].dictionary)
            columns[column] = pc.take(made, encoded[field].indices)
    return pa.table(columns)


def either_order(first: pa.Array, last: pa.Array) -> pa.Array:
    """Return both names as one, the same whichever stood first; null unless both are known."""
    before = pc.less(first, last)
    low, high = pc.if_else(before, first, last), pc.if_else(before, last, first)
    return pc.binary_join_element_wise(low, high, "|")


def most_rows(file: File) -> int:
    """Return how many rows of a file one person's number may stand in."""
    return _MOST_ROWS_UNIQUE if file.unique else defaults.CLUSTER_CAP


def _of_one_person(numbers: pa.Array, most: int) -> pa.Array:
    """Return the numbers without those that more rows hold than one person's can: they are fillers."""
    counted = pc.value_counts(numbers.drop_null())
    shared = counted.field("values").filter(pc.greater(counted.field("counts"), most))
    if not len(shared):
        return numbers
    held = pc.is_in(numbers, shared)
    return pc.if_else(pc.fill_null(held, False), pa.scalar(None, pa.string()), numbers)
