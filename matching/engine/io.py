"""Reading delimited text and Parquet into Arrow tables of text, and writing the results of a run."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from matching.engine.errors import BadInput
from matching.engine.parquet import MAGIC, Parquet
from matching.engine.spec import File
from matching.engine.text import Text, delimiter

__all__ = [
    "LONGEST",
    "Source",
    "as_csv",
    "as_json",
    "check_lengths",
    "columns_of",
    "delimiter",
    "from_text",
    "write_csv",
]
LONGEST: Final = 1_000
"""No id and no field that is matched on is longer than this; what is longer was not meant to be there."""


class Source:
    """One file to link: what can be known of it before it is read."""

    def __init__(self, path: Path, where: str) -> None:
        """Open the file and look it over.

        :raises BadInput: if it cannot be read, saying where and why, never what stands there
        """
        self._where = where
        try:
            if path.is_dir():
                raise BadInput(f"{where}: {path} is a folder; name a file.")
            if not path.is_file():
                raise BadInput(f"{where}: there is no file {path}.")
            self.size = path.stat().st_size
            content = _content(path, self.size)
        except OSError as error:
            raise BadInput(f"{where}: the file cannot be opened ({os.strerror(error.errno or 0)}).") from None
        self.sha256 = hashlib.sha256(content).hexdigest()
        parquet = bytes(memoryview(content)[: len(MAGIC)]) == MAGIC
        self._file = Parquet(path, where) if parquet else Text(content, where)

    @property
    def headers(self) -> list[str]:
        """Return the headers of the file."""
        return self._file.headers

    @property
    def rows(self) -> int:
        """Return how many rows there are, where that is known before reading; else 0."""
        return self._file.rows if isinstance(self._file, Parquet) else 0

    def read(self, file: File) -> pa.Table:
        """Read the columns that a specification names, as text.

        :raises BadInput: if one is missing, or the file cannot be read
        """
        wanted = columns_of(file, self.headers, self._where)
        if isinstance(self._file, Parquet):
            table = self._file.read(wanted, {column: field for field, column in file.columns.items()})
        else:
            table = self._file.read(wanted)
        check_lengths(table, file, self._where)
        return table


def _content(path: Path, size: int) -> pa.Buffer:
    if not size:
        return pa.py_buffer(b"")
    with pa.memory_map(str(path)) as mapped:
        return mapped.read_buffer()


def columns_of(file: File, headers: list[str], where: str) -> list[str]:
    """Return the columns that a specification names, once each.

    :raises BadInput: if one is missing
    """
    wanted = list(dict.fromkeys([file.id_column, *file.columns.values(), *file.groups]))
    for column in wanted:
        if column not in headers:
            raise BadInput(f"{where}: there is no column “{column}”, which the specification names.")
    return wanted


def check_lengths(table: pa.Table, file: File, where: str) -> None:
    """Pass if no id and no field to match on is longer than anybody's.

    :raises BadInput: naming the first row that is
    """
    for number, column in enumerate([file.id_column, *file.columns.values()]):
        long = pc.greater(pc.binary_length(table[column]), LONGEST)
        if pc.any(long).as_py():
            row = pc.index(long, pa.scalar(True)).as_py() + 1
            what = "id" if number == 0 else "field"
            raise BadInput(
                f"{where}: the {what} in column “{column}” is longer than {LONGEST:,} characters"
                f" in row {row}."
            )


def from_text(source: Any, where: str) -> pa.Table:
    """Read all columns of delimited text from an open source, as text.

    :raises BadInput: if it is empty, not UTF-8, or a row has another number of fields than the header
    """
    held = source.read_buffer() if hasattr(source, "read_buffer") else pa.py_buffer(source.read())
    return Text(held, where).read()


def as_csv(table: pa.Table) -> bytes:
    """Return a table as comma-separated text with a header line."""
    sink = io.BytesIO()
    write_csv(table, sink)
    return sink.getvalue()


def write_csv(table: pa.Table, sink: Any) -> None:
    """Write a table as comma-separated text with a header line, in quotes only what needs them."""
    style = "needed" if any(_needs_quotes(column) for column in table.columns) else "none"
    options = pacsv.WriteOptions(quoting_style=style, quoting_header="none", batch_size=2**16)
    pacsv.write_csv(table, sink, options)


def _needs_quotes(column: pa.ChunkedArray) -> bool:
    if not pa.types.is_string(column.type):
        return False
    return any(_holds_special(chunk) for chunk in column.chunks)


def _holds_special(chunk: pa.StringArray) -> bool:
    """Tell whether any value holds a comma, a quote or a line end: looked for in all their text at once."""
    _, offsets, letters = chunk.buffers()
    if not len(chunk) or letters is None:
        return False
    places = memoryview(offsets).cast("i")
    text = bytes(memoryview(letters)[places[chunk.offset] : places[chunk.offset + len(chunk)]])
    return any(mark in text for mark in (b",", b'"', b"\n", b"\r"))


def as_json(report: Mapping[str, Any]) -> bytes:
    """Return a report as readable JSON."""
    return (json.dumps(report, indent=2, sort_keys=True) + "\n").encode()
