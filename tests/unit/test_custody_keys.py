"""Rotation, inventory, snapshots of the key store, and the watch over keys and database."""

import datetime as dt
import io
import threading
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from p20win import clock, policy
from p20win.audit.public import Event
from p20win.custody import key_desk, key_snapshots, key_watch, vault_keys
from p20win.custody.engine.errors import CustodyError, KeyDestroyed, RetiredKey, WrongKey
from p20win.custody.engine.keys import KeyStore, MasterKeyFile
from p20win.custody.models import Destruction, SealedFile
from p20win.custody.public import FileStatus, last_key_snapshot_expires, open_bytes, shred
from tests import factories
from tests import factories_custody as custody

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
NOW = factories.START
DAY = dt.timedelta(days=1)


@pytest.fixture
def vault(settings, tmp_path):
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "apart" / "snapshots"
    with custody.own_vault(settings, tmp_path) as folder:
        vault_keys.make_backup_key(folder / "offline" / "backup.key")
        yield folder


def accepted():
    return custody.checked(custody.arrived(custody.a_slot()))


def store():
    return vault_keys.private_keys().store


def backup_key(vault):
    return key_snapshots.read_backup_key(vault / "offline" / "backup.key")


def key_path(vault, file):
    return next((vault / "keystore").glob(f"{file.project_id}.{file.owner_id}.*.key"))


class TestRotation:
    def test_c14_files_stay_readable_and_a_retired_master_opens_nothing(self, vault):
        files = [accepted() for _ in range(2)]
        old = key_path(vault, files[0]).read_bytes()

        assert key_desk.rotate(at=NOW) == (2, 4)  # each agency has one for the ids that it used, too
        assert [b"".join(open_bytes(file)) for file in files] == [custody.GOOD] * 2
        key_desk.retire(1, at=NOW)
        assert [b"".join(open_bytes(file)) for file in files] == [custody.GOOD] * 2
        assert not (vault / "vault-keys" / "master.key").exists()
        key_path(vault, files[0]).write_bytes(old)  # an old copy of the wrapped key is worth nothing now
        with pytest.raises(RetiredKey):
            open_bytes(files[0])
        told = Event.objects.filter(event__startswith="master_key.").values_list("event", flat=True)
        assert list(told) == ["master_key.rotated", "master_key.rewrapped", "master_key.retired"]

    def test_a_version_that_is_still_needed_is_not_retired(self, vault):
        accepted()
        key_snapshots.take(now=clock.real_now())
        with pytest.raises(RetiredKey, match="no version 7"):
            key_desk.retire(7, at=NOW)
        store().service.rotate()
        with pytest.raises(key_desk.StillNeeded, match="2 keys are still wrapped"):
            key_desk.retire(1, at=NOW)
        key_desk.rewrap(at=NOW)
        with pytest.raises(key_desk.StillNeeded, match="snapshot of the key store needs version 1"):
            key_desk.retire(1, at=NOW)
        key_snapshots.remove_expired(now=clock.real_now() + 6 * DAY)
        key_desk.retire(1, at=NOW)
        with pytest.raises(RetiredKey, match="Rotate first"):
            key_desk.retire(2, at=NOW)

    @pytest.mark.long
    def test_f16_no_read_fails_while_keys_are_wrapped_anew_and_a_crash_is_gone_on_from(self, tmp_path):
        MasterKeyFile.create(tmp_path / "m" / "master.key")
        kept = KeyStore(tmp_path / "k", MasterKeyFile(tmp_path / "m" / "master.key"))
        ids = [f"0192aaaa-{number:04d}" for number in range(900)]
        keys = {project: kept.current_or_new(project, "0192bbbb-0000")[1] for project in ids}
        over, failed, reads, drawn = threading.Event(), [], [], []

        def read(start):
            own = KeyStore(tmp_path / "k", MasterKeyFile(tmp_path / "m" / "master.key"))
            while not over.is_set():
                for project in ids[start::40]:
                    try:
                        reads.append(own.key(project, "0192bbbb-0000", 1) == keys[project])
                    except Exception as problem:  # whatever it is, a read failed
                        failed.append(problem)

        def draw():
            own = KeyStore(tmp_path / "k", MasterKeyFile(tmp_path / "m" / "master.key"))
            while not over.is_set():
                own.current_or_new(f"0192dddd-{len(drawn):04d}", "0192bbbb-0000")
                drawn.append(1)

        threads = [threading.Thread(target=read, args=(n,)) for n in range(20)]
        threads.append(threading.Thread(target=draw))
        for thread in threads:
            thread.start()

        def crash(done):
            if done >= 400:
                raise KeyboardInterrupt

        try:
            kept.service.rotate()
            with pytest.raises(KeyboardInterrupt):
                kept.rewrap(told=crash)
            mixed = {record.master for record in kept.inventory()}
            kept.rewrap()
        finally:
            over.set()
            for thread in threads:
                thread.join()
        assert mixed == {1, 2}
        kept.rewrap()
        assert {record.master for record in kept.inventory()} == {2}
        assert not failed
        assert all(reads)
        assert len(reads) > 100
        assert drawn

    def test_a_key_destroyed_meanwhile_does_not_come_back_by_being_wrapped_anew(self, vault, monkeypatch):
        file = accepted()
        listed = [key_path(vault, file)]
        shred(file.project, file.owner, by=factories.hub_member(), at=NOW)
        store().service.rotate()
        monkeypatch.setattr(Path, "glob", lambda *_: iter(listed))  # as listed before the destruction
        assert store().rewrap() == 0
        monkeypatch.undo()
        assert not listed[0].exists()


