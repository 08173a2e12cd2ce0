"""Renewing the vault's own keys, with an overlap in which the old one still opens. In the vault alone."""

import datetime as dt
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

from p20win import policy
from p20win.accounts.public import hub, system_user
from p20win.audit.public import record
from p20win.custody import key_ring, vault_keys
from p20win.custody.key_ring import Version
from p20win.custody.models import FileStatus, SealedFile

OVERLAP: Final = {
    key_ring.HUB: dt.timedelta(days=policy.HUB_KEY_OVERLAP_DAYS),
    key_ring.VAULT: dt.timedelta(days=policy.VAULT_KEY_OVERLAP_DAYS),
    key_ring.AGE: dt.timedelta(days=policy.VAULT_KEY_OVERLAP_DAYS),
}
LIFE: Final = {
    key_ring.HUB: dt.timedelta(days=policy.HUB_KEY_DAYS),
    key_ring.VAULT: dt.timedelta(days=policy.VAULT_KEY_DAYS),
    key_ring.AGE: dt.timedelta(days=policy.VAULT_KEY_DAYS),
}


def renew(kind: str, *, now: dt.datetime, at: dt.datetime) -> Version:
    """Make the next version of the hub's, the vault's or the age key, and tell everyone by the signed list.

    :raises NotThere: if there is none to renew
    """
    vault_keys.expect_vault()
    fresh = key_ring.renew(_folder(), kind, now=now, overlap=OVERLAP[kind])
    vault_keys.publish_own()
    _tell("vault_key.renewed", fresh, at)
    return fresh


def retire_due(*, now: dt.datetime, at: dt.datetime) -> list[Version]:
    """Destroy the private halves whose overlap is over, except of a key that what has arrived still needs."""
    vault_keys.expect_vault()
    key_ring.sweep(_folder())
    due = [each for each in key_ring.over(key_ring.read(_folder()), now) if not _is_needed(each)]
    for each in due:
        key_ring.retire(_folder(), each, now=now)
        _tell("vault_key.retired", each, at)
    if due:
        vault_keys.publish_own()
    return due


def _is_needed(version: Version) -> bool:
    """Say whether a file that may be sealed for it waits for its check, as while the scanner is away."""
    if version.kind == key_ring.HUB:
        return False
    ended = dt.datetime.fromisoformat(version.ends)
    return SealedFile.objects.filter(status=FileStatus.ARRIVED, received_at__lt=ended).exists()


@transaction.atomic
def _tell(event: str, version: Version, at: dt.datetime) -> None:
    details = {"kind": version.kind, "version": version.version, "public": version.public}
    record(event, hub(), by=system_user(), at=at, details=details)


def _folder() -> Path:
    return Path(settings.P20WIN_VAULT_KEYS)
