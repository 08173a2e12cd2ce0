"""Custody's pages and endpoints, through the client and through the command `p20`."""

import datetime as dt
import json
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from client import config, main, portal
from p20win import clock
from p20win.accounts.public import revoke_key
from p20win.audit.public import events_of
from p20win.custody import uploads, vault_keys
from p20win.custody.models import FileStatus, SealedFile
from tests import factories
from tests import factories_custody as custody
from tests.machines import machine_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def vault(settings, tmp_path):
    with custody.own_vault(settings, tmp_path) as folder:
        yield folder


@pytest.fixture
def slot():
    factories.hub()
    return custody.a_slot()


def uploaded(slot, content=custody.GOOD, name=None):
    return {"file": SimpleUploadedFile(name or custody.name_for(slot), content, "text/plain")}


class TestPages:
    def test_a_steward_sends_a_file_and_gets_its_receipt(self, slot, signed_in):
        client = signed_in(factories.steward(slot.supplier))
        page = reverse("custody:slot", args=[slot.pk])
        assert b"Send the file" in client.get(page).content

        answer = client.post(reverse("custody:upload", args=[slot.pk]), uploaded(slot), follow=True)

        file = custody.checked(SealedFile.objects.get())
        assert b"has arrived and is being checked" in answer.content
        assert file.status == FileStatus.ACCEPTED
        receipt = client.get(reverse("custody:receipt", args=[file.pk]))
        assert json.loads(receipt.content)["document"]["rows"] == 2
        assert "attachment" in receipt["Content-Disposition"]
        assert b"Signed receipt" in client.get(page).content
        assert "The sign-in, or the upload ticket, of the person who sent it" in client.get(page).text
        assert slot.title.encode() in client.get(reverse("custody:slots")).content

    @pytest.mark.obligation("O-58", "O-117")
    def test_a_large_upload_opens_no_temporary_file(self, slot, signed_in, vault, monkeypatch):
        def forbidden(*_, **__):
            raise AssertionError("a temporary file was asked for")

        client = signed_in(factories.steward(slot.supplier))
        rows = b"".join(b"k%09dq\t\tOkonkwo\t20050317\n" % number for number in range(200_000))
        with monkeypatch.context() as watching:
            for name in ("mkstemp", "mkdtemp", "TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile"):
                watching.setattr(tempfile, name, forbidden)
            client.post(reverse("custody:upload", args=[slot.pk]), uploaded(slot, custody.GOOD + rows))

        file = SealedFile.objects.get()
        assert file.received_bytes == len(custody.GOOD + rows)
        for path in (path for path in vault.rglob("*") if path.is_file()):
            assert b"Okonkwo" not in path.read_bytes()

    def test_a_refused_file_shows_places_and_no_values(self, slot, signed_in):
        client = signed_in(factories.steward(slot.supplier))
        client.post(reverse("custody:upload", args=[slot.pk]), uploaded(slot, custody.BAD))
        custody.checked(SealedFile.objects.get())

        content = client.get(reverse("custody:slot", args=[slot.pk])).content.decode()
        assert "2 places to correct" in content
        assert "2005-03-17" not in content
        assert "900123456" not in content

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (lambda slot: {}, "Choose the file first"),
            (lambda slot: uploaded(slot, name="students.txt"), "neither scheme"),
            (lambda slot: {"other": uploaded(slot)["file"]}, "Choose the file first"),
        ],
        ids=["none", "name", "field"],
    )
    def test_what_cannot_be_taken_is_said(self, slot, signed_in, change, why, vault):
        client = signed_in(factories.steward(slot.supplier))
        answer = client.post(reverse("custody:upload", args=[slot.pk]), change(slot), follow=True)
        assert why in answer.content.decode()
        assert not SealedFile.objects.exists()
        assert not [path for path in (vault / "media").rglob("*") if path.is_file()]

    def test_without_the_forms_token_nothing_is_kept(self, slot, vault):
        from allauth.mfa.models import Authenticator

        steward = factories.steward(slot.supplier)
        Authenticator.objects.create(user=steward, type=Authenticator.Type.TOTP, data={"secret": "x"})
        client = Client(enforce_csrf_checks=True)
        client.force_login(steward, backend="allauth.account.auth_backends.AuthenticationBackend")

        answer = client.post(reverse("custody:upload", args=[slot.pk]), uploaded(slot))

        assert answer.status_code == 403
        assert not SealedFile.objects.exists()
        assert not [path for path in (vault / "media").rglob("*") if path.is_file()]

    @pytest.mark.obligation("O-124")
    def test_to_others_it_does_not_exist(self, slot, signed_in):
        file = custody.checked(custody.arrived(slot))
        client = signed_in(factories.steward(factories.organisation()))
        for name, pk in (("slot", slot.pk), ("receipt", file.pk)):
            assert client.get(reverse(f"custody:{name}", args=[pk])).status_code == 404
        assert client.post(reverse("custody:upload", args=[slot.pk]), uploaded(slot)).status_code == 404
        assert slot.title.encode() not in client.get(reverse("custody:slots")).content

    def test_the_list_is_searched_filtered_and_sorted(self, slot, signed_in):
        other = custody.a_slot(slot.supplier, project=slot.project, title="Wages by quarter")
        custody.checked(custody.arrived(other))
        client = signed_in(factories.steward(slot.supplier))

        def listed(**asked):
            return [row.pk for row in client.get(reverse("custody:slots"), asked).context["page"]]

        assert listed(q="wages BY") == [other.pk]
        assert listed(status="open") == [slot.pk]
        titles = sorted([slot.title, other.title])
        assert listed(sort="file") == [
            row.pk for title in titles for row in (slot, other) if row.title == title
        ]
        assert listed(sort="-file") == list(reversed(listed(sort="file")))
        assert listed(sort="no-such-order", page="99") == listed()
        assert b"No file fits" in client.get(reverse("custody:slots"), {"q": "nowhere"}).content

    def test_a_search_that_no_text_can_hold_finds_what_is_left_of_it(self, slot, signed_in):
        client = signed_in(factories.steward(slot.supplier))
        page = client.get(reverse("custody:slots"), {"q": f"\0{slot.title[:4]}\0"})
        assert slot.title in page.content.decode()

    def test_the_list_asks_the_database_no_more_for_more_slots(
        self, slot, signed_in, django_assert_max_num_queries
    ):
        steward = factories.steward(slot.supplier)
        for _ in range(4):
            custody.a_slot(slot.supplier, project=slot.project)
        client = signed_in(steward)
        client.get(reverse("custody:slots"))
        with django_assert_max_num_queries(24):
            client.get(reverse("custody:slots"))

    def test_the_hubs_public_key_is_public(self, client):
        assert client.get(reverse("custody:trust")).content == vault_keys.hub_public_pem()

    @pytest.mark.parametrize("name", ["trust", "hub-keys"])
    def test_before_the_vault_has_made_its_keys_one_asks_again_later(self, name, client, settings, tmp_path):
        settings.P20WIN_VAULT_PUBLIC = tmp_path / "empty"
        answer = client.get(reverse(f"custody:{name}"))
        assert (answer.status_code, answer["Retry-After"]) == (503, "60")
        assert "has not made its keys yet" in answer.text


