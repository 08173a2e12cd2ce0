"""Backups: sealed, whole, restorable, and no way back for what was shredded. On real transactions."""

import contextlib
import io
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from p20win import clock
from p20win.accounts.public import User
from p20win.audit.public import Event, verify_chain
from p20win.custody import backup, dump, key_snapshots, key_watch, places, vault_keys
from p20win.custody.engine.errors import CustodyError, WrongKey
from p20win.custody.public import FileStatus, KeyDestroyed, open_bytes, shred
from tests import factories
from tests import factories_custody as custody

pytestmark = [pytest.mark.django_db(transaction=True)]
NOW = factories.START


@pytest.fixture
def vault(settings, tmp_path):
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "apart" / "snapshots"
    with custody.own_vault(settings, tmp_path / "data"):
        vault_keys.make_backup_key(tmp_path / "offline" / "backup.key")
        yield tmp_path


def accepted():
    return custody.checked(custody.arrived(custody.a_slot()))


def backup_key(vault):
    return key_snapshots.read_backup_key(vault / "offline" / "backup.key")


def everything():
    """Return every row of every table but those of sessions, as text."""
    found = {}
    with connection.cursor() as cursor:
        for table in dump._tables(cursor):
            if table not in dump.EMPTY:
                cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
                found[table] = [row[0] for row in cursor.fetchall()]
    return found


@pytest.mark.obligation("O-58")
def test_c29_all_comes_back_as_it_was_and_the_backup_opens_with_its_key_alone(vault):
    accepted()
    before = everything()
    taken = backup.take(vault / "backups", now=clock.real_now())
    raw = (taken.folder / backup.DATABASE).read_bytes()
    for known in (User.objects.first().email.encode(), b"COPY", b"Okonkwo", b"django_migrations"):
        assert known not in raw

    vault_keys.make_backup_key(vault / "offline" / "other.key")
    with pytest.raises(WrongKey):
        other = key_snapshots.read_backup_key(vault / "offline" / "other.key")
        backup.restore(taken.folder, backup=other, over=True)
    accepted()  # written after the backup
    with pytest.raises(dump.NotRestorable, match="not blank"):
        backup.restore(taken.folder, backup=backup_key(vault))
    told, missing = backup.restore(taken.folder, backup=backup_key(vault), over=True)

    assert (len(told.files), missing) == (1, [])
    assert everything() == before
    assert verify_chain().ok
    with pytest.raises(Exception, match="only grows"), transaction.atomic():  # the guards stand again
        Event.objects.all().delete()
    assert custody.checked(custody.arrived(custody.a_slot())).status == FileStatus.ACCEPTED


def test_c29_a_backup_that_was_altered_or_cut_changes_nothing(vault):
    accepted()
    before = everything()
    taken = backup.take(vault / "backups", now=clock.real_now())
    path = taken.folder / backup.DATABASE
    raw = path.read_bytes()
    middle = len(raw) // 2
    for bad in (
        raw[:-1],
        raw[:middle],
        raw + b"x",
        raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :],
    ):
        path.write_bytes(bad)
        with pytest.raises((CustodyError, dump.NotRestorable)):
            backup.restore(taken.folder, backup=backup_key(vault), over=True)
    assert everything() == before


def test_f27_a_backup_during_work_is_of_one_moment(vault):
    over, opened = threading.Event(), []

    def work():
        try:
            while not over.is_set():
                custody.a_slot()
                opened.append(1)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        while len(opened) < 3:
            over.wait(0.05)
        taken = backup.take(vault / "backups", now=clock.real_now())
    finally:
        over.set()
        thread.join()
    backup.restore(taken.folder, backup=backup_key(vault), over=True)  # every foreign key is checked
    assert verify_chain().ok


def test_backups_end_with_their_days_and_take_their_files_along(vault):
    file = accepted()
    now = clock.real_now()
    first = backup.take(vault / "backups", now=now - backup.KEPT)
    assert first.copied == 1
    again = backup.take(vault / "backups", now=now - backup.KEPT / 2)
    assert (again.copied, again.files) == (0, 1)
    blob = vault / "backups" / backup.CONTAINERS / file.blob
    shred(file.project, file.owner, by=factories.hub_member(), at=NOW)
    last = backup.take(vault / "backups", now=now + backup.KEPT / 4)
    assert not first.folder.exists()
    assert blob.exists()  # the middle one names it
    assert last.files == 0
    backup.take(vault / "backups", now=now + backup.KEPT)
    assert not blob.exists()


@pytest.mark.obligation("O-65")
def test_c15_f18_yesterdays_database_does_not_bring_back_what_was_shredded_today_and_it_is_told(vault):
    live, gone = accepted(), accepted()
    yesterday = backup.take(vault / "backups", now=clock.real_now())
    shred(gone.project, gone.owner, by=factories.hub_member(), at=NOW)

    backup.restore(yesterday.folder, backup=backup_key(vault), over=True)
    gone.refresh_from_db()
    assert gone.status == FileStatus.ACCEPTED  # the old database says so
    assert places.blob(gone.blob).exists()  # and its ciphertext is back
    with pytest.raises(KeyDestroyed):
        open_bytes(gone)
    assert b"".join(open_bytes(live)) == custody.GOOD
    assert key_watch.look(at=NOW).without_key == [str(gone.pk)]
    assert Event.objects.get(event=key_watch.OLDER).subject_id == str(gone.pk)


def test_another_version_of_the_code_is_refused(vault):
    taken = backup.take(vault / "backups", now=clock.real_now())
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('custody', '9999', now())")
    try:
        with pytest.raises(dump.NotRestorable, match="newer than the backup"):
            backup.restore(taken.folder, backup=backup_key(vault), over=True)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '9999'")


@contextlib.contextmanager
def role(name):
    """To the database, be the web's or the vault's processes."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {name}")
        try:
            yield
        finally:
            cursor.execute("RESET ROLE")


def test_the_vault_reads_all_that_a_backup_needs(vault):
    accepted()
    with role("p20_vault"):
        call_command("backup", str(vault / "backups"), stdout=io.StringIO())
    (folder,) = (vault / "backups").glob("backup-*Z")
    told, missing = backup.restore(folder, backup=backup_key(vault), over=True)
    assert (len(told.files), missing) == (1, [])


def test_the_web_does_not_and_is_told_where_to_run_it_and_leaves_nothing(vault):
    with role("p20_web"), pytest.raises(CommandError, match="VAULT_DATABASE_URL"):
        call_command("backup", str(vault / "backups"), stdout=io.StringIO())
    assert list((vault / "backups").iterdir()) == []


def test_without_a_backup_key_the_command_says_what_to_run(vault):
    (vault / "data" / "public" / vault_keys.BACKUP_PUBLIC).unlink()
    with pytest.raises(CommandError, match="custody_keys backup-key"):
        call_command("backup", str(vault / "backups"), stdout=io.StringIO())
