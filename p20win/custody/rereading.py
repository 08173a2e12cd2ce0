"""Sealed files are read again in turn, so that damage is found before somebody needs the file (F12).

What lies sealed is compared with the root and size that the hub signed for. No key is used, so nothing is
opened, and it goes on while the key service is away. In the vault, asked for every hour.
"""

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import F

from p20win import clock, policy
from p20win.custody import damage, opening, places, vault_keys
from p20win.custody.engine.rereading import Place, read_on
from p20win.custody.models import (
    DamageStatus,
    Destruction,
    DestructionStatus,
    FileStatus,
    Reread,
    SealedFile,
)
from p20win.jobs import public as jobs

if TYPE_CHECKING:
    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

WORK: Final = "custody.reread"
EVERY: Final = dt.timedelta(hours=1)
AT_ONCE: Final = 16 << 30  # bytes in one go
STRIDE: Final = 1 << 30  # bytes after which it is noted how far a file was read
WITHIN: Final = dt.timedelta(days=policy.REREAD_DAYS)


@dataclass
class Seen:
    """What one go came to."""

    files: int = 0
    bytes: int = 0
    damaged: int = 0


@transaction.atomic
def ask_if_due(*, now: dt.datetime) -> bool:
    """Have the vault read on if the last time is an hour ago; say whether it was asked."""
    job = jobs.latest(WORK)
    if job is not None and (not job.is_over or now - job.created_at < EVERY):
        return False
    jobs.after_commit(WORK)
    return True


def read_some(
    *, now: dt.datetime, most: int = AT_ONCE, told: Callable[[int, str], None] = lambda percent, what: None
) -> Seen:
    """Read on, until so many bytes were read or each file once. What is damaged is noted; others follow.

    In the vault alone; `now` is the real time.
    """
    vault_keys.expect_vault()
    seen = Seen()
    while seen.bytes < most:
        file = _next(before=now)
        if file is None:
            break
        _read(file, seen, now=now, most=most, told=told)
    return seen


def _read(
    file: SealedFile, seen: Seen, *, now: dt.datetime, most: int, told: Callable[[int, str], None]
) -> None:
    try:
        with damage.told_apart(file):
            _, root, size = opening.signed_for(file)
            place: Place | None = _place(file)
            with places.blob(file.blob).open("rb") as source:
                while place is not None and seen.bytes < most:
                    before, stride = place.offset, min(STRIDE, most - seen.bytes)
                    place = read_on(source, place, root=root, sealed_bytes=size, most=stride)
                    seen.bytes += max((place.offset if place else size) - before, 1)
                    _note(file, place, now=now)
                    told(min(99, seen.bytes * 100 // most), "Reading sealed files again.")
        seen.files += place is None
    except damage.Damaged as found:
        seen.files += 1
        _note(file, None, now=now)
        if _is_being_destroyed(file):
            return
        logger.error("vault: file %s is damaged", file.pk)
        seen.damaged += damage.note(found, at=clock.now()) is not None


def _next(*, before: dt.datetime) -> SealedFile | None:
    """Return the file to read: one that was begun, else the one that was not read for longest."""
    rows = _standing().exclude(reread__ended_at__gte=before)
    rows = rows.select_related("project", "owner", "reread")
    order = (F("reread__segments").desc(nulls_last=True), F("reread__ended_at").asc(nulls_first=True), "pk")
    return rows.order_by(*order).first()


def _standing() -> "QuerySet[SealedFile]":
    """Return the files that lie sealed; what was found damaged has a watch of its own."""
    rows = SealedFile.objects.filter(status=FileStatus.ACCEPTED)
    return rows.exclude(damages__status=DamageStatus.FOUND)


def _place(file: SealedFile) -> Place:
    row = Reread.objects.filter(file=file).first()
    return Place(row.segments, bytes(row.subtrees)) if row else Place()


def _note(file: SealedFile, place: Place | None, *, now: dt.datetime) -> None:
    if place is not None:
        under_way = {"segments": place.segments, "subtrees": place.subtrees}
        Reread.objects.update_or_create(file=file, defaults=under_way)
    else:
        ended = {"ended_at": now, "segments": 0, "subtrees": b""}
        Reread.objects.update_or_create(file=file, defaults=ended)


def _is_being_destroyed(file: SealedFile) -> bool:
    """Say whether the file is gone because the vault is destroying it just now."""
    rows = Destruction.objects.filter(project=file.project_id, organisation=file.owner_id)
    return rows.filter(status=DestructionStatus.ASKED, begun_at__isnull=False).exists()


def overdue(*, now: dt.datetime) -> int:
    """Say how many sealed files nobody read again for too long. For the health page."""
    rows = _standing().filter(status_since__lte=now - WITHIN)
    return rows.exclude(reread__ended_at__gt=now - WITHIN).count()
