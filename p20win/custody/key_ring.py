"""The versions of the vault's own keys: which is in use, which only opens what came before, which is gone.

The private halves lie in files of their own; a ring beside them says of each version since when and until
when. Where there is no ring yet, there is one version of each. Public halves are kept for ever: what a
former key of the hub signed stays verifiable.
"""

import datetime as dt
import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from p20win.custody.engine import age, hubkeys, pieces, signing
from p20win.custody.engine.errors import CustodyError, Unreadable
from p20win.custody.engine.files import destroy_file, read_private, write_new

HUB, VAULT, AGE = "hub", "vault", "age"
FIRST: Final = {HUB: "hub-signing.pem", VAULT: "vault.key", AGE: "age.key"}
RING: Final = "ring.json"
_FORMAT: Final = "p20win/key-ring/1"
_NAME: Final = re.compile(r"ring\.json|(vault|age)(\.v[1-9]\d*)?\.key|hub-signing(\.v[1-9]\d*)?\.pem")


class NotThere(CustodyError):
    """There is no such key to renew."""


@dataclass(frozen=True)
class Version:
    """One version of one of the vault's keys; an empty time has not come."""

    kind: str
    version: int
    public: str
    begins: str
    superseded: str = ""  # since when a newer one is in use
    ends: str = ""  # until when it opens; for the hub: until when it leads on to the next
    retired: str = ""  # since when its private half is destroyed
    succession: dict[str, Any] | None = None  # of the hub's: the former key's word for this one

    @property
    def file(self) -> str:
        """Return the name of the file with the private half."""
        first = Path(FIRST[self.kind])
        return first.name if self.version == 1 else f"{first.stem}.v{self.version}{first.suffix}"

    @property
    def state(self) -> str:
        """Return the word for it in the inventory."""
        return "retired" if self.retired else "readable" if self.superseded else "current"


def read(folder: Path) -> tuple[Version, ...]:
    """Return every version there is or was, the newest of each kind first.

    :raises Unreadable: if what says so is damaged
    """
    found = []
    if (folder / RING).exists():
        try:
            told = json.loads(read_private(folder / RING))
            found = [Version(**each) for each in told["versions"]]
        except (ValueError, KeyError, TypeError) as problem:
            raise Unreadable(f"{RING} of the vault is damaged. Put it back from a snapshot.") from problem
    known = {each.kind for each in found}
    for kind in (kind for kind, name in FIRST.items() if kind not in known and (folder / name).exists()):
        made = dt.datetime.fromtimestamp((folder / FIRST[kind]).stat().st_mtime, dt.UTC)
        public = _public_of(kind, read_private(folder / FIRST[kind]))
        found.append(Version(kind, 1, public, made.isoformat(timespec="seconds")))
    order = list(FIRST)
    return tuple(sorted(found, key=lambda each: (order.index(each.kind), -each.version)))


def write(folder: Path, versions: tuple[Version, ...]) -> None:
    """Write the ring down, whole or not at all."""
    told = {"format": _FORMAT, "versions": [asdict(each) for each in versions]}
    draft = folder / f".{RING}.{os.urandom(6).hex()}"
    write_new(draft, json.dumps(told, indent=1).encode() + b"\n")
    os.replace(draft, folder / RING)


def settle(folder: Path) -> None:
    """Write down what there is, where that is not written yet."""
    with _alone(folder):
        versions = read(folder)
        if not (folder / RING).exists() or len(json.loads(read_private(folder / RING))["versions"]) < len(
            versions
        ):
            write(folder, versions)


def stamp(folder: Path) -> tuple[int, int]:
    """Return what changes when the ring does."""
    try:
        told = (folder / RING).stat()
    except FileNotFoundError:
        return 0, 0
    return told.st_ino, told.st_mtime_ns


def private_names(folder: Path) -> list[str]:
    """Return the files that a copy of the vault's keys holds: the ring, and every private half there is."""
    names = [RING, *(each.file for each in read(folder))]
    return [name for name in names if (folder / name).exists()]


def may_come_back(folder: Path, name: str) -> bool:
    """Say whether a file of a snapshot may be put back here: one of ours, not there, and not retired."""
    if not _NAME.fullmatch(name) or (folder / name).exists():
        return False
    return all(each.file != name or not each.retired for each in read(folder))


# --- renewed and retired


def renew(folder: Path, kind: str, *, now: dt.datetime, overlap: dt.timedelta) -> Version:
    """Make the next version of a key; the one before opens, or leads on, until the overlap ends.

    :raises NotThere: if there is none to renew
    """
    with _alone(folder):
        versions = read(folder)
        old = next((each for each in versions if each.kind == kind), None)
        if old is None:
            raise NotThere("There is no such key yet. Run: manage.py custody_keys init")
        until = now + overlap
        fresh = Version(kind, old.version + 1, "", now.isoformat())
        destroy_file(folder / fresh.file)  # of a renewal that was cut short; nobody was ever told of it
        content = drawn(kind)
        write_new(folder / fresh.file, content)
        succession = _succession(folder, old, fresh, content, now, until) if kind == HUB else None
        fresh = replace(fresh, public=_public_of(kind, content), succession=succession)
        former = replace(old, superseded=now.isoformat(), ends=until.isoformat())
        write(folder, (fresh, *(former if each == old else each for each in versions)))
    return fresh


def retire(folder: Path, version: Version, *, now: dt.datetime) -> None:
    """Destroy the private half of a version whose overlap is over; say so in the ring first."""
    with _alone(folder):
        gone = replace(version, retired=now.isoformat())
        same = (version.kind, version.version)
        write(folder, tuple(gone if (each.kind, each.version) == same else each for each in read(folder)))
        destroy_file(folder / version.file)


def sweep(folder: Path) -> None:
    """Destroy what a crash left of retired versions."""
    for each in read(folder):
        if each.retired:
            destroy_file(folder / each.file)


def over(versions: tuple[Version, ...], now: dt.datetime) -> list[Version]:
    """Return the versions whose overlap is over and that are not retired yet."""
    return [
        each
        for each in versions
        if each.ends and not each.retired and dt.datetime.fromisoformat(each.ends) <= now
    ]


def drawn(kind: str) -> bytes:
    """Draw a key of this kind, as it lies in its file."""
    if kind == HUB:
        return signing.private_pem(Ed25519PrivateKey.generate())
    return pieces.vault_key_text(X25519PrivateKey.generate()).encode()


def _public_of(kind: str, content: bytes) -> str:
    if kind == HUB:
        return signing.public_text(signing.load_private(content).public_key())
    public = pieces.read_vault_key(content.decode("ascii", "replace")).public_key()
    return pieces.vault_public_text(public) if kind == VAULT else age.recipient(public)


def _succession(
    folder: Path, old: Version, fresh: Version, content: bytes, now: dt.datetime, until: dt.datetime
) -> dict[str, Any]:
    former = signing.load_private(read_private(folder / old.file))
    return hubkeys.sign_succession(
        _public_of(HUB, content), version=fresh.version, former=former, made=now, until=until
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
