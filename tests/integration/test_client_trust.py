"""A web server that lies about the hub's keys: `p20` seals nothing for it, and says what to do."""

import datetime as dt
import json

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from client import config, main, portal, sending, trust
from p20win import clock
from p20win.accounts.public import enrol_key, revoke_key
from p20win.audit.public import events_of
from p20win.custody import agency_key_list, hub_keys, key_ring, renewal, statements, vault_keys
from p20win.custody.engine import hubkeys, pieces, signing
from p20win.custody.engine.encoding import parse
from p20win.custody.models import FileStatus, SealedFile, Upload
from tests import factories
from tests import factories_custody as custody
from tests.senders import pinned

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("receiving")]

LIST = "/files/hub-keys.json"


@pytest.fixture(autouse=True)
def vault(settings, tmp_path):
    factories.hub()
    with custody.own_vault(settings, tmp_path / "vault") as folder:
        yield folder


@pytest.fixture
def slot():
    return custody.a_slot()


@pytest.fixture
def file(slot, tmp_path):
    path = tmp_path / custody.name_for(slot)
    path.write_bytes(custody.GOOD)
    return path


@pytest.fixture
def machine(slot, live_server, tmp_path, monkeypatch):
    """Return the machine's folder; its key is enrolled, and nothing is pinned."""
    monkeypatch.setenv("P20_HOME", str(tmp_path / "machine"))
    key = config.new_key()
    config.write_config(config.Config(portal=live_server.url))
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    steward = factories.steward(slot.supplier)
    enrol_key(slot.supplier, public_key=raw, label="Nightly job", by=steward, at=factories.START)
    return tmp_path / "machine"


@pytest.fixture
def lies(monkeypatch):
    """Return a function that changes what the portal answers on an address, on its way to the client."""
    told, original = [], httpx.Client.request

    def answered(self, method, url, **given):
        answer = original(self, method, url, **given)
        for ending, change in told:
            if method == "GET" and str(url).endswith(ending):
                return httpx.Response(200, json=change(answer.json()), request=answer.request)
        return answer

    monkeypatch.setattr(httpx.Client, "request", answered)
    return lambda ending, change: told.append((ending, change))


def send(slot, file):
    return main.main(["send", str(file), "--slot", str(slot.pk)])


def a_key():
    return pieces.vault_public_text(X25519PrivateKey.generate().public_key())


def signed_by(key, *, vault=None, **fields):
    """Return a list as somebody else would sign it."""
    now = clock.real_now()
    signs = signing.public_text(key.public_key())
    begins = (now - dt.timedelta(days=1)).isoformat()
    named = [hubkeys.HubKey("sign", 1, signs, begins), hubkeys.HubKey("seal", 1, vault or a_key(), begins)]
    fields = {"version": 1 << 40, "made": now, "expires": now + hub_keys.HOLDS} | fields
    return hubkeys.sign_list(named, key=key, **fields)


def own_list():
    return parse(vault_keys.hub_keys_list())


