"""The hub's certificate carries the proof that the ledger tells of the destruction."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.urls import reverse
from pypdf import PdfReader

from agreements import certificates, seal, selectors
from client import main
from p20win import clock
from p20win.accounts.public import system_user
from p20win.audit.public import record
from p20win.custody import checkpoints
from p20win.custody import public as custody
from p20win.custody.engine import signing
from p20win.custody.engine.trust import Trust, read_trust
from p20win.custody.engine.verify import verify_file
from p20win.jobs.public import Job, MustWait
from tests import factories_agreements as made
from tests import factories_custody as files_of
from tests.factories import START

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _seal_key(settings, tmp_path):
    settings.P20WIN_SEAL_KEY, settings.P20WIN_SEAL_CERTIFICATE = tmp_path / "k.pem", tmp_path / "c.pem"
    seal.make_key(settings.P20WIN_SEAL_KEY, settings.P20WIN_SEAL_CERTIFICATE, now=clock.real_now())


def destroyed(agreement):
    line = record("data.destroyed", agreement.project, by=system_user(), at=START)
    entry = {"organisation": "sde", "line": line.seq, "leaf": custody.ledger_leaf(line)}
    facts = {"files": [], "ledger": [entry], "ledger_name": custody.ledger_name()}
    return certificates.issue_hub_certificate(
        agreement.project, method="Cryptographic erase", facts=facts, by=system_user(), at=START
    )


@pytest.mark.obligation("O-64", "O-65")
def test_its_paper_carries_the_proof_that_the_ledger_tells_of_it(settings, tmp_path, capsys, client):
    agreement = made.in_force()
    with files_of.own_vault(settings, tmp_path / "vault"):
        trust = tmp_path / "hub.pem"
        trust.write_bytes(client.get(reverse("custody:trust")).content)
        certificate = destroyed(agreement)
        with pytest.raises(MustWait, match="next checkpoint"):
            certificates.make_certificate(certificate, made.NoJob(), by=system_user(), at=START)
        assert Job.objects.filter(name="custody.publish_checkpoint").exists()
        checkpoints.publish(now=clock.real_now())

        certificate = certificates.make_certificate(certificate, made.NoJob(), by=system_user(), at=START)

    paper = tmp_path / "certificate.pdf"
    paper.write_bytes(certificate.document.content)
    assert "attached to this document" in PdfReader(paper).pages[0].extract_text()
    assert main.main(["verify", str(paper), "--trust", str(trust), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    line = certificate.facts["ledger"][0]["line"]
    assert (told["trusted"], told["checkpoint_trusted"]) == (True, True)
    assert (told["ledger_lines_proven"], told["ledger_lines_unproven"]) == ([line], [])
    assert selectors.proven([certificate]) == {certificate.pk}
    # The key that a machine has pinned says who signed the checkpoint, and nothing of the portal's seal.
    verdict = verify_file(paper, Trust(read_trust(trust).keys, of_hub_alone=True))
    assert (verdict.state, verdict.details["trusted"], verdict.details["checkpoint_trusted"]) == (
        "valid",
        None,
        True,
    )
    stranger = signing.public_text(Ed25519PrivateKey.generate().public_key())
    assert verify_file(paper, Trust(frozenset({stranger}), of_hub_alone=True)).state == "broken"


@pytest.mark.obligation("O-65")
def test_without_a_checkpoint_for_long_it_is_made_and_takes_the_proof_later(settings, tmp_path):
    agreement = made.in_force()
    with files_of.own_vault(settings, tmp_path / "vault"):
        certificate = destroyed(agreement)
        job = made.NoJob()
        job.token = certificates.PATIENCE

        certificate = certificates.make_certificate(certificate, job, by=system_user(), at=START)

        assert selectors.proven([certificate]) == set()
        checkpoints.publish(now=clock.real_now())
        line = certificate.facts["ledger"][0]["line"]
        proof = tmp_path / "proof.json"
        proof.write_text(json.dumps(custody.ledger_proof_of_line(line)))
    paper = tmp_path / "certificate.pdf"
    paper.write_bytes(certificate.document.content)
    assert "beside this certificate" in PdfReader(paper).pages[0].extract_text()
    assert verify_file(paper).details["ledger_lines_unproven"] == [line]
    assert verify_file(paper, None, [proof]).details["ledger_lines_proven"] == [line]
    proof.write_text(proof.read_text().replace("data.destroyed", "data.destroyeD"))
    assert verify_file(paper, None, [proof]).state == "broken"
