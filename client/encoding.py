"""`p20 encode`: keyed tokens in place of identifiers, made by the agency under a key the hub never has.

The file is read and written as it streams, and comes out in an order that chance decides: the order of a file
sorted by name would tell the names. Nothing is left behind unless all of it could be encoded.
"""

import csv
import os
import random
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa

from client.failure import Failure
from matching.engine import encode, io
from matching.engine import spec as specs
from matching.engine.defaults import TOKENS
from matching.engine.errors import BadInput
from matching.engine.rules import CLK, FIELDS
from p20win.custody.engine.errors import Unreadable
from p20win.custody.engine.files import read_private, sync_directory, write_new
from p20win.custody.engine.report import Report
from p20win.custody.engine.uniqueness import Unique

_ROWS: Final = 20_000  # encoded at a time
_HELD: Final = 32 << 20  # bytes of encoded rows that are put into another order at a time
_GROWS: Final = 10  # an encoded row is at most about so many times as long as the row it is made from
_LONGEST_CELL: Final = 1 << 16
_ID_COLUMN: Final = "SyntheticID"


class NotEncoded(Failure):
    """The file could not be encoded; the report says where."""

    def __init__(self, report: Report) -> None:
        """Keep the report."""
        super().__init__("The file was not encoded; nothing was written.")
        self.report = report


@dataclass(frozen=True)
class Encoded:
    """What came of a file."""

    rows: int
    columns: list[str]
    left_out: list[str]
    empty: dict[str, int]
    fingerprint: str


def new_key(path: Path, project: str) -> encode.Key:
    """This will draw a key for a project and keep it in a new file that its owner alone may read.

    :raises Failure: if there is a file already, or the project's number is none
    """
    try:
        key = encode.new_key(project)
        write_new(path, encode.key_text(key).encode())
    except BadInput as problem:
        raise Failure(str(problem), code=2) from problem
    except FileExistsError:
        raise Failure(
            f"There is a file already: {path}. A lost key cannot be made again; nothing was replaced."
        ) from None
    return key


def read_key(path: Path, project: str) -> encode.Key:
    """This will read the key of a project.

    :raises Failure: if it cannot be used, or others could read it
    """
    try:
        return encode.read_key(read_private(path).decode("utf-8"), project=project)
    except (BadInput, Unreadable, UnicodeDecodeError) as problem:
        why = "This is no key file." if isinstance(problem, UnicodeDecodeError) else str(problem)
        raise Failure(f"{path}: {why}", code=2) from problem


def encode_file(
    source: Path, target: Path, *, key: encode.Key, clk: bool = False, rules: dict[str, Any] | None = None
) -> Encoded:
    """This will encode a file into a new one. With the slot's `rules`, its columns alone are made.

    :raises NotEncoded: if rows of the file cannot be read or their ids are empty or repeated
    :raises Failure: if no column can be encoded, an agreed one cannot be made, or there is a file already
    """
    if target.exists():
        raise Failure(f"There is a file already: {target}. Move it away, or name another.", code=2)
    parts = 1 + source.stat().st_size * _GROWS // _HELD
    with source.open(encoding="utf-8-sig", newline="") as lines, _Shuffled(target, parts) as out:
        try:
            return _encode(lines, out, source, key, clk=clk, rules=rules)
        except BadInput as problem:
            raise Failure(str(problem), code=2) from problem
        except UnicodeDecodeError:
            raise _refused("encoding", hint="Save the file as UTF-8.") from None


def _refused(rule: str, **where: Any) -> NotEncoded:
    report = Report()
    report.add(rule, **where)
    return NotEncoded(report)


def _encode(
    lines: IO[str],
    out: "_Shuffled",
    source: Path,
    key: encode.Key,
    *,
    clk: bool,
    rules: dict[str, Any] | None,
) -> Encoded:
    first = lines.readline()
    mark = io.delimiter(first.encode(), source.name)
    header = [name.strip() for name in next(csv.reader([first], delimiter=mark), [])]
    agreed = [column["name"] for column in rules.get("columns", [])] if rules else None
    file = _recognised(header, source)
    encoder = encode.Encoder(key, file.columns, clk=clk or _wants_filter(agreed), only=agreed)
    _all_are_made(agreed, encoder.columns, rules)
    report = Report()
    rows = _Rows(lines, mark, header, file, report)
    empty = dict.fromkeys(encoder.columns, 0)
    out.header([_ID_COLUMN, *encoder.columns])
    for ids, values in rows.batches():
        made = encoder.encode({field: pa.array(held, pa.string()) for field, held in values.items()})
        columns = [made[name].to_pylist() for name in encoder.columns]
        for name in encoder.columns:
            empty[name] += made[name].null_count
        out.add("\t".join(cell or "" for cell in row) for row in zip(ids, *columns, strict=True))
    rows.finish()
    if not report.accepted:
        raise NotEncoded(report)
    out.keep()
    used = {file.id_column, *(file.columns[field] for field in encoder.fields)}
    left_out = [name for name in header if name not in used]
    return Encoded(report.rows, encoder.columns, left_out, empty, key.fingerprint)


