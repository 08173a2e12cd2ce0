"""One key encrypted under another, bound to what it is for."""

import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from p20win.custody.engine.errors import WrongKey

_NONCE = 12


def wrap(key: bytes, *, under: bytes, context: bytes) -> bytes:
    """This will encrypt one key under another, bound to what it is for."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(under).encrypt(nonce, key, b"p20win/wrap/1\n" + context)


def unwrap(wrapped: bytes, *, under: bytes, context: bytes) -> bytes:
    """This will undo `wrap`.

    :raises WrongKey: if it was wrapped under another key, for another purpose, or altered
    """
    try:
        return AESGCM(under).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], b"p20win/wrap/1\n" + context)
    except (InvalidTag, ValueError):
        raise WrongKey("This key was wrapped under another key or for another purpose, or altered.") from None


def fingerprint(key: bytes) -> str:
    """This will name a key without telling anything about it."""
    return hashlib.sha256(b"p20win/fingerprint/1\n" + key).hexdigest()[:32]
