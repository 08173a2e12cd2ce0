"""Pieces: whoever seals one cannot open it again; only the vault can, and only in its place."""

import io

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from p20win.custody.engine import pieces
from p20win.custody.engine.errors import Broken, CustodyError, Unreadable, WrongKey
from p20win.custody.engine.pieces import Place

VAULT = X25519PrivateKey.generate()
PLACE = Place("slot", "attempt", 0)


def sealed(plain=b"123456789\tA\n"):
    return b"".join(pieces.seal_piece([plain], vault=VAULT.public_key(), place=PLACE))


def opened(raw, vault=VAULT, place=PLACE):
    return b"".join(pieces.open_piece(io.BytesIO(raw), vault=vault, place=place))


@given(st.binary(max_size=5000))
@settings(max_examples=40)
def test_the_vault_reads_what_was_sealed(plain):
    raw = sealed(plain)

    assert opened(raw) == plain
    assert len(raw) == pieces.piece_size(len(plain))
    assert len(plain) < 16 or plain not in raw


@pytest.mark.parametrize(
    "place", [Place("other", "attempt", 0), Place("slot", "other", 0), Place("slot", "attempt", 1)]
)
def test_a_piece_of_another_place_does_not_open(place):
    with pytest.raises(WrongKey):
        opened(sealed(), place=place)


def test_another_vault_cannot_open_it():
    with pytest.raises(WrongKey):
        opened(sealed(), vault=X25519PrivateKey.generate())


def test_every_single_byte_of_a_piece_is_protected():
    raw = sealed(b"x")
    for position in range(len(raw)):
        altered = bytearray(raw)
        altered[position] ^= 1
        with pytest.raises(CustodyError):
            opened(bytes(altered))


def test_a_cut_piece_is_refused():
    raw = sealed()
    for size in range(len(pieces.MAGIC), len(raw)):
        with pytest.raises(Broken):
            opened(raw[:size])


def test_something_else_is_not_a_piece():
    with pytest.raises(Unreadable):
        opened(b"SSN\tNAME\n")


def test_keys_survive_being_written_down():
    text = pieces.vault_key_text(VAULT)
    public = pieces.vault_public_text(VAULT.public_key())

    assert pieces.vault_public_text(pieces.read_vault_key(text).public_key()) == public
    assert pieces.vault_public_text(pieces.read_vault_public(public)) == public
    with pytest.raises(Unreadable):
        pieces.read_vault_key("not a key")
