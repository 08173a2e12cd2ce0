"""Reading files encrypted with age, as published at age-encryption.org/v1: binary form, X25519 recipients.

A file is a header in text, closed by an HMAC under the file key, and a payload: a nonce of 16 bytes, then
ChaCha20-Poly1305 in chunks of 64 KiB whose nonce is their number and a mark on the last, so a cut, an
extension or a swap of chunks fails to authenticate. Whoever reads takes the file as whole only at its end.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from p20win.custody.engine.errors import Broken, Unreadable, WrongKey
from p20win.custody.engine.pieces import Readable

CHUNK: Final = 64 << 10
TAG: Final = 16
LONGEST_HEADER: Final = 64 << 10  # some hundreds of recipients; more would only cost memory
_VERSION: Final = b"age-encryption.org/v1\n"
_ARMOR: Final = b"-----BEGIN AGE"
_LINE: Final = 64  # letters of a stanza's body in a full line
_ARGUMENT: Final = re.compile(rb"[\x21-\x7e]+")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]*")


@dataclass(frozen=True)
class Stanza:
    """One recipient's part of the header."""

    arguments: tuple[bytes, ...]
    body: bytes


def open_file(
    source: Readable, *, identity: X25519PrivateKey | Sequence[X25519PrivateKey]
) -> Iterator[bytes]:
    """This will give a file's plaintext as it authenticates; it is whole only when the iterator ends.

    Of several identities that one opens it for which it is encrypted.

    :raises Unreadable: if it is no age file in the binary form
    :raises WrongKey: if it is encrypted for others alone
    :raises Broken: if it was altered, cut, extended or reordered
    """
    header = _Header(source)
    stanzas, covered, mac = header.read()
    key = _file_key(stanzas, [identity] if isinstance(identity, X25519PrivateKey) else identity)
    if not hmac.compare_digest(hmac.digest(_derive(key, b"", b"header"), covered, "sha256"), mac):
        raise Broken("The head of the age file was altered.")
    nonce = header.rest(16)
    if len(nonce) < 16:
        raise Unreadable("The head of the age file is not complete.")
    yield from _payload(header, ChaCha20Poly1305(_derive(key, nonce, b"payload")))


def _payload(source: "_Header", cipher: ChaCha20Poly1305) -> Iterator[bytes]:
    number, chunk = 0, source.rest(CHUNK + TAG)
    while True:
        following = source.rest(CHUNK + TAG) if len(chunk) == CHUNK + TAG else b""
        ends_here = not following
        plain, is_last = _open_chunk(cipher, number, chunk, likely_last=ends_here)
        if is_last and not plain and number:
            raise Broken("The age file ends in an empty chunk.")
        if plain:
            yield plain
        if is_last and ends_here:
            return
        if is_last or ends_here:
            raise Broken("The age file goes on after its end." if is_last else "The age file ends too early.")
        number, chunk = number + 1, following


def _open_chunk(
    cipher: ChaCha20Poly1305, number: int, chunk: bytes, *, likely_last: bool
) -> tuple[bytes, bool]:
    """Open one chunk, and say whether it is marked as the last."""
    if len(chunk) < TAG:
        raise Broken("The age file ends too early.")
    marks = (likely_last, not likely_last) if len(chunk) == CHUNK + TAG else (True,)
    for is_last in marks:
        try:
            return cipher.decrypt(number.to_bytes(11, "big") + bytes([is_last]), chunk, None), is_last
        except InvalidTag:
            continue
    raise Broken(f"Chunk {number} of the age file does not authenticate: altered, cut or moved.")


