"""The ledger's pages: checkpoints for everyone, pins and proofs for those whom they concern."""

import hashlib
import io
import json

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management import CommandError, call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.urls import reverse
from lxml import etree

from client import config, main, portal
from p20win import clock
from p20win.accounts.public import enrol_key
from p20win.audit.public import events_of
from p20win.custody import checkpoints, vault_keys
from p20win.custody.engine import ledger_proof
from p20win.custody.engine.merkle import leaf_hash
from p20win.custody.engine.proofs import tile_root
from p20win.custody.models import CheckpointPin
from p20win.health import _ledger
from p20win.projects.public import open_to_organisation
from p20win.wsgi import application
from tests import factories
from tests import factories_custody as custody
from tests import factories_ledger as ledger
from tests.senders import pinned

pytestmark = pytest.mark.django_db


@pytest.fixture
def vault(settings, tmp_path):
    with custody.own_vault(settings, tmp_path):
        ledger.past_a_tile()
        yield tmp_path


def signed():
    return checkpoints.publish(now=clock.real_now())


class TestForEveryone:
    @pytest.mark.obligation("O-64")
    def test_page_latest_single_and_feed_need_no_sign_in(self, vault, client):
        older = signed()
        ledger.lines(3)
        row = signed()

        assert client.get(reverse("ledger:latest")).content.decode() == row.note
        assert client.get(reverse("ledger:checkpoint", args=[older.pk])).content.decode() == older.note
        page = client.get(reverse("ledger:index")).content.decode()
        assert f"{row.size:,}" in page
        assert "Download the latest" not in page
        feed = etree.fromstring(client.get(reverse("ledger:feed")).content)
        notes = feed.findall("{*}entry/{*}summary")
        assert [note.text for note in notes] == [row.note, older.note]

    def test_before_the_first_checkpoint(self, vault, client):
        assert "No checkpoint is signed yet" in client.get(reverse("ledger:index")).content.decode()
        assert client.get(reverse("ledger:latest")).status_code == 404

    def test_hashes_pins_and_proofs_are_not_for_everyone(self, vault, client, signed_in):
        row = signed()
        assert client.get(reverse("ledger:hashes", args=[row.pk])).status_code == 302
        assert client.get(reverse("ledger:proof", args=[1])).status_code == 302
        stranger = signed_in(factories.person(at=factories.organisation()))
        assert stranger.get(reverse("ledger:hashes", args=[row.pk])).status_code == 404
        assert stranger.post(reverse("ledger:pin")).status_code == 404


class TestSteward:
    def test_pins_the_latest_and_sees_it_on_both_pages(self, vault, signed_in):
        steward = factories.steward(factories.organisation())
        page = signed_in(steward)
        assert page.post(reverse("ledger:pin")).status_code == 302  # none is signed yet
        row = signed()

        answer = page.post(reverse("ledger:pin"))

        assert answer.content.decode() == row.note
        kept = CheckpointPin.objects.get()
        assert (kept.organisation, kept.person, kept.checkpoint) == (steward.organisation, steward, row)
        assert events_of(kept).first().event == "checkpoint.pinned"
        for name in ("ledger:index", "custody:agency-keys"):
            assert f"{row.size:,} lines" in page.get(reverse(name)).content.decode()

    def test_downloads_the_hashes_that_lead_to_the_checkpoint(self, vault, signed_in):
        row = signed()
        page = signed_in(factories.steward(factories.organisation()))

        content = b"".join(page.get(reverse("ledger:hashes", args=[row.pk])).streaming_content)

        leaves = [content[at : at + 32] for at in range(0, len(content), 32)]
        assert tile_root(leaves) == bytes(row.root)


class TestProof:
    def test_of_a_line_of_ones_own_project(self, vault, signed_in):
        person = factories.steward(factories.organisation())
        project = factories.project(person.organisation)
        open_to_organisation(project, person.organisation, ["view_project"])
        event = events_of(project).first()
        page = signed_in(person)
        early = page.get(reverse("ledger:proof", args=[event.pk]))
        assert early.url == reverse("project", args=[project.pk])
        signed()

        document = json.loads(page.get(reverse("ledger:proof", args=[event.pk])).content)

        assert document["line"].startswith(f'[{event.pk}, "project.opened"')
        ledger_proof.verify(document, None)
        shown = page.get(reverse("project", args=[project.pk]) + "?all").content.decode()
        assert reverse("ledger:proof", args=[event.pk]) in shown

    def test_of_anothers_file_or_project_does_not_exist(self, vault, signed_in):
        slot = custody.a_slot()
        file = custody.arrived(slot)
        signed()
        arrived = events_of(file).first()
        other = factories.steward(factories.organisation())
        page = signed_in(other)
        assert page.get(reverse("ledger:proof", args=[arrived.pk])).status_code == 404
        open_to_organisation(slot.project, other.organisation, ["view_project"])
        assert page.get(reverse("ledger:proof", args=[arrived.pk])).status_code == 404
        assert page.get(reverse("ledger:proof", args=[10**9])).status_code == 404
        assert signed_in(file.sent_by).get(reverse("ledger:proof", args=[arrived.pk])).status_code == 200