class TestALyingServer:
    @pytest.mark.obligation("O-58", "O-63")
    def test_naming_a_key_of_its_own_gets_nothing(self, slot, machine, file, lies, capsys):
        pinned()
        own = X25519PrivateKey.generate()
        lies(
            f"/slots/{slot.pk}/",
            lambda told: told | {"vault_public_key": pieces.vault_public_text(own.public_key())},
        )
        assert send(slot, file) == trust.UNTRUSTED
        assert "the hub did not sign" in capsys.readouterr().err
        assert not Upload.objects.exists()
        assert not list(machine.rglob("*.sealed"))

    @pytest.mark.obligation("O-58")
    def test_with_a_list_of_its_own_as_well_gets_nothing_either(self, slot, machine, file, lies, capsys):
        pinned()
        mine, sealed_for = Ed25519PrivateKey.generate(), a_key()
        lies(LIST, lambda _: signed_by(mine, vault=sealed_for))
        lies(f"/slots/{slot.pk}/", lambda told: told | {"vault_public_key": sealed_for})
        for command in (
            ["send", str(file), "--slot", str(slot.pk)],
            ["status"],
            ["receipt", "0192"],
            ["keys", "--age"],
        ):
            assert main.main(command) == trust.UNTRUSTED
            said = capsys.readouterr()
            assert "not signed by the hub's key" in said.err
            assert "Call the hub" in said.err
            assert not said.out
        assert not Upload.objects.exists()
        assert not list(machine.rglob("*.sealed"))

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (lambda told: told["document"]["keys"][1].update(key=a_key()), "changed after signing"),
            (lambda told: told["signatures"].clear(), "no signature"),
            (lambda told: told.clear(), "not a signed document"),
        ],
        ids=["key", "unsigned", "none"],
    )
    def test_that_changes_the_hubs_own_list_is_refused(self, slot, machine, file, lies, capsys, change, why):
        pinned()

        def changed(told):
            change(told)
            return told

        lies(LIST, changed)
        assert send(slot, file) == trust.UNTRUSTED
        assert why in capsys.readouterr().err

    @pytest.mark.obligation("O-58")
    def test_that_shows_yesterdays_list_again_is_refused(
        self, slot, machine, file, lies, capsys, monkeypatch
    ):
        pinned()
        before = own_list()
        assert main.main(["status"]) == 0
        later = clock.real_now() + dt.timedelta(days=1, minutes=1)
        vault_keys.publish_list(now=later)
        monkeypatch.setattr(trust, "now", lambda: later)
        assert main.main(["status"]) == 0
        capsys.readouterr()

        lies(LIST, lambda _: before)
        assert send(slot, file) == trust.UNTRUSTED
        assert "was seen before" in capsys.readouterr().err

    def test_that_keeps_an_old_list_is_found_out_when_its_days_are_over(
        self, slot, machine, file, capsys, monkeypatch
    ):
        pinned()
        monkeypatch.setattr(trust, "now", lambda: clock.real_now() + hub_keys.HOLDS)
        assert send(slot, file) == trust.UNTRUSTED
        said = capsys.readouterr().err
        assert "held until" in said
        assert "clock" in said

    def test_that_withholds_the_list_is_refused(self, slot, machine, file, vault, capsys):
        pinned()
        (vault / "public" / vault_keys.HUB_KEYS).write_text("no list")
        assert send(slot, file) == trust.UNTRUSTED
        assert "not a signed document" in capsys.readouterr().err

    def test_that_describes_another_slot_gets_no_signature_for_it(self, slot, machine, file, lies, capsys):
        pinned()
        other = custody.a_slot(slot.supplier)
        lies(f"/slots/{slot.pk}/", lambda told: told | {"slot": str(other.pk)})
        assert send(slot, file) == 1
        assert "another slot" in capsys.readouterr().err
        assert not SealedFile.objects.exists()

    @pytest.mark.obligation("O-58", "O-64")
    def test_that_writes_a_receipt_itself_is_refused(self, slot, machine, lies, capsys, tmp_path):
        pinned()
        file = custody.checked(custody.arrived(slot))
        other = custody.checked(custody.arrived(custody.a_slot()))
        where = f"/files/machine/files/{file.pk}/receipt/"
        ask = ["receipt", str(file.pk), "--to", str(tmp_path / "receipt.json")]
        assert main.main(ask) == 0
        (tmp_path / "receipt.json").unlink()
        forged = signing.sign(file.receipt["document"], key=config.read_key(), role="hub", at="2026")

        lies(where, lambda _: forged)
        assert main.main(ask) == trust.UNTRUSTED
        assert "key you trust" in capsys.readouterr().err
        lies_again = signing.sign(
            other.receipt["document"], key=vault_keys.private_keys().hub, role="hub", at="2026"
        )
        forged.clear()
        forged.update(lies_again)
        assert main.main(ask) == trust.UNTRUSTED
        assert "another paper" in capsys.readouterr().err
        assert not (tmp_path / "receipt.json").exists()


