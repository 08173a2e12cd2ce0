"""Starting points: what many tests begin with is made in earnest once in each process, and then put back.

The acts of a whole request take thousands of statements. The first test that asks for such a point gets it
from those acts; the rows they wrote and the files of the test's vault are kept, and later tests that start
from the same state get the same rows and files. The ledger chains its lines anew as they are put back.
"""

import functools
import hashlib
import io
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction

from p20win.custody import dump, vault_keys

P = ParamSpec("P")
R = TypeVar("R", bound=models.Model)
_FOLDERS = ("P20WIN_MEDIA", "P20WIN_KEYSTORE", "P20WIN_VAULT_KEYS", "P20WIN_VAULT_PUBLIC")
_LEDGER = "audit_event"
_kept: dict[tuple[object, ...], "Point | None"] = {}
_tables: dict[str, list[str]] = {}
_HARMLESS = ": at_start."  # the factories give that time themselves
_watched: list[Any] = []  # what the running test may replace: its patches, its settings


@dataclass(frozen=True)
class Point:
    """What was written on the way: rows as COPY has them, the vault's files, and the row returned."""

    rows: dict[str, bytes]
    files: Path
    reached: tuple[type[models.Model], Any]


def starting_point(*world: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep what a factory makes where nothing has happened yet, and put it back for the same arguments.

    `world` is whatever else of the tests' modules it looks at, as a test may have changed that.
    """

    def keeps(make: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(make)
        def made(*args: P.args, **kwargs: P.kwargs) -> R:
            is_about_a_row = any(isinstance(each, models.Model) for each in (*args, *kwargs.values()))
            state = _state() if connection.in_atomic_block and not is_about_a_row else None
            if state is None:
                return make(*args, **kwargs)
            asked = repr((args, sorted(kwargs.items()), world))
            key = (make.__qualname__, asked, _replaced(), state)
            if key not in _kept:
                before = _rows()
                row = make(*args, **kwargs)
                _kept[key] = _point(before, row)
                return row
            return _put_back(point) if (point := _kept[key]) else make(*args, **kwargs)

        return made

    return keeps


def watch(patches: pytest.MonkeyPatch | None, settings_of_test: Any) -> None:
    """Tell what the test that begins now may replace: what is made otherwise is another starting point."""
    _watched[:] = [patches, settings_of_test]


def _replaced() -> tuple[str, ...]:
    """Name what the test has replaced, and by what; its own folders are put back with the files."""
    patches, settings_of_test = _watched
    found = []
    for override in settings_of_test._to_restore:
        changed = sorted(override.options.items())
        found += [f"{name}: {value!r}" for name, value in changed if not isinstance(value, Path)]
    if patches is not None:
        places = [(target, name) for target, name, _ in patches._setattr]
        found += [f"{getattr(t, '__name__', t)}.{n}: {_told(getattr(t, n, None))}" for t, n in places]
        found += [f"{name}: {target.get(name)!r}" for target, name, _ in patches._setitem]
    return tuple(dict.fromkeys(each for each in found if _HARMLESS not in each))


def _told(value: object) -> str:
    """Tell a function by its name and what it holds, as each test makes it anew; and all else as it is."""
    if not hasattr(value, "__qualname__"):
        return repr(value)
    held = [cell.cell_contents for cell in getattr(value, "__closure__", None) or ()]
    return f"{value.__qualname__} {held} {getattr(value, '__defaults__', None)}"


def _state() -> str | None:
    """Return a digest of every row there is; None if something has happened already."""
    with connection.cursor() as cursor:
        if not _tables:
            _tables.update(dump._tables(cursor))
        cursor.execute(f"SELECT EXISTS (SELECT FROM {_LEDGER})")
        if cursor.fetchone()[0]:
            return None
    media = Path(settings.P20WIN_MEDIA)
    if settings.P20WIN_IS_VAULT and any(path.is_file() for path in media.rglob("*")):
        return None
    whole = hashlib.sha256(str(settings.P20WIN_IS_VAULT).encode())
    for table, rows in _rows().items():
        whole.update(table.encode() + b"\0" + b"".join(sorted(rows)))
    return whole.hexdigest()


def _rows() -> dict[str, list[bytes]]:
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT FROM \"{t}\")" for t in _tables)
        )
        for (table,) in cursor.fetchall():
            sink = io.BytesIO()
            cursor.copy_expert(_copy(table, "TO STDOUT"), sink)
            found[table] = sink.getvalue().splitlines(keepends=True)
    return found


def all_rows() -> dict[str, list[bytes]]:
    """Return every row there is, but those of the ledger."""
    with connection.cursor() as cursor:
        _tables.update(dump._tables(cursor))
    return {table: rows for table, rows in _rows().items() if table != _LEDGER}


def restore(rows: dict[str, list[bytes]]) -> None:
    """Let there be these rows and no others in their tables and in what refers to them."""
    names = ", ".join(f'"{table}"' for table in rows)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {names} CASCADE")
        for table, lines in rows.items():
            cursor.copy_expert(_copy(table, "FROM STDIN"), io.BytesIO(b"".join(lines)))
    ContentType.objects.clear_cache()
    connection.close()


def _copy(table: str, way: str) -> str:
    columns = ", ".join(f'"{column}"' for column in _tables[table])
    if way == "TO STDOUT" and table == _LEDGER:
        return f"COPY (SELECT {columns} FROM {table} ORDER BY seq) TO STDOUT"
    return f'COPY "{table}" ({columns}) {way}'


def _point(before: dict[str, list[bytes]], row: models.Model) -> Point | None:
    """Keep what is new; None if rows of before were changed, which cannot be put back."""
    new = {}
    for table, lines in _rows().items():
        known = set(before.get(table, ()))
        if known - set(lines):
            return None
        if fresh := b"".join(line for line in lines if line not in known):
            new[table] = fresh
    files = Path(tempfile.mkdtemp(dir=_home()))
    for own, kept in _folders(files):
        if own.is_dir():
            shutil.copytree(own, kept)
    return Point(new, files, (type(row), row.pk))


def _put_back(point: Point) -> Any:
    for own, kept in _folders(point.files):
        shutil.rmtree(own, ignore_errors=True)
        if kept.is_dir():
            shutil.copytree(kept, own)
    vault_keys._read_private.cache_clear()
    with connection.cursor() as cursor:
        for table, rows in point.rows.items():
            cursor.copy_expert(_copy(table, "FROM STDIN"), io.BytesIO(rows))
    kind, pk = point.reached
    return kind._default_manager.get(pk=pk)


def _folders(kept: Path) -> list[tuple[Path, Path]]:
    """Return the folders of the test's own vault, if it has one, each with where it is kept."""
    names = _FOLDERS if settings.P20WIN_IS_VAULT else ()
    return [(Path(getattr(settings, name)), kept / name) for name in names]


@functools.cache
def _home() -> Path:
    return Path(tempfile.mkdtemp(prefix="points-", dir=settings.P20WIN_DATA))  # goes with the run's servers
