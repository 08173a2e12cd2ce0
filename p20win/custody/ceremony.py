"""The master key in five shares, of which three bring it back (SLIP-39); never by one person alone.

Two people, one of the hub and one of the operating group, sign that it may be done, in the portal. Then it is
done at the vault's terminal, within hours: each share is shown once to its custodian and kept nowhere. The
ledger has who, when, and the key's fingerprint. Only for a master key in a file: a key service has a recovery
of its own.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import models, transaction
from shamir_mnemonic import MnemonicError, combine_mnemonics, generate_mnemonics

from p20win import clock, policy
from p20win.accounts.public import Role, User, hub, system_user
from p20win.audit.public import Event, events_of, record
from p20win.custody import vault_keys
from p20win.custody.engine.encoding import canonical
from p20win.custody.engine.errors import CustodyError
from p20win.custody.engine.keys import KeyStore
from p20win.custody.engine.master import MasterKeyFile
from p20win.custody.engine.wrapping import fingerprint
from p20win.refusal import Blocked
from p20win.signatures.public import Signature, sign

DONE: Final = "ceremony.carried_out"
FAILED: Final = "ceremony.failed"
OPEN_FOR: Final = dt.timedelta(hours=policy.CEREMONY_HOURS)
ROLES: Final = (Role.HUB_STAFF, Role.OPERATING_GROUP)


class Purpose(models.TextChoices):
    """What two people let happen."""

    SPLIT = "split", "Split the master key among five custodians"
    DRILL = "drill", "Drill: try whether three shares bring the master key back"
    RECOVER = "recover", "Bring the master key back from three shares"


INTENT: Final = "I agree that this is done with the master key now, and I will be there when it is done."


@dataclass(frozen=True)
class Ceremony:
    """One ceremony, as its signatures tell it."""

    id: str
    purpose: Purpose
    opened_at: dt.datetime
    signers: tuple[User, ...]

    @property
    def is_agreed(self) -> bool:
        """Say whether one of the hub and another of the operating group signed."""
        first, second = ROLES
        return any(
            a.has_role(first) and b.has_role(second)
            for a in self.signers
            for b in self.signers
            if a.pk != b.pk
        )


def open_ceremonies(*, now: dt.datetime) -> list[Ceremony]:
    """Return the ceremonies that were opened within the last hours and are not carried out. Real time."""
    rows = Signature.objects.filter(
        document_kind__in=[_kind(each) for each in Purpose], signed_at__gt=now - OPEN_FOR
    )
    over = _over()
    found: dict[str, list[Signature]] = {}
    for row in rows.select_related("signer").order_by("signed_at"):
        if row.document_id not in over:
            found.setdefault(row.document_id, []).append(row)
    return [
        Ceremony(
            id=pk,
            purpose=Purpose(rows[0].document_kind.removeprefix("key_ceremony_")),
            opened_at=rows[0].signed_at,
            signers=tuple(row.signer for row in rows),
        )
        for pk, rows in found.items()
    ]


def _over() -> set[str]:
    return {str(event.details["ceremony"]) for event in events_of(hub()).filter(event=DONE)}


def agree(
    purpose: str,
    *,
    ceremony: str = "",
    typed_name: str,
    password: str,
    by: User,
    at: dt.datetime,
) -> str:
    """Open a ceremony, or agree to one that somebody else opened; return its id.

    :raises Blocked: if the person may not, did not prove who they are, or it is not open
    """
    if not any(by.has_role(role) for role in ROLES):
        raise Blocked("Only the hub's staff and the operating group hold ceremonies.")
    if ceremony and not any(
        (each.id, each.purpose) == (ceremony, purpose) for each in open_ceremonies(now=clock.real_now())
    ):
        raise Blocked("This ceremony is not open any more. Open a new one.")
    pk = ceremony or str(uuid.uuid4())
    what = canonical({"ceremony": pk, "purpose": str(Purpose(purpose)), "intent": INTENT})
    sign(
        signer=by,
        organisation=by.organisation,
        capacity="witness of the ceremony",
        project=None,
        document_kind=_kind(Purpose(purpose)),
        document_id=pk,
        document_digest=hashlib.sha256(what).hexdigest(),
        text_version="1",
        intent=INTENT,
        typed_name=typed_name,
        password=password,
        at=at,
    )
    return pk


def _kind(purpose: Purpose) -> str:
    return f"key_ceremony_{purpose}"


def expect_agreed(purpose: Purpose, *, now: dt.datetime) -> Ceremony:
    """Return the agreed ceremony for this purpose. :raises Blocked: if two people did not sign for it"""
    for each in open_ceremonies(now=now):
        if each.purpose == purpose and each.is_agreed:
            return each
    raise Blocked(
        f"Nobody, or only one, has agreed to this in the last {policy.CEREMONY_HOURS} hours. One of the hub "
        "and one of the operating group sign for it: Health, Keys, Ceremonies."
    )


# --- at the vault's terminal


def shares(ceremony: Ceremony, *, at: dt.datetime) -> list[str]:
    """Split the current master key, once for this ceremony; the shares are kept nowhere. In the vault alone.

    :raises Blocked: if a key service holds the master key
    """
    version, secret = _file_service().secret()
    groups = generate_mnemonics(1, [(policy.CUSTODIANS_NEEDED, policy.CUSTODIANS)], secret)
    if join(groups[0][-policy.CUSTODIANS_NEEDED :]) != secret:
        raise Blocked("The shares do not bring the key back. Nothing was shown; begin again.")
    _tell(ceremony, DONE, at, version=version, key=fingerprint(secret), shares=policy.CUSTODIANS)
    return groups[0]


def join(given: Iterable[str]) -> bytes:
    """Bring back what was split. :raises Blocked: if the shares are too few, mistyped or do not fit"""
    try:
        return combine_mnemonics([" ".join(each.lower().split()) for each in given])
    except MnemonicError as problem:
        raise Blocked(
            f"These shares do not bring the key back: {policy.CUSTODIANS_NEEDED} different ones of one split "
            "are needed, each word as it was shown."
        ) from problem


def drill(ceremony: Ceremony, given: Iterable[str], *, at: dt.datetime) -> int:
    """Say which version of the master key these shares bring back; nothing is changed. In the vault alone.

    :raises Blocked: if they bring back none that is in use here
    """
    try:
        mark = fingerprint(join(given))
        for version in _file_service().versions():
            if version.fingerprint == mark and version.state != "retired":
                _tell(ceremony, DONE, at, version=version.version, key=mark)
                return version.version
        raise Blocked("These shares fit together, and are of another master key than any in use here.")
    except Blocked:
        _tell(ceremony, FAILED, at)
        raise


def recover(ceremony: Ceremony, given: Iterable[str], *, version: int, at: dt.datetime) -> str:
    """Put a version of the master key back that was lost; return its fingerprint. In the vault alone.

    :raises Blocked: if the shares are too few, or the key store is wrapped by another key
    :raises FileExistsError: if that version is there
    """
    vault_keys.expect_vault()
    try:
        secret = join(given)
        path = Path(settings.P20WIN_VAULT_KEYS) / vault_keys.MASTER
        MasterKeyFile.put_back(path, version=version, key=secret)
        _try_on_a_key(path, version)
    except (Blocked, CustodyError):
        _tell(ceremony, FAILED, at)
        raise
    _tell(ceremony, DONE, at, version=version, key=fingerprint(secret))
    return fingerprint(secret)


def _try_on_a_key(path: Path, version: int) -> None:
    """Take the key away again if it does not open what it should."""
    store = KeyStore(Path(settings.P20WIN_KEYSTORE), MasterKeyFile(path))
    record_ = next((each for each in store.inventory() if each.master == version), None)
    if record_ is None:
        return
    try:
        store.key(record_.project, record_.organisation, record_.version)
    except CustodyError:
        MasterKeyFile.take_away(path, version=version)
        raise Blocked(
            "These shares fit together, and are not of the key that wraps the key store. Is it this version?"
        ) from None


def _file_service() -> MasterKeyFile:
    service = vault_keys.private_keys().store.service
    if not isinstance(service, MasterKeyFile):
        raise Blocked("The master key is held by a key service; its own recovery brings it back.")
    return service


@transaction.atomic
def _tell(ceremony: Ceremony, event: str, at: dt.datetime, **details: object) -> Event:
    told = {
        "ceremony": ceremony.id,
        "purpose": str(ceremony.purpose),
        "people": sorted(str(each.pk) for each in ceremony.signers),
        **details,
    }
    return record(event, hub(), by=system_user(), at=at, details=told)