class TestPinning:
    def test_nothing_is_trusted_before_a_person_said_so(self, slot, machine, file, capsys):
        for command in (["send", str(file), "--slot", str(slot.pk)], ["status"], ["receipt", "0192"]):
            assert main.main(command) == trust.UNTRUSTED
            assert "p20 trust" in capsys.readouterr().err
        assert not trust.path().exists()
        assert not SealedFile.objects.exists()

    @pytest.mark.obligation("O-58", "O-59")
    def test_with_the_fingerprint_that_the_hub_told_it_sends(self, slot, machine, file, live_server, capsys):
        mark = hubkeys.fingerprint(own_list()["signatures"][0]["key"])
        told = hubkeys.in_groups(mark).upper()
        assert main.main(["trust", live_server.url, "--fingerprint", told]) == 0
        assert hubkeys.in_groups(mark) in capsys.readouterr().out

        assert send(slot, file) == 0
        assert custody.checked(SealedFile.objects.get()).status == FileStatus.ACCEPTED
        assert main.main(["keys", "--age"]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == vault_keys.age_recipient()
        assert main.main(["keys"]) == 0
        assert hubkeys.in_groups(mark) in capsys.readouterr().out
        assert main.main(["keys", "--json"]) == 0
        purposes = [each["purpose"] for each in json.loads(capsys.readouterr().out)["keys"]]
        assert purposes == ["sign", "seal", "age"]

    def test_another_fingerprint_pins_nothing(self, machine, live_server, capsys, monkeypatch):
        assert main.main(["trust", live_server.url, "--fingerprint", "00" * 32]) == trust.UNTRUSTED
        assert main.main(["trust", live_server.url]) == trust.UNTRUSTED  # nobody is there to be asked
        assert "--fingerprint" in capsys.readouterr().err
        assert not trust.path().exists()

    def test_a_person_is_asked(self, machine, live_server, capsys, monkeypatch):
        mark = hubkeys.fingerprint(own_list()["signatures"][0]["key"])
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        monkeypatch.setattr("builtins.input", lambda _: "yes")
        assert main.main(["trust", live_server.url]) == trust.UNTRUSTED
        monkeypatch.setattr("builtins.input", lambda _: mark)
        assert main.main(["trust", live_server.url]) == 0
        assert "never with a page of the portal" in capsys.readouterr().out

    def test_by_the_hubs_public_key_as_a_file(self, machine, live_server, tmp_path, capsys):
        mine, right = tmp_path / "mine.pem", tmp_path / "hub.pem"
        mine.write_bytes(signing.public_pem(Ed25519PrivateKey.generate().public_key()))
        right.write_bytes(vault_keys.hub_public_pem())
        assert main.main(["trust", live_server.url, "--trust", str(mine)]) == trust.UNTRUSTED
        assert main.main(["trust", live_server.url, "--trust", str(right)]) == 0
        right.write_text("nothing")
        assert main.main(["trust", live_server.url, "--trust", str(right)]) == 2

    def test_pinned_again_it_still_remembers_what_it_saw(self, machine, live_server, lies, monkeypatch):
        key = pinned()
        before = own_list()
        later = clock.real_now() + dt.timedelta(days=2)
        vault_keys.publish_list(now=later)
        monkeypatch.setattr(trust, "now", lambda: later)
        assert main.main(["status"]) == 0
        lies(LIST, lambda _: before)
        again = ["trust", live_server.url, "--fingerprint", hubkeys.fingerprint(key)]
        assert main.main(again) == trust.UNTRUSTED

    def test_the_address_is_remembered_and_a_damaged_pin_is_said(self, machine, live_server, capsys):
        (machine / "config.json").unlink()
        mark = hubkeys.fingerprint(own_list()["signatures"][0]["key"])
        assert main.main(["trust", live_server.url, "--fingerprint", mark]) == 0
        assert config.read_config().portal == live_server.url
        for damaged in ("", "[]", '{"key": "x", "pinned": "", "seen": null}'):
            trust.path().write_text(damaged)
            assert main.main(["status"]) == trust.UNTRUSTED
            assert "damaged" in capsys.readouterr().err

    def test_what_waits_sealed_for_a_key_that_is_gone_is_sealed_anew(self, slot, machine, file, monkeypatch):
        pinned()
        original = portal.Portal.send_part

        def lost(self, path, part, *, offset):
            raise portal.Lost("lost")

        monkeypatch.setattr(sending, "DELAYS", ())
        monkeypatch.setattr(portal.Portal, "send_part", lost)
        assert send(slot, file) == 1
        told = machine / "outbox" / f"{slot.pk}.json"
        waiting = json.loads(told.read_text())
        assert waiting["vault"] == pieces.vault_public_text(vault_keys.vault_public())
        told.write_text(json.dumps(waiting | {"vault": a_key()}))
        monkeypatch.setattr(portal.Portal, "send_part", original)

        assert send(slot, file) == 0
        sent = SealedFile.objects.get(status=FileStatus.ARRIVED)
        assert str(sent.pk) != waiting["attempt"]
        assert custody.checked(sent).status == FileStatus.ACCEPTED


class TestTheVaultsPart:
    def test_the_list_is_signed_anew_each_day_and_when_a_key_changes(self, vault):
        first = own_list()
        made = dt.datetime.fromisoformat(first["document"]["made"])
        vault_keys.publish_list(now=made + dt.timedelta(hours=23))
        assert own_list() == first
        vault_keys.publish_list(now=made + dt.timedelta(hours=24))
        second = own_list()
        assert second["document"]["version"] > first["document"]["version"]
        key_ring.renew(vault / "vault-keys", "age", now=made, overlap=hub_keys.HOLDS)
        vault_keys.publish_list(now=made + dt.timedelta(hours=24))
        third = own_list()
        assert third["document"]["version"] == second["document"]["version"] + 1
        purposes = [each["purpose"] for each in third["document"]["keys"]]
        assert purposes == ["sign", "seal", "age", "age"]


class TestTheSendersWord:
    @pytest.mark.obligation("O-58", "O-64")
    def test_the_receipt_proves_what_the_agency_stated_also_when_its_key_is_revoked_later(
        self, slot, machine, file, live_server, tmp_path, capsys
    ):
        pinned()
        assert send(slot, file) == 0
        sent = custody.checked(SealedFile.objects.get())
        stated = sent.receipt["document"]["statement"]
        assert [each["role"] for each in stated["signatures"]] == ["source", "hub"]
        assert stated["signatures"][0] == sent.statement["signatures"][0]
        told = events_of(sent).get(event="file.announced")
        assert stated["signatures"][1]["at"] == statements.written(told).isoformat()
        receipt, trusted = tmp_path / "receipt.json", tmp_path / "trust.pem"
        assert main.main(["receipt", str(sent.pk), "--to", str(receipt)]) == 0

        def verified():
            agency_key_list.publish_if_due(now=clock.real_now())
            trusted.write_bytes(httpx.get(f"{live_server.url}/files/trust.pem").content)
            code = main.main(["verify", str(receipt), "--trust", str(trusted)])
            return code, capsys.readouterr().out

        code, said = verified()
        assert (code, "valid when it signed." in said) == (0, True)
        assert sent.owner.legal_name in said
        revoke_key(sent.signing_key, by=sent.sent_by, at=statements.written(told) + dt.timedelta(hours=1))
        code, said = verified()
        assert (code, "revoked later" in said) == (0, True)

    @pytest.mark.obligation("O-58")
    def test_a_receipt_by_a_key_that_was_revoked_before_is_not_valid(self, slot, machine, file, tmp_path):
        pinned()
        assert send(slot, file) == 0
        sent = custody.checked(SealedFile.objects.get())
        told = events_of(sent).get(event="file.announced")
        receipt, trusted = tmp_path / "receipt.json", tmp_path / "trust.pem"
        receipt.write_text(json.dumps(sent.receipt))
        revoke_key(sent.signing_key, by=sent.sent_by, at=statements.written(told) - dt.timedelta(hours=1))
        agency_key_list.publish_if_due(now=clock.real_now())
        trusted.write_bytes(vault_keys.hub_public_pem() + agency_key_list.block())
        assert main.main(["verify", str(receipt), "--trust", str(trusted)]) == 1


class TestRenewal:
    @pytest.mark.obligation("O-58")
    def test_c14_the_pin_follows_the_hubs_next_key_and_files_go_on(self, slot, machine, file, capsys):
        first = pinned()
        renewal.renew("vault", now=clock.real_now(), at=factories.START)
        renewal.renew("hub", now=clock.real_now(), at=factories.START)
        assert send(slot, file) == 0
        sent = custody.checked(SealedFile.objects.get())
        assert sent.status == FileStatus.ACCEPTED
        assert main.main(["receipt", str(sent.pk)]) == 0
        assert trust.read_pin().key == own_list()["signatures"][0]["key"] != first

    def test_receipts_that_the_former_key_signed_stay_good(self, slot, machine):
        pinned()
        sent = custody.checked(custody.arrived(slot))
        renewal.renew("hub", now=clock.real_now(), at=factories.START)
        assert main.main(["receipt", str(sent.pk)]) == 0

    @pytest.mark.obligation("O-58")
    def test_who_holds_the_former_key_signs_nothing_for_a_pin_that_moved_on(
        self, slot, machine, file, lies, capsys
    ):
        pinned()
        former = vault_keys.private_keys().hub
        renewal.renew("hub", now=clock.real_now(), at=factories.START)
        assert main.main(["status"]) == 0
        lies(LIST, lambda _: signed_by(former))
        assert send(slot, file) == trust.UNTRUSTED
        assert "not signed by the hub's key" in capsys.readouterr().err
