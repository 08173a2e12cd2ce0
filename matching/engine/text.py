"""Delimited text, looked over before it is read: what is wrong is told by its place and never its value."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pacsv

from matching.engine import quotes
from matching.engine.errors import BadInput

_BOM: Final = b"\xef\xbb\xbf"
_DELIMITERS: Final = (b"\t", b"|", b";", b",")
_BLOCK: Final = 16 * 2**20
_SMALL_BLOCK: Final = 2 * 2**20
"""Read in pieces of this size, so that all threads have work."""
_CHUNK: Final = 4 * 2**20
_HEADER: Final = 4 * 2**20
_NOT_TEXT: Final = (
    (b"\x1f\x8b", "it is compressed with gzip; unpack it first"),
    (b"PK\x03\x04", "it is a spreadsheet or another zip archive; save it as delimited text"),
    (b"BZh", "it is compressed with bzip2; unpack it first"),
    (b"\xfd7zXZ", "it is compressed with xz; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "it is compressed with zstd; unpack it first"),
    (b"age-encryption.org/", "it is encrypted; decrypt it first"),
    (b"%PDF", "it is a PDF; save it as delimited text"),
    (b"\xff\xfe", "it is UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "it is UTF-16 text; save it as UTF-8"),
)


class Text:
    """One file of delimited text: looked over, its headers known, not yet read."""

    def __init__(self, content: pa.Buffer, where: str) -> None:
        """Look the content over.

        :raises BadInput: if it is empty, not UTF-8 text, or has no line of headers of its own
        """
        self._where = where
        self._content = content
        self._view = memoryview(content)
        self._quoted = self._look_over()
        start = len(_BOM) if bytes(self._view[: len(_BOM)]) == _BOM else 0
        header, self._data = self._first_line(start)
        self._mark = delimiter(header, where)
        self.headers = _headers(header, self._mark, where)

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Read some columns, or all, as text; an empty field is missing.

        :raises BadInput: if a row has another number of fields than the header, or a quote is not closed
        """
        wanted = list(columns if columns is not None else self.headers)
        if not bytes(self._view[self._data : self._data + _CHUNK]).strip() and self._is_blank():
            return pa.table({name: pa.array([], pa.string()) for name in wanted})
        if self._quoted:
            quotes.check(self._view, self._data, self._mark.encode(), self._where)
        ragged: list[Any] = []

        def note(row: Any) -> str:
            ragged.append(row)
            return "error"

        try:
            try:
                return self._parsed(wanted, note, block=_SMALL_BLOCK)
            except pa.ArrowException:
                if ragged:
                    raise
                return self._parsed(wanted, note, block=_BLOCK)  # a row may be longer than the small one
        except pa.ArrowException:
            raise self._what_is_wrong(ragged) from None

    def _parsed(self, wanted: Sequence[str], note: Any, *, block: int, threads: bool = True) -> pa.Table:
        return pacsv.read_csv(
            pa.BufferReader(self._content.slice(self._data)),
            read_options=pacsv.ReadOptions(use_threads=threads, block_size=block, column_names=self.headers),
            parse_options=pacsv.ParseOptions(
                delimiter=self._mark,
                quote_char='"' if self._quoted else False,
                newlines_in_values=self._quoted,
                invalid_row_handler=note,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(self.headers, pa.string()),
                include_columns=list(wanted),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                check_utf8=False,  # that was seen already, with the line to name
            ),
        )

    def _look_over(self) -> bool:
        """Return whether there are quotes.

        :raises BadInput: if the content is empty, or no UTF-8 text
        """
        head = bytes(self._view[:32])
        if not head:
            raise BadInput(f"{self._where}: the file is empty; it must start with a line of headers.")
        for start, told in _NOT_TEXT:
            if head.startswith(start):
                raise BadInput(f"{self._where}: {told}.")
        quoted, decoder = False, codecs.getincrementaldecoder("utf-8")()
        for at in range(0, len(self._view), _CHUNK):
            piece = bytes(self._view[at : at + _CHUNK])
            quoted = quoted or b'"' in piece
            if (nul := piece.find(b"\0")) >= 0:
                raise BadInput(
                    f"{self._where}: line {self._line(at + nul)} holds a NUL byte;"
                    " the file is damaged, or UTF-16 text that should be saved as UTF-8."
                )
            waiting = len(decoder.getstate()[0])
            if piece.isascii() and not waiting:
                continue
            try:
                decoder.decode(piece, final=at + _CHUNK >= len(self._view))
            except UnicodeDecodeError as error:
                line = self._line(max(at - waiting + error.start, 0))
                raise BadInput(
                    f"{self._where}: line {line} is not UTF-8 text; save the file as UTF-8."
                ) from None
        return quoted

    def _first_line(self, start: int) -> tuple[bytes, int]:
        """Return the line of headers, and where the rows begin. A quoted header may hold a line end."""
        head = bytes(self._view[start : start + _HEADER])
        found = re.compile(rb'(?:[^"\r\n]++|"[^"]*+")*+(\r\n|\r|\n|\Z)').match(head)
        if not found or (found.end() == len(head) and start + _HEADER < len(self._view)):
            raise BadInput(
                f"{self._where}: line 1 has no end within {_HEADER >> 20} MB, or a quote in it is not closed;"
                " it must hold the headers."
            )
        header = head[: found.start(1)]
        if not header.strip():
            raise BadInput(f"{self._where}: line 1 is empty; it must hold the headers.")
        return header, start + found.end()

    def _is_blank(self) -> bool:
        return not bytes(self._view[self._data :]).strip()

    def _line(self, at: int) -> int:
        """Return the number of the line that holds a byte."""
        before = bytes(self._view[:at])
        return 1 + (before.count(b"\n") or before.count(b"\r"))

    def _what_is_wrong(self, ragged: Sequence[Any]) -> BadInput:
        """Return why the rows could not be told apart, and where."""
        if ragged:
            return self._ragged()
        at = self._data
        while at < len(self._view):
            end = quotes.find(self._view, b"\n", at)
            if end - at > _BLOCK:
                return BadInput(
                    f"{self._where}: line {self._line(at)} is longer than {_BLOCK >> 20} MB;"
                    " each row needs a line of its own."
                )
            at = end + 1
        return BadInput(f"{self._where}: its rows cannot be told apart; write it anew as delimited text.")

    def _ragged(self) -> BadInput:
        """Read once more, one row after another, up to the first of another length, and name it."""
        first: list[Any] = []

        def note(row: Any) -> str:
            first.append(row)
            return "error"

        with contextlib.suppress(pa.ArrowException):
            self._parsed(self.headers[:1], note, block=_BLOCK, threads=False)
        row = first[0] if first else None
        place = "a row" if row is None else self._place(row.number)
        has = "" if row is None else f": {row.actual_columns}"
        return BadInput(
            f"{self._where}: {place} has another number of fields than the header ({len(self.headers)}){has}."
            " A field that holds the delimiter needs quotes."
        )

    def _place(self, row: int) -> str:
        """Return which line a row stands on; with quotes it may stand on several, so the row is named."""
        if self._quoted:
            return f"row {row}"
        for number, found in enumerate(re.finditer(rb"[^\r\n]+", self._view[self._data :]), start=1):
            if number == row:
                return f"line {self._line(self._data + found.start())}"
        return f"row {row}"


