"""Reading age files: the published vectors, what pyrage writes, every cut, and how keys are spelled."""

import base64
import hashlib
import json
import zlib
from io import BytesIO
from pathlib import Path

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from p20win.custody.engine import age
from p20win.custody.engine.errors import Broken, Unreadable, WrongKey
from p20win.custody.engine.files import Joined

DATA = Path(__file__).resolve().parents[2] / "data" / "age_testkit.json"
VECTORS = json.loads(DATA.read_text())["vectors"]
OUTCOMES = {
    "success": None,
    "no match": WrongKey,
    "HMAC failure": Broken,
    "header failure": Unreadable,
    "payload failure": Broken,
}


def read_vector(name):
    head, _, body = base64.b64decode(VECTORS[name]).partition(b"\n\n")
    told = dict(line.split(": ", 1) for line in head.decode().splitlines())
    return told, zlib.decompress(body) if told.get("compressed") == "zlib" else body


def identity_of(text):
    """Read AGE-SECRET-KEY-1…, without its check digits."""
    bits = 0
    for letter in text.lower().removeprefix("age-secret-key-1")[:-6]:
        bits = bits << 5 | age._LETTERS.index(letter)
    return X25519PrivateKey.from_private_bytes((bits >> 4).to_bytes(32, "big"))


def spelled(key):
    raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return age._bech32("age-secret-key-", raw).upper()


def opened(content, key):
    got = bytearray()
    for chunk in age.open_file(BytesIO(content), identity=key):
        got += chunk
    return bytes(got)


def ours(name):
    told, _ = read_vector(name)
    return told.get("identity", "AGE-SECRET-KEY-1").startswith("AGE-SECRET-KEY-1")


@pytest.mark.parametrize("name", sorted(filter(ours, VECTORS)))
def test_published_vector(name):
    told, content = read_vector(name)
    key = identity_of(told["identity"]) if "identity" in told else X25519PrivateKey.generate()
    wanted, got = OUTCOMES[told["expect"]], bytearray()

    try:
        for chunk in age.open_file(BytesIO(content), identity=key):
            got += chunk
        happened = None
    except (Broken, Unreadable, WrongKey) as problem:
        happened = type(problem)

    assert happened is wanted
    if "payload" in told:
        assert hashlib.sha256(got).hexdigest() == told["payload"]


def test_the_vectors_are_all_there():
    assert len(VECTORS) > 60
    assert {read_vector(name)[0]["expect"] for name in VECTORS} == set(OUTCOMES)


SIZES = [0, 1, age.CHUNK - 1, age.CHUNK, age.CHUNK + 1, 3 * age.CHUNK, 200_001]


@pytest.mark.parametrize("size", SIZES)
def test_what_pyrage_encrypts_for_our_spelling_of_the_key_we_read(size):
    key = X25519PrivateKey.generate()
    plain = bytes(i * 7 % 251 for i in range(size))
    other = pyrage.x25519.Identity.generate().to_public()
    whom = pyrage.x25519.Recipient.from_str(age.recipient(key.public_key()))

    assert opened(pyrage.encrypt(plain, [other, whom]), key) == plain


def test_keys_are_spelled_as_age_spells_them():
    theirs = pyrage.x25519.Identity.generate()
    key = identity_of(str(theirs))
    assert age.recipient(key.public_key()) == str(theirs.to_public())
    assert spelled(key) == str(theirs)
    assert pyrage.decrypt(
        pyrage.encrypt(b"x", [theirs.to_public()]), [pyrage.x25519.Identity.from_str(spelled(key))]
    ) == b"x"  # fmt: skip


def test_every_cut_every_flipped_byte_and_anything_added_is_noticed():
    key = X25519PrivateKey.generate()
    whom = pyrage.x25519.Recipient.from_str(age.recipient(key.public_key()))
    content = pyrage.encrypt(b"ID\tLAST\nk3v9\tOkonkwo\n", [whom])
    for end in range(len(content)):
        with pytest.raises((Broken, Unreadable, WrongKey)):
            opened(content[:end], key)
    for place in range(len(content)):
        altered = bytearray(content)
        altered[place] ^= 1
        with pytest.raises((Broken, Unreadable, WrongKey)):
            opened(bytes(altered), key)
    with pytest.raises(Broken):
        opened(content + b"\0", key)


def test_it_holds_two_chunks_at_most():
    key = X25519PrivateKey.generate()
    whom = pyrage.x25519.Recipient.from_str(age.recipient(key.public_key()))
    content = pyrage.encrypt(bytes(40 * age.CHUNK), [whom])
    read, given = 0, 0

    def blocks():
        nonlocal read
        for start in range(0, len(content), 10_000):
            read += 10_000
            yield content[start : start + 10_000]

    for plain in age.open_file(Joined(blocks()), identity=key):
        given += len(plain)
        assert read - given < 4 * age.CHUNK
    assert given == 40 * age.CHUNK


def test_the_text_form_and_endless_heads_are_named():
    key = X25519PrivateKey.generate()
    with pytest.raises(Unreadable, match="armor"):
        opened(b"-----BEGIN AGE ENCRYPTED FILE-----\n", key)
    with pytest.raises(Unreadable, match=r"too long|not complete"):
        opened(b"age-encryption.org/v1\n" + b"-> X25519 a\n\n" * 100_000, key)
    with pytest.raises(Unreadable, match="not complete"):
        opened(b"age-encryption.org/v1\n-> " + b"a" * 200_000, key)
