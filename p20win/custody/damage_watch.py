"""Looking again at what was found damaged, and erasing evidence in time. In the vault, every ten minutes."""

import datetime as dt
from typing import Final

from django.db import transaction

from p20win import policy
from p20win.accounts.public import system_user
from p20win.custody import damage, holds, lifecycle, opening, places
from p20win.custody.models import Damage, DamageStatus, FileStatus
from p20win.workflow import take

EVIDENCE: Final = dt.timedelta(days=policy.DAMAGED_ARRIVAL_DAYS)


def look(*, now: dt.datetime, at: dt.datetime) -> None:
    """Let files be opened again that are whole, as after their container was put back; erase old evidence."""
    for row in damage.standing():
        if row.file.status == FileStatus.ACCEPTED and not opening.why_unreadable(row.file):
            take(lifecycle.FIND_SOUND, row, by=system_user(), at=at, details={"file": str(row.file_id)})
    for row in Damage.objects.filter(status=DamageStatus.FOUND, kept_until__lte=now):
        _erase(row, at=at)


@transaction.atomic
def _erase(row: Damage, *, at: dt.datetime) -> None:
    if holds.why_held(row.file.project):
        return
    places.erase_pieces(row.file.pieces)
    take(lifecycle.ERASE_EVIDENCE, row, by=system_user(), at=at, details={"file": str(row.file_id)})
