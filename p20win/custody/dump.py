"""The whole database as one stream, and back: PostgreSQL's own COPY, in one snapshot, over our connection.

No program of PostgreSQL's is needed where this runs, and the plaintext never touches a disk: it goes straight
into the sealer. A stream is a row of frames: one byte of kind, four of length, and so many bytes.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection, transaction
from psycopg2 import sql

FORMAT: Final = "p20win/backup/1"
HEAD, TABLE, ROWS, SEQUENCES, FILES, END = b"H", b"T", b"R", b"S", b"F", b"Z"
EMPTY: Final = frozenset({"django_session"})  # people sign in again
_LARGEST: Final = 1 << 24
_KNOWN: Final = "accounts_organisation"  # whoever has organisations is not blank


class NotReadable(RuntimeError):
    """This role of the database may not read every table; the message says what to do."""


class NotRestorable(RuntimeError):
    """This backup does not fit this database or this code; the message says what to do."""


@dataclass
class Told:
    """What a stream held, counted."""

    tables: int = 0
    files: list[str] = field(default_factory=list)
    taken: str = ""


Write = Callable[[bytes], object]


def dump(write: Write, *, taken: str) -> list[str]:
    """Write every table as it is at one moment; return the containers of that moment.

    :raises NotReadable: if a table is kept from this role, as some are from the web's
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
            head = {"format": FORMAT, "taken": taken, "migrations": cursor.fetchall()}
            tables = _tables(cursor)
            _expect_readable(cursor, tables)
            _frame(write, HEAD, _json(head))
            for table, columns in tables.items():
                _frame(write, TABLE, _json({"table": table, "columns": columns}))
                if table not in EMPTY:
                    _copy_out(cursor, table, columns, write)
            cursor.execute("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'")
            _frame(write, SEQUENCES, _json([row for row in cursor.fetchall() if row[1] is not None]))
            cursor.execute("SELECT blob FROM custody_sealedfile WHERE status = 'accepted' AND blob <> ''")
            files = sorted(row[0] for row in cursor.fetchall())
            _frame(write, FILES, _json(files))
            _frame(write, END, b"")
    return files


def _tables(cursor: Any) -> dict[str, list[str]]:
    cursor.execute(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0"
        " AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY c.relname, a.attnum"
    )
    tables: dict[str, list[str]] = {}
    for table, column in cursor.fetchall():
        tables.setdefault(table, []).append(column)
    return tables


def _expect_readable(cursor: Any, tables: dict[str, list[str]]) -> None:
    for table in tables:
        cursor.execute("SELECT has_table_privilege(%s, 'SELECT')", [f'public."{table}"'])
        if not cursor.fetchone()[0]:
            raise NotReadable(
                f"The database does not let this role read {table}. Back up where the vault runs, or set"
                " VAULT_DATABASE_URL to the address that the vault connects with."
            )


def _copy_out(cursor: Any, table: str, columns: list[str], write: Write) -> None:
    class Sink:
        def write(self, rows: bytes | str) -> None:
            _frame(write, ROWS, rows.encode() if isinstance(rows, str) else rows)

    cursor.copy_expert(_copy(table, columns, "TO STDOUT").as_string(cursor.cursor), Sink())


def _copy(table: str, columns: list[str], way: str) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) " + way).format(sql.Identifier(table), names)


def _json(told: Any) -> bytes:
    return json.dumps(told).encode()


def _frame(write: Write, kind: bytes, content: bytes) -> None:
    write(kind + len(content).to_bytes(4, "big") + content)


# --- back


