"""Backups: the database sealed for the offline backup key, and the sealed files as they are.

The key store is not in it: keys have snapshots of their own, elsewhere, for a few days. Files that have
arrived and are not checked yet are not in it either: only the vault's key stands between them and plaintext,
so a copy would outlive their destruction. Whoever sent them sends them again.
"""

import datetime as dt
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from p20win import policy
from p20win.custody import dump, places, vault_keys
from p20win.custody.engine import pieces
from p20win.custody.engine.encoding import canonical
from p20win.custody.engine.errors import Unreadable
from p20win.custody.engine.files import sync_directory
from p20win.custody.sealing import manifest_path

DATABASE, FILES, CONTAINERS = "portal.p20b", "files.txt", "sealed"
KEPT: Final = dt.timedelta(days=policy.BACKUP_DAYS)
_NAME: Final = "backup-%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Taken:
    """A backup that was written."""

    folder: Path
    files: int
    copied: int


def take(target: Path, *, now: dt.datetime) -> Taken:
    """Write a backup under this folder, and remove those that are over. Safe while the portal works.

    :raises NoKeys: if there is no backup key
    :raises NotReadable: if this process may not read all of the database
    """
    public = vault_keys.backup_public()
    folder = target / now.strftime(_NAME)
    draft = target / f".{folder.name}.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    try:
        names = _write_database(draft / DATABASE, public, now)
        copied = sum(_copy(places.blob(name), target / CONTAINERS / name) for name in names)
        (draft / FILES).write_text("".join(f"{name}\n" for name in names), encoding="ascii")
        sync_directory(draft)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    sync_directory(target)
    _remove_old(target, now)
    return Taken(folder, len(names), copied)


def _write_database(path: Path, public: X25519PublicKey, now: dt.datetime) -> list[str]:
    head = canonical({"format": dump.FORMAT, "taken": now.isoformat()})
    with path.open("xb") as file:
        file.write(head + b"\n")
        sealer = pieces.PieceSealer(public, _place(head))
        names = dump.dump(lambda plain: file.write(sealer.update(plain)), taken=now.isoformat())
        file.write(sealer.finish())
        file.flush()
        os.fsync(file.fileno())
    return names


def _copy(source: Path, target: Path) -> bool:
    """Copy a container and its manifest, if they are there still and not in the backup yet."""
    if target.exists():
        return False
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        for each, place in ((manifest_path(source), manifest_path(target)), (source, target)):
            fresh = place.with_name(f".{place.name}")
            shutil.copyfile(each, fresh)
            with fresh.open("rb+") as file:
                os.fsync(file.fileno())
            fresh.rename(place)
    except FileNotFoundError:  # destroyed since the database was read
        return False
    return True


def _remove_old(target: Path, now: dt.datetime) -> None:
    wanted: set[str] = set()
    for folder in sorted(target.glob("backup-*Z")):
        taken = dt.datetime.strptime(folder.name, _NAME).replace(tzinfo=dt.UTC)
        if now - taken > KEPT:
            shutil.rmtree(folder)
        else:
            wanted.update((folder / FILES).read_text(encoding="ascii").split())
    for path in (target / CONTAINERS).glob("*/*.p20"):
        if f"{path.parent.name}/{path.name}" not in wanted:
            path.unlink()
            manifest_path(path).unlink(missing_ok=True)


def restore(folder: Path, *, backup: X25519PrivateKey, over: bool = False) -> tuple[dump.Told, list[str]]:
    """Put database and containers back; return what it held, and the containers that are missing in it.

    :raises NotRestorable: if the database here is not blank or of another version of the code
    :raises CustodyError: if the backup was altered, or sealed for another key
    """
    with (folder / DATABASE).open("rb") as source:
        told = dump.load(_opened(source, backup), over=over)
    missing = []
    for name in told.files:
        _copy(folder.parent / CONTAINERS / name, places.blob(name))
        if not places.blob(name).exists():
            missing.append(name)
    return told, missing


def _opened(source: BinaryIO, backup: X25519PrivateKey) -> Iterator[bytes]:
    head = source.readline(1 << 12).rstrip(b"\n")
    if not head.startswith(b"{"):
        raise Unreadable("This is no backup of the portal.")
    yield from pieces.open_piece(source, vault=backup, place=_place(head))


def _place(head: bytes) -> pieces.Place:
    return pieces.Place("backup", hashlib.sha256(head).hexdigest(), 0)