class _Header:
    """Reads lines, then bytes, without ever holding more than a header may have."""

    def __init__(self, source: Readable) -> None:
        self._source, self._held, self._size = source, b"", 0

    def rest(self, size: int) -> bytes:
        """This will give the next bytes, fewer only at the end of the file."""
        while len(self._held) < size and (more := self._source.read(size - len(self._held))):
            self._held += more
        taken, self._held = self._held[:size], self._held[size:]
        return taken

    def _line(self) -> bytes:
        while b"\n" not in self._held:
            more = self._source.read(512) if len(self._held) < LONGEST_HEADER else b""
            if not more:
                raise Unreadable("The head of the age file is not complete.")
            self._held += more
        line, _, self._held = self._held.partition(b"\n")
        self._size += len(line) + 1
        if self._size > LONGEST_HEADER:
            raise Unreadable("The head of the age file is too long.")
        return line

    def read(self) -> tuple[list[Stanza], bytes, bytes]:
        """This will give the stanzas, the bytes the MAC covers, and the MAC."""
        begin = self.rest(len(_VERSION))
        if begin != _VERSION:
            raise Unreadable(
                "The age file is in the text form (armor)."
                if begin.startswith(_ARMOR)
                else "This is no file of age, version 1."
            )
        covered = bytearray(begin)
        stanzas: list[Stanza] = []
        while True:
            line = self._line()
            if line.startswith(b"--- "):
                if not stanzas:
                    raise Unreadable("The age file names no recipient.")
                return stanzas, bytes(covered) + b"---", _base64(line[4:], length=32)
            covered += line + b"\n"
            arguments = tuple(line.split(b" "))
            if arguments[0] != b"->" or len(arguments) < 2 or not all(map(_ARGUMENT.fullmatch, arguments)):
                raise Unreadable("The head of the age file has a line that does not belong there.")
            stanzas.append(Stanza(arguments[1:], self._body(covered)))

    def _body(self, covered: bytearray) -> bytes:
        letters = bytearray()
        while True:
            line = self._line()
            covered += line + b"\n"
            if len(line) > _LINE:
                raise Unreadable("The head of the age file has a line that is too long.")
            letters += line
            if len(line) < _LINE:
                return _base64(bytes(letters))


def _base64(letters: bytes, *, length: int | None = None) -> bytes:
    """Read base64 in the one spelling there is: no padding, no bits left over."""
    try:
        if not _BASE64.fullmatch(letters):
            raise binascii.Error
        raw = base64.b64decode(letters + b"=" * (-len(letters) % 4), validate=True)
    except binascii.Error:
        raise Unreadable("The head of the age file has a part that cannot be read.") from None
    if base64.b64encode(raw).rstrip(b"=") != letters or (length is not None and len(raw) != length):
        raise Unreadable("The head of the age file has a part that cannot be read.")
    return raw


def _file_key(stanzas: list[Stanza], identities: Sequence[X25519PrivateKey]) -> bytes:
    if any(stanza.arguments[0] == b"scrypt" for stanza in stanzas) and len(stanzas) > 1:
        raise Unreadable("The age file mixes a passphrase with other recipients.")
    pairs = [(stanza, identity) for identity in identities for stanza in stanzas]
    found = [key for stanza, identity in pairs if (key := _unwrap(stanza, identity)) is not None]
    if not found:
        raise WrongKey("The age file is encrypted for others.")
    return found[0]


def _unwrap(stanza: Stanza, identity: X25519PrivateKey) -> bytes | None:
    if stanza.arguments[0] != b"X25519":
        return None
    if len(stanza.arguments) != 2 or len(stanza.body) != 32:
        raise Unreadable("The head of the age file has a recipient that cannot be read.")
    share = _base64(stanza.arguments[1], length=32)
    try:
        shared = identity.exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError:  # a point of low order: the secret would be all zero
        raise Unreadable("The head of the age file has a recipient that cannot be read.") from None
    own = identity.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    wrapping = _derive(shared, share + own, b"age-encryption.org/v1/X25519")
    try:
        return ChaCha20Poly1305(wrapping).decrypt(bytes(12), stanza.body, None)
    except InvalidTag:
        return None


def _derive(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=salt or bytes(sha256().digest_size), info=info).derive(key)


# --- how age spells keys: Bech32, as in BIP 173

_LETTERS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def recipient(key: X25519PublicKey) -> str:
    """This will spell a public key as age does: age1…"""
    return _bech32("age", key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def _bech32(prefix: str, raw: bytes) -> str:
    bits = int.from_bytes(raw, "big") << (-8 * len(raw) % 5)
    count = -(-8 * len(raw) // 5)
    values = [bits >> 5 * (count - 1 - place) & 31 for place in range(count)]
    spread = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = _checksum([*spread, *values, *[0] * 6]) ^ 1
    values += [check >> 5 * (5 - place) & 31 for place in range(6)]
    return f"{prefix}1{''.join(_LETTERS[value] for value in values)}"


def _checksum(values: list[int]) -> int:
    check = 1
    for value in values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for place, term in enumerate(_GENERATOR):
            check ^= term if top >> place & 1 else 0
    return check