def load(chunks: Iterator[bytes], *, over: bool = False) -> Told:
    """Put a stream's tables into this database, whole or not at all: the owner of the tables does this.

    :raises NotRestorable: if the database is not blank (unless `over`), or is of another version of the code
    """
    frames, told = _Frames(chunks), Told()
    with transaction.atomic(), connection.cursor() as cursor:
        kind, content = frames.next()
        head = json.loads(content) if kind == HEAD else {}
        if head.get("format") != FORMAT:
            raise NotRestorable("This is no backup of the portal.")
        told.taken = str(head["taken"])
        _check_fits(cursor, head, over=over)
        tables = _tables(cursor)
        _switch_triggers(cursor, tables, on=False)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(
            sql.SQL("TRUNCATE {}")
            .format(sql.SQL(", ").join(map(sql.Identifier, tables)))
            .as_string(cursor.cursor)
        )
        _load_tables(cursor, frames, tables, told)
        frames.expect_end()  # only now is the seal of the whole verified
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        _switch_triggers(cursor, tables, on=True)
    return told


def _check_fits(cursor: Any, head: dict[str, Any], *, over: bool) -> None:
    cursor.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
    here = {tuple(row) for row in cursor.fetchall()}
    there = {tuple(row) for row in head["migrations"]}
    if here != there:
        newer = "older" if there - here else "newer"
        raise NotRestorable(
            f"This code is {newer} than the backup ({len(here ^ there)} migrations differ). Restore with the "
            "version of the code that made it, then migrate."
        )
    cursor.execute(f"SELECT EXISTS (SELECT FROM {_KNOWN})")  # noqa: S608  # a name of our own
    if cursor.fetchone()[0] and not over:
        raise NotRestorable("This database is not blank. Restore into a new one, or replace it: --over.")


def _switch_triggers(cursor: Any, tables: dict[str, list[str]], *, on: bool) -> None:
    way = "ENABLE" if on else "DISABLE"
    for table in tables:
        statement = sql.SQL("ALTER TABLE {} " + way + " TRIGGER USER").format(sql.Identifier(table))
        cursor.execute(statement.as_string(cursor.cursor))


def _load_tables(cursor: Any, frames: "_Frames", tables: dict[str, list[str]], told: Told) -> None:
    while (kind := frames.peek()) != END:
        content = frames.next()[1]
        if kind == TABLE:
            about = json.loads(content)
            if sorted(about["columns"]) != sorted(tables.get(about["table"], [])):
                raise NotRestorable(f"The table {about['table']} has other columns here.")
            copy = _copy(about["table"], about["columns"], "FROM STDIN").as_string(cursor.cursor)
            cursor.copy_expert(copy, _Rows(frames))
            told.tables += 1
        elif kind == SEQUENCES:
            for name, value in json.loads(content):
                cursor.execute("SELECT setval(quote_ident(%s)::regclass, %s)", [name, value])
        elif kind == FILES:
            told.files = json.loads(content)
        else:
            raise NotRestorable("This backup holds something unknown.")


class _Frames:
    """Reads frames from chunks of any size."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._buffer, self._next = chunks, bytearray(), b""

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            try:
                self._buffer += next(self._chunks)
            except StopIteration:
                raise NotRestorable("This backup ends too early.") from None
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def peek(self) -> bytes:
        """Say of which kind the next frame is."""
        self._next = self._next or self._take(1)
        return self._next

    def next(self) -> tuple[bytes, bytes]:
        """Return the next frame. :raises NotRestorable: if there is none"""
        kind, self._next = self.peek(), b""
        length = int.from_bytes(self._take(4), "big")
        if length > _LARGEST:
            raise NotRestorable("This backup is not readable.")
        return kind, self._take(length)

    def expect_end(self) -> None:
        """Read to the end, where the seal is verified. :raises NotRestorable: if anything follows it"""
        self.next()
        if self._buffer or b"".join(self._chunks):
            raise NotRestorable("Something follows the end of this backup.")


class _Rows:
    """The rows of one table, as a file that COPY reads."""

    def __init__(self, frames: _Frames) -> None:
        self._frames, self._rest = frames, b""

    def read(self, size: int) -> bytes:
        """Give at most so many bytes; none at the table's end."""
        while not self._rest and self._frames.peek() == ROWS:
            self._rest = self._frames.next()[1]
        given, self._rest = self._rest[:size], self._rest[size:]
        return given
