"""Short-lived copies of the key store: taken by the vault, sealed for the offline backup key, soon gone.

They lie apart from the backups of the database: a destroyed key must not come back with a restored dump. A
snapshot also holds the vault's own private keys, wrapped by the master key.
"""

import datetime as dt
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from django.conf import settings

from p20win import policy
from p20win.custody import key_ring, vault_keys
from p20win.custody.engine import pieces
from p20win.custody.engine.encoding import canonical, from_text, parse, to_text
from p20win.custody.engine.errors import Broken, CustodyError, Unreadable
from p20win.custody.engine.files import destroy_file, read_private, write_new

FORMAT: Final = "p20win/key-snapshot/1"
LIFE: Final = dt.timedelta(days=policy.KEY_SNAPSHOT_DAYS)
EVERY: Final = dt.timedelta(days=1)
LOCK: Final = "snapshots.lock"  # beside the keys, which the vault alone can read


class TooOld(CustodyError):
    """This snapshot outlived its days: it may hold keys that a certificate says are gone."""


@dataclass(frozen=True)
class Snapshot:
    """What a snapshot says about itself, readable without any key."""

    path: Path
    taken: dt.datetime
    expires: dt.datetime
    keys: int
    masters: tuple[int, ...]  # versions of the master key that wrap what is in it


def take(*, now: dt.datetime) -> Snapshot:
    """Write a snapshot. In the vault alone.

    :raises NoKeys: if the backup key was not made yet
    """
    keeper, public = vault_keys.private_keys(), vault_keys.backup_public()
    masters = {record.master for record in keeper.store.inventory()}
    private = {}
    for name in key_ring.private_names(keeper.folder):
        content = read_private(keeper.folder / name)
        version, wrapped = keeper.store.service.wrap(content, context=_context(name))
        masters.add(version)
        private[name] = {"master": version, "wrapped": to_text(wrapped)}
    with _at_work(fcntl.LOCK_SH):  # until it lies in its folder, where `last_expiry` finds it
        path = _write(keeper, private, masters, backup=public, now=now)
    return read_head(path)


def _write(
    keeper: vault_keys.VaultKeys,
    private: dict[str, Any],
    masters: set[int],
    *,
    backup: X25519PublicKey,
    now: dt.datetime,
) -> Path:
    store = {name: content.decode() for name, content in keeper.store.contents().items()}
    head = canonical(
        {
            "format": FORMAT,
            "taken": now.isoformat(),
            "expires": (now + LIFE).isoformat(),
            "keys": sum(name.endswith(".key") for name in store),
            "masters": sorted(masters),
        }
    )
    sealed = pieces.seal_piece(
        [canonical({"store": store, "private": private})], vault=backup, place=_place(head)
    )
    path = Path(settings.P20WIN_KEY_SNAPSHOTS) / f"keys-{now:%Y%m%dT%H%M%S.%fZ}.p20k"
    write_new(path, head + b"\n" + b"".join(sealed))
    return path


@contextmanager
def _at_work(how: int) -> Iterator[None]:
    """Hold the lock between those who write a snapshot (shared) and who asks for the last one (alone).

    What was read of the key store before a key was destroyed must be seen by who then asks until when a copy
    of it lives; else a certificate would name too early a moment.
    """
    folder = Path(settings.P20WIN_KEYSTORE)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder / LOCK, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


def restore(path: Path, *, backup: X25519PrivateKey, now: dt.datetime) -> int:
    """Put back the vault's private keys and all keys that are missing; say how many. In the vault alone.

    What was destroyed since stays so where its mark still lies here; the rest the watch destroys again.

    :raises TooOld: if it should be gone by now
    :raises CustodyError: if it was altered, or the backup key or master key is another
    """
    about = read_head(path)
    if about.expires <= now:
        raise TooOld(
            f"{path.name} expired on {about.expires:%d %B %Y}. Keys destroyed since could come back with it."
        )
    with path.open("rb") as source:
        head = source.readline().rstrip(b"\n")
        content = parse(b"".join(pieces.open_piece(source, vault=backup, place=_place(head))))
    keeper = vault_keys.private_keys()
    for name, told in sorted(content["private"].items(), key=lambda each: each[0] != key_ring.RING):
        if not key_ring.may_come_back(keeper.folder, name):
            continue
        plain = keeper.store.service.unwrap(
            from_text(told["wrapped"]), version=int(told["master"]), context=_context(name)
        )
        write_new(keeper.folder / name, plain)
    return keeper.store.take_in({name: text.encode() for name, text in content["store"].items()})


def read_head(path: Path) -> Snapshot:
    """Read what a snapshot says about itself. :raises Unreadable: if it is none"""
    with path.open("rb") as source:
        told = parse(source.readline(1 << 16).rstrip(b"\n"))
    try:
        if told["format"] != FORMAT:
            raise Unreadable(f"{path.name} is no snapshot of the key store.")
        return Snapshot(
            path=path,
            taken=dt.datetime.fromisoformat(told["taken"]),
            expires=dt.datetime.fromisoformat(told["expires"]),
            keys=int(told["keys"]),
            masters=tuple(told["masters"]),
        )
    except (KeyError, ValueError, TypeError) as problem:
        raise Unreadable(f"{path.name} is no snapshot of the key store.") from problem


def there_are() -> list[Snapshot]:
    """List the snapshots in their folder, the oldest first."""
    return sorted(_found(), key=lambda each: each.taken)


def _found() -> Iterator[Snapshot]:
    for path in Path(settings.P20WIN_KEY_SNAPSHOTS).glob("*.p20k"):
        try:
            yield read_head(path)
        except FileNotFoundError:  # expired a moment ago
            continue


def last_expiry() -> dt.datetime | None:
    """Return when the last snapshot there is will be gone: only then is a key destroyed before gone, too.

    It waits for a snapshot that is being written: that may hold the key still. In the vault alone.
    """
    vault_keys.expect_vault()
    with _at_work(fcntl.LOCK_EX):
        return max((each.expires for each in there_are()), default=None)


def remove_expired(*, now: dt.datetime) -> int:
    """Destroy the snapshots whose days are over; say how many. In the vault alone."""
    vault_keys.private_keys()
    old = [each for each in there_are() if each.expires <= now]
    for each in old:
        destroy_file(each.path)
    return len(old)


def take_if_due(*, now: dt.datetime) -> Snapshot | None:
    """Take the day's snapshot, if there is a backup key and the last one is a day old."""
    try:
        vault_keys.backup_public()
    except vault_keys.NoKeys:
        return None
    newest = max((each.taken for each in there_are()), default=None)
    return None if newest and now - newest < EVERY else take(now=now)


def _place(head: bytes) -> pieces.Place:
    return pieces.Place("key-snapshot", hashlib.sha256(head).hexdigest(), 0)


def _context(name: str) -> bytes:
    return canonical({"private": name})


def read_backup_key(path: Path) -> X25519PrivateKey:
    """Read the private half of the backup key. :raises CustodyError: if it is none, or others may read it"""
    try:
        return pieces.read_vault_key(read_private(path).decode("ascii", "replace").strip())
    except FileNotFoundError as missing:
        raise Broken(f"{path} is not there. The custodians of the backup key have it.") from missing
