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
    """Make a backup key, then copy the key store for it beside writing a backup; return what both said.

    :raises StepFailed: if a command fails
    """
    _said(_manage(setting, "custody_keys", "backup-key", setting.folders[0] / "offline.key"))
    both = [
        _manage(setting, "custody_keys", "snapshot"),
        _manage(setting, "backup", setting.folders[0] / "backups"),
    ]
    return [_said(each).partition(": ")[2] for each in both]


def _manage(setting: Setting, *argv: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *map(str, argv)],
        cwd=ROOT,
        env={**setting.env, "P20WIN_AS_OWNER": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _said(command: subprocess.Popen[str]) -> str:
    output, trouble = command.communicate()
    expect(command.returncode == 0, f"manage.py {command.args!r} failed: {trouble.strip()[-500:]}")
    return output.strip()
