"""Where this run's canaries are looked for, and where one is planted first to prove that looking works."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import environ
import psycopg2
import redis
from psycopg2 import sql

from governance.scenario.canaries import Report, Search, needles
from governance.scenario.memory import family

if TYPE_CHECKING:
    from psycopg2.extensions import connection

SYSTEM_PLACES: Final = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 (looked at, not written to)
PLANT_TABLE: Final = "scenario_plant"
PLANTED_IN: Final = ("the database’s files", "the database’s tables", "the broker’s file", "a temporary file")


class Places:
    """Everything on disk that this run's programs can have written, and what the database answers."""

    def __init__(self, *, folders: Iterable[Path], owner_url: str, broker_url: str, since: float) -> None:
        """Note where to look; `since` is when the run began."""
        self.folders = list(folders)
        self._owner_url, self._broker_url, self._since = owner_url, broker_url, since

    def search(self, marks: Mapping[str, str], *, own: Mapping[str, str]) -> Report:
        """Look for the marks wherever we write, and for those of this run alone in the machine's folders."""
        search = Search(needles(marks))
        with closing(self._connect()) as database:
            _flush(database)
            report = self._tables(database, search)
        report.add(search.in_folders(self.folders))
        report.add(search.in_deleted_files_of(family(os.getpid())))
        elsewhere = [Path(place) for place in {*SYSTEM_PLACES, tempfile.gettempdir()} if Path(place).is_dir()]
        outside = Search(needles(own)).in_folders(elsewhere, changed_since=self._since)
        outside.unreadable.clear()  # other people's files, which our programs cannot have written
        report.add(outside)
        return report

    def prove(self, mark: str) -> list[str]:
        """Plant a mark in every kind of place, look for it, remove it; return where it was not found."""
        label = "the planted mark"
        note = Path(tempfile.gettempdir()) / "planted.txt"
        broker = redis.Redis.from_url(_for_redis(self._broker_url))
        with closing(self._connect()) as database, closing(broker):
            _run(database, f"CREATE TABLE {PLANT_TABLE} (note text)")
            _run(database, f"INSERT INTO {PLANT_TABLE} VALUES (%s)", mark)  # noqa: S608 (a constant)
            broker.set("planted", mark)
            note.write_text(mark, encoding="utf-16-le")
            try:
                found = self.search({label: mark}, own={label: mark}).findings
            finally:
                _run(database, f"DROP TABLE {PLANT_TABLE}")
                broker.delete("planted")
                note.unlink()
        where = [finding.where for finding in found]
        hit = {
            PLANTED_IN[0]: any("/base/" in place or "/pg_wal/" in place for place in where),
            PLANTED_IN[1]: any(PLANT_TABLE in place for place in where),
            PLANTED_IN[2]: any("appendonly" in place for place in where),
            PLANTED_IN[3]: any(place == str(note) for place in where),
        }
        return [place for place, seen in hit.items() if not seen]

    def _connect(self) -> connection:
        described: Mapping[str, Any] = environ.Env.db_url_config(self._owner_url)
        return psycopg2.connect(
            dbname=described["NAME"],
            user=described["USER"],
            password=described["PASSWORD"],
            host=described["HOST"],
            port=described["PORT"] or None,
        )

    def _tables(self, database: connection, search: Search) -> Report:
        """Read every table out: what is stored compressed shows itself here.

        Bytes are read as they are: as hexadecimal digits, random ones soon look like somebody's birth date.
        """
        report = Report()
        with database.cursor() as cursor:
            cursor.execute("SET bytea_output = 'escape'")
        for name in _table_names(database):
            reading = search.begin(f"table {name}")
            with database.cursor() as cursor:
                cursor.copy_expert(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name)), reading)
            report.add(reading.finish())
        database.rollback()
        return report


def _for_redis(broker_url: str) -> str:
    """Return Celery's address of the broker as its client writes it."""
    return broker_url.replace("redis+socket://", "unix://", 1)


def _table_names(database: connection) -> Iterator[str]:
    with database.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        rows = cursor.fetchall()
    yield from (name for (name,) in rows)


def _flush(database: connection) -> None:
    """Have the database write to its files what it still holds in memory."""
    database.autocommit = True
    with database.cursor() as cursor:
        cursor.execute("CHECKPOINT")
    database.autocommit = False


def _run(database: connection, statement: str, *values: str) -> None:
    with database.cursor() as cursor:
        cursor.execute(statement, values)
    database.commit()
