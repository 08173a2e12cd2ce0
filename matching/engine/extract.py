"""The extract: each agency's analytical file with its synthetic id replaced by the link id, in one zip.

Approved columns only, rows as they were, nothing joined across agencies. A row whose id the key does not
know is left out and counted. It is made as a stream.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from matching.engine.errors import BadInput
from matching.engine.io import as_csv, delimiter

LINK_ID: Final = "link_id"
_BLOCK: Final = 4 * 2**20
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Part:
    """One analytical file: its name in the zip, its id column, the columns that are delivered, its bytes."""

    file: str
    name: str
    id_column: str
    columns: tuple[str, ...]
    pieces: Callable[[], Iterable[bytes]]


@dataclass
class Counts:
    """Rows read and delivered of each file, filled while the zip is read."""

    rows: dict[str, tuple[int, int]] = field(default_factory=dict)


class Key:
    """The crosswalk of one file, with its flags: from generic id to link id."""

    def __init__(self, crosswalk: pa.Table, flags: pa.Table, file: str) -> None:
        mine = crosswalk.filter(pc.equal(crosswalk["file"], file))
        self._ids, self._links = mine["id"].combine_chunks(), mine[LINK_ID].combine_chunks()
        flagged = flags.filter(pc.equal(flags["file"], file))
        self.flags = [
            name
            for name in flags.column_names
            if name not in ("file", "id") and flagged[name].null_count < len(flagged)
        ]
        self._flag_ids = flagged["id"].combine_chunks()
        self._flagged = {name: flagged[name].combine_chunks().cast(pa.string()) for name in self.flags}

    def translate(self, batch: pa.Table, part: Part) -> pa.Table:
        """Return the rows whose id is known: the link id, then the approved columns, then the flags."""
        held = batch[part.id_column].combine_chunks()
        at = pc.index_in(held, value_set=self._ids)
        known = pc.is_valid(at)
        rows = batch.filter(known)
        columns = {LINK_ID: self._links.take(at.drop_null())}
        columns |= {name: rows[name].combine_chunks() for name in part.columns}
        place = pc.index_in(rows[part.id_column].combine_chunks(), value_set=self._flag_ids)
        columns |= {name: values.take(place) for name, values in self._flagged.items()}
        return pa.table(columns)


def read_key(content: bytes) -> pa.Table:
    """Read a table that a run wrote: every column is text."""
    if not content.strip():
        raise BadInput("The key is empty.")
    names = content.split(b"\n", 1)[0].decode().rstrip("\r").split(",")
    options = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True)
    return pacsv.read_csv(io.BytesIO(content), convert_options=options)


def stream(
    crosswalk: pa.Table,
    flags: pa.Table,
    parts: Sequence[Part],
    counts: Counts,
    *,
    documents: Mapping[str, bytes] | None = None,
) -> Iterator[bytes]:
    """Yield the zip as it comes into being: one CSV a file, then the documents; fill the counts meanwhile.

    :raises BadInput: if a file lacks an approved column
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for part in parts:
            key = Key(crosswalk, flags, part.file)
            with archive.open(zipfile.ZipInfo(part.name, _EPOCH), "w", force_zip64=True) as entry:
                for text in _rows(part, key, counts):
                    entry.write(text)
                    yield from sink.taken()
            yield from sink.taken()
        for name, content in (documents or {}).items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    yield from sink.taken()


def _rows(part: Part, key: Key, counts: Counts) -> Iterator[bytes]:
    read = written = 0
    header = True
    for batch in _batches(part):
        read += batch.num_rows
        done = key.translate(batch, part)
        written += done.num_rows
        text = as_csv(done)
        yield text if header else text.split(b"\n", 1)[1]
        header = False
    counts.rows[part.file] = (read, written)


def _batches(part: Part) -> Iterator[pa.Table]:
    source = _Pieces(part.pieces())
    head = source.peek_line()
    mark = delimiter(head, part.name)
    names = [name.strip('"') for name in head.decode("utf-8-sig").rstrip("\r\n").split(mark)]
    for column in (part.id_column, *part.columns):
        if column not in names:
            raise BadInput(f"{part.name}: there is no column “{column}”.")
    reader = pacsv.open_csv(
        source,
        read_options=pacsv.ReadOptions(block_size=_BLOCK, use_threads=False),
        parse_options=pacsv.ParseOptions(delimiter=mark),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), include_columns=[part.id_column, *part.columns]
        ),
    )
    for batch in reader:
        yield pa.Table.from_batches([batch])


class _Pieces(io.RawIOBase):
    """Pieces of bytes read as a file that cannot seek."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self._pieces = iter(pieces)
        self._held = b""

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def peek_line(self) -> bytes:
        """Return the first line without taking it."""
        while b"\n" not in self._held and self._more():
            pass
        return self._held.split(b"\n", 1)[0]

    def _more(self) -> bool:
        piece = next(self._pieces, None)
        self._held += piece or b""
        return piece is not None

    def read(self, size: int = -1) -> bytes:
        """Return up to so many bytes, or all there are."""
        while (size < 0 or len(self._held) < size) and self._more():
            pass
        cut = len(self._held) if size < 0 else size
        taken, self._held = self._held[:cut], self._held[cut:]
        return taken


class _Sink(io.RawIOBase):
    """A file that cannot seek, whose bytes are taken away as they come."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()
        self._gone = 0

    def writable(self) -> bool:
        """Say that this can be written."""
        return True

    def write(self, content: Any) -> int:
        """Keep the bytes until they are taken."""
        self._held += content
        return len(content)

    def tell(self) -> int:
        """Return how many bytes were written in all."""
        return self._gone + len(self._held)

    def taken(self) -> Iterator[bytes]:
        """Yield what was written since the last time."""
        if self._held:
            self._gone += len(self._held)
            content, self._held = bytes(self._held), bytearray()
            yield content