@pytest.fixture
def machine(slot, tmp_path, monkeypatch):
    """An agency's machine: its key enrolled, its client talking to the portal in this process."""
    with machine_of(slot.supplier, tmp_path / "machine", monkeypatch) as key:
        yield key


@pytest.fixture
def file_to_send(slot, tmp_path):
    path = tmp_path / custody.name_for(slot)
    path.write_bytes(custody.GOOD)
    return path


class TestClient:
    @pytest.mark.obligation("O-58", "O-59")
    def test_check_send_status_receipt_verify(self, slot, machine, file_to_send, tmp_path, capsys):
        assert main.main(["check", str(file_to_send), "--slot", str(slot.pk)]) == 0
        assert main.main(["send", str(file_to_send), "--slot", str(slot.pk)]) == 0
        file = custody.checked(SealedFile.objects.get())
        assert (file.status, file.signing_key) == (FileStatus.ACCEPTED, machine)
        assert file.receipt["document"]["source_shown_by"].startswith("The agency's own signature")
        assert main.main(["status", "--slot", str(slot.pk)]) == 0
        assert "accepted" in capsys.readouterr().out
        receipt, trust = tmp_path / "receipt.json", tmp_path / "trust.pem"
        assert main.main(["receipt", str(file.pk), "--to", str(receipt)]) == 0
        trust.write_bytes(vault_keys.hub_public_pem())
        assert main.main(["verify", str(receipt), "--trust", str(trust)]) == 0
        blob = next((tmp_path / "media" / "sealed").rglob("*.p20"))
        assert main.main(["verify", str(blob), "--trust", str(trust), "--json"]) == 0
        assert file.manifest["document"]["statement"]["document"]["plain_bytes"] == len(custody.GOOD)

    def test_a_bad_file_is_not_sent(self, slot, machine, file_to_send, capsys):
        file_to_send.write_bytes(custody.BAD)
        assert main.main(["send", str(file_to_send), "--slot", str(slot.pk)]) == 1
        assert "row 2, column DOB" in capsys.readouterr().out
        assert not SealedFile.objects.exists()

    def test_rules_can_be_saved_and_used_without_the_portal(
        self, slot, machine, file_to_send, tmp_path, capsys
    ):
        assert main.main(["status", "--slot", str(slot.pk), "--rules"]) == 0
        rules = tmp_path / "rules.json"
        rules.write_text(capsys.readouterr().out)
        assert main.main(["check", str(file_to_send), "--rules", str(rules), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["accepted"]

    def test_a_revoked_key_opens_nothing(self, slot, machine, capsys):
        revoke_key(machine, by=machine.enrolled_by, at=factories.START)
        assert main.main(["status"]) == 1
        assert "does not know this key" in capsys.readouterr().err

    def test_another_agencys_slot_does_not_exist(self, machine, capsys):
        other = custody.a_slot()
        assert main.main(["status", "--slot", str(other.pk)]) == 1
        assert "knows nothing under this id" in capsys.readouterr().err

    def test_a_statement_cannot_be_sent_twice(self, slot, machine, file_to_send):
        hub = portal.Portal("http://localhost", config.read_key())
        from client.sending import sign_statement

        described = hub.get(f"/files/machine/slots/{slot.pk}/")
        signed = json.dumps(sign_statement(file_to_send, described, config.read_key())).encode()
        hub.post(f"/files/machine/slots/{slot.pk}/attempts/", signed)
        with pytest.raises(main.Failure, match="sent before"):
            hub.post(f"/files/machine/slots/{slot.pk}/attempts/", signed)

    def test_what_was_announced_and_never_came_says_so(self, slot, machine, file_to_send, signed_in):
        from client.sending import sign_statement

        hub = portal.Portal("http://localhost", config.read_key())
        described = hub.get(f"/files/machine/slots/{slot.pk}/")

        def announced():
            signed = json.dumps(sign_statement(file_to_send, described, config.read_key())).encode()
            hub.post(f"/files/machine/slots/{slot.pk}/attempts/", signed)
            return SealedFile.objects.latest("id")

        first, second = announced(), announced()
        first.refresh_from_db()
        assert (first.status, second.status) == (FileStatus.GIVEN_UP, FileStatus.ANNOUNCED)
        assert uploads.lapse(at=clock.now(), now=clock.real_now() + uploads.KEPT_FOR) == 1
        second.refresh_from_db()
        assert second.status == FileStatus.GIVEN_UP
        assert [event.event for event in events_of(second)] == ["file.announced", "file.given_up"]

        assert main.main(["send", str(file_to_send), "--slot", str(slot.pk)]) == 0
        assert custody.checked(SealedFile.objects.latest("id")).status == FileStatus.ACCEPTED
        page = signed_in(machine.enrolled_by).get(reverse("custody:slot", args=[slot.pk])).text
        assert page.count("Announced, never came") == 2

    @pytest.mark.parametrize("field", ["slot", "project", "source", "destination", "data_class"])
    def test_a_statement_for_something_else_is_refused(self, slot, machine, file_to_send, field):
        hub = portal.Portal("http://localhost", config.read_key())
        from client.sending import sign_statement

        described = hub.get(f"/files/machine/slots/{slot.pk}/") | {field: "other"}
        signed = json.dumps(sign_statement(file_to_send, described, config.read_key())).encode()
        with pytest.raises(main.Failure, match=f"another {field}"):
            hub.post(f"/files/machine/slots/{slot.pk}/attempts/", signed)

    @pytest.mark.obligation("O-58")
    @pytest.mark.parametrize(
        ("age", "holds", "why"),
        [
            (dt.timedelta(days=1, minutes=9), dt.timedelta(days=1), None),
            (dt.timedelta(days=1, minutes=11), dt.timedelta(days=1), "more than a day old"),
            (-dt.timedelta(minutes=9), dt.timedelta(days=1), None),
            (-dt.timedelta(minutes=11), dt.timedelta(days=1), "from the future"),
            (-dt.timedelta(days=1), dt.timedelta(days=1), "from the future"),
            (dt.timedelta(days=2000), dt.timedelta(days=4000), "more than a day old"),
            (dt.timedelta(), dt.timedelta(days=4000), "hold for more than a day"),
            (dt.timedelta(hours=2), dt.timedelta(hours=1), "has expired"),
            (dt.timedelta(minutes=65), dt.timedelta(hours=1), None),
        ],
    )
    def test_a_statement_holds_for_a_day_and_ten_minutes(
        self, slot, machine, file_to_send, monkeypatch, age, holds, why
    ):
        hub = portal.Portal("http://localhost", config.read_key())
        from client import sending

        class Then:
            UTC, timedelta, datetime = dt.UTC, dt.timedelta, None

            @staticmethod
            def now(zone):
                return dt.datetime.now(zone) - age

        Then.datetime = Then
        described = hub.get(f"/files/machine/slots/{slot.pk}/")
        with monkeypatch.context() as before:
            before.setattr(sending, "dt", Then)
            before.setattr(sending, "_VALID_FOR", holds)
            signed = sending.sign_statement(file_to_send, described, config.read_key())
        if why is None:
            assert hub.post(f"/files/machine/slots/{slot.pk}/attempts/", json.dumps(signed).encode())[
                "attempt"
            ]
        else:
            with pytest.raises(main.Failure, match=why):
                hub.post(f"/files/machine/slots/{slot.pk}/attempts/", json.dumps(signed).encode())
            assert not SealedFile.objects.exists()

    def test_a_statement_by_another_key_is_refused(self, slot, machine, file_to_send):
        hub = portal.Portal("http://localhost", config.read_key())
        from client.sending import sign_statement

        described = hub.get(f"/files/machine/slots/{slot.pk}/")
        signed = json.dumps(sign_statement(file_to_send, described, Ed25519PrivateKey.generate())).encode()
        with pytest.raises(main.Failure, match="key you trust"):
            hub.post(f"/files/machine/slots/{slot.pk}/attempts/", signed)

    def test_a_file_other_than_the_stated_one_is_refused_by_the_vault(
        self, slot, machine, file_to_send, monkeypatch
    ):
        from client import sending

        def with_another(path, described, key):
            signed = original(path, described, key)
            Path(path).write_bytes(custody.GOOD.replace(b"Okonkwo", b"Okonkwa"))
            return signed

        original = sending.sign_statement
        monkeypatch.setattr(sending, "sign_statement", with_another)
        assert main.main(["send", str(file_to_send), "--slot", str(slot.pk)]) == 0
        file = custody.checked(SealedFile.objects.get())
        assert file.status == FileStatus.REFUSED
        assert file.report["findings"][0]["rule"] == "statement_body"

    def test_bytes_changed_on_the_way_are_refused_and_not_kept(
        self, slot, machine, file_to_send, vault, monkeypatch, capsys
    ):
        original = portal.signature_headers

        def of_another_body(key, method, path, digest):
            return original(key, method, path, "0" * 64 if method == "PATCH" else digest)

        monkeypatch.setattr(portal, "signature_headers", of_another_body)
        monkeypatch.setattr("client.sending.DELAYS", (0, 0))
        assert main.main(["send", str(file_to_send), "--slot", str(slot.pk)]) == 1
        assert "does not take the file as it is sent" in capsys.readouterr().err
        assert not list((vault / "media").rglob("*.piece"))
        assert SealedFile.objects.get().status == FileStatus.ANNOUNCED

    def test_a_key_is_made_once_and_the_portal_must_be_safe(self, machine, tmp_path, monkeypatch, capsys):
        assert main.main(["keygen"]) == 1
        monkeypatch.setenv("P20_HOME", str(tmp_path / "fresh"))
        assert main.main(["status"]) == 1
        assert main.main(["keygen", "--portal", "http://portal.example.org"]) == 0
        assert "BEGIN PUBLIC KEY" in capsys.readouterr().out
        monkeypatch.undo()
        monkeypatch.setenv("P20_HOME", str(tmp_path / "fresh"))
        assert main.main(["status"]) == 1
        assert "https" in capsys.readouterr().err


def test_unsigned_requests_are_refused(client, slot):
    of_a_slot = ("machine-slot", "machine-instruction", "machine-receipt")
    for name, args in (("machine-slots", []), *((name, [slot.pk]) for name in of_a_slot)):
        assert client.get(reverse(f"custody:{name}", args=args)).status_code == 403
    assert client.post(reverse("custody:machine-announce", args=[slot.pk])).status_code == 403
    assert client.patch(reverse("custody:machine-body", args=[slot.pk])).status_code == 403
