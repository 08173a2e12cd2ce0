"""A safe table is counted, in the vault: what it made goes the way of a file that somebody sent."""

import contextlib
import datetime as dt
import functools
import io
import secrets
import uuid
import zipfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from django.db import transaction

from disclosure import lifecycle, safe_checks, safe_choices
from disclosure.engine.errors import BadTable
from disclosure.models import Output, OutputStatus, SafeTable
from p20win.accounts.public import system_user
from p20win.custody import public as custody
from p20win.refusal import Blocked
from p20win.workflow import amend, take

if TYPE_CHECKING:
    from p20win.custody.models import SealedFile
    from p20win.jobs.public import RunningJob

NAME: Final = "safe-table.csv"
_AHEAD: Final = 8 * 2**20  # read at once; a segment of a sealed file is one eighth of it
_PIECE: Final = 2**20
_SALT: Final = 256


def count(table: SafeTable, *, job: "RunningJob", at: dt.datetime) -> None:
    """Count a table and hand it to its output as its file, sealed like any other. In the vault alone.

    One that was counted already is left as it is; one that cannot be is returned to its author with why.
    """
    output = Output.objects.select_related("project", "author__organisation", "slot").get(pk=table.output_id)
    if output.status != OutputStatus.UPLOADED or output.slot.files.exists():
        return
    reasons = safe_checks.why_not_count(output.project, table.delivery, output.author, at)
    reasons += safe_checks.why_not_beside_others(table)
    if reasons:
        _refuse(table, output, " ".join(reasons), job=job, at=at)
        return
    job.progress(5, "Opening the extract.")
    try:
        content = _counted(table, job)
    except BadTable as problem:
        _refuse(table, output, str(problem), job=job, at=at)
        return
    job.progress(90, "Sealing the table.")
    with transaction.atomic():
        job.hold()
        if Output.objects.get(pk=output.pk).status != OutputStatus.UPLOADED:  # withdrawn meanwhile
            return
        custody.receive([_salted(content)], output.slot, by=output.author, name=NAME, at=at)


def _counted(table: SafeTable, job: "RunningJob") -> bytes:
    from disclosure.engine.crosstab import tabulate  # loaded where it is used, as the solvers are

    axes = safe_choices.axes(table)
    if len(axes) != len(table.dimensions):
        raise BadTable("One of the dimensions is no approved element of the extract. Define the table anew.")
    with custody.open_only(table.project_id, custody.DataClass.EXTRACT), opened_files(table) as files:
        return tabulate(
            table.counted,
            axes,
            files,
            identifiers=safe_choices.identifiers(table.delivery),
            told=job.progress,
        )


@contextlib.contextmanager
def opened_files(table: SafeTable) -> Iterator[dict[str, Callable[[], Iterator[bytes]]]]:
    """Give the files of a table's extract, to be read as often as needed. In the vault alone.

    :raises Blocked: if there is no extract
    """
    extract = table.delivery.extract
    if extract is None or table.project_id != table.delivery.project_id:
        raise Blocked("There is no extract to count from.")
    with _zip_of(extract, within=uuid.uuid4()) as archive:  # this attempt to count
        names = set(archive.namelist()) & set(safe_choices.files(table.delivery))
        yield {name: functools.partial(_pieces, archive, name) for name in names}


def _salted(content: bytes) -> bytes:
    """End the table with a blank line of random spaces, so that its digest and size tell no count."""
    blank = "".join(secrets.choice(" \t") for _ in range(_SALT + secrets.randbelow(_SALT)))
    return content + blank.encode() + b"," * content.split(b"\n", 1)[0].count(b",") + b"\n"


def _zip_of(extract: "SealedFile", *, within: uuid.UUID) -> zipfile.ZipFile:
    opened = _Opened(extract, within=within)
    return zipfile.ZipFile(io.BufferedReader(opened, _AHEAD))  # type: ignore[type-var]


def _pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with archive.open(name) as source:
        while piece := source.read(_PIECE):
            yield piece


class _Opened(io.RawIOBase):
    """A sealed file as one that can be read anywhere; nothing of it is held but what is being read.

    All of it is verified before the first read, once.
    """

    def __init__(self, file: "SealedFile", *, within: uuid.UUID) -> None:
        self._file, self._at, self._size, self._within = file, 0, file.plain_bytes or 0, within

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        stop = min(self._at + len(buffer), self._size)
        if stop <= self._at:
            return 0
        content = b"".join(custody.open_range(self._file, self._at, stop, within=self._within))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


def _refuse(table: SafeTable, output: Output, why: str, *, job: "RunningJob", at: dt.datetime) -> None:
    with transaction.atomic():
        job.hold()
        table = amend("safe_table.refused", table, by=system_user(), at=at, refusal=why)
        take(lifecycle.REFUSE, output, by=system_user(), at=at, details={"safe_table": str(table.pk)})
