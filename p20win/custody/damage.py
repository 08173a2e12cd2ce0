"""A sealed file that is not as it was signed for: closed to everybody, told, and written down."""

import datetime as dt
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import transaction

from p20win import clock
from p20win.accounts.public import system_user
from p20win.audit.public import first_in_line
from p20win.custody.engine.errors import Broken, Unreadable, WrongKey
from p20win.custody.models import Damage, DamageStatus, FileStatus, SealedFile
from p20win.refusal import Blocked
from p20win.workflow import create

if TYPE_CHECKING:
    from django.db.models import QuerySet

_OF_THE_FILE = (Broken, Unreadable, WrongKey)
_OF_THE_DISK = {
    errno.ENOENT: "The sealed file is not where it lay.",
    errno.EIO: "The disk cannot read the sealed file.",
}


class Damaged(Broken):
    """A sealed file is not as it was signed for. Nothing of it was given."""

    def __init__(self, file: SealedFile, what: str) -> None:
        """Say which file it is, in words for everybody who may know of it."""
        self.file, self.what = file, what
        super().__init__(
            f"A sealed file of {file.owner.short_name} was found damaged ({file.get_data_class_display()},"
            f" {file.pk}). It stays closed; the hub and the operating group are told. {what}"
        )


def expect_sound(file: SealedFile) -> None:
    """Make sure that a file was not found damaged before. :raises Damaged: if it was, and still is"""
    known = Damage.objects.filter(file=file, status=DamageStatus.FOUND).first()
    if known is not None:
        raise Damaged(file, known.what)


@contextmanager
def told_apart(file: SealedFile) -> Iterator[None]:
    """Let whatever shows that a file is damaged be that. :raises Damaged: for it, and nothing else"""
    try:
        yield
    except Damaged:
        raise
    except _OF_THE_FILE as problem:
        raise Damaged(file, str(problem)) from problem
    except OSError as problem:
        if problem.errno not in _OF_THE_DISK:
            raise
        raise Damaged(file, _OF_THE_DISK[problem.errno]) from problem


def watched(file: SealedFile, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Give these chunks of a file. :raises Damaged: if one of them is not as it was signed for"""
    with told_apart(file):
        yield from chunks


@transaction.atomic
def note(problem: Damaged, *, at: dt.datetime) -> Damage | None:
    """Write down that a file was found damaged, once; who looks after files is told. In the vault alone.

    Call it where no transaction is open that is undone for the damage. A file that was destroyed or removed
    meanwhile is not damaged.
    """
    first_in_line()
    file = SealedFile.objects.select_related("project", "owner").get(pk=problem.file.pk)
    if file.status != FileStatus.ACCEPTED:
        return None
    return write_down(file, problem.what, at=at)


def write_down(
    file: SealedFile, what: str, *, at: dt.datetime, kept_until: dt.datetime | None = None
) -> Damage | None:
    """Write down what was found, unless it stands there already. The caller holds the ledger's lock."""
    if Damage.objects.filter(file=file, status=DamageStatus.FOUND).exists():
        return None
    row = Damage(file=file, found_at=at, status_since=at, what=what[:200], kept_until=kept_until)
    details = {"file": str(file.pk), "class": file.data_class, "owner": file.owner.slug, "what": row.what}
    details |= {"evidence_until": kept_until.isoformat()} if kept_until else {}
    return create("file.damaged", row, by=system_user(), at=at, details=details)


@contextmanager
def noted() -> Iterator[None]:
    """Write down what turns out to be damaged in here, and refuse the work because of it.

    :raises Blocked: naming the file, instead of Damaged
    """
    try:
        yield
    except Damaged as problem:
        note(problem, at=clock.now())
        raise Blocked(str(problem)) from problem


def standing() -> "QuerySet[Damage]":
    """Return the files that are damaged now: those that are still needed, and evidence that is kept."""
    rows = Damage.objects.filter(status=DamageStatus.FOUND)
    rows = rows.filter(file__status__in=(FileStatus.ACCEPTED, FileStatus.REFUSED))
    return rows.select_related("file__project", "file__owner", "file__slot").order_by("found_at")
