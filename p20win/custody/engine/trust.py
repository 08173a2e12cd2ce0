"""Whom a verifier trusts: the Ed25519 keys and the certificates of one PEM file."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from p20win.custody.engine import signing
from p20win.custody.engine.errors import Unreadable

_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)


@dataclass(frozen=True)
class Trust:
    """Public keys, spelt as signatures spell them, and certificates of sealing authorities."""

    keys: frozenset[str] = frozenset()
    certificates: tuple[x509.Certificate, ...] = field(default=())


def read_trust(path: Path) -> Trust:
    """This will read a PEM file of public keys and certificates.

    :raises Unreadable: if it holds none, or anything else
    """
    keys, certificates = set(), []
    for block in _BLOCK.finditer(path.read_bytes()):
        if block[1] == b"CERTIFICATE":
            certificate = _certificate(block[0])
            certificates.append(certificate)
            key = certificate.public_key()
            if isinstance(key, Ed25519PublicKey):
                keys.add(signing.public_text(key))
        elif block[1] == b"PUBLIC KEY":
            keys.add(signing.public_text(signing.load_public(block[0] + b"\n")))
        else:
            raise Unreadable("The trust file may hold public keys and certificates only.")
    if not keys and not certificates:
        raise Unreadable("The trust file holds no public key and no certificate.")
    return Trust(frozenset(keys), tuple(certificates))


def _certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as problem:
        raise Unreadable("A certificate in the trust file cannot be read.") from problem
