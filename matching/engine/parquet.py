"""Parquet, read as the text that would stand in a text file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as papq

from matching.engine.errors import BadInput
from matching.engine.text import own_headers

MAGIC: Final = b"PAR1"
_WIDTHS: Final = {"ssn": 9, "zip": 5, "high_school": 6}
"""Numbers whose leading zeros a column of numbers cannot keep, and how long they are."""
_SIMPLE: Final[tuple[Callable[[pa.DataType], bool], ...]] = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_date,
    pa.types.is_timestamp,
    pa.types.is_boolean,
    pa.types.is_null,
)


class Parquet:
    """One Parquet file: its headers and number of rows known, not yet read."""

    def __init__(self, path: Path, where: str) -> None:
        """Open the file.

        :raises BadInput: if it is no Parquet file, or two columns have one name
        """
        self._where = where
        try:
            self._file = papq.ParquetFile(path)
            self.rows = int(self._file.metadata.num_rows)
            names = list(self._file.schema_arrow.names)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._broken(error) from None
        self.headers = own_headers(names, where)

    def read(self, columns: Sequence[str], fields: Mapping[str, str]) -> pa.Table:
        """Read some columns as text; `fields` says which column is which field.

        :raises BadInput: if the file is damaged, or a column holds what is no text, number or date
        """
        types = self._file.schema_arrow
        for name in columns:
            if not _is_simple(types.field(name).type):
                number = types.get_field_index(name) + 1
                raise BadInput(
                    f"{self._where}: column {number} holds neither text, numbers nor dates; write it as text."
                )
        try:
            table = self._file.read(columns=list(columns))
            read = {name: _text(table[name], _WIDTHS.get(fields.get(name, ""))) for name in columns}
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._broken(error) from None
        return pa.table(read)

    def _broken(self, error: Exception) -> BadInput:
        return BadInput(
            f"{self._where}: not a Parquet file that can be read ({type(error).__name__}); write it anew."
        )


def _is_simple(kind: pa.DataType) -> bool:
    held = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(is_kind(held) for is_kind in _SIMPLE)


def _text(column: pa.ChunkedArray, width: int | None) -> pa.ChunkedArray:
    """Return a column as text: whole numbers without a point, empty text as missing."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        column = _whole(column)
    number = pa.types.is_integer(column.type)
    text = column.cast(pa.string())
    if number:
        return pc.utf8_lpad(text, width, "0") if width else text
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as whole numbers if it holds nothing else: that is how absent numbers make ids look."""
    try:
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column
