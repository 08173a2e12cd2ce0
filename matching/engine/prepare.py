"""An agency's file as engines see it: every field in its normal form, with the columns that blocks need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from matching.engine import defaults, normalise
from matching.engine.errors import BadInput
from matching.engine.spec import File

ROW: Final = "row"
"""The number of a record within its file: engines know records by nothing else."""

_MADE: Final[dict[str, Callable[[str], str | None]]] = {
    "first_canonical": normalise.canonical,
    "first_sound": normalise.soundex,
    "last_sound": normalise.soundex,
    "last_a": normalise.first_word,
    "last_b": normalise.last_word,
    "middle_initial": lambda text: text[0],
    "ssn_first5": lambda text: text[:5],
    "ssn_last4": lambda text: text[-4:],
    "birth_year": lambda text: text[:4],
    "birth_month_day": lambda text: text[4:],
    "birth_swapped": lambda text: text[:4] + text[6:] + text[4:6],
}


def ids(table: pa.Table, file: File, where: str) -> pa.Array:
    """Return the generic ids of a file.

    :raises BadInput: if a column named in the specification is missing, or an id is empty or repeated
    """
    for column in (file.id_column, *file.columns.values()):
        if column not in table.column_names:
            raise BadInput(f"{where}: there is no column “{column}”.")
    held = table[file.id_column].combine_chunks().cast(pa.string())
    empty = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(held), ""), True)
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
    columns: dict[str, pa.Array] = {ROW: pa.array(range(rows), pa.int32())}
    for column, field in defaults.COLUMNS.items():
        if field in defaults.TOKENS:  # made by the agency in their one form
            if field in file.columns:
                columns[column] = table[file.columns[field]].cast(pa.string())
        elif field not in file.columns:
            columns[column] = pa.nulls(rows, pa.string())
        elif column == field:
            columns[column] = normalise.column(table[file.columns[field]], field)
        else:
            columns[column] = normalise.over_distinct(columns[field], _MADE[column])
    return pa.table(columns)
