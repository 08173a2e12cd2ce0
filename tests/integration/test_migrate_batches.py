"""Tables made in batches are the tables that Django makes one by one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from p20win import embedded

ROOT = Path(__file__).resolve().parents[2]
ONE_BY_ONE = (
    "from contextlib import nullcontext; from p20win.audit import batches; batches.in_batches = nullcontext"
)
SCRIPT = """
import os, django
django.setup()
{first}
from django.core.management import call_command
from django.db import connection
call_command("migrate", verbosity=0)
asked = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default, character_maximum_length"
    " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
    "SELECT conrelid::regclass::text, conname, contype, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
    "SELECT event_object_table, trigger_name, event_manipulation FROM information_schema.triggers"
    " ORDER BY 1, 2, 3",
    "SELECT app, name FROM django_migrations ORDER BY 1, 2",
    "SELECT codename, name FROM auth_permission ORDER BY 1, 2",
)
with connection.cursor() as cursor:
    for question in asked:
        cursor.execute(question)
        for row in cursor.fetchall():
            print(row)
"""


def made(folder, first):
    folder.mkdir()
    with embedded.start(folder / "data", durable=False, broker=True) as servers:
        env = os.environ | servers.env
        env |= {"P20WIN_DATA": str(folder / "data"), "P20WIN_AS_OWNER": "1", "P20WIN_MODE": "test"}
        env["DJANGO_SETTINGS_MODULE"] = "p20win.settings"
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(first=first)],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
    embedded.forget(folder / "data")
    return done.stdout.splitlines()


@pytest.mark.long
def test_both_ways_give_the_same_database(tmp_path):
    quick = made(tmp_path / "quick", "")

    assert len(quick) > 2000
    assert quick == made(tmp_path / "slow", ONE_BY_ONE)
