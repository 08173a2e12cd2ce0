"""Keys on this machine: what everyone may have (public), and what only the vault's processes read.

In production the two folders lie on different volumes, and only the vault's containers mount the private one.
"""

import datetime as dt
import os
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from django.conf import settings

from p20win import clock
from p20win.custody import hub_keys, key_ring
from p20win.custody.engine import pieces, signing
from p20win.custody.engine.files import read_private, write_new
from p20win.custody.engine.keys import KeyStore, MasterKeyFile
from p20win.custody.engine.master import KeyService
from p20win.custody.key_services import AwsKms, VaultTransit

MASTER = "master.key"
VAULT_PUBLIC, HUB_PUBLIC, BACKUP_PUBLIC = "vault-public.txt", "hub-public.pem", "backup-public.txt"
AGE_PUBLIC = "age-recipient.txt"
HUB_KEYS = "hub-keys.json"


class NotTheVault(RuntimeError):
    """This process may not open sealed files; only the vault's may."""


class NoKeys(RuntimeError):
    """The vault's keys were not made yet."""


def make_keys() -> list[str]:
    """Make what is missing of the vault's keys and publish their public halves; say what was made."""
    private, made = Path(settings.P20WIN_VAULT_KEYS), []
    if settings.P20WIN_KEY_SERVICE == "file" and not _has_master(private):
        MasterKeyFile.create(private / MASTER)
        made.append(MASTER)
    for kind, name in key_ring.FIRST.items():
        if all(each.kind != kind for each in key_ring.read(private)):
            write_new(private / name, key_ring.drawn(kind))
            made.append(name)
    key_ring.settle(private)
    publish_own()
    return made


def publish_own() -> None:
    """Publish the public halves of the vault's keys: first the signed list, which names all of them."""
    publish_list(now=clock.real_now())
    ring = key_ring.read(Path(settings.P20WIN_VAULT_KEYS))
    signs = [
        signing.public_pem(signing.read_public(each.public)) for each in ring if each.kind == key_ring.HUB
    ]
    publish(HUB_PUBLIC, b"".join(signs))
    for kind, name in ((key_ring.VAULT, VAULT_PUBLIC), (key_ring.AGE, AGE_PUBLIC)):
        # keys put back from an older snapshot lack the one for age; `init` makes it
        if current := next((each for each in ring if each.kind == kind), None):
            publish(name, current.public.encode())


def publish_list(*, now: dt.datetime) -> None:
    """Sign the list of the hub's keys anew, if it is due: what agencies' clients seal by."""
    try:
        last = hub_keys_list()
    except NoKeys:
        last = None
    if signed := hub_keys.renewed(_keys_in(Path(settings.P20WIN_VAULT_KEYS)), last, now=now):
        publish(HUB_KEYS, signed)


def make_backup_key(path: Path) -> None:
    """Make the key that backups are sealed for: its private half goes to a file that is then taken offline.

    :raises FileExistsError: if the file is there
    """
    key = X25519PrivateKey.generate()
    write_new(path, pieces.vault_key_text(key).encode() + b"\n")
    publish(BACKUP_PUBLIC, pieces.vault_public_text(key.public_key()).encode())


def _has_master(private: Path) -> bool:
    """Say whether there is, or was, a master key: an installation that lost its own is given no new one."""
    return any(private.glob("master*"))


def publish(name: str, content: bytes) -> None:
    """Put something for everyone to read where the vault alone writes."""
    path = Path(settings.P20WIN_VAULT_PUBLIC) / name
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)


