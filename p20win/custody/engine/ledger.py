"""Checks an exported ledger: every line hashes to what it says and follows the one before it.

The export is one JSON object on a line: first `{"format", "before"}`, where `before` is the hash ahead of its
first line, then `{"canonical", "hash", "prev"}` for each event, and at the end, if it was signed,
`{"checkpoint"}`. `prev` is the hash ahead of an event as its own row has it; it may be missing.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from p20win.custody.engine import signing
from p20win.custody.engine.encoding import parse
from p20win.custody.engine.errors import Broken, Unreadable

LEDGER_FORMAT = "p20win/ledger/1"
CHECKPOINT_FORMAT = "p20win/checkpoint/1"
START = bytes(hashlib.sha256().digest_size)
"""What the first line follows."""


@dataclass(frozen=True)
class LedgerFound:
    """What an export that holds together consists of."""

    lines: int
    last_seq: int
    head: str
    signers: list[signing.Signer]


def checkpoint(*, seq: int, head: str, at: str) -> dict[str, Any]:
    """This will write down where the ledger stood, to be signed by the hub."""
    return {"format": CHECKPOINT_FORMAT, "seq": seq, "head": head, "at": at}


def verify_export(lines: Iterable[bytes]) -> LedgerFound:
    """This will check an export from its first line to its last.

    :raises Unreadable: if it is not an export
    :raises Broken: naming the first line that is missing, moved or changed
    """
    rest = iter(lines)
    head = parse(next(rest, b""))
    if head.get("format") != LEDGER_FORMAT:
        raise Unreadable("This is not an exported ledger.")
    previous = hash_of(head.get("before"), place="the first line")
    count, seq, signers = 0, 0, []
    for raw in rest:
        line = parse(raw)
        if "checkpoint" in line:
            signers = check_end(line["checkpoint"], seq=seq, head=previous.hex())
            if next(rest, b"").strip():
                raise Broken("The export goes on after its signed end.")
            break
        count += 1
        seq = _check_line(line, previous=previous, after=seq)
        previous = bytes.fromhex(line["hash"])
    if not count:
        raise Unreadable("The exported ledger holds no line.")
    return LedgerFound(lines=count, last_seq=seq, head=previous.hex(), signers=signers)


def _check_line(line: dict[str, Any], *, previous: bytes, after: int) -> int:
    canonical, stated = line.get("canonical"), line.get("hash")
    place = f"the line after number {after}"
    if not isinstance(canonical, str):
        raise Unreadable(f"Not a line of a ledger: {place}.")
    try:
        seq = json.loads(canonical)[0]
    except (ValueError, LookupError, TypeError):
        raise Unreadable(f"Not a line of a ledger: {place}.") from None
    if not isinstance(seq, int) or (after and seq != after + 1):
        raise Broken(f"A line is missing or moved: {place} is not number {after + 1}.")
    if hashlib.sha256(previous + canonical.encode()).digest() != hash_of(stated, place=place):
        raise Broken(f"Line number {seq} was changed, or does not follow the line before it.")
    return seq


def check_end(signed: Any, *, seq: int, head: str) -> list[signing.Signer]:
    """This will check what the hub signed at the end of an export, and give who signed.

    :raises Unreadable: if it has not that form
    :raises Broken: if it is signed for another end
    """
    if not isinstance(signed, dict):
        raise Unreadable("The signed end of the ledger is not readable.")
    document, signers = signing.verify(signed)
    if document.get("format") != CHECKPOINT_FORMAT:
        raise Unreadable("The signed end of the ledger is not a checkpoint.")
    if (document.get("seq"), document.get("head")) != (seq, head):
        raise Broken("The ledger does not end where its signed checkpoint says.")
    return signers


def hash_of(value: object, *, place: str) -> bytes:
    """This will read a hash of the export. :raises Unreadable: if there is none"""
    try:
        raw = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        raw = b""
    if len(raw) != hashlib.sha256().digest_size:
        raise Unreadable(f"There is no hash in {place}.")
    return raw
