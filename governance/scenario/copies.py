"""What an operator does on the side, by the commands: a backup key, a copy of the key store, a backup.

They lie in this run’s folders, so that the canaries are looked for in them too.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from governance.scenario.telling import expect
from p20win.programs import ROOT

if TYPE_CHECKING:
    from governance.scenario.telling import Setting


def take(setting: Setting) -> list[str]:
    """Make a backup key, copy the key store for it, and write a backup; return what the commands said.

    :raises StepFailed: if a command fails
    """
    offline, backups = setting.folders[0] / "offline.key", setting.folders[0] / "backups"
    said = [
        _manage(setting, "custody_keys", "backup-key", offline),
        _manage(setting, "custody_keys", "snapshot"),
        _manage(setting, "backup", backups),
    ]
    return [line.partition(": ")[2] for line in said[1:]]


def _manage(setting: Setting, *argv: str | Path) -> str:
    vaults = {**setting.env, "P20WIN_AS_OWNER": "0"}
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *map(str, argv)],
        cwd=ROOT,
        env=vaults,
        capture_output=True,
        text=True,
        check=False,
    )
    expect(done.returncode == 0, f"manage.py {argv[0]} failed: {done.stderr.strip()[-500:]}")
    return done.stdout.strip()
