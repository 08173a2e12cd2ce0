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
from p20win.custody.engine.errors import Broken, CustodyError
from p20win.custody.models import FileStatus, SealedFile, UploadSlot
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from p20win.accounts.models import SigningKey
    from p20win.audit.models import Event

SKEW: Final = dt.timedelta(minutes=10)
HOLDS: Final = dt.timedelta(days=1)
COOLING: Final = dt.timedelta(hours=policy.SIGNING_KEY_COOLING_HOURS)
_NEVER_CAME: Final = (FileStatus.ANNOUNCED, FileStatus.GIVEN_UP)


class Refused(Blocked):
    """A file is not as its sender signed for it. `rule` is which of a report's rules that breaks."""

    def __init__(self, why: str, rule: str = "statement") -> None:
        """Keep both."""
        self.rule = rule
        super().__init__(why)


# What a statement names, and by which rule a file is refused if it differs; the first that does counts.
_NAMED: Final = {
    "destination": "statement_destination",
    "project": "statement_project",
    "source": "statement_source",
    "slot": "statement_slot",
    "data_class": "statement_class",
}


def read(
    slot: UploadSlot, statement: dict[str, Any], *, key: "SigningKey", real_now: dt.datetime
) -> dict[str, Any]:
    """Return what a statement says. :raises Refused: naming what in it does not fit"""
    document = _signed(statement, key)
    try:
        created, expires = (dt.datetime.fromisoformat(document[name]) for name in ("created", "expires"))
        late = _why_not_in_time(created, expires, real_now)
    except (ValueError, TypeError):
        raise Refused("The times in the sender's statement are not readable.") from None
    expected = {
        "slot": str(slot.pk),
        "project": str(slot.project_id),
        "source": str(slot.supplier_id),
        "destination": str(hub().pk),
        "data_class": slot.data_class,
    }
    wrong = [name for name in _NAMED if document[name] != expected[name]]
    if wrong:
        raise Refused(f"The sender's statement is for another {', '.join(wrong)}.", _NAMED[wrong[0]])
    if late:
        raise Refused(late, "statement_time")
    return document


def _signed(statement: dict[str, Any], key: "SigningKey") -> dict[str, Any]:
    """Return what was signed with this key."""
    trusted = signing.public_text(Ed25519PublicKey.from_public_bytes(bytes(key.public_key)))
    try:
        document, signers = signing.verify(statement)
        manifest.check_statement(document)
    except Broken as problem:
        raise Refused(str(problem), "statement_changed") from problem
    except CustodyError as problem:
        raise Refused(str(problem)) from problem
    try:
        signing.expect(signers, role=signing.SOURCE, keys=[trusted])
    except Broken as problem:
        raise Refused(str(problem), "statement_signer") from problem
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


def expect_its_senders(file: SealedFile) -> None:
    """Make sure that a file that arrived is as its agency's machine announced it, if one did.

    Asked again of what the web process let in: which rows there are is its word alone.

    :raises Refused: if it is not, by the rule that it breaks
    """
    line = events_of(file).filter(event="file.announced").first()
    told = line.details if line is not None else {}
    key, by_login = file.signing_key, told.get("by") == "sftp"
    if file.destination_id != hub().pk:
        raise Refused("Its record names another recipient than the hub.", "statement_destination")
    if key is None and file.statement is None and not told.get("key"):
        return  # a person sent it
    if key is None or line is None or told.get("key") != _mark_of(key):
        raise Refused("It was announced with another key than the one its record names.", "statement_signer")
    _expect_enrolled(key, file, line)
    if by_login and file.statement is not None:
        raise Refused("It was announced without a statement, and there is one.")
    if not by_login:
        _expect_stated(file, key, line)


def _expect_stated(file: SealedFile, key: "SigningKey", line: "Event") -> None:
    if file.statement is None:
        raise Refused("It was announced with a signed statement, and that is not there.")
    other = "Its record names another request or agency than the one it was expected from."
    if file.slot is None or file.slot.project_id != file.project_id:
        raise Refused(other, "statement_project")
    if file.slot.supplier_id != file.owner_id:
        raise Refused(other, "statement_source")
    document = read(file.slot, file.statement, key=key, real_now=line.recorded_at)
    again = SealedFile.objects.filter(owner=file.owner, statement__document__nonce=document["nonce"])
    if again.exclude(pk=file.pk).exclude(status__in=_NEVER_CAME).exists():
        raise Refused("This statement was sent before. Sign a new one.", "statement_again")


def _expect_enrolled(key: "SigningKey", file: SealedFile, announced: "Event") -> None:
    """Make sure that a key was its agency's when it announced a file, by what the ledger has of it."""
    lines = list(events_of(key).filter(seq__lt=announced.seq))
    enrolled = next((line for line in lines if line.event == "signing_key.enrolled"), None)
    why = ""
    if key.organisation_id != file.owner_id or enrolled is None or enrolled.organisation_id != file.owner_id:
        why = "was not enrolled by this agency"
    elif enrolled.details.get("fingerprint") != _mark_of(key):
        why = "is not the one that was enrolled"
    elif written(announced) - written(enrolled) < COOLING:
        why = "was enrolled too short a time before"
    elif any(line.event == "signing_key.revoked" for line in lines):
        why = "was revoked before"
    if why:
        raise Refused(f"The key of its signature {why}.", "statement_key")


def _mark_of(key: "SigningKey") -> str:
    return hashlib.sha256(bytes(key.public_key)).hexdigest()


def written(line: "Event") -> dt.datetime:
    """Return when a line was written, by the database's word; in the demo by its own clock."""
    return line.at if settings.DEMO_CLOCK else line.recorded_at