class TestInventory:
    def test_c14_every_key_is_listed_with_purpose_age_and_fingerprint_and_none_is_told(self, vault):
        file = accepted()
        key_desk.publish(now=clock.real_now(), missing_keys=[])

        told = key_desk.published()
        assert {each["purpose"] for each in told["keys"]} >= {
            "Master key",
            "Opens what arrives",
            "Signs for the hub",
            "Opens the backups, kept offline",
            "One organisation's data in one project",
        }
        master = next(each for each in told["keys"] if each["purpose"] == "Master key")
        age = dt.datetime.fromisoformat(master["renew_by"]) - dt.datetime.fromisoformat(master["created"])
        assert age == dt.timedelta(days=policy.MASTER_KEY_DAYS)
        own = next(each for each in told["keys"] if each["project"] == str(file.project_id))
        assert own["wrapped_by"] == "file, version 1"
        published = (vault / "public" / key_desk.INVENTORY).read_text()
        for secret in (vault / "vault-keys").iterdir():
            assert secret.read_text().strip() not in published

    def test_the_command_lists_rotates_and_says_what_is_wrong(self, vault):
        accepted()
        said = io.StringIO()
        for act in (["list"], ["rotate"], ["rewrap"], ["snapshot"]):
            call_command("custody_keys", *act, stdout=said)
        assert "Version 2 of the master key is current; 2 keys" in said.getvalue()
        with pytest.raises(CommandError, match="no version"):
            call_command("custody_keys", "retire", "9")
        with pytest.raises(CommandError, match="is there already"):
            call_command("custody_keys", "backup-key", str(vault / "offline" / "backup.key"))


