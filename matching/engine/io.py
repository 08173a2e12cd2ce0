"""Reading delimited text and Parquet into Arrow tables of text, and writing the results of a run."""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as papq

from matching.engine.errors import BadInput

_PARQUET: Final = b"PAR1"
_BOM: Final = b"\xef\xbb\xbf"
_DELIMITERS: Final = (b"\t", b"|", b";", b",")
_BLOCK: Final = 16 * 2**20


def read(path: Path, where: str) -> pa.Table:
    """Read one file; every column comes as text, and an empty field as missing.

    :raises BadInput: if it cannot be read, saying where and why, never what stands there
    """
    try:
        with path.open("rb") as source:
            if source.read(len(_PARQUET)) == _PARQUET:
                return _as_text(_parquet(path, where))
        with pa.memory_map(str(path)) if path.stat().st_size else io.BytesIO() as source:
            return from_text(source, where)
    except OSError as error:
        raise BadInput(f"{where}: the file cannot be opened ({os.strerror(error.errno or 0)}).") from None


def _parquet(path: Path, where: str) -> pa.Table:
    try:
        return papq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{where}: not a Parquet file that can be read ({type(error).__name__}).") from None


def _as_text(table: pa.Table) -> pa.Table:
    """Return the table with every column as the text it would be in a text file."""
    columns = []
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        columns.append(column.cast(pa.string()))
    return pa.table(columns, names=table.column_names)


def delimiter(header: bytes, where: str) -> str:
    """Tell the delimiter from the header line, whatever the file is called.

    :raises BadInput: if the line has none
    """
    plain = _outside_quotes(header)
    best = max(_DELIMITERS, key=plain.count)
    if not plain.count(best):
        raise BadInput(
            f"{where}: the first line has no tab, comma, semicolon or bar; it must hold the headers."
        )
    return best.decode()


def _outside_quotes(line: bytes) -> bytes:
    return b"".join(line.split(b'"')[::2])


def from_text(source: Any, where: str) -> pa.Table:
    """Read delimited text from an open source that can seek.

    :raises BadInput: if it is empty, not UTF-8, or a row has another number of fields than the header
    """
    start = source.read(2**20)
    source.seek(0)
    header = bytes(start).removeprefix(_BOM).split(b"\n", 1)[0].rstrip(b"\r")
    if not header.strip():
        raise BadInput(f"{where}: the file is empty; it must start with a line of headers.")
    mark = delimiter(header, where)
    names = _headers(header, mark, where)
    wrong: list[int] = []

    def note(row: Any) -> str:
        wrong.append(row.number or 0)
        return "skip"

    options = pacsv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    try:
        table = pacsv.read_csv(
            source,
            read_options=pacsv.ReadOptions(use_threads=False, block_size=_BLOCK),
            parse_options=pacsv.ParseOptions(
                delimiter=mark, newlines_in_values=True, invalid_row_handler=note
            ),
            convert_options=options,
        )
    except pa.ArrowException as error:
        kind = "it is not UTF-8 text" if "UTF8" in str(error) else "its rows cannot be told apart"
        raise BadInput(f"{where}: {kind}.") from None
    if wrong:
        at = f"line {min(wrong)}" if min(wrong) > 0 else f"{len(wrong)} rows"
        raise BadInput(f"{where}: {at} has another number of fields than the header ({len(names)}).")
    return table


def _headers(header: bytes, mark: str, where: str) -> list[str]:
    try:
        parsed = pacsv.read_csv(
            io.BytesIO(header + b"\n"),
            read_options=pacsv.ReadOptions(autogenerate_column_names=True),
            parse_options=pacsv.ParseOptions(delimiter=mark),
            convert_options=pacsv.ConvertOptions(
                column_types={f"f{n}": pa.string() for n in range(header.count(mark.encode()) + 1)}
            ),
        )
    except pa.ArrowException:
        raise BadInput(f"{where}: the line of headers cannot be read.") from None
    names = [str(column[0].as_py()) for column in parsed.columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated or not all(name.strip() for name in names):
        raise BadInput(
            f"{where}: every column needs a header of its own ({', '.join(repeated) or 'one is empty'})."
        )
    return names


def as_csv(table: pa.Table) -> bytes:
    """Return a table as comma-separated text with a header line."""
    try:
        return _written(table, "none")
    except pa.ArrowInvalid:  # a value holds a comma, a quote or a line end
        return _written(table, "needed")


def _written(table: pa.Table, quotes: str) -> bytes:
    sink = io.BytesIO()
    pacsv.write_csv(table, sink, pacsv.WriteOptions(quoting_style=quotes, quoting_header="none"))
    return sink.getvalue()


def as_json(report: Mapping[str, Any]) -> bytes:
    """Return a report as readable JSON."""
    return (json.dumps(report, indent=2, sort_keys=True) + "\n").encode()


class Folder:
    """A folder that gets all results or none."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._path = path
        if path.exists() and not path.is_dir():
            raise BadInput(f"--out {path} is a file; name a folder.")
        if path.is_dir() and any(path.iterdir()) and not overwrite:
            raise BadInput(f"--out {path} is not empty; name another folder or add --overwrite.")

    def write(self, contents: Mapping[str, bytes]) -> None:
        """Write all files beside the folder first, then move them in.

        :raises BadInput: if the folder cannot be written
        """
        staging = self._path.parent / f".{self._path.name}-{secrets.token_hex(4)}"
        try:
            staging.mkdir(parents=True)
            for name, content in contents.items():
                (staging / name).write_bytes(content)
            self._path.mkdir(exist_ok=True)
            for name in contents:
                (staging / name).replace(self._path / name)
        except OSError as error:
            raise BadInput(
                f"--out {self._path} cannot be written ({os.strerror(error.errno or 0)})."
            ) from None
        finally:
            shutil.rmtree(staging, ignore_errors=True)
