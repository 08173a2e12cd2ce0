"""Who holds the master key in production: HashiCorp Vault's transit engine, or AWS KMS. In the vault alone.

A service that does not answer, is slow or refuses us makes the work wait (`KeyServiceAway` is a `MustWait`):
nothing is cached to work without it, and nothing is tried again at once.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from p20win.custody.engine.errors import RetiredKey, WrongKey
from p20win.custody.engine.master import CURRENT, READABLE, RETIRED, MasterVersion
from p20win.jobs.public import MustWait

PATIENCE: Final = 5.0  # seconds for one question
T = TypeVar("T")


class KeyServiceAway(MustWait):
    """The key service does not answer, or does not let us; work that needs it waits."""


class NotOurs(RuntimeError):
    """This cannot be done from here; the message says where."""


class VaultTransit:
    """HashiCorp Vault's transit engine: the key never leaves it, its version stands in what it wraps."""

    name = "vault"

    def __init__(self, *, address: str, token: str, key: str, mount: str = "transit") -> None:
        """Keep where it is; nothing is asked yet."""
        import hvac

        self._client = hvac.Client(url=address, token=token, timeout=PATIENCE)
        self._transit, self._key, self._mount = self._client.secrets.transit, key, mount

    def wrap(self, key: bytes, *, context: bytes) -> tuple[int, bytes]:
        """Wrap a key under the current version.

        :raises KeyServiceAway: if Vault does not do it now
        """
        with _vault_says():
            answer = self._transit.encrypt_data(
                self._key,
                plaintext=_text(key),
                associated_data=_text(context),
                mount_point=self._mount,
            )
        wrapped = str(answer["data"]["ciphertext"])
        return _version_in(wrapped), wrapped.encode()

    def unwrap(self, wrapped: bytes, *, version: int, context: bytes) -> bytes:
        """Undo `wrap`.

        :raises RetiredKey: if that version was retired
        :raises WrongKey: if it was wrapped by another key, for another purpose, or altered
        :raises KeyServiceAway: if Vault does not do it now
        """
        text = wrapped.decode("ascii", "replace")
        if _version_in(text) != version:
            raise WrongKey("The wrapped key names another version of the master key than its record.")
        with _vault_says():
            answer = self._transit.decrypt_data(
                self._key, ciphertext=text, associated_data=_text(context), mount_point=self._mount
            )
        try:
            return base64.b64decode(str(answer["data"]["plaintext"]), validate=True)
        except (binascii.Error, ValueError):
            raise KeyServiceAway("The key service answers in a form we do not know.") from None

    def versions(self) -> list[MasterVersion]:
        """List every version, retired ones included. :raises KeyServiceAway: if Vault does not say"""
        with _vault_says():
            told = self._transit.read_key(self._key, mount_point=self._mount)["data"]
        latest, oldest = int(told["latest_version"]), int(told["min_decryption_version"])
        # Versions below the oldest that decrypts are archived by Vault and not listed.
        created = {int(number): _created(each) for number, each in told["keys"].items()}
        return [
            MasterVersion(
                version=number,
                state=CURRENT if number == latest else READABLE if number >= oldest else RETIRED,
                created=created.get(number, ""),
                fingerprint=f"{self._mount}/{self._key}:v{number}",
            )
            for number in range(1, latest + 1)
        ]

    def rotate(self) -> int:
        """Make a new version. :raises KeyServiceAway: if Vault does not do it"""
        with _vault_says():
            self._transit.rotate_key(self._key, mount_point=self._mount)
        return max(each.version for each in self.versions())

    def retire(self, version: int) -> None:
        """Let Vault decrypt with later versions only. :raises RetiredKey: if it is the current one"""
        if version >= max(each.version for each in self.versions()):
            raise RetiredKey("The current version cannot be retired. Rotate first: custody_keys rotate.")
        with _vault_says():
            self._transit.update_key_configuration(
                self._key, min_decryption_version=version + 1, mount_point=self._mount
            )


def _created(told: Any) -> str:
    return str(told.get("creation_time", "")) if isinstance(told, dict) else ""


def _version_in(wrapped: str) -> int:
    """Read the version of “vault:v3:…”."""
    parts = wrapped.split(":", 2)
    if len(parts) != 3 or parts[0] != "vault" or not parts[1][1:].isdigit():
        raise WrongKey("This was not wrapped by Vault's transit engine.")
    return int(parts[1][1:])


