"""The restore drill: by the commands alone, into a blank database and a blank data folder."""

import os
import subprocess
import sys

import pytest
from django.conf import settings as django_settings
from django.db import connection

from p20win import clock
from p20win.custody import backup, key_snapshots, vault_keys
from p20win.custody.public import shred
from tests import factories
from tests import factories_custody as custody

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]
OPEN = """
from p20win.custody.public import SealedFile, open_bytes
from p20win.custody.engine.errors import CustodyError
import hashlib, sys
for pk in {pks!r}:
    try:
        print(hashlib.sha256(b"".join(open_bytes(SealedFile.objects.get(pk=pk)))).hexdigest())
    except CustodyError as problem:
        print(type(problem).__name__)
"""


@pytest.fixture
def blank(tmp_path):
    """A blank database beside the test's, and the surroundings of a portal that knows nothing yet."""
    name = f"{connection.settings_dict['NAME']}_blank"
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    urls = {key: os.environ[key] for key in ("DATABASE_URL", "OWNER_DATABASE_URL") if key in os.environ}
    env = os.environ | {key: f"{url.rpartition('/')[0]}/{name}" for key, url in urls.items()}
    env |= {"P20WIN_DATA": str(tmp_path / "blank")}
    yield env, tmp_path / "blank"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}"')


def manage(env, *argv):
    done = subprocess.run(
        [sys.executable, django_settings.BASE_DIR / "manage.py", *map(str, argv)],
        env=env, capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_c29_on_a_blank_machine_a_live_file_opens_a_shredded_one_does_not_and_the_ledger_verifies(
    settings, tmp_path, blank
):
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "snapshots"
    with custody.own_vault(settings, tmp_path / "data"):
        vault_keys.make_backup_key(tmp_path / "backup.key")
        live, gone, later = (
            custody.checked(custody.arrived(custody.a_slot())) for _ in ("live", "gone", "later")
        )
        shred(gone.project, gone.owner, by=factories.hub_member(), at=factories.START)
        taken = backup.take(tmp_path / "backups", now=clock.real_now())
        shred(later.project, later.owner, by=factories.hub_member(), at=factories.START)
        snapshot = key_snapshots.take(now=clock.real_now())
    env, data = blank
    (data / "vault-keys").mkdir(parents=True, mode=0o700)
    master = data / "vault-keys" / "master.key"
    master.write_bytes((tmp_path / "data" / "vault-keys" / "master.key").read_bytes())
    master.chmod(0o600)

    said = manage(
        env, "restore", taken.folder, "--backup-key", tmp_path / "backup.key", "--key-snapshot", snapshot.path
    )
    assert "2 sealed files, 0 missing" in said
    assert "The ledger verifies" in said
    assert "never readable again: 1 files" in said  # the database is of before, the keys are not
    pks = [str(file.pk) for file in (live, gone, later)]
    opened = manage(env | {"P20WIN_IS_VAULT": "1"}, "shell", "-v0", "-c", OPEN.format(pks=pks)).split()
    assert opened == [custody.digest_of(custody.GOOD), "NotOpenable", "KeyDestroyed"]
    assert manage(env, "custody_keys", "list").count("data in one project") == 1
