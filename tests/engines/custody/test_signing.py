"""Signed papers: sender and hub sign the same bytes, and any change shows."""

import copy
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from p20win.custody.engine import manifest, signing
from p20win.custody.engine.container import Binding, Seal
from p20win.custody.engine.encoding import canonical, from_text, parse, to_text
from p20win.custody.engine.errors import Broken, CustodyError, Unreadable

AGENCY, HUB = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def statement(**changes):
    fields = {
        "slot": "s", "project": "p", "source": "a", "destination": "h", "data_class": "matching", "name": "n",
        "plain_bytes": 3, "plain_sha256": "0" * 64, "nonce": "n", "created": "2026", "expires": "2027",
    }  # fmt: skip
    return manifest.statement(**fields | changes)


@pytest.fixture
def signed():
    once = signing.sign(statement(), key=AGENCY, role=signing.SOURCE, at="2026-03-02T15:00:00+00:00")
    return signing.countersign(once, key=HUB, role=signing.HUB, at="2026-03-02T15:01:00+00:00")


@pytest.mark.obligation("O-58")
def test_both_signatures_hold_and_name_source_and_destination(signed):
    document, signers = signing.verify(signed)

    assert (document["source"], document["destination"]) == ("a", "h")
    assert [signer.role for signer in signers] == ["source", "hub"]
    assert signing.expect(signers, role="hub", keys=[signing.public_text(HUB.public_key())]).at.endswith(
        "15:01:00+00:00"
    )


@pytest.mark.parametrize("field", ["slot", "project", "source", "destination", "plain_sha256", "plain_bytes"])
def test_no_field_can_be_changed(signed, field):
    signed["document"][field] = "other"
    with pytest.raises(Broken):
        signing.verify(signed)


@pytest.mark.parametrize("field", ["role", "at"])
@pytest.mark.parametrize("place", [0, 1])
def test_no_mark_of_a_signature_can_be_changed(signed, field, place):
    signed["signatures"][place][field] = "other"
    with pytest.raises(Broken):
        signing.verify(signed)


def test_the_countersignature_stands_only_on_the_signature_it_saw(signed):
    another = signing.sign(statement(), key=AGENCY, role=signing.SOURCE, at="2026-03-02T16:00:00+00:00")
    mixed = {**signed, "signatures": [another["signatures"][0], signed["signatures"][1]]}
    dropped = {**signed, "signatures": signed["signatures"][1:]}
    for altered in (mixed, dropped):
        with pytest.raises(Broken):
            signing.verify(altered)


def test_somebody_elses_key_is_not_expected(signed):
    _, signers = signing.verify(signed)
    with pytest.raises(Broken, match="key you trust"):
        signing.expect(signers, role="hub", keys=[signing.public_text(AGENCY.public_key())])


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.pop("signatures"),
        lambda s: s.update(extra=1),
        lambda s: s.update(signatures=[]),
        lambda s: s.update(signatures="x"),
        lambda s: s["signatures"][0].pop("at"),
        lambda s: s["signatures"][0].update(key="AA"),
        lambda s: s["signatures"][0].update(key=7),
        lambda s: s["signatures"][0].update(signature="AA"),
        lambda s: s["document"].update(x=1.5),
        lambda s: s.update(document=[]),
    ],
)
def test_what_has_not_the_form_is_unreadable(signed, change):
    broken = copy.deepcopy(signed)
    change(broken)
    with pytest.raises(Unreadable):
        signing.verify(broken)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
        max_leaves=10,
    )
)
def test_one_document_has_one_spelling(value):
    try:
        first = canonical({"value": value})
    except UnicodeEncodeError:
        return
    assert canonical(json.loads(first)) == first


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff", b'"x"', b"[" * 100_000])
def test_what_is_no_json_object_is_unreadable(raw):
    with pytest.raises(Unreadable):
        parse(raw)


@pytest.mark.parametrize("value", [1.0, b"x", {1: 2}, object()])
def test_what_has_no_single_spelling_is_refused(value):
    with pytest.raises(Unreadable):
        canonical({"a": value})


@given(st.binary(max_size=40))
def test_bytes_have_one_spelling(raw):
    assert from_text(to_text(raw), length=len(raw)) == raw


@pytest.mark.parametrize("text", ["A", "AB==", "A B", "Ã", 7, None, "AB"])
def test_other_spellings_are_refused(text):
    with pytest.raises(Unreadable):
        from_text(text, length=3)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "x"},
        {"extra": "y"},
        {"source": ""},
        {"plain_bytes": -1},
        {"plain_bytes": True},
        {"plain_sha256": "Z" * 64},
    ],
)
def test_a_statement_is_checked_field_by_field(change):
    manifest.check_statement(statement())
    with pytest.raises(Unreadable):
        manifest.check_statement(statement() | change)


def test_a_manifest_gives_back_what_is_needed_to_verify():
    binding = Binding("f", "p", "s", "d", "matching", 3)
    seal = Seal(b"r" * 32, 60, 1, 4, b"h" * 32)
    document = manifest.manifest(binding, seal, created="2026", statement_signed=None)

    assert manifest.read_manifest(parse(canonical(document))) == (binding, b"r" * 32, 60)
    for change in ({"format": "x"}, {"sealed_bytes": "60"}, {"root": "x"}):
        with pytest.raises(CustodyError):
            manifest.read_manifest(document | change)
    del document["project"]
    with pytest.raises(Unreadable):
        manifest.read_manifest(document)


@pytest.mark.parametrize("load", [signing.load_private, signing.load_public])
def test_only_ed25519_keys_are_read(load):
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    other = X25519PrivateKey.generate()
    private = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for pem in (private, public, b"nothing"):
        with pytest.raises(Unreadable):
            load(pem)


def test_keys_survive_being_written_down():
    private = signing.load_private(signing.private_pem(AGENCY))
    public = signing.load_public(signing.public_pem(AGENCY.public_key()))
    assert signing.public_text(private.public_key()) == signing.public_text(public)