@contextmanager
def _vault_says() -> Iterator[None]:
    import requests
    from hvac import exceptions as told

    try:
        yield
    except told.Forbidden as problem:
        raise KeyServiceAway(
            "The key service does not let the portal use its key. The hub renews the portal's permission "
            "there."
        ) from problem
    except told.InvalidRequest as problem:
        words = " ".join(map(str, problem.errors or [])).lower()
        if "too old" in words or "disallowed by policy" in words:
            raise RetiredKey("This version of the master key is retired and opens nothing.") from None
        if "no key" in words or "not found" in words:
            raise KeyServiceAway("The key service does not know the key it was asked for.") from None
        raise WrongKey("The key service could not unwrap this key.") from None
    except (told.VaultError, requests.RequestException) as problem:
        raise KeyServiceAway("The key service does not answer. Work that needs it waits.") from problem


class AwsKms:
    """AWS KMS: one KMS key for each version, in the order in which they were taken into use."""

    name = "aws"

    def __init__(self, *, keys: Sequence[str], endpoint: str = "", region: str = "") -> None:
        """Keep which keys are ours; the last is the current one."""
        import boto3
        from botocore.config import Config

        if not keys:
            raise NotOurs("Name the KMS keys in P20WIN_KMS_KEYS, the newest last.")
        self._keys = tuple(keys)
        self._kms: Any = boto3.client(
            "kms",
            endpoint_url=endpoint or None,
            region_name=region or None,
            config=Config(connect_timeout=PATIENCE, read_timeout=PATIENCE, retries={"max_attempts": 1}),
        )

    def wrap(self, key: bytes, *, context: bytes) -> tuple[int, bytes]:
        """Wrap a key under the newest KMS key. :raises KeyServiceAway: if KMS does not do it now"""
        answer = _kms_says(
            lambda: self._kms.encrypt(
                KeyId=self._keys[-1], Plaintext=key, EncryptionContext={"p20win": _text(context)}
            )
        )
        return len(self._keys), bytes(answer["CiphertextBlob"])

    def unwrap(self, wrapped: bytes, *, version: int, context: bytes) -> bytes:
        """Undo `wrap`.

        :raises RetiredKey: if that version's KMS key is disabled or scheduled for deletion
        :raises WrongKey: if it was wrapped by another key, for another purpose, or altered
        :raises KeyServiceAway: if KMS does not do it now
        """
        if not 1 <= version <= len(self._keys):
            raise WrongKey(f"P20WIN_KMS_KEYS names no version {version} of the master key.")
        answer = _kms_says(
            lambda: self._kms.decrypt(
                KeyId=self._keys[version - 1],
                CiphertextBlob=wrapped,
                EncryptionContext={"p20win": _text(context)},
            )
        )
        return bytes(answer["Plaintext"])

    def versions(self) -> list[MasterVersion]:
        """List every version. :raises KeyServiceAway: if KMS does not say"""
        found = []
        for number, key in enumerate(self._keys, 1):
            told = _kms_says(lambda key=key: self._kms.describe_key(KeyId=key)["KeyMetadata"])  # type: ignore[misc]
            newest = CURRENT if number == len(self._keys) else READABLE
            state = newest if told["KeyState"] == "Enabled" else RETIRED
            found.append(MasterVersion(number, state, told["CreationDate"].isoformat(), str(told["KeyId"])))
        return found

    def rotate(self) -> int:
        """Say where this is done. :raises NotOurs: always, as the portal may not make KMS keys"""
        raise NotOurs(
            "Make a new KMS key, add it as the last of P20WIN_KMS_KEYS, start the vault again, and run: "
            "custody_keys rewrap"
        )

    def retire(self, version: int) -> None:
        """Disable the KMS key of an older version. :raises RetiredKey: if it is the current one"""
        if version >= len(self._keys):
            raise RetiredKey("The current version cannot be retired. Rotate first: custody_keys rotate.")
        _kms_says(lambda: self._kms.disable_key(KeyId=self._keys[version - 1]))


def _kms_says(ask: Callable[[], T]) -> T:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return ask()
    except ClientError as problem:
        code = problem.response.get("Error", {}).get("Code", "")
        if code in ("DisabledException", "KMSInvalidStateException"):
            raise RetiredKey("This version of the master key is retired and opens nothing.") from None
        if code in ("InvalidCiphertextException", "IncorrectKeyException"):
            raise WrongKey("The key service could not unwrap this key.") from None
        if code == "AccessDeniedException":
            raise KeyServiceAway(
                "The key service does not let the portal use its key. The hub renews the portal's permission "
                "there."
            ) from problem
        raise KeyServiceAway("The key service does not answer. Work that needs it waits.") from problem
    except BotoCoreError as problem:
        raise KeyServiceAway("The key service does not answer. Work that needs it waits.") from problem


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
