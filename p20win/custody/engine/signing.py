"""Ed25519 signatures over documents: the sender signs, the hub countersigns the same bytes and the time.

A signed document is `{"document": …, "signatures": [{"role", "key", "at", "signature"}, …]}`. Each signature
covers the document, its own role, key and time, and every signature before it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
    load_ssh_public_key,
)

from p20win.custody.engine.encoding import canonical, from_text, to_text
from p20win.custody.engine.errors import Broken, Unreadable

DOMAIN = b"p20win/signature/1\n"
SOURCE, HUB = "source", "hub"


@dataclass(frozen=True)
class Signer:
    """One signature found good: in which role, by which key, when."""

    role: str
    key: str
    at: str


def public_text(key: Ed25519PublicKey) -> str:
    """This will spell a public key the way signatures name it."""
    return to_text(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def private_pem(key: Ed25519PrivateKey) -> bytes:
    """This will write a private key as PEM, for a file only its owner can read."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key: Ed25519PublicKey) -> bytes:
    """This will write a public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def load_private(pem: bytes) -> Ed25519PrivateKey:
    """This will read an Ed25519 private key.

    :raises Unreadable: if the file holds anything else
    """
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise Unreadable("This file holds no private key that can be read without a password.") from problem
    if not isinstance(key, Ed25519PrivateKey):
        raise Unreadable("The private key in this file is not an Ed25519 key.")
    return key


def load_public(pem: bytes) -> Ed25519PublicKey:
    """This will read an Ed25519 public key, as PEM or as OpenSSH writes it.

    :raises Unreadable: if the file holds anything else
    """
    try:
        key = load_ssh_public_key(pem) if pem.startswith(b"ssh-ed25519 ") else load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise Unreadable("This file holds no public key.") from problem
    if not isinstance(key, Ed25519PublicKey):
        raise Unreadable("The public key in this file is not an Ed25519 key.")
    return key


def read_public(text: str) -> Ed25519PublicKey:
    """This will read what `public_text` wrote. :raises Unreadable: if it is no key"""
    return Ed25519PublicKey.from_public_bytes(from_text(text, length=32))


def sign(
    document: dict[str, Any],
    *,
    key: Ed25519PrivateKey,
    role: str,
    at: str,
    before: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """This will sign a document, or countersign one that carries signatures already."""
    earlier = list(before or [])
    mark = {"role": role, "key": public_text(key.public_key()), "at": at}
    signature = key.sign(_covered(document, earlier, mark))
    return {"document": document, "signatures": [*earlier, {**mark, "signature": to_text(signature)}]}


def countersign(signed: dict[str, Any], *, key: Ed25519PrivateKey, role: str, at: str) -> dict[str, Any]:
    """This will add one more signature over everything signed so far."""
    return sign(signed["document"], key=key, role=role, at=at, before=signed["signatures"])


def verify(signed: dict[str, Any]) -> tuple[dict[str, Any], list[Signer]]:
    """This will check every signature and give the document and who signed it.

    Whether those keys are to be trusted is the caller's question (`expect`).

    :raises Unreadable: if it does not have the form of a signed document
    :raises Broken: if a signature does not fit what it stands on
    """
    document, marks = signed.get("document"), signed.get("signatures")
    if set(signed) != {"document", "signatures"} or not isinstance(document, dict):
        raise Unreadable("This is not a signed document.")
    if not isinstance(marks, list) or not marks:
        raise Unreadable("This document carries no signature.")
    signers: list[Signer] = []
    for place, mark in enumerate(marks):
        if not isinstance(mark, dict) or set(mark) != {"role", "key", "at", "signature"}:
            raise Unreadable(f"Signature {place + 1} does not have the form of one.")
        named = {name: mark[name] for name in ("role", "key", "at")}
        if not all(isinstance(value, str) for value in named.values()):
            raise Unreadable(f"Signature {place + 1} does not have the form of one.")
        public = read_public(mark["key"])
        try:
            public.verify(from_text(mark["signature"], length=64), _covered(document, marks[:place], named))
        except InvalidSignature:
            raise Broken(
                f"The signature of the {named['role']} does not fit: the document was changed after signing."
            ) from None
        signers.append(Signer(**named))
    return document, signers


def expect(signers: Collection[Signer], *, role: str, keys: Collection[str]) -> Signer:
    """This will find the signature in this role by one of these keys.

    :raises Broken: if there is none
    """
    for signer in signers:
        if signer.role == role and signer.key in keys:
            return signer
    raise Broken(f"No signature of the {role} by a key you trust.")


def _covered(document: dict[str, Any], earlier: list[dict[str, Any]], mark: dict[str, Any]) -> bytes:
    return DOMAIN + canonical({"document": document, "before": earlier, "mark": mark})