class TestSnapshots:
    def test_t22_keys_come_back_from_a_snapshot_with_master_and_backup_key(self, vault):
        file = accepted()
        snapshot = key_snapshots.take(now=clock.real_now())
        for path in (*(vault / "keystore").iterdir(), vault / "vault-keys" / "vault.key"):
            path.unlink()

        assert key_snapshots.restore(snapshot.path, backup=backup_key(vault), now=clock.real_now()) == 2
        assert b"".join(open_bytes(file)) == custody.GOOD
        assert (vault / "vault-keys" / "vault.key").exists()

    def test_a_snapshot_opens_for_the_backup_key_alone_and_unaltered(self, vault):
        accepted()
        snapshot = key_snapshots.take(now=clock.real_now())
        raw = snapshot.path.read_bytes()
        kek = key_path(vault, SealedFile.objects.get()).read_bytes()
        assert kek[20:60] not in raw
        vault_keys.make_backup_key(vault / "offline" / "other.key")
        with pytest.raises(WrongKey):
            other = key_snapshots.read_backup_key(vault / "offline" / "other.key")
            key_snapshots.restore(snapshot.path, backup=other, now=clock.real_now())
        for place in (30, len(raw) // 2, len(raw) - 1):
            snapshot.path.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
            with pytest.raises(CustodyError):
                key_snapshots.restore(snapshot.path, backup=backup_key(vault), now=clock.real_now())

    @pytest.mark.obligation("O-65")
    def test_t18_d4_snapshots_are_gone_after_five_days_and_the_last_one_says_when(self, vault):
        now = clock.real_now()
        assert last_key_snapshot_expires() is None
        first = key_snapshots.take(now=now - 4 * DAY)
        second = key_snapshots.take(now=now)
        assert last_key_snapshot_expires() == second.expires == now + 5 * DAY

        assert key_snapshots.remove_expired(now=now + DAY) == 1
        assert not first.path.exists()
        with pytest.raises(key_snapshots.TooOld, match="expired"):
            key_snapshots.restore(second.path, backup=backup_key(vault), now=now + 5 * DAY)

    @pytest.mark.obligation("O-65")
    def test_d4_the_last_one_counts_also_while_it_is_being_written(self, vault, monkeypatch):
        """What was read before a key was destroyed, and lies in its folder only after, has the key."""
        file, now = accepted(), clock.real_now()
        really, has_read, may_write = key_snapshots.write_new, threading.Event(), threading.Event()

        def slowly(path, content):
            has_read.set()
            assert may_write.wait(20)
            really(path, content)

        monkeypatch.setattr(key_snapshots, "write_new", slowly)
        taken, told = [], []
        writer = threading.Thread(target=lambda: taken.append(key_snapshots.take(now=now)))
        writer.start()
        assert has_read.wait(20)
        store().destroy(str(file.project_id), str(file.owner_id))
        asker = threading.Thread(target=lambda: told.append(last_key_snapshot_expires()))
        asker.start()
        asker.join(0.5)
        assert not told  # it waits; to answer "no copy" now would be untrue
        may_write.set()
        writer.join(20)
        asker.join(20)

        assert told == [taken[0].expires]
        for path in (vault / "keystore").glob("*.destroyed"):
            path.unlink()
        assert key_snapshots.restore(taken[0].path, backup=backup_key(vault), now=now) == 1  # it has the key

    def test_several_are_written_at_once_without_waiting(self, vault, monkeypatch):
        accepted()
        really, both = key_snapshots.write_new, threading.Barrier(2, timeout=20)

        def together(path, content):
            both.wait()
            really(path, content)

        monkeypatch.setattr(key_snapshots, "write_new", together)
        taken = []
        moments = [clock.real_now() - DAY, clock.real_now()]
        writers = [
            threading.Thread(target=lambda now=now: taken.append(key_snapshots.take(now=now)))
            for now in moments
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(30)
        assert sorted(each.taken for each in taken) == moments

    def test_the_vault_takes_one_a_day_once_there_is_a_backup_key(self, vault):
        now = clock.real_now()
        assert key_snapshots.take_if_due(now=now)
        assert key_snapshots.take_if_due(now=now + DAY / 2) is None
        assert key_snapshots.take_if_due(now=now + DAY)
        (vault / "public" / vault_keys.BACKUP_PUBLIC).unlink()
        assert key_snapshots.take_if_due(now=now + 3 * DAY) is None


class TestWatch:
    def test_nothing_is_told_while_keys_and_database_agree(self, vault):
        accepted()
        gone = accepted()
        shred(gone.project, gone.owner, by=factories.hub_member(), at=NOW)
        assert key_watch.look(at=NOW) == key_watch.Findings()

    def test_f18_a_database_that_says_accepted_of_a_destroyed_file_is_told_once(self, vault):
        file = accepted()
        store().destroy(str(file.project_id), str(file.owner_id))  # the database is of before

        for _ in range(2):
            assert key_watch.look(at=NOW).without_key == [str(file.pk)]
        assert Event.objects.filter(event=key_watch.OLDER, subject_id=str(file.pk)).count() == 1
        with pytest.raises(KeyDestroyed):
            open_bytes(file)

    @pytest.mark.obligation("O-65")
    def test_t18_a_key_that_a_snapshot_brings_back_is_destroyed_again(self, vault):
        file = accepted()
        snapshot = key_snapshots.take(now=clock.real_now())
        shred(file.project, file.owner, by=factories.hub_member(), at=NOW)
        for path in (vault / "keystore").iterdir():
            path.unlink()  # the key store is lost with its marks
        key_snapshots.restore(snapshot.path, backup=backup_key(vault), now=clock.real_now())
        back = key_path(vault, file)

        found = key_watch.look(at=NOW)
        assert found.destroyed_again == [Destruction.objects.get().keys[0]["fingerprint"]]
        assert not back.exists()
        assert SealedFile.objects.get().status == FileStatus.DESTROYED
        assert Event.objects.filter(event=key_watch.AGAIN).count() == 1
