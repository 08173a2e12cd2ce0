"""What a sender signed is swapped on its way: refused, for a reason that the ledger keeps (C12).

The machine of an agency sends by the real client over HTTP; what is swapped, is swapped by who sits between.
"""

import json

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from client import config, main, portal, sending
from p20win.accounts.public import enrol_key
from p20win.audit.public import Event, events_of
from p20win.custody import services
from p20win.custody.engine import signing
from p20win.custody.models import FileStatus, SealedFile, StatementNonce, Upload
from p20win.wsgi import application
from tests import factories
from tests import factories_custody as custody
from tests.senders import pinned

pytestmark = [pytest.mark.django_db, pytest.mark.obligation("O-58", "O-64")]
OTHER = custody.GOOD.replace(b"Okonkwo", b"Okonkwa")


@pytest.fixture
def slot(settings, tmp_path):
    with custody.own_vault(settings, tmp_path):
        factories.hub()
        yield custody.a_slot()


@pytest.fixture
def machine(slot, tmp_path, monkeypatch):
    """A machine of the agency with its enrolled key, whose requests go straight to the portal."""
    monkeypatch.setenv("P20_HOME", str(tmp_path / "machine"))
    key = config.new_key()
    config.write_config(config.Config(portal="http://localhost"))
    for signal in (request_started, request_finished):  # as Django's own test client does
        signal.disconnect(close_old_connections)
    original = portal.Portal.__init__

    def connected(self, address, signing_key, **_):
        original(self, address, signing_key, transport=httpx.WSGITransport(app=application))

    monkeypatch.setattr(portal.Portal, "__init__", connected)
    pinned()
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    steward = factories.steward(slot.supplier)
    yield enrol_key(slot.supplier, public_key=raw, label="Nightly job", by=steward, at=factories.START)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def path(slot, tmp_path):
    path = tmp_path / custody.name_for(slot)
    path.write_bytes(custody.GOOD)
    return path


def signed_for(**other):
    """Sign, with the machine's own key, for something else than the slot."""
    original = sending.sign_statement
    return lambda path, slot, key: original(path, slot | other, key)


def altered(**other):
    """Let somebody change the statement after it was signed."""
    original = sending.sign_statement

    def altering(path, slot, key):
        signed = original(path, slot, key)
        return signed | {"document": signed["document"] | other}

    return altering


def signed_by_another(path, slot, key, original=sending.sign_statement):
    return original(path, slot, Ed25519PrivateKey.generate())


def with_another_body(path, slot, key, original=sending.sign_statement):
    signed = original(path, slot, key)
    path.write_bytes(OTHER)
    return signed


AT_THE_DOOR = {
    "destination": (lambda: signed_for(destination=str(factories.organisation().pk)), "destination"),
    "project": (lambda: signed_for(project=str(factories.project().pk)), "project"),
    "source": (lambda: signed_for(source=str(factories.organisation().pk)), "source"),
    "signer key": (lambda: signed_by_another, "signer"),
    "the words": (lambda: altered(nonce="0" * 16), "changed"),
}


def refused(slot):
    """Return what the ledger keeps of a statement that was refused at the door."""
    (line,) = Event.objects.filter(event="announcement.refused")
    assert line.subject_id == str(slot.pk)
    assert line.project_id == slot.project_id
    return line.details


@pytest.mark.parametrize("swapped", AT_THE_DOOR)
def test_c12_the_web_refuses_each_for_its_own_reason_and_takes_nothing(
    slot, machine, path, monkeypatch, capsys, swapped
):
    how, rule = AT_THE_DOOR[swapped]
    monkeypatch.setattr(sending, "sign_statement", how())

    assert main.main(["send", str(path), "--slot", str(slot.pk)]) == 1

    assert refused(slot) == {"why": f"statement_{rule}", "key": machine.fingerprint}
    assert capsys.readouterr().err
    assert not SealedFile.objects.exists()
    assert not Upload.objects.exists()
    assert not StatementNonce.objects.exists()


def test_c12_another_body_is_refused_by_the_vault(slot, machine, path, monkeypatch):
    monkeypatch.setattr(sending, "sign_statement", with_another_body)
    assert main.main(["send", str(path), "--slot", str(slot.pk)]) == 0

    assert judged() == ["statement_body"]
    assert not Event.objects.filter(event="announcement.refused").exists()


def test_one_that_was_sent_before_leaves_its_line(slot, machine, path):
    hub = portal.Portal("http://localhost", config.read_key())
    described = hub.get(f"/files/machine/slots/{slot.pk}/")
    signed = json.dumps(sending.sign_statement(path, described, config.read_key())).encode()
    hub.post(f"/files/machine/slots/{slot.pk}/attempts/", signed)
    with pytest.raises(main.Failure, match="sent before"):
        hub.post(f"/files/machine/slots/{slot.pk}/attempts/", signed)
    assert refused(slot)["why"] == "statement_again"


# --- what a web process lets in that somebody else commands


def judged():
    """Have the vault judge the file; return the rules by which it is refused, as the ledger has them."""
    file = custody.checked(SealedFile.objects.get())
    assert (file.status, file.blob) == (FileStatus.REFUSED, "")
    (line,) = events_of(file).filter(event="file.refused")
    said = json.dumps(line.details)
    assert "Okonkw" not in said
    assert "900123456" not in said
    return line.details["rules"]


@pytest.fixture
def sent(slot, machine, path, monkeypatch):
    """Send a file through a web process that looks at no statement."""

    def let_in(how):
        monkeypatch.setattr(sending, "sign_statement", how)
        with monkeypatch.context() as broken_in:
            broken_in.setattr(services.statements, "read", lambda slot, said, **_: said["document"])
            assert main.main(["send", str(path), "--slot", str(slot.pk)]) == 0
        return SealedFile.objects.get()

    return let_in


@pytest.mark.parametrize("swapped", AT_THE_DOOR)
def test_c12_the_vault_refuses_each_for_its_own_reason_too(sent, swapped):
    how, rule = AT_THE_DOOR[swapped]
    sent(how())
    assert judged() == [f"statement_{rule}"]


@pytest.mark.parametrize(
    ("column", "rule"), [("destination", "destination"), ("project", "project"), ("owner", "key")]
)
def test_c12_a_row_that_says_something_else_than_what_was_signed(sent, column, rule):
    file = sent(sending.sign_statement)
    other = factories.project() if column == "project" else factories.organisation()
    SealedFile.objects.filter(pk=file.pk).update(**{column: other})
    assert judged() == [f"statement_{rule}"]


def test_c12_a_statement_put_in_place_of_the_one_that_came(sent, slot):
    file = sent(sending.sign_statement)
    thief = Ed25519PrivateKey.generate()
    document = file.statement["document"]
    said = signing.sign(document, key=thief, role=signing.SOURCE, at=document["created"])
    SealedFile.objects.filter(pk=file.pk).update(statement=said)
    assert judged() == ["statement_signer"]


def test_what_was_swapped_by_nobody_is_accepted(slot, machine, path):
    assert main.main(["send", str(path), "--slot", str(slot.pk)]) == 0
    assert custody.checked(SealedFile.objects.get()).status == FileStatus.ACCEPTED
    assert not Event.objects.filter(event="announcement.refused").exists()
