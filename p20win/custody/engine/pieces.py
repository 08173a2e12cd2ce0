"""What arrives, sealed for the vault alone: whoever seals a piece cannot open it again.

A piece is `magic ‖ HPKE(vault's public key, fresh key) ‖ body`, the body in the streaming format under that
fresh key. HPKE is RFC 9180 with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM, base mode. Both the
wrapped key and the body are bound to the place the piece belongs to.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from p20win.custody.engine.encoding import canonical, from_text, to_text
from p20win.custody.engine.errors import Broken, Unreadable, WrongKey
from p20win.custody.engine.streaming import (
    KEY_SIZE,
    SEGMENT,
    StreamOpener,
    StreamSealer,
    new_key,
    sealed_size,
)

MAGIC = b"P20PIEC1"
WRAPPED_SIZE = 32 + KEY_SIZE + 16  # the encapsulated X25519 key, the key, its tag
HEAD_SIZE = len(MAGIC) + WRAPPED_SIZE
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True)
class Place:
    """Where a piece belongs: which slot, which attempt at sending, and which piece of it."""

    slot: str
    attempt: str
    number: int

    def info(self) -> bytes:
        """This will give the bytes that tie a piece to its place."""
        return b"p20win/piece/1\n" + hashlib.sha256(canonical(asdict(self))).digest()


def piece_size(plain: int) -> int:
    """This will say how many bytes a piece of this much plaintext takes."""
    return HEAD_SIZE + sealed_size(plain)


class Readable(Protocol):
    """Whatever gives bytes in order."""

    def read(self, size: int, /) -> bytes:
        """This will give that many bytes, or what is left."""


class PieceSealer:
    """Seals one piece while it passes through and forgets the key when done."""

    def __init__(self, vault: X25519PublicKey, place: Place) -> None:
        key = new_key()
        self._head = MAGIC + _SUITE.encrypt(key, vault, place.info())
        self._stream = StreamSealer(key, place.info())

    def update(self, plain: bytes | bytearray | memoryview) -> bytes:
        """This will take plaintext in and return whatever sealed bytes are ready."""
        head, self._head = self._head, b""
        return head + self._stream.update(plain)

    def finish(self) -> bytes:
        """This will seal the end of the piece."""
        head, self._head = self._head, b""
        return head + self._stream.finish()


def seal_piece(chunks: Iterable[bytes], *, vault: X25519PublicKey, place: Place) -> Iterator[bytes]:
    """This will seal everything the chunks hold as one piece."""
    sealer = PieceSealer(vault, place)
    for chunk in chunks:
        if sealed := sealer.update(chunk):
            yield sealed
    yield sealer.finish()


def open_piece(
    source: Readable, *, vault: X25519PrivateKey | Sequence[X25519PrivateKey], place: Place
) -> Iterator[bytes]:
    """This will give a piece's plaintext as it authenticates; it is whole only when the iterator ends.

    Of several keys that one opens it for which it was sealed.

    :raises Unreadable: if it is not a piece
    :raises WrongKey: if it was sealed for another vault or another place
    :raises Broken: if it was altered, cut, extended or reordered
    """
    head = source.read(HEAD_SIZE)
    if not head.startswith(MAGIC):
        raise Unreadable("This is not a sealed piece.")
    if len(head) < HEAD_SIZE:
        raise Broken("The sealed piece ends too early.")
    key = _unwrapped(head[len(MAGIC) :], [vault] if isinstance(vault, X25519PrivateKey) else vault, place)
    opener = StreamOpener(key, place.info())
    while chunk := source.read(SEGMENT):
        if plain := opener.update(chunk):
            yield plain
    if plain := opener.finish():
        yield plain


def _unwrapped(wrapped: bytes, keys: Sequence[X25519PrivateKey], place: Place) -> bytes:
    for key in keys:
        try:
            return _SUITE.decrypt(wrapped, key, place.info())
        except (InvalidTag, ValueError):
            continue
    raise WrongKey("The piece was altered, or sealed for another vault or another place.")


def vault_key_text(key: X25519PrivateKey) -> str:
    """This will spell the vault's private key, for a file only the vault can read."""
    return to_text(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))


def vault_public_text(key: X25519PublicKey) -> str:
    """This will spell the vault's public key."""
    return to_text(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def read_vault_key(text: str) -> X25519PrivateKey:
    """This will read what `vault_key_text` wrote.

    :raises Unreadable: if it is not a key
    """
    return X25519PrivateKey.from_private_bytes(from_text(text, length=32))


def read_vault_public(text: str) -> X25519PublicKey:
    """This will read what `vault_public_text` wrote.

    :raises Unreadable: if it is not a key
    """
    return X25519PublicKey.from_public_bytes(from_text(text, length=32))
