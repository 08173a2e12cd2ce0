"""What the keys' commands and pages say when something is not as it should be."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from p20win import clock, health
from p20win.custody import (
    backup,
    ceremony,
    dump,
    key_desk,
    key_snapshots,
    key_watch,
    vault_keys,
    vault_server,
)
from p20win.custody.engine.errors import Broken, RetiredKey, Unreadable
from p20win.custody.engine.master import MasterKeyFile
from p20win.custody.key_services import KeyServiceAway
from p20win.custody.management.commands import vault as vault_command
from p20win.custody.public import relay, shred, vault_keys_state
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as custody
from tests.transit import TOKEN, Transit

pytestmark = pytest.mark.django_db(transaction=True)
NOW = factories.START


@pytest.fixture
def vault(settings, tmp_path):
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "snapshots"
    with custody.own_vault(settings, tmp_path / "data"):
        yield tmp_path
    vault_keys._read_private.cache_clear()


@pytest.fixture
def served(vault, settings):
    server = vault_server.VaultServer(settings.P20WIN_VAULT_SOCKET)
    thread = server.start()
    yield vault
    server.stop()
    thread.join()


@pytest.fixture
def transit(settings):
    server = Transit()
    settings.P20WIN_KEY_SERVICE = "vault"
    settings.P20WIN_TRANSIT_ADDRESS, settings.P20WIN_TRANSIT_TOKEN = server.address, TOKEN
    vault_keys._read_private.cache_clear()
    yield server
    server.stop()


class TestHealth:
    def test_f15_the_health_page_tells_how_the_key_service_is_in_its_words(self, served, transit):
        assert vault_keys_state() == "held by HashiCorp Vault, version 1"
        assert health._keys() == "master key held by HashiCorp Vault, version 1"
        transit.allowed = False
        with pytest.raises(RuntimeError, match="does not let the portal use its key"):
            health._keys()

    def test_the_page_of_keys_says_that_the_service_is_away(self, vault, transit, signed_in):
        transit.sealed = True
        key_desk.publish(now=clock.real_now(), missing_keys=[])
        page = signed_in(factories.hub_member()).get(reverse("custody:keys")).text
        assert "The key service is away" in page

    def test_a_capability_asked_for_while_the_service_is_away_is_answered_in_words(
        self, served, transit, monkeypatch
    ):
        from p20win.custody import capabilities
        from p20win.custody.public import capability, open_bytes, register_opening

        register_opening("test.away", lambda subject, person: open_bytes(subject), access_act="download")
        file, person = custody.checked(custody.arrived(custody.a_slot())), factories.person()
        token, session = capability(person, "test.away", file, NOW), custody.session_of(person)
        transit.sealed = True
        with pytest.raises(Blocked, match=r"does not answer.*Try again later"):
            custody.relayed(token, session)
        capabilities._openings.pop("test.away")

    def test_without_a_vault_nothing_is_told(self, vault):
        with pytest.raises(Blocked, match="does not answer"):
            vault_keys_state()
        with pytest.raises(Blocked, match="does not answer"):
            relay("token")


class TestLookingAfterKeys:
    def test_the_vault_takes_the_days_snapshot_and_tells_the_pages(self, vault):
        vault_keys.make_backup_key(vault / "backup.key")
        custody.checked(custody.arrived(custody.a_slot()))
        vault_command.look_after_keys()
        told = key_desk.published()
        assert len(told["snapshots"]) == 1
        assert told["missing_keys"] == []

    def test_f18_a_file_without_key_reaches_log_and_pages_as_a_count(self, served, caplog):
        file = custody.checked(custody.arrived(custody.a_slot()))
        assert health._keys()
        vault_keys.private_keys().store.destroy(str(file.project_id), str(file.owner_id))
        vault_command.look_after_keys()
        assert key_desk.published()["missing_keys"] == [str(file.pk)]
        assert "1 files without key" in caplog.text
        with pytest.raises(RuntimeError, match="older than the keys: 1 files"):
            health._keys()

    def test_a_destruction_under_way_is_no_alarm(self, vault):
        from p20win.custody.public import ask_destruction

        file = custody.checked(custody.arrived(custody.a_slot()))
        ask_destruction(file.project, file.owner, by=factories.hub_member(), at=NOW)
        vault_keys.private_keys().store.destroy(str(file.project_id), str(file.owner_id))
        assert key_watch.look(at=NOW).without_key == []


class TestMasterKeys:
    def test_an_installation_that_lost_its_master_is_given_no_new_one(self, vault):
        folder = vault / "data" / "vault-keys"
        vault_keys.private_keys().store.service.rotate()
        (folder / "master.key").unlink()
        assert vault_keys.make_keys() == []
        with pytest.raises(FileNotFoundError):
            MasterKeyFile(vault / "nowhere" / "master.key")

    def test_a_master_that_is_no_key_and_one_that_is_all_retired(self, vault):
        with pytest.raises(Unreadable, match="not a master key"):
            MasterKeyFile.put_back(vault / "m.key", version=2, key=b"short")
        folder = vault / "data" / "vault-keys"
        service = vault_keys.private_keys().store.service
        service.rotate()
        service.retire(1)
        service.retire(1)  # again, as after a crash
        (folder / "master.v2.key").unlink()
        with pytest.raises(RetiredKey, match="Every version"):
            service.wrap(b"k" * 32, context=b"")

    def test_keys_of_another_service_are_not_opened_by_this_one(self, vault, transit):
        store = vault_keys.private_keys().store
        version, _ = store.current_or_new("0192aaaa-0000", "0192bbbb-0000")
        file_service = vault_keys.KeyStore(
            vault / "data" / "keystore", MasterKeyFile(vault / "data" / "vault-keys" / "master.key")
        )
        with pytest.raises(Unreadable, match="wrapped by the key service “vault”"):
            file_service.key("0192aaaa-0000", "0192bbbb-0000", version)

    def test_the_ceremony_is_only_for_what_shares_can_bring_back(self, vault, transit):
        with pytest.raises(Blocked, match="held by a key service"):
            ceremony._file_service()

    def test_a_snapshot_may_hold_keys_alone(self, vault):
        with pytest.raises(Unreadable, match="no key"):
            vault_keys.private_keys().store.take_in({"../../etc/passwd": b"x"})


class TestCommands:
    def test_restore_and_its_refusals(self, vault):
        vault_keys.make_backup_key(vault / "backup.key")
        file = custody.checked(custody.arrived(custody.a_slot()))
        custody.arrived(custody.a_slot())  # waits for its check
        taken = backup.take(vault / "backups", now=clock.real_now())
        snapshot = key_snapshots.take(now=clock.real_now())
        shred(file.project, file.owner, by=factories.hub_member(), at=NOW)
        options = {"backup_key": vault / "backup.key", "key_snapshot": snapshot.path, "stdout": io.StringIO()}
        with pytest.raises(CommandError, match="not blank"):
            call_command("restore", taken.folder, **options)
        with pytest.raises(CommandError, match="custodians of the backup key"):
            call_command("restore", taken.folder, **options | {"backup_key": vault / "none.key"})

        call_command("restore", taken.folder, over=True, **options)
        said = options["stdout"].getvalue()
        assert "1 sealed files, 0 missing" in said
        assert "1 files had arrived and were not checked" in said
        assert "0 keys were put back" in said  # its mark still lies here
        assert "The ledger verifies" in said
        assert "never readable again: 1 files" in said

    def test_what_is_no_backup_is_named(self, vault):
        vault_keys.make_backup_key(vault / "backup.key")
        key = key_snapshots.read_backup_key(vault / "backup.key")
        (vault / backup.DATABASE).write_bytes(b"not one\n")
        with pytest.raises(Unreadable, match="no backup"):
            backup.restore(vault, backup=key, over=True)
        for stream in (b"", b"R\0\0\0\0", b"H\xff\xff\xff\xff"):
            with pytest.raises(dump.NotRestorable):
                dump.load(iter([stream]))
        with pytest.raises(Broken, match="custodians"):
            key_snapshots.read_backup_key(vault / "none")

    def test_snapshots_that_are_none_are_named(self, vault):
        for content in (b'{"format": "other"}\n', b'{"format": "p20win/key-snapshot/1"}\n'):
            (vault / "x.p20k").write_bytes(content)
            with pytest.raises(Unreadable, match="no snapshot"):
                key_snapshots.read_head(vault / "x.p20k")

    def test_keys_come_back_and_versions_are_retired_by_command(self, vault):
        vault_keys.make_backup_key(vault / "backup.key")
        custody.checked(custody.arrived(custody.a_slot()))
        said = io.StringIO()
        call_command("custody_keys", "rotate", stdout=said)
        call_command("custody_keys", "retire", "1", stdout=said)
        snapshot = key_snapshots.take(now=clock.real_now())
        for path in (vault / "data" / "keystore").iterdir():
            path.unlink()
        argv = ["restore", str(snapshot.path), "--backup-key", str(vault / "backup.key")]
        call_command("custody_keys", *argv, stdout=said)
        assert "version 1 of the master key is retired".lower() in said.getvalue().lower()
        # Of the data, and of the ids that the agency used:
        assert "2 keys were put back, 0 of them destroyed again" in said.getvalue()
        call_command("custody_keys", "init", stdout=said)
        assert "All keys are there" in said.getvalue()


def test_f15_the_words_of_a_service_that_is_away_reach_the_command(vault, transit):
    transit.sealed = True
    with pytest.raises(CommandError, match="does not answer"):
        call_command("custody_keys", "list", stdout=io.StringIO())
    with pytest.raises(KeyServiceAway):
        key_desk.service_state()