@dataclass(frozen=True)
class VaultKeys:
    """The private keys, read from their folder when first needed."""

    folder: Path

    @cached_property
    def ring(self) -> tuple[key_ring.Version, ...]:
        """Return every version there is or was, the newest of each kind first."""
        return key_ring.read(self.folder)

    @cached_property
    def vaults(self) -> list[X25519PrivateKey]:
        """Return the keys that open what arrives, the newest first."""
        return [pieces.read_vault_key(text.decode("ascii")) for text in self._halves(key_ring.VAULT)]

    @cached_property
    def ages(self) -> list[X25519PrivateKey]:
        """Return the keys that open files encrypted with age, the newest first."""
        return [pieces.read_vault_key(text.decode("ascii")) for text in self._halves(key_ring.AGE)]

    @cached_property
    def hubs(self) -> list[Ed25519PrivateKey]:
        """Return the keys that sign for the hub: the one in use, then those in whose place it came."""
        return [signing.load_private(pem) for pem in self._halves(key_ring.HUB)]

    @property
    def hub(self) -> Ed25519PrivateKey:
        """Return the key that signs for the hub."""
        return self.hubs[0]

    @property
    def hubs_public(self) -> list[str]:
        """Return every key that signs, or ever signed, for the hub."""
        return [each.public for each in self.ring if each.kind == key_ring.HUB]

    def _halves(self, kind: str) -> list[bytes]:
        """Return the private halves of one kind. :raises FileNotFoundError: if one that should be is not"""
        alive = [each.file for each in self.ring if each.kind == kind and not each.retired]
        return [read_private(self.folder / name) for name in alive or [key_ring.FIRST[kind]]]

    @cached_property
    def store(self) -> KeyStore:
        """Return the key store, opened with the master key."""
        return KeyStore(Path(settings.P20WIN_KEYSTORE), self._service())

    def _service(self) -> KeyService:
        if settings.P20WIN_KEY_SERVICE == "vault":
            return VaultTransit(
                address=settings.P20WIN_TRANSIT_ADDRESS,
                token=settings.P20WIN_TRANSIT_TOKEN,
                key=settings.P20WIN_TRANSIT_KEY,
                mount=settings.P20WIN_TRANSIT_MOUNT,
            )
        if settings.P20WIN_KEY_SERVICE == "aws":
            return AwsKms(
                keys=settings.P20WIN_KMS_KEYS,
                endpoint=settings.P20WIN_KMS_ENDPOINT,
                region=settings.P20WIN_KMS_REGION,
            )
        return MasterKeyFile(self.folder / MASTER)


def private_keys() -> VaultKeys:
    """Return the vault's keys.

    :raises NotTheVault: in any process but the vault's
    """
    expect_vault()
    return _keys_in(Path(settings.P20WIN_VAULT_KEYS))


def expect_vault() -> None:
    """Make sure that this process may touch keys. :raises NotTheVault: if it may not"""
    if not settings.P20WIN_IS_VAULT:
        raise NotTheVault("Only the vault's processes open sealed files.")


def _keys_in(folder: Path) -> VaultKeys:
    return _read_private(folder, key_ring.stamp(folder))


@lru_cache(maxsize=4)
def _read_private(folder: Path, _stamp: tuple[int, int]) -> VaultKeys:
    """Return the keys, read once for each state of the ring: another process may have renewed one."""
    return VaultKeys(folder)


def vault_public() -> X25519PublicKey:
    """Return the key that everything arriving is sealed for.

    :raises NoKeys: if it was not made yet
    """
    return pieces.read_vault_public(_published(VAULT_PUBLIC).decode("ascii"))


def age_recipient() -> str:
    """Return whom to encrypt for with age.

    :raises NoKeys: if it was not made yet
    """
    return _published(AGE_PUBLIC).decode("ascii")


def hub_public_pem() -> bytes:
    """Return the keys that the hub's signatures are checked with, the one in use first.

    :raises NoKeys: if it was not made yet
    """
    return _published(HUB_PUBLIC)


def hub_keys_list() -> bytes:
    """Return the signed list of the hub's keys, as the vault published it last.

    :raises NoKeys: if it was not made yet
    """
    return _published(HUB_KEYS)


def backup_public() -> X25519PublicKey:
    """Return the key that backups are sealed for.

    :raises NoKeys: if it was not made yet
    """
    try:
        text = (Path(settings.P20WIN_VAULT_PUBLIC) / BACKUP_PUBLIC).read_text(encoding="ascii")
    except FileNotFoundError:
        raise NoKeys("There is no backup key yet. Run: manage.py custody_keys backup-key FILE") from None
    return pieces.read_vault_public(text)


def _published(name: str) -> bytes:
    try:
        return (Path(settings.P20WIN_VAULT_PUBLIC) / name).read_bytes()
    except FileNotFoundError:
        raise NoKeys("The vault has no keys yet. Run: manage.py custody_keys init") from None
