"""The papers that travel with a file: what the sender states, what the hub receipts, what lies sealed."""

import re
from dataclasses import asdict
from typing import Any

from p20win.custody.engine.container import CONTAINER_FORMAT, Binding, Seal
from p20win.custody.engine.encoding import from_text, to_text
from p20win.custody.engine.errors import Unreadable

STATEMENT_FORMAT = "p20win/statement/1"
MANIFEST_FORMAT = "p20win/manifest/1"
RECEIPT_FORMAT = "p20win/receipt/1"
DELIVERY_FORMAT = "p20win/delivery/1"
"""The manifest inside what a recipient fetches; the desk that delivers writes it, and the hub signs it."""
_HEX_256 = re.compile(r"[0-9a-f]{64}")


def statement(
    *,
    slot: str,
    project: str,
    source: str,
    destination: str,
    data_class: str,
    name: str,
    plain_bytes: int,
    plain_sha256: str,
    nonce: str,
    created: str,
    expires: str,
) -> dict[str, Any]:
    """This will write what a sender states about a file, to be signed before it is sent."""
    return {
        "format": STATEMENT_FORMAT,
        "slot": slot,
        "project": project,
        "source": source,
        "destination": destination,
        "data_class": data_class,
        "name": name,
        "plain_bytes": plain_bytes,
        "plain_sha256": plain_sha256,
        "nonce": nonce,
        "created": created,
        "expires": expires,
    }


_UNSIGNED = "The file itself carries no signature of its agency."
BY_STATEMENT = "The agency's own signature over the file's hash, in the statement that came with it."
BY_MACHINE = f"The login of a machine with a key that the agency enrolled. {_UNSIGNED}"
BY_PERSON = f"The sign-in, or the upload ticket, of the person who sent it. {_UNSIGNED}"


def source_shown_by(*, is_signed: bool, by_machine: bool) -> str:
    """This will say in words what shows that a file is its agency's: not every way of sending signs it."""
    if is_signed:
        return BY_STATEMENT
    return BY_MACHINE if by_machine else BY_PERSON


GUESSABLE = frozenset({"output"})
"""Classes of data whose contents can be found by trying."""

_STATEMENT_TEXT = (
    *("slot", "project", "source", "destination", "data_class", "name"),
    *("plain_sha256", "nonce", "created", "expires"),
)


def check_statement(document: dict[str, Any]) -> None:
    """This will make sure that a document has the form of a sender's statement.

    :raises Unreadable: naming what is missing
    """
    if document.get("format") != STATEMENT_FORMAT:
        raise Unreadable("This is not a sender's statement.")
    if set(document) != {"format", "plain_bytes", *_STATEMENT_TEXT}:
        raise Unreadable("The sender's statement has missing or unknown fields.")
    for field in _STATEMENT_TEXT:
        if not isinstance(document[field], str) or not document[field] or len(document[field]) > 300:
            raise Unreadable(f"The field “{field}” of the sender's statement is empty, too long or not text.")
    size = document["plain_bytes"]
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise Unreadable("The size in the sender's statement is not a number of bytes.")
    if not _HEX_256.fullmatch(document["plain_sha256"]):
        raise Unreadable("The hash in the sender's statement is not a SHA-256 hash.")


def told_digest(data_class: str, digest: bytes) -> str:
    """This will give a plaintext's digest as papers may show it: none for a table of counts.

    Who holds the released table could try every value of a withheld count against the digest of the whole.
    """
    return "" if data_class in GUESSABLE else digest.hex()


def manifest(
    binding: Binding, seal: Seal, *, created: str, statement_signed: dict[str, Any] | None
) -> dict[str, Any]:
    """This will describe a sealed file as it lies in the store; the hub signs it."""
    return {
        "format": MANIFEST_FORMAT,
        "container": CONTAINER_FORMAT,
        **asdict(binding),
        "root": to_text(seal.root),
        "sealed_bytes": seal.sealed_bytes,
        "chunks": seal.chunks,
        "plain_bytes": seal.plain_bytes,
        "plain_sha256": told_digest(binding.data_class, seal.plain_sha256),
        "created": created,
        "statement": statement_signed,
    }


def read_manifest(document: dict[str, Any]) -> tuple[Binding, bytes, int]:
    """This will give from a manifest what is needed to verify its file: binding, root and size.

    :raises Unreadable: if it is not a manifest
    """
    if document.get("format") != MANIFEST_FORMAT or document.get("container") != CONTAINER_FORMAT:
        raise Unreadable("This is not the manifest of a sealed file.")
    try:
        binding = Binding(**{name: document[name] for name in Binding.__dataclass_fields__})
        root, size = from_text(document["root"], length=32), document["sealed_bytes"]
    except KeyError as problem:
        raise Unreadable("The manifest of the sealed file lacks a field.") from problem
    if not isinstance(size, int) or isinstance(size, bool):
        raise Unreadable("The manifest of the sealed file has no size.")
    return binding, root, size


def receipt(
    *,
    file_id: str,
    slot: str,
    project_number: str,
    source: str,
    destination: str,
    name: str,
    plain_bytes: int,
    plain_sha256: str,
    rows: int,
    columns: list[str],
    received: str,
    accepted: str,
    sent_by: str,
    root: str,
    shown_by: str,
    statement_signed: dict[str, Any] | None,
) -> dict[str, Any]:
    """This will write what the hub confirms to the sender; the hub signs it."""
    return {
        "format": RECEIPT_FORMAT,
        "file_id": file_id,
        "slot": slot,
        "project_number": project_number,
        "source": source,
        "destination": destination,
        "name": name,
        "plain_bytes": plain_bytes,
        "plain_sha256": plain_sha256,
        "rows": rows,
        "columns": columns,
        "received": received,
        "accepted": accepted,
        "sent_by": sent_by,
        "root": root,
        "source_shown_by": shown_by,
        "statement": statement_signed,
    }
