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
from p20win.custody import hub_keys
from p20win.custody.engine import age, pieces, signing
from p20win.custody.engine.files import read_private, write_new
from p20win.custody.engine.keys import KeyStore, MasterKeyFile
from p20win.custody.engine.master import KeyService
from p20win.custody.key_services import AwsKms, VaultTransit

MASTER, VAULT, HUB, AGE = "master.key", hub_keys.VAULT, hub_keys.HUB, hub_keys.AGE
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
    if not (private / VAULT).exists():
        write_new(private / VAULT, pieces.vault_key_text(X25519PrivateKey.generate()).encode())
        made.append(VAULT)
    if not (private / HUB).exists():
        write_new(private / HUB, signing.private_pem(Ed25519PrivateKey.generate()))
        made.append(HUB)
    if not (private / AGE).exists():
        write_new(private / AGE, pieces.vault_key_text(X25519PrivateKey.generate()).encode())
        made.append(AGE)
    publish_own()
    return made


def publish_own() -> None:
    """Publish the public halves of the vault's keys."""
    keys = VaultKeys(Path(settings.P20WIN_VAULT_KEYS))
    publish(VAULT_PUBLIC, pieces.vault_public_text(keys.vault.public_key()).encode())
    publish(HUB_PUBLIC, signing.public_pem(keys.hub.public_key()))
    if keys.has(AGE):  # keys put back from an older snapshot lack it; `init` makes it
        publish(AGE_PUBLIC, age.recipient(keys.age.public_key()).encode())
    publish_list(now=clock.real_now())


def publish_list(*, now: dt.datetime) -> None:
    """Sign the list of the hub's keys anew, if it is due: what agencies' clients seal by."""
    try:
        last = hub_keys_list()
    except NoKeys:
        last = None
    if signed := hub_keys.renewed(VaultKeys(Path(settings.P20WIN_VAULT_KEYS)), last, now=now):
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

    def has(self, name: str) -> bool:
        """Say whether there is such a key."""
        return (self.folder / name).exists()

    def made(self, name: str) -> str:
        """Return when a key was written here."""
        written = (self.folder / name).stat().st_mtime
        return dt.datetime.fromtimestamp(written, dt.UTC).isoformat(timespec="seconds")

    @cached_property
    def vault(self) -> X25519PrivateKey:
        """Return the key that opens what arrives."""
        return pieces.read_vault_key(read_private(self.folder / VAULT).decode("ascii"))

    @cached_property
    def age(self) -> X25519PrivateKey:
        """Return the key that opens files encrypted with age."""
        return pieces.read_vault_key(read_private(self.folder / AGE).decode("ascii"))

    @cached_property
    def hub(self) -> Ed25519PrivateKey:
        """Return the key that signs for the hub."""
        return signing.load_private(read_private(self.folder / HUB))

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
    return _read_private(Path(settings.P20WIN_VAULT_KEYS))


def expect_vault() -> None:
    """Make sure that this process may touch keys. :raises NotTheVault: if it may not"""
    if not settings.P20WIN_IS_VAULT:
        raise NotTheVault("Only the vault's processes open sealed files.")


@lru_cache(maxsize=4)
def _read_private(folder: Path) -> VaultKeys:
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
    """Return the key that the hub's signatures are checked with.

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
