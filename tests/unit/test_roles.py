"""As whom a command of `manage.py` works."""

import pytest

from p20win import roles

HELD = {"DATABASE_URL": "web", "VAULT_DATABASE_URL": "vault", "OWNER_DATABASE_URL": "owner"}


@pytest.mark.parametrize(
    "argv",
    [("vault",), ("backup", "/b"), ("custody_keys", "snapshot"), ("export_ledger", "f"), ("key_ceremony",)],
)
def test_what_needs_keys_is_done_as_the_vault(argv):
    env = dict(HELD)

    roles.take_on(argv, env)

    assert env["P20WIN_IS_VAULT"] == "1"
    assert env["DATABASE_URL"] == "vault"
    assert "P20WIN_AS_OWNER" not in env


@pytest.mark.parametrize(
    "argv", [(), ("migrate",), ("runserver",), ("custody_keys", "init"), ("custody_keys", "backup-key", "f")]
)
def test_anything_else_stays_what_it_is(argv):
    env = dict(HELD)

    roles.take_on(argv, env)

    assert env == HELD


def test_a_restore_is_done_as_the_vault_and_the_owner_of_the_tables():
    env = {"DATABASE_URL": "vault"}

    roles.take_on(("restore", "/b"), env)

    assert env == {"DATABASE_URL": "vault", "P20WIN_IS_VAULT": "1", "P20WIN_AS_OWNER": "1"}
