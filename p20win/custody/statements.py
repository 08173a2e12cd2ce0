"""What a sender's machine states about a file: read when it is announced, and again in the vault.

The vault believes no row in this (T34). It verifies the signature itself, and that the key behind it stands
in the ledger as enrolled by that agency, long enough before: a line there can be added, but neither changed
nor removed, and the database says when each was written.
"""

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from p20win import policy
from p20win.accounts.public import hub
from p20win.audit.public import events_of
from p20win.custody import vault_keys
from p20win.custody.engine import manifest, signing
from p20win.custody.engine.errors import CustodyError
from p20win.custody.models import FileStatus, SealedFile, UploadSlot
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from p20win.accounts.models import SigningKey
    from p20win.audit.models import Event

SKEW: Final = dt.timedelta(minutes=10)
HOLDS: Final = dt.timedelta(days=1)
COOLING: Final = dt.timedelta(hours=policy.SIGNING_KEY_COOLING_HOURS)
_NEVER_CAME: Final = (FileStatus.ANNOUNCED, FileStatus.GIVEN_UP)


def read(
    slot: UploadSlot, statement: dict[str, Any], *, key: "SigningKey", real_now: dt.datetime
) -> dict[str, Any]:
    """Return what a statement says. :raises Blocked: naming what in it does not fit"""
    trusted = signing.public_text(Ed25519PublicKey.from_public_bytes(bytes(key.public_key)))
    try:
        document, signers = signing.verify(statement)
        manifest.check_statement(document)
        signing.expect(signers, role=signing.SOURCE, keys=[trusted])
        created, expires = (dt.datetime.fromisoformat(document[name]) for name in ("created", "expires"))
        late = _why_not_in_time(created, expires, real_now)
    except CustodyError as problem:
        raise Blocked(str(problem)) from problem
    except (ValueError, TypeError):
        raise Blocked("The times in the sender's statement are not readable.") from None
    expected = {
        "slot": str(slot.pk),
        "project": str(slot.project_id),
        "source": str(slot.supplier_id),
        "destination": str(hub().pk),
        "data_class": slot.data_class,
    }
    wrong = [name for name, value in expected.items() if document[name] != value]
    if wrong:
        raise Blocked(f"The sender's statement is for another {', '.join(wrong)}.")
    if late:
        raise Blocked(late)
    return document


def _why_not_in_time(created: dt.datetime, expires: dt.datetime, now: dt.datetime) -> str:
    """Say why a statement does not hold now: it does for a day, and clocks may differ by ten minutes."""
    if created > now + SKEW:
        return "The sender's statement is from the future. Check the clock and sign a new one."
    if created < now - HOLDS - SKEW:
        return "The sender's statement is more than a day old. Check the clock and sign a new one."
    if expires > created + HOLDS:
        return "The sender's statement is to hold for more than a day. Sign one that expires sooner."
    if expires <= now - SKEW:
        return "The sender's statement has expired. Check the clock and sign a new one."
    return ""


# --- in the vault


def countersigned(file: SealedFile) -> dict[str, Any] | None:
    """Return the sender's statement with the hub's word under it: that it had it at this time; None without.

    The time is the ledger's, of the announcement. Asked for once the file was found to be the stated one.
    """
    line = events_of(file).filter(event="file.announced").first()
    if file.statement is None or line is None:
        return None
    return signing.countersign(
        file.statement,
        key=vault_keys.private_keys().hub,
        role=signing.HUB,
        at=written(line).isoformat(),
    )


def why_not_its_senders(file: SealedFile) -> str:
    """Say why a file that arrived is not as its agency's machine announced it; nothing if it is, or none did.

    Asked again of what the web process let in: which rows there are is its word alone.
    """
    line = events_of(file).filter(event="file.announced").first()
    told = line.details if line is not None else {}
    key, by_login = file.signing_key, told.get("by") == "sftp"
    if key is None and file.statement is None and not told.get("key"):
        return ""  # a person sent it
    if key is None or line is None or told.get("key") != _mark_of(key):
        return "It was announced with another key than the one its record names."
    if why := _why_not_enrolled(key, file, line):
        return why
    if by_login:
        return "" if file.statement is None else "It was announced without a statement, and there is one."
    if file.statement is None:
        return "It was announced with a signed statement, and that is not there."
    return _why_not_stated(file, file.statement, key, line)


def _why_not_stated(file: SealedFile, statement: dict[str, Any], key: "SigningKey", line: "Event") -> str:
    if file.slot is None or (file.slot.project_id, file.slot.supplier_id) != (file.project_id, file.owner_id):
        return "Its record names another request or agency than the one it was expected from."
    try:
        document = read(file.slot, statement, key=key, real_now=line.recorded_at)
    except Blocked as refusal:
        return " ".join(refusal.reasons)
    again = SealedFile.objects.filter(owner=file.owner, statement__document__nonce=document["nonce"])
    if again.exclude(pk=file.pk).exclude(status__in=_NEVER_CAME).exists():
        return "This statement was sent before. Sign a new one."
    return ""


def _why_not_enrolled(key: "SigningKey", file: SealedFile, announced: "Event") -> str:
    """Say why a key was not its agency's when it announced a file, by what the ledger has of it."""
    lines = list(events_of(key).filter(seq__lt=announced.seq))
    enrolled = next((line for line in lines if line.event == "signing_key.enrolled"), None)
    is_of_agency = key.organisation_id == file.owner_id and enrolled is not None
    if not is_of_agency or enrolled is None or enrolled.organisation_id != file.owner_id:
        return "The key of its signature was not enrolled by this agency."
    if enrolled.details.get("fingerprint") != _mark_of(key):
        return "The key of its signature is not the one that was enrolled."
    if written(announced) - written(enrolled) < COOLING:
        return "The key of its signature was enrolled too short a time before."
    if any(line.event == "signing_key.revoked" for line in lines):
        return "The key of its signature was revoked before."
    return ""


def _mark_of(key: "SigningKey") -> str:
    return hashlib.sha256(bytes(key.public_key)).hexdigest()


def written(line: "Event") -> dt.datetime:
    """Return when a line was written, by the database's word; in the demo by its own clock."""
    return line.at if settings.DEMO_CLOCK else line.recorded_at
