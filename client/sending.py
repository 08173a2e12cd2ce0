"""`p20 send`: check, sign, seal for the vault alone, and send. Plaintext never leaves this machine.

What was sealed waits in the outbox until all of it is sent. After a cut, or when the command was ended, the
same command goes on where the portal stands.
"""

import datetime as dt
import hashlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client import outbox
from client.checking import check_file, read_blocks
from client.failure import Failure
from client.outbox import Waiting
from client.portal import Lost, Portal
from client.trust import hub_keys, vault_key
from p20win.custody.engine import manifest, pieces, signing
from p20win.custody.engine.encoding import canonical
from p20win.custody.engine.errors import Broken
from p20win.custody.engine.hubkeys import SEAL, SIGN, HubKeys
from p20win.custody.engine.report import Report

PART = 8 << 20  # bytes sent at a time: at most so much is sent twice after a cut
DELAYS = (0, 1, 3, 5, 10, 20, 30, 60, 60, 60)  # seconds before the next try; progress begins them anew
_VALID_FOR = dt.timedelta(days=1)


class Refused(Failure):
    """The file does not keep the rules; the report says where."""

    def __init__(self, report: Report) -> None:
        """Keep the report."""
        super().__init__("The file was not sent: it does not keep the rules agreed for it.")
        self.report = report


def send(
    portal: Portal, key: Ed25519PrivateKey, slot_id: str, path: Path, *, seen: Callable[[int, int], None]
) -> dict[str, Any]:
    """This will send one file to one slot and return what the portal says about it.

    :raises Untrusted: if it is not certain for whom it would be sealed
    :raises Refused: if the file does not keep the rules agreed for it
    :raises Failure: if the portal refuses it, or stays out of reach
    """
    slot = portal.get(f"/files/machine/slots/{slot_id}/")
    if slot.get("slot") != slot_id:
        raise Failure("The portal describes another slot than the one asked for. Nothing is sent.")
    keys = hub_keys(portal)  # after the slot: a key renewed in between stands in this list beside the old one
    vault = vault_key(keys, slot)
    report = check_file(path, slot["spec"])
    if not report.accepted:
        raise Refused(report)
    signed = sign_statement(path, slot, key)
    waiting = outbox.find(slot_id, signed["document"])
    if waiting is None or not _is_for_the_vault(keys, waiting) or not _is_there(portal, waiting):
        waiting = _seal(portal, slot, path, signed, vault)
    _push(portal, waiting, seen)
    outbox.forget(waiting)
    return {"file_id": waiting.attempt, "slot": slot_id}


def _is_for_the_vault(keys: HubKeys, waiting: Waiting) -> bool:
    """Say whether what waits was sealed for a key that the hub names still; if not, forget it."""
    if keys.names(SEAL, waiting.vault, dt.datetime.now(dt.UTC)):
        return True
    outbox.forget(waiting)
    return False


def _is_there(portal: Portal, waiting: Waiting) -> bool:
    """Say whether the portal still has what an earlier run of this command began."""
    if portal.offset(_where(waiting.attempt)) is not None:
        return True
    outbox.forget(waiting)
    return False


def _seal(portal: Portal, slot: dict[str, Any], path: Path, signed: dict[str, Any], vault: str) -> Waiting:
    """Announce the file, and seal it into the outbox: a copy that only the vault can open."""
    answer = portal.post(f"/files/machine/slots/{slot['slot']}/attempts/", canonical(signed))
    place = pieces.Place(slot=slot["slot"], attempt=answer["attempt"], number=0)
    parts = pieces.seal_piece(read_blocks(path), vault=pieces.read_vault_public(vault), place=place)
    return outbox.put(slot["slot"], answer["attempt"], signed["document"], parts, vault=vault)


def _push(portal: Portal, waiting: Waiting, seen: Callable[[int, int], None]) -> None:
    """Send part after part, and after each cut ask where to go on.

    :raises Failure: if the portal refuses, or stays out of reach
    """
    size, failures = waiting.size(), 0
    offset: int | None = None
    while offset is None or offset < size:
        try:
            if offset is None and (offset := _standing(portal, waiting)) is None:
                return
            seen(offset, size)
            if portal.send_part(_where(waiting.attempt), waiting.part(offset, PART), offset=offset):
                offset, failures = min(offset + PART, size), 0
                continue
            lost: Lost | None = None
        except Lost as problem:
            lost = problem
        if failures == len(DELAYS):
            raise lost or Failure("The portal does not take the file as it is sent. Try again later.")
        time.sleep(DELAYS[failures])
        failures, offset = failures + 1, None
    seen(size, size)


def _standing(portal: Portal, waiting: Waiting) -> int | None:
    """Return how much is there; None if all of it arrived and only the answer was lost.

    :raises Failure: if the portal gave the upload up
    """
    offset = portal.offset(_where(waiting.attempt))
    if offset is not None:
        return offset
    files = portal.get(f"/files/machine/slots/{waiting.slot}/")["files"]
    if any(file["file_id"] == waiting.attempt and file["received"] for file in files):
        return None
    outbox.forget(waiting)
    raise Failure("The portal gave this upload up, perhaps for another. Send the file again.")


def _where(attempt: str) -> str:
    return f"/files/machine/attempts/{attempt}/body/"


def sign_statement(path: Path, slot: dict[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """This will write and sign what the agency states about the file: what, from whom, to whom, its hash."""
    digest, size = hashlib.sha256(), 0
    for block in read_blocks(path):
        digest.update(block)
        size += len(block)
    now = dt.datetime.now(dt.UTC)
    document = manifest.statement(
        slot=slot["slot"],
        project=slot["project"],
        source=slot["source"],
        destination=slot["destination"],
        data_class=slot["data_class"],
        name=path.name,
        plain_bytes=size,
        plain_sha256=digest.hexdigest(),
        nonce=secrets.token_hex(16),
        created=now.isoformat(),
        expires=(now + _VALID_FOR).isoformat(),
    )
    return signing.sign(document, key=key, role=signing.SOURCE, at=now.isoformat())


def check_receipt(receipt: dict[str, Any], keys: HubKeys, file_id: str) -> None:
    """This will make sure that a receipt is for this file, and signed by a key that the hub names.

    :raises CustodyError: if it is not
    """
    document, signers = signing.verify(receipt)
    signing.expect(signers, role=signing.HUB, keys=[key.key for key in keys.keys if key.purpose == SIGN])
    if document.get("format") != manifest.RECEIPT_FORMAT or document.get("file_id") != file_id:
        raise Broken("It is another paper than the receipt for this file.")
