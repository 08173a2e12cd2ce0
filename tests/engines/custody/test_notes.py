"""Checkpoints: signed notes that other programs read, too."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from p20win.custody.engine import notes, signing
from p20win.custody.engine.errors import Broken, CustodyError, Unreadable
from p20win.custody.engine.notes import read_checkpoint, sign_checkpoint, verify_checkpoint

KEY, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
OURS = frozenset([signing.public_text(KEY.public_key())])
ORIGIN, ROOT, AT = "p20win.example.org/ledger", bytes(range(32)), 1_772_000_000
NOTE = sign_checkpoint(origin=ORIGIN, size=1042, root=ROOT, key=KEY, at=AT)


def test_has_the_form_of_a_checkpoint():
    lines = NOTE.split("\n")
    assert lines[:4] == [ORIGIN, "1042", base64.b64encode(ROOT).decode(), ""]
    assert [line.split(" ")[:2] for line in lines[4:6]] == [["—", ORIGIN]] * 2
    assert NOTE.endswith("\n")


def test_is_verified_with_its_time():
    found = verify_checkpoint(NOTE, OURS)
    assert (found.origin, found.size, found.root) == (ORIGIN, 1042, ROOT)
    assert (found.signed_at, found.trusted) == (AT, True)
    assert read_checkpoint(NOTE).signed_at is None


def test_a_note_and_key_of_another_program_are_understood():
    """The example of the Go package golang.org/x/mod/sumdb/note."""
    name, mark, spelt = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".split("+", 2)
    raw = base64.b64decode(spelt)
    assert notes.key_id(name, raw[:1], raw[1:]).hex() == mark
    assert notes.verifier_key(name, Ed25519PublicKey.from_public_bytes(raw[1:])) == f"{name}+{mark}+{spelt}"
    text = "If you think cryptography is the answer to your problem,\n"
    text += "then you don't know what your problem is.\n"
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    body, signatures = notes._parts(f"{text}\n— {name} {signature}\n")
    assert body == text
    Ed25519PublicKey.from_public_bytes(raw[1:]).verify(signatures[0][1][4:], body.encode())


def test_signatures_of_others_are_passed_over():
    more = base64.b64encode(b"abcd" + bytes(72)).decode()
    assert verify_checkpoint(f"{NOTE}— witness.example.org/w1 {more}\n", OURS).trusted
    assert verify_checkpoint(f"{NOTE}— {ORIGIN} {more}\n", OURS).trusted


def test_one_that_a_stranger_signed_is_refused():
    note = sign_checkpoint(origin=ORIGIN, size=1042, root=ROOT, key=STRANGER, at=AT)
    with pytest.raises(Broken, match="key you trust"):
        verify_checkpoint(note, OURS)
    with pytest.raises(Broken, match="key you trust"):
        verify_checkpoint(NOTE, frozenset())


def test_its_time_alone_signs_nothing():
    lines = NOTE.split("\n")
    with pytest.raises(Broken, match="key you trust"):
        verify_checkpoint("\n".join([*lines[:4], lines[5], ""]), OURS)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(NOTE) - 1), st.characters(codec="utf-8"))
def test_no_character_can_be_changed(place, character):
    changed = NOTE[:place] + character + NOTE[place + 1 :]
    if changed == NOTE:
        return
    try:
        found = verify_checkpoint(changed, OURS)
    except CustodyError:
        return
    # A signature whose name or mark is another's is passed over; the log's own still stands on this body.
    assert (found.origin, found.size, found.root) == (ORIGIN, 1042, ROOT)
    assert changed.partition("\n\n")[0] == NOTE.partition("\n\n")[0]


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "\n\n", NOTE[:-1], NOTE.replace("1042", "01042"), NOTE.replace("1042", "-1"),
        NOTE.replace("\n", "\r\n"), NOTE.replace("— ", "- "), NOTE.partition("\n\n")[0] + "\n\n",
        "a\n1\nAAAA\n\n— a QUJDREVGRw==\n", "a\n1\n\n— a QUJDREVGRw==\n", f"{NOTE}— b QUJD\n",
        f"{NOTE}— b Q===\n", "x" * notes.LARGEST + NOTE,
    ],
)  # fmt: skip
def test_what_is_none_is_called_unreadable(text):
    with pytest.raises(Unreadable):
        read_checkpoint(text)


def test_a_name_with_a_space_is_not_signed():
    with pytest.raises(ValueError, match="no space"):
        sign_checkpoint(origin="a b", size=1, root=ROOT, key=KEY, at=AT)
