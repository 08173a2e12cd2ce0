"""Checkpoints of the ledger: signed notes (c2sp.org/signed-note) in the form of c2sp.org/tlog-checkpoint.

A note carries two signatures of the hub's key: the log's own (type 1), and one with the time at which it was
made (type 4, c2sp.org/tlog-cosignature). Signatures of unknown keys are passed over, as the form demands.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from p20win.custody.engine.encoding import from_text
from p20win.custody.engine.errors import Broken, Unreadable

LOG, TIMED = b"\x01", b"\x04"
DASH = "—"
LARGEST = 1 << 16
_NAME = re.compile(r"[^\s+]{1,200}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Checkpoint:
    """Where the ledger stood: its name, how many lines, and the root over them."""

    origin: str
    size: int
    root: bytes
    note: str
    signed_at: int | None = None  # seconds since 1970; only if the signature that names it was found good
    trusted: bool = False


def key_id(name: str, kind: bytes, public: bytes) -> bytes:
    """This will give the four bytes by which a signature names its key."""
    return hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:4]


def verifier_key(origin: str, key: Ed25519PublicKey) -> str:
    """This will spell a public key as other programs for such logs want it (a “vkey”)."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"{origin}+{key_id(origin, LOG, raw).hex()}+{base64.b64encode(LOG + raw).decode()}"


def sign_checkpoint(
    *,
    origin: str,
    size: int,
    root: bytes,
    key: Ed25519PrivateKey,
    at: int,
    former: Sequence[Ed25519PrivateKey] = (),
) -> str:
    """This will write down where the ledger stands, signed by the hub at this second.

    While the hub's key is being renewed its former keys sign as well, for those who know only them.

    :raises ValueError: if the name cannot stand in a note
    """
    if not _NAME.fullmatch(origin):
        raise ValueError("The ledger's name may hold no space and no plus sign.")
    body = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    signatures: list[bytes] = []
    for each in (key, *former):
        raw = each.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        signatures.append(key_id(origin, LOG, raw) + each.sign(body.encode()))
        signatures.append(key_id(origin, TIMED, raw) + at.to_bytes(8, "big") + each.sign(_timed(body, at)))
    lines = [f"{DASH} {origin} {base64.b64encode(signature).decode()}\n" for signature in signatures]
    return f"{body}\n{''.join(lines)}"


def read_checkpoint(note: str) -> Checkpoint:
    """This will read a checkpoint without checking any signature.

    :raises Unreadable: if it is none
    """
    body, _ = _parts(note)
    lines = body.split("\n")[:-1]
    if len(lines) < 3 or not all(lines) or not _SIZE.fullmatch(lines[1]):
        raise Unreadable("This is not a checkpoint of a ledger.")
    root = _base64(lines[2])
    if len(root) != hashlib.sha256().digest_size:
        raise Unreadable("The checkpoint holds no root.")
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root, note=note)


def verify_checkpoint(note: str, keys: Collection[str]) -> Checkpoint:
    """This will read a checkpoint and check that one of these keys signed it as the ledger's own.

    :raises Unreadable: if it is none
    :raises Broken: if no key of these signed it, or a signature does not fit
    """
    found = read_checkpoint(note)
    body, signatures = _parts(note)
    signed, signed_at = False, None
    for public in sorted(keys):
        raw = from_text(public, length=32)
        key = Ed25519PublicKey.from_public_bytes(raw)
        for name, signature in signatures:
            if name != found.origin:
                continue
            mark, rest = signature[:4], signature[4:]
            if mark == key_id(name, LOG, raw):
                _check(key, rest, body.encode())
                signed = True
            elif mark == key_id(name, TIMED, raw) and len(rest) > 8:
                at = int.from_bytes(rest[:8], "big")
                _check(key, rest[8:], _timed(body, at))
                signed_at = at
    if not signed:
        raise Broken("No signature on the checkpoint by a key you trust.")
    return Checkpoint(found.origin, found.size, found.root, note, signed_at, trusted=True)


def looks_like_checkpoint(start: str) -> bool:
    """This will say whether a file that begins so may be a checkpoint."""
    return re.match(r"[^\n{]+\n(0|[1-9][0-9]*)\n[A-Za-z0-9+/]{43}=\n", start) is not None


def _timed(body: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{body}".encode()


def _check(key: Ed25519PublicKey, signature: bytes, message: bytes) -> None:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        raise Broken("The checkpoint was changed after it was signed.") from None


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    if len(note) > LARGEST or _CONTROL.search(note):
        raise Unreadable("This is not a signed note.")
    text, parted, tail = note.rpartition("\n\n")
    if not parted or not tail.endswith("\n"):
        raise Unreadable("This is not a signed note.")
    signatures = []
    for line in tail[:-1].split("\n"):
        words = line.split(" ")
        if len(words) != 3 or words[0] != DASH or not _NAME.fullmatch(words[1]):
            raise Unreadable("A signature of the note is not readable.")
        signature = _base64(words[2])
        if len(signature) < 5:
            raise Unreadable("A signature of the note is not readable.")
        signatures.append((words[1], signature))
    return text + "\n", signatures


def _base64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("There is something in the note that is not base64.") from None
    if base64.b64encode(raw).decode() != text:
        raise Unreadable("There is something in the note that is not base64.")
    return raw
