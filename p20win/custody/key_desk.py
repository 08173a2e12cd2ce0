"""Every key there is, told to those who look after them; and the rotation of the master key. In the vault.

The web process cannot look into the key store: the vault writes the inventory beside its public keys.
"""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from django.conf import settings
from django.db import transaction

from p20win import policy
from p20win.accounts.public import hub, system_user
from p20win.audit.public import record
from p20win.custody import key_ring, key_snapshots, renewal, vault_keys
from p20win.custody.engine import hubkeys, pieces
from p20win.custody.engine.errors import RetiredKey
from p20win.custody.engine.master import CURRENT, RETIRED
from p20win.custody.engine.wrapping import fingerprint
from p20win.custody.used_ids import IN_NO_PROJECT
from p20win.jobs.public import MustWait

INVENTORY: Final = "inventory.json"
_PURPOSES: Final = {
    key_ring.HUB: "Signs for the hub",
    key_ring.VAULT: "Opens what arrives",
    key_ring.AGE: "Opens what is encrypted with age",
}
MASTER_LIFE: Final = dt.timedelta(days=policy.MASTER_KEY_DAYS)


class StillNeeded(RuntimeError):
    """A version of the master key cannot be retired yet; the message says what needs it."""


@dataclass(frozen=True)
class ListedKey:
    """One key as the inventory tells it. Nothing here opens anything."""

    purpose: str
    version: int
    state: str
    created: str = ""
    renew_by: str = ""
    fingerprint: str = ""
    wrapped_by: str = ""
    project: str = ""
    organisation: str = ""


def service_state() -> str:
    """Say in one line who holds the master key and how that is; asks the service. In the vault alone.

    :raises MustWait: if the service does not answer
    """
    service = vault_keys.private_keys().store.service
    current = max(each.version for each in service.versions() if each.state != RETIRED)
    names = {"file": "a file of the vault", "vault": "HashiCorp Vault", "aws": "AWS KMS"}
    return f"held by {names[service.name]}, version {current}"


def listed() -> Iterator[ListedKey]:
    """List every key that the vault knows. :raises MustWait: if the key service does not answer"""
    keeper = vault_keys.private_keys()
    for master in keeper.store.service.versions():
        renew_by = "" if master.state == RETIRED else _later(master.created, MASTER_LIFE)
        yield ListedKey(
            "Master key", master.version, master.state, master.created, renew_by, master.fingerprint
        )
    yield from map(_own, keeper.ring)
    yield from _backup()
    yield from _seal()
    for kek in keeper.store.inventory():
        yield ListedKey(
            purpose="Ids used before"
            if kek.project == IN_NO_PROJECT
            else "One organisation's data in one project",
            version=kek.version,
            state="current",
            created=kek.created,
            fingerprint=kek.fingerprint,
            wrapped_by=f"{kek.service}, version {kek.master}",
            project=kek.project,
            organisation=kek.organisation,
        )


def _own(key: key_ring.Version) -> ListedKey:
    is_hub = key.kind == key_ring.HUB
    return ListedKey(
        purpose=_PURPOSES[key.kind],
        version=key.version,
        state=key.state,
        created=key.begins,
        renew_by=_later(key.begins, renewal.LIFE[key.kind]) if key.state == CURRENT else "",
        fingerprint=hubkeys.in_groups(hubkeys.fingerprint(key.public))
        if is_hub
        else fingerprint(key.public.encode()),
    )


def _backup() -> Iterator[ListedKey]:
    try:
        mark = _public_mark(vault_keys.backup_public())
    except vault_keys.NoKeys:
        return
    created = _written(Path(settings.P20WIN_VAULT_PUBLIC) / vault_keys.BACKUP_PUBLIC)
    life = dt.timedelta(days=policy.BACKUP_KEY_DAYS)
    yield ListedKey("Opens the backups, kept offline", 1, "current", created, _later(created, life), mark)


