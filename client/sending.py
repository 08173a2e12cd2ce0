"""`p20 send`: check, sign, seal for the vault alone, and stream. Plaintext never leaves this machine."""

import datetime as dt
import hashlib
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.checking import check_file, read_blocks
from client.failure import Failure
from client.portal import Portal
from p20win.custody.engine import manifest, pieces, signing
from p20win.custody.engine.encoding import canonical, from_text
from p20win.custody.engine.report import Report

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

    :raises Refused: if the file does not keep the rules agreed for it
    :raises Failure: if the portal refuses it, or is not reached
    """
    slot = portal.get(f"/files/machine/slots/{slot_id}/")
    report = check_file(path, slot["spec"])
    if not report.accepted:
        raise Refused(report)
    signed = sign_statement(path, slot, key)
    attempt = portal.post(f"/files/machine/slots/{slot_id}/attempts/", canonical(signed))["attempt"]
    vault = pieces.read_vault_public(slot["vault_public_key"])
    place = pieces.Place(slot=slot_id, attempt=attempt, number=0)
    with tempfile.NamedTemporaryFile(
        prefix="p20-sealed-"
    ) as sealed:  # sealed, and only the vault can open it
        digest = hashlib.sha256()
        for part in pieces.seal_piece(read_blocks(path), vault=vault, place=place):
            sealed.write(part)
            digest.update(part)
        sealed.flush()
        size, sent = Path(sealed.name).stat().st_size, 0

        def count(block: int) -> None:
            nonlocal sent
            sent += block
            seen(sent, size)

        return portal.put_file(
            f"/files/machine/attempts/{attempt}/body/",
            Path(sealed.name),
            digest=digest.hexdigest(),
            seen=count,
        )


def sign_statement(path: Path, slot: dict[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """This will write and sign what the agency states about the file: what, from whom, to whom, its hash."""
    now = dt.datetime.now(dt.UTC)
    digest, size = hashlib.sha256(), 0
    for block in read_blocks(path):
        digest.update(block)
        size += len(block)
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


def check_receipt(receipt: dict[str, Any]) -> None:
    """This will make sure that a receipt carries the hub's signature. :raises CustodyError: if it does not"""
    _, signers = signing.verify(receipt)
    signing.expect(signers, role=signing.HUB, keys=[signer.key for signer in signers])
    for signer in signers:
        from_text(signer.key, length=32)