def delimiter(header: bytes, where: str) -> str:
    """Tell the delimiter from the header line, whatever the file is called.

    :raises BadInput: if the line has none
    """
    plain = b"".join(header.split(b'"')[::2])
    best = max(_DELIMITERS, key=plain.count)
    if not plain.count(best):
        raise BadInput(
            f"{where}: the first line has no tab, comma, semicolon or bar; it must hold the headers."
        )
    return best.decode()


def _headers(header: bytes, mark: str, where: str) -> list[str]:
    try:
        (said,) = csv.reader(io.StringIO(header.decode(), newline=""), delimiter=mark, strict=True)
    except (csv.Error, ValueError):
        raise BadInput(f"{where}: line 1, the headers, cannot be read; check its quotes.") from None
    return own_headers([name.strip() for name in said], where)


def own_headers(names: Sequence[str], where: str) -> list[str]:
    """Return the headers, if every column has one of its own. They may be values where a header is missing.

    :raises BadInput: naming the columns by their numbers
    """
    first: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        if not name:
            raise BadInput(f"{where}: column {number} has no header; every column needs a header of its own.")
        if name in first:
            raise BadInput(
                f"{where}: columns {first[name]} and {number} have the same header;"
                " every column needs a header of its own."
            )
        first[name] = number
    return list(names)
