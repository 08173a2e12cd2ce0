"""As whom a command works: decided before the settings are read, since a process keeps its role to its end.

Standard library only, as `manage.py` asks it first.
"""

from collections.abc import MutableMapping, Sequence
from typing import Final

# What is done where the vault runs, with the vault's keys and its right to read the database.
_AS_VAULT: Final = frozenset(
    {"backup", "checkpoint_ledger", "custody_keys", "export_ledger", "key_ceremony", "restore", "vault"}
)
_AS_OWNER: Final = frozenset({"restore"})  # and as the owner of the tables
_WITHOUT_KEYS: Final = frozenset({("custody_keys", "init"), ("custody_keys", "backup-key")})


def take_on(argv: Sequence[str], env: MutableMapping[str, str]) -> None:
    """Put the role of this command line, `manage.py` left out, into the environment."""
    command = argv[0] if argv else ""
    if command not in _AS_VAULT or tuple(argv[:2]) in _WITHOUT_KEYS:
        return
    env["P20WIN_IS_VAULT"] = "1"
    if address := env.get("VAULT_DATABASE_URL"):
        env["DATABASE_URL"] = address
    if command in _AS_OWNER:
        env["P20WIN_AS_OWNER"] = "1"
