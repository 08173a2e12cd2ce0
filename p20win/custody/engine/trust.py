"""Whom a verifier trusts: the Ed25519 keys and certificates of one PEM file, and agencies' keys by them."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from p20win.custody.engine import signing
from p20win.custody.engine.agencykeys import BLOCK, AgencyKeys, read_block, read_list
from p20win.custody.engine.errors import Broken, Unreadable

_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)


@dataclass(frozen=True)
class Trust:
    """Public keys, spelt as signatures spell them, and certificates of sealing authorities.

    The keys of agencies are none of those: they sign as a source alone, while they were valid.
    What a machine has pinned is of the hub alone: of seals of documents and of senders it says nothing.
    """

    keys: frozenset[str] = frozenset()
    certificates: tuple[x509.Certificate, ...] = field(default=())
    agencies: AgencyKeys | None = None
    of_hub_alone: bool = False


def read_trust(path: Path) -> Trust:
    """This will read a PEM file of public keys, certificates and at most one list of agencies' keys.

    :raises Unreadable: if it holds none, anything else, or a list that none of its keys signed
    """
    keys, certificates, listed = set(), [], None
    for block in _BLOCK.finditer(path.read_bytes()):
        if block[1] == b"CERTIFICATE":
            certificate = _certificate(block[0])
            certificates.append(certificate)
            key = certificate.public_key()
            if isinstance(key, Ed25519PublicKey):
                keys.add(signing.public_text(key))
        elif block[1] == b"PUBLIC KEY":
            keys.add(signing.public_text(signing.load_public(block[0] + b"\n")))
        elif block[1] == BLOCK.encode() and listed is None:
            listed = read_block(block[0])
        else:
            raise Unreadable("The trust file may hold public keys and certificates only.")
    if not keys and not certificates:
        raise Unreadable("The trust file holds no public key and no certificate.")
    return Trust(frozenset(keys), tuple(certificates), _agencies(listed, keys))


def _agencies(listed: dict[str, Any] | None, keys: set[str]) -> AgencyKeys | None:
    try:
        return None if listed is None else read_list(listed, hub=keys)
    except Broken as problem:
        raise Unreadable(
            f"The list of agencies' keys in the trust file does not hold: {problem}"
        ) from problem


def _certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as problem:
        raise Unreadable("A certificate in the trust file cannot be read.") from problem