def _recognised(header: Sequence[str], source: Path) -> specs.File:
    named = next((name for name in header if name.casefold() == _ID_COLUMN.casefold()), None)
    file = specs.recognise(header, source.name, id_column=named)
    plain = {field: column for field, column in file.columns.items() if field in FIELDS}
    if TOKENS & set(file.columns):
        raise BadInput(f"{source.name}: holds tokens already. Encode the file with the identifiers.")
    return replace(file, columns=plain)


def _wants_filter(agreed: Sequence[str] | None) -> bool:
    return agreed is not None and CLK in agreed


def _all_are_made(agreed: Sequence[str] | None, made: Sequence[str], rules: dict[str, Any] | None) -> None:
    if agreed is None or rules is None:
        return
    if not rules.get("encoded"):
        raise BadInput("This slot expects identifiers, not tokens; the hub could not match them.")
    if missing := [name for name in agreed if name not in made and name != rules.get("id_column")]:
        raise BadInput(
            f"Agreed, and not to be made from the columns of this file: {', '.join(missing)}."
            " A field is missing, or its header is not recognised."
        )


class _Rows:
    """The rows of a file in batches; what cannot be read is noted."""

    def __init__(
        self, lines: Iterable[str], mark: str, header: Sequence[str], file: specs.File, report: Report
    ) -> None:
        self._reader = csv.reader(lines, delimiter=mark, strict=True)
        self._width, self._report, self._file = len(header), report, file
        self._id_at = header.index(file.id_column)
        self._at = {field: header.index(column) for field, column in file.columns.items()}
        self._ids = Unique("one_row", (file.id_column,), [self._id_at])

    def batches(self) -> Iterator[tuple[list[str], dict[str, list[str]]]]:
        """This will give ids and fields, so many rows at a time."""
        held: list[list[str]] = []
        for row in self._good():
            held.append(row)
            if len(held) == _ROWS:
                yield self._batch(held)
                held = []
        if held:
            yield self._batch(held)

    def _batch(self, held: list[list[str]]) -> tuple[list[str], dict[str, list[str]]]:
        fields = {field: [row[at] for row in held] for field, at in self._at.items()}
        return [row[self._id_at].strip() for row in held], fields

    def _good(self) -> Iterator[list[str]]:
        row = 1
        try:
            for cells in self._reader:
                row += 1
                self._report.rows += 1
                if len(cells) != self._width:
                    hint = f"{len(cells)} cells where the header has {self._width}."
                    self._report.add("columns_in_row", row=row, hint=hint)
                elif not cells[self._id_at].strip():
                    self._report.add("required", row=row, column=self._file.id_column)
                elif max(map(len, cells)) > _LONGEST_CELL:
                    self._report.add("line_length", row=row)
                else:
                    self._ids.look(row, cells)
                    yield cells
        except csv.Error:
            self._report.add("quotes", row=row + 1, hint="From here on the rows cannot be told apart.")

    def finish(self) -> None:
        """This will note what only the whole file can show."""
        if not self._report.rows:
            self._report.add("empty")
        self._ids.finish(self._report)


class _Shuffled:
    """A new file whose rows come in an order that chance decides, in memory that does not grow."""

    def __init__(self, target: Path, parts: int) -> None:
        self._target, self._chance, self._header = target, random.SystemRandom(), b""
        self._parts = [tempfile.TemporaryFile(dir=target.parent) for _ in range(parts)]  # noqa: SIM115 - closed on leaving

    def __enter__(self) -> "_Shuffled":
        return self

    def __exit__(self, *failure: object) -> None:
        for part in self._parts:
            part.close()

    def header(self, names: Sequence[str]) -> None:
        """This will set the first line."""
        self._header = "\t".join(names).encode() + b"\n"

    def add(self, rows: Iterable[str]) -> None:
        """This will spread rows over nameless files by chance."""
        for row in rows:
            self._chance.choice(self._parts).write(row.encode() + b"\n")

    def keep(self) -> None:
        """This will write the file."""
        draft = self._target.with_name(f".{self._target.name}.{os.urandom(6).hex()}")
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(self._header)
                for part in self._parts:
                    part.seek(0)
                    lines = part.readlines()
                    self._chance.shuffle(lines)
                    file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, self._target)
        finally:
            draft.unlink(missing_ok=True)
        sync_directory(self._target.parent)
