"""Do database and key store tell the same story? In the vault.

A database put back from yesterday says “accepted” of what was destroyed today: the keys say otherwise, and
that is told. A key store put back from yesterday holds keys that were destroyed: they are destroyed again.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

from django.db import transaction

from p20win.accounts.public import system_user
from p20win.audit.public import events_of, record
from p20win.custody import vault_keys
from p20win.custody.models import Destruction, DestructionStatus, FileStatus, SealedFile

OLDER: Final = "database.older_than_keys"
AGAIN: Final = "key.destroyed_again"


@dataclass
class Findings:
    """What did not fit."""

    without_key: list[str] = field(default_factory=list)  # files said to be accepted
    destroyed_again: list[str] = field(default_factory=list)  # fingerprints


def look(*, at: dt.datetime) -> Findings:
    """Compare every accepted file and every finished destruction with the key store, and act on it."""
    found = Findings()
    _destroy_again(found, at)
    _look_for_lost(found, at)
    return found


def _destroy_again(found: Findings, at: dt.datetime) -> None:
    store = vault_keys.private_keys().store
    for row in Destruction.objects.filter(status=DestructionStatus.DONE).iterator():
        where = (str(row.project_id), str(row.organisation_id))
        alive = [key for key in row.keys if store.has_key(*where, int(key["version"]))]
        for key in alive:
            store.destroy_version(*where, int(key["version"]))
            found.destroyed_again.append(str(key["fingerprint"]))
        if alive:
            with transaction.atomic():
                record(
                    AGAIN,
                    row,
                    by=system_user(),
                    at=at,
                    details={"keys": [key["fingerprint"] for key in alive]},
                )


def _look_for_lost(found: Findings, at: dt.datetime) -> None:
    store = vault_keys.private_keys().store
    asked = Destruction.objects.filter(status=DestructionStatus.ASKED)
    under_way = set(asked.values_list("project_id", "organisation_id"))
    rows = SealedFile.objects.filter(status=FileStatus.ACCEPTED).order_by("pk")
    for file in rows.iterator():
        alive = store.has_key(str(file.project_id), str(file.owner_id), file.key_version or 0)
        if alive or (file.project_id, file.owner_id) in under_way:
            continue
        found.without_key.append(str(file.pk))
        if not events_of(file).filter(event=OLDER).exists():
            with transaction.atomic():
                record(OLDER, file, by=system_user(), at=at, details={"key_version": file.key_version})
