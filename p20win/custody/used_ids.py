"""The synthetic ids that agencies used before, so that none is used for a second request (O-106).

Kept are 64-bit digests under a key of the agency, which lies in the key store and never leaves the vault; the
web's database role cannot read the table at all. What this is against, and why it outlives the files, is
decided in docs/adr/0021.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from django.db import connection

from p20win import clock
from p20win.custody import places, vault_keys
from p20win.custody.engine.report import Report
from p20win.custody.engine.spill import Numbers
from p20win.custody.engine.usedonce import Between, Ids, as_bytes, from_bytes
from p20win.custody.engine.wrapping import fingerprint
from p20win.custody.models import DataClass, SealedFile, UsedIds

if TYPE_CHECKING:
    from django.db.models import QuerySet

IN_NO_PROJECT: Final = "00000000-0000-0000-0000-000000000000"  # where the key store files the agency's key
AT_ONCE: Final = 1 << 16  # digests in one row: half a mebibyte
_LOCK: Final = 7023
_MIDDLE: Final = 1 << 63  # the database's numbers have a sign
_WITH_IDS: Final = (DataClass.MATCHING, DataClass.ANALYTICAL, DataClass.IDENTIFIER_LIST)


@contextmanager
def gathered(file: SealedFile) -> Iterator[Ids | None]:
    """Give what remembers the ids of a file while it is checked; nothing for one that has none.

    :raises MustWait: if the key service does not answer
    """
    if file.slot is None or file.data_class not in _WITH_IDS or not file.slot.spec.get("id_column"):
        yield None
        return
    ids = Ids(_key(file), places.spill())
    try:
        yield ids
    finally:
        ids.close()


def once(file: SealedFile, ids: Ids | None, report: Report) -> None:
    """Tell which ids another request of the agency has; keep those of a file that is accepted.

    In the transaction that judges the file, before any line of the ledger. Two files of one agency are
    compared one after the other, so that of an id in both one is refused.
    """
    if ids is None or not len(ids):
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, str(file.owner_id)])
    mark = fingerprint(_key(file))
    known = UsedIds.objects.filter(organisation=file.owner_id, key=mark)
    ids.compare(_between(known.exclude(project=file.project_id)), report)
    if report.accepted:
        for fresh in ids.not_among(_between(known.filter(project=file.project_id))):
            _keep(file, mark, fresh)


def _key(file: SealedFile) -> bytes:
    made = clock.real_now().isoformat(timespec="seconds")
    _, key = vault_keys.private_keys().store.current_or_new(IN_NO_PROJECT, str(file.owner_id), created=made)
    return key


def _between(rows: "QuerySet[UsedIds]") -> Between:
    def between(first: int, last: int) -> Iterator[Numbers]:
        near = rows.filter(first__lte=last - _MIDDLE, last__gte=first - _MIDDLE)
        for stored in near.values_list("digests", flat=True).iterator(chunk_size=4):
            yield from_bytes(stored)

    return between


def _keep(file: SealedFile, mark: str, fresh: Numbers) -> None:
    for start in range(0, len(fresh), AT_ONCE):
        part = fresh[start : start + AT_ONCE]
        UsedIds.objects.create(
            organisation_id=file.owner_id,
            project_id=file.project_id,
            key=mark,
            first=int(part[0]) - _MIDDLE,
            last=int(part[-1]) - _MIDDLE,
            digests=as_bytes(part),
        )