def _seal() -> Iterator[ListedKey]:
    """The portal's seal: only where its certificate is readable."""
    try:
        seal = x509.load_pem_x509_certificate(Path(settings.P20WIN_SEAL_CERTIFICATE).read_bytes())
    except (OSError, ValueError):
        return
    yield ListedKey(
        purpose="Seals the portal's papers",
        version=1,
        state="current",
        created=seal.not_valid_before_utc.isoformat(),
        renew_by=seal.not_valid_after_utc.isoformat(),
        fingerprint=seal.fingerprint(hashes.SHA256()).hex()[:32],
    )


def _public_mark(key: X25519PublicKey) -> str:
    return fingerprint(pieces.vault_public_text(key).encode())


def _written(path: Path) -> str:
    return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).isoformat(timespec="seconds")


def _later(created: str, life: dt.timedelta) -> str:
    return (dt.datetime.fromisoformat(created) + life).isoformat() if "T" in created else ""


def publish(*, now: dt.datetime, missing_keys: list[str]) -> None:
    """Write the inventory for the pages, and the list of the hub's keys if it is due.

    `missing_keys`: files whose key is gone although no row says so.
    """
    vault_keys.publish_list(now=now)
    told: dict[str, Any] = {"at": now.isoformat(timespec="seconds"), "missing_keys": missing_keys}
    try:
        told["keys"] = [asdict(each) for each in listed()]
        told["service"] = service_state()
    except MustWait as away:
        told |= {"keys": [], "service": "", "away": str(away)}
    told["snapshots"] = [
        {"taken": each.taken.isoformat(), "expires": each.expires.isoformat(), "keys": each.keys}
        for each in key_snapshots.there_are()
    ]
    vault_keys.publish(INVENTORY, json.dumps(told).encode())


def published() -> dict[str, Any] | None:
    """Return the inventory as the vault wrote it last, or nothing. For the pages."""
    try:
        told: dict[str, Any] = json.loads((Path(settings.P20WIN_VAULT_PUBLIC) / INVENTORY).read_bytes())
    except FileNotFoundError:
        return None
    return told


def files_without_key() -> int:
    """Say how many files the database holds for living whose key is gone, as the vault told last."""
    told = published()
    return len(told["missing_keys"]) if told else 0


# --- rotation


def rotate(*, at: dt.datetime) -> tuple[int, int]:
    """Make a new version of the master key and wrap every key anew; say which version, and how many."""
    version = vault_keys.private_keys().store.service.rotate()
    _tell("master_key.rotated", at, version=version)
    return version, rewrap(at=at)


def rewrap(*, at: dt.datetime) -> int:
    """Wrap anew whatever an older version still wraps: also what finishes a rotation after a crash."""
    done = vault_keys.private_keys().store.rewrap()
    if done:
        _tell("master_key.rewrapped", at, keys=done)
    return done


def retire(version: int, *, at: dt.datetime) -> None:
    """End a version of the master key: it unwraps nothing any more, here or in a snapshot.

    :raises StillNeeded: if a key, or a snapshot that has not expired, is wrapped by it
    :raises RetiredKey: if it is the current one, or none
    """
    store = vault_keys.private_keys().store
    state = {each.version: each.state for each in store.service.versions()}.get(version)
    if state is None:
        raise RetiredKey(f"There is no version {version} of the master key.")
    if state == CURRENT:
        raise RetiredKey("The current version cannot be retired. Rotate first: custody_keys rotate.")
    needing = sum(1 for each in store.inventory() if each.master == version)
    if needing:
        raise StillNeeded(f"{needing} keys are still wrapped by version {version}. Run: custody_keys rewrap")
    if kept := [each for each in key_snapshots.there_are() if version in each.masters]:
        raise StillNeeded(
            f"A snapshot of the key store needs version {version} until {kept[-1].expires:%d %B %Y, %H:%M} "
            "UTC."
        )
    store.service.retire(version)
    _tell("master_key.retired", at, version=version)


@transaction.atomic
def _tell(event: str, at: dt.datetime, **details: Any) -> None:
    record(event, hub(), by=system_user(), at=at, details=details)
