"""What is delivered, as one zip made in a stream: the package, or the key alone.

Package: each agency's analytical file with its synthetic id replaced by the link id; approved columns only,
rows as they were, nothing joined across agencies. Key: which synthetic id of each agency is which link id.
A row that gets no link id is left out and counted with its reason, so that rows in and out add up.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from matching.engine.errors import BadInput
from matching.engine.io import as_csv, delimiter
from matching.engine.leak import Watch
from matching.engine.lists import MEMBER
from matching.engine.streams import Pieces, Sink

LINK_ID: Final = "link_id"
SYNTHETIC_ID: Final = "synthetic_id"
UNKNOWN_ID: Final = "its synthetic id is not in the agency's matching file"
NOT_WANTED: Final = "the request does not want this agency's data on the person's population"
_BLOCK: Final = 4 * 2**20
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Blank:
    """Columns that are delivered empty for who is only in populations that do not want them (O-125)."""

    columns: tuple[str, ...]
    unwanted: tuple[str, ...]
    wanted: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """One file: as the key calls it, its name in the zip, its id column, what is delivered, its bytes.

    Without `pieces` it is the key of that file. `unwanted` are the lists of populations that this agency is
    not to be asked about, `wanted` those of the others; `blanks` says the same of single columns.
    """

    file: str
    name: str
    id_column: str = SYNTHETIC_ID
    columns: tuple[str, ...] = ()
    pieces: Callable[[], Iterable[bytes]] | None = None
    unwanted: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    blanks: tuple[Blank, ...] = ()
    watch: Watch | None = None


@dataclass
class Entry:
    """What became of one file; `without_link` says why rows were left out, and how many."""

    file: str
    name: str
    columns: list[str] = field(default_factory=list)
    rows_in: int = 0
    rows_out: int = 0
    without_link: dict[str, int] = field(default_factory=dict)
    bytes: int = 0
    sha256: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it for a paper, with its rows reconciled."""
        return {**asdict(self), "adds_up": self.adds_up}

    @property
    def adds_up(self) -> bool:
        """Say whether every row that came in went out or has a reason."""
        return self.rows_in == self.rows_out + sum(self.without_link.values())


@dataclass
class Counts:
    """What became of each file, filled while the zip is read."""

    entries: dict[str, Entry] = field(default_factory=dict)
    links: list[pa.Array] = field(default_factory=list)

    def delivered(self) -> pa.Array:
        """Return every link id that goes out, once."""
        return pc.unique(pa.concat_arrays([pa.array([], pa.string()), *self.links]))


Papers = Callable[[Counts], Mapping[str, bytes]]


class Key:
    """The crosswalk of one file, with its flags: from generic id to link id."""

    def __init__(self, crosswalk: pa.Table, flags: pa.Table, part: Part) -> None:
        mine = crosswalk.filter(pc.equal(crosswalk["file"], part.file))
        self.ids, self.links = mine["id"].combine_chunks(), mine[LINK_ID].combine_chunks()
        flagged = flags.filter(pc.equal(flags["file"], part.file))
        self.flags = [
            name
            for name in flags.column_names
            if name not in ("file", "id")
            and not name.startswith(MEMBER)
            and flagged[name].null_count < len(flagged)
        ]
        self._flag_ids = flagged["id"].combine_chunks()
        self._flagged = {name: flagged[name].combine_chunks().cast(pa.string()) for name in self.flags}
        self._left_out = _not_wanted(crosswalk, flags, part.unwanted, part.wanted)
        self._blanks = {
            column: people
            for blank in part.blanks
            for people in [_not_wanted(crosswalk, flags, blank.unwanted, blank.wanted)]
            for column in blank.columns
        }

    def translate(self, batch: pa.Table, part: Part) -> tuple[pa.Table, pa.Array, dict[str, int]]:
        """Return the rows that are delivered, their generic ids, and why how many others are not.

        First the link id, then the approved columns, then the flags.
        """
        held = batch[part.id_column].combine_chunks()
        at = pc.index_in(held, value_set=self.ids)
        links = self.links.take(at)
        unwanted = pc.is_in(links, value_set=self._left_out)
        unknown = pc.is_null(at)
        stays = pc.and_not(pc.is_valid(at), unwanted)
        rows, ids = batch.filter(stays), held.filter(stays)
        columns = {LINK_ID: links.filter(stays)}
        columns |= {name: self._wanted(name, rows, columns[LINK_ID]) for name in part.columns}
        place = pc.index_in(ids, value_set=self._flag_ids)
        columns |= {name: values.take(place) for name, values in self._flagged.items()}
        why = {UNKNOWN_ID: pc.sum(unknown).as_py() or 0, NOT_WANTED: pc.sum(unwanted).as_py() or 0}
        return pa.table(columns), ids, {reason: count for reason, count in why.items() if count}

    def _wanted(self, name: str, rows: pa.Table, links: pa.Array) -> pa.Array:
        """Return a column with nothing in it for those of whom it is not wanted."""
        values = rows[name].combine_chunks()
        if name not in self._blanks:
            return values
        return pc.if_else(pc.is_in(links, value_set=self._blanks[name]), None, values)