@pytest.fixture
def machine(vault, monkeypatch):
    """An agency's machine whose client talks to the portal in this process."""
    monkeypatch.setenv("P20_HOME", str(vault / "machine"))
    key = config.new_key()
    config.write_config(config.Config(portal="http://localhost"))
    transport = httpx.WSGITransport(app=application)
    for signal in (request_started, request_finished):  # as Django's own test client does
        signal.disconnect(close_old_connections)
    original = portal.Portal.__init__
    monkeypatch.setattr(
        portal.Portal, "__init__", lambda self, *given, **_: original(self, *given, transport=transport)
    )
    steward = factories.steward(factories.organisation())
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    yield enrol_key(steward.organisation, public_key=raw, label="Nightly job", by=steward, at=factories.START)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


class TestMachine:
    @pytest.fixture
    def trust(self, vault):
        path = vault / "hub.pem"
        path.write_bytes(vault_keys.hub_public_pem())
        return str(path)

    @pytest.mark.obligation("O-64")
    def test_keeps_it_by_the_key_that_is_pinned_here(self, machine, vault, capsys):
        row = signed()
        assert main.main(["pin"]) == 3
        assert "p20 trust" in capsys.readouterr().err
        vault_keys.publish_list(now=clock.real_now())
        pinned()
        assert main.main(["pin"]) == 0
        assert f"over {row.size} lines" in capsys.readouterr().out

    def pin(self, trust):
        return main.main(["pin", "--trust", trust])

    @pytest.mark.obligation("O-64", "O-95")
    def test_keeps_what_verify_ledger_then_uses(self, machine, vault, trust, capsys):
        assert self.pin(trust) == 1  # none is signed yet
        signed()
        assert self.pin(trust) == 0
        ledger.past_a_tile()
        row = signed()
        assert self.pin(trust) == 0
        assert f"over {row.size} lines" in capsys.readouterr().out
        assert CheckpointPin.objects.first().key == machine
        ledger.rewritten("UPDATE audit_event SET note = 'never happened' WHERE seq = 9")

        export = vault / "export.jsonl"
        call_command("export_ledger", str(export), stdout=io.StringIO())

        assert main.main(["verify-ledger", str(export), "--trust", trust]) == 1
        said = capsys.readouterr().out
        assert "Line 9 was changed." in said
        assert "lines 1 to 8" in said

    def test_refuses_a_ledger_that_does_not_go_on(self, machine, vault, trust, capsys):
        size = signed().size
        assert self.pin(trust) == 0
        ledger.rewritten(f"UPDATE audit_event SET note = 'x' WHERE seq = {size}")
        ledger.lines(2)
        checkpoints.publish(now=clock.real_now(), after_loss=True)  # the hub signs another history

        assert self.pin(trust) == 1
        assert "does not begin with" in capsys.readouterr().err

    def test_refuses_a_stranger_s_signature(self, machine, vault, capsys):
        signed()
        stranger = vault / "stranger.pem"
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        from p20win.custody.engine import signing

        stranger.write_bytes(signing.public_pem(Ed25519PrivateKey.generate().public_key()))
        assert self.pin(str(stranger)) == 1
        assert "key you trust" in capsys.readouterr().err

    def test_no_header_lets_it_send_another_body_than_it_signed(self, machine, vault, client):
        """The digest of a body is left to the endpoint of parts alone, never to the sender's word."""
        signed()
        key, other = config.read_key(), b'{"since": null}'

        def sent(method, path, kind, *, body_signed):
            digest = hashlib.sha256(body_signed).hexdigest()
            headers = portal.signature_headers(key, method, path, digest)
            return client.generic(method, path, other, kind, headers=headers).status_code

        pin, part = reverse("ledger:machine-pin"), reverse("custody:machine-body", args=[machine.pk])
        for kind in ("application/json", "application/offset+octet-stream"):
            assert sent("POST", pin, kind, body_signed=b"something else") == 403
            assert sent("POST", pin, kind, body_signed=other) == 200
            for method in ("POST", "DELETE", "HEAD"):
                assert sent(method, part, kind, body_signed=b"something else") == 403
        # The view of parts compares itself; there is no such file.
        assert sent("PATCH", part, kind, body_signed=b"something else") == 404


class TestOperator:
    def test_the_health_page_shows_what_is_wrong(self, vault):
        assert _ledger() == "signed every hour"
        checkpoints.publish(now=clock.real_now() - 3 * checkpoints.EVERY)
        with pytest.raises(RuntimeError, match="3 hours old"):
            _ledger()
        ledger.rewritten("UPDATE audit_event SET note = 'x' WHERE seq = (SELECT max(seq) FROM audit_event)")
        with pytest.raises(CommandError, match="not those that were signed"):
            call_command("checkpoint_ledger")
        with pytest.raises(RuntimeError, match="No checkpoint is signed"):
            _ledger()

        factories.hub()
        said = io.StringIO()
        call_command("checkpoint_ledger", after_loss="A test.", stdout=said)

        assert said.getvalue().startswith("p20win.example.org/ledger\n")
        assert _ledger() == "signed every hour"

    def test_signs_at_once(self, vault):
        said = io.StringIO()
        call_command("checkpoint_ledger", stdout=said)
        assert f"\n{ledger.count()}\n" in said.getvalue()


def test_the_leaf_of_a_line_is_its_text(vault):
    signed()
    leaf = checkpoints.leaves_of(0, 3)[2]
    document = checkpoints.prove(events_of_line(3))
    assert leaf == leaf_hash(document["line"].encode())


def events_of_line(seq):
    from p20win.audit.public import Event

    return Event.objects.get(pk=seq)
