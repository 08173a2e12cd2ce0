"""What a certificate of destruction says of the ledger, and the proofs that belong to it."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from p20win.custody.engine import certificate, ledger_proof, signing
from p20win.custody.engine.errors import Broken, Unreadable
from p20win.custody.engine.merkle import leaf_hash
from p20win.custody.engine.notes import sign_checkpoint
from p20win.custody.engine.proofs import HashTree

HUB = Ed25519PrivateKey.generate()
KEYS = frozenset({signing.public_text(HUB.public_key())})
ORIGIN = "p20win.example.org/ledger"
EVENTS = ["request.submitted", "data.destroyed", "match.linked", "data.destroyed", "project.closed"]
LINES = [
    json.dumps([n, event, "x", "1", None, None, None, "t", "t", "", {}]) for n, event in enumerate(EVENTS, 1)
]
TREE = HashTree.of([leaf_hash(line.encode()) for line in LINES])


def proof(seq, *, origin=ORIGIN, key=HUB):
    note = sign_checkpoint(origin=origin, size=len(LINES), root=TREE.root(), key=key, at=1_800_000_000)
    path = TREE.inclusion(seq - 1, len(LINES))
    document = ledger_proof.make(canonical=LINES[seq - 1], index=seq - 1, path=path, note=note)
    return json.dumps(document).encode()


def said(*lines, **changes):
    entries = [
        {"organisation": "sde", "line": seq, "leaf": leaf_hash(LINES[seq - 1].encode()).hex()}
        for seq in lines
    ]
    return json.dumps(
        {"format": certificate.FORMAT, "ledger_name": ORIGIN, "ledger": entries} | changes
    ).encode()


@pytest.mark.obligation("O-64", "O-65")
class TestCertificate:
    def test_every_line_that_it_names_is_proven(self):
        found = certificate.check(said(2, 4), [proof(2), proof(4)], KEYS)

        assert (found.named, found.proven, found.unproven) == ([2, 4], [2, 4], [])
        assert (found.checkpoint.size, found.checkpoint.trusted) == (5, True)

    def test_which_lines_lack_a_proof_is_said(self):
        assert certificate.check(said(2, 4), [proof(4)], None).unproven == [2]
        without = certificate.check(said(2, 4), [], KEYS)
        assert (without.unproven, without.checkpoint) == ([2, 4], None)

    @pytest.mark.parametrize(
        ("content", "given", "why"),
        [
            (said(2), proof(4), "not the line that the certificate names"),
            (said(1), proof(1), "does not tell of a destruction"),
            (said(2), proof(2, origin="other.example.org/ledger"), "another ledger"),
            (said(2, ledger_name="other.example.org/ledger"), proof(2), "another ledger"),
            (said(2, ledger=[{"line": 2, "leaf": "00" * 32}]), proof(2), "not the line"),
            (said(2), proof(2, key=Ed25519PrivateKey.generate()), "key"),
            (said(2), proof(2).replace(b"data.destroyed", b"data.destroyeD"), "not in the ledger"),
        ],
    )
    def test_a_proof_of_something_else_breaks_it(self, content, given, why):
        with pytest.raises(Broken, match=why):
            certificate.check(content, [given], KEYS)

    @pytest.mark.parametrize("content", [b"{}", said(2, format="other"), said(2, ledger="two"), b"no"])
    def test_what_says_nothing_readable_is_refused(self, content):
        with pytest.raises(Unreadable):
            certificate.check(content, [], KEYS)