def _not_wanted(
    crosswalk: pa.Table, flags: pa.Table, not_for: Sequence[str], for_these: Sequence[str]
) -> pa.Array:
    """Return the link ids of those who are in populations alone that do not want it (O-125).

    Who is in one that does not and in one that does stays, as does who is in none.
    """
    unwanted, wanted = (_members(crosswalk, flags, lists) for lists in (not_for, for_these))
    return unwanted.filter(pc.invert(pc.is_in(unwanted, value_set=wanted)))


def _members(crosswalk: pa.Table, flags: pa.Table, lists: Sequence[str]) -> pa.Array:
    """Return the link ids of those whom these lists flag.

    :raises BadInput: if the run did not keep whom a list flags, as it was made before runs did
    """
    found = [pa.array([], pa.string())]
    for each in lists:
        name = f"{MEMBER}{each}"
        if name not in flags.column_names:
            raise BadInput("The run does not tell whom each list flags. Link the files again.")
        on = flags.filter(pc.equal(flags[name].cast(pa.string()), "1"))
        for file in pc.unique(on["file"]).to_pylist():
            mine = crosswalk.filter(pc.equal(crosswalk["file"], file))
            at = pc.index_in(on.filter(pc.equal(on["file"], file))["id"], value_set=mine["id"])
            found.append(mine[LINK_ID].combine_chunks().take(at.combine_chunks().drop_null()))
    return pc.unique(pa.concat_arrays(found))


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
    papers: Papers | None = None,
) -> Iterator[bytes]:
    """Yield the zip as it comes into being: one CSV a file, then the papers; fill the counts meanwhile.

    `papers` is asked when all files are through and their counts and hashes are known.

    :raises BadInput: if a file lacks an approved column, or its rows do not add up
    :raises Leak: if something that identifies people was about to leave
    """
    sink = Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for part in parts:
            entry, digest = Entry(part.file, part.name), hashlib.sha256()
            with archive.open(zipfile.ZipInfo(part.name, _EPOCH), "w", force_zip64=True) as target:
                for text in _rows(part, Key(crosswalk, flags, part), entry, counts):
                    digest.update(text)
                    entry.bytes += len(text)
                    target.write(text)
                    yield from sink.taken()
            entry.sha256 = digest.hexdigest()
            if not entry.adds_up:
                raise BadInput(f"{part.name}: the rows that came in are not those that go out or stay.")
            counts.entries[part.file] = entry
            yield from sink.taken()
        for name, content in (papers(counts) if papers else {}).items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    yield from sink.taken()


def _rows(part: Part, key: Key, entry: Entry, counts: Counts) -> Iterator[bytes]:
    header = True
    for batch in batches(part) if part.pieces else _key_batches(key, part):
        done, ids, why = key.translate(batch, part)
        if part.watch:
            part.watch.look(ids, done, free=(LINK_ID, *key.flags))
        entry.rows_in += batch.num_rows
        entry.rows_out += done.num_rows
        for reason, count in why.items():
            entry.without_link[reason] = entry.without_link.get(reason, 0) + count
        entry.columns = list(done.column_names)
        counts.links.append(pc.unique(done[LINK_ID]))
        text = as_csv(done)
        yield text if header else text.split(b"\n", 1)[1]
        header = False
    if part.watch:
        part.watch.finish()


def watch_over(part: Part, *, is_key: bool = False) -> Watch:
    """Read what an agency sent to match by, so that none of it leaves; its columns are the identifiers."""
    table = pa.concat_tables(list(batches(part)))
    ids = table[part.id_column].combine_chunks()
    return Watch(part.file, ids, {name: table[name] for name in part.columns}, is_key=is_key)


def _key_batches(key: Key, part: Part) -> Iterator[pa.Table]:
    """Yield the key of one file as if it were a file; its ids are what is delivered."""
    for start in range(0, max(len(key.ids), 1), 2**18):
        yield pa.table({part.id_column: key.ids.slice(start, 2**18)})


def batches(part: Part) -> Iterator[pa.Table]:
    """Yield the rows of a file as they come, its id column and what is delivered.

    :raises BadInput: if it lacks an approved column
    """
    source = Pieces(part.pieces() if part.pieces else ())
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
