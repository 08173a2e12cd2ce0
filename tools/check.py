"""All checks of `./check`, one after the other; none stops the rest. Exit 1 if any found something.

python -m tools.check [NAME ...]
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from p20win import embedded
from tools.printing import ROOT

PYTHON = sys.executable
BIN = Path(sys.executable).parent
CHECKS: dict[str, list[str]] = {
    "lint": [str(BIN / "ruff"), "check", "--output-format=concise", "."],
    "format": [str(BIN / "ruff"), "format", "--check", "."],
    "templates": [str(BIN / "djlint"), "templates", "--lint", "--check", "--quiet"],
    "types": [str(BIN / "mypy")],
    "layers": [str(BIN / "lint-imports"), "--no-cache"],
    "settings": [PYTHON, "manage.py", "check", "--fail-level=WARNING"],
    "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
    "lifecycles page": [PYTHON, "-m", "tools.lifecycles_page", "--check"],
    "policy page": [PYTHON, "-m", "tools.policy_page", "--check"],
    "licences": [PYTHON, "-m", "tools.licences_page", "--check"],
    "compose": [PYTHON, "-m", "tools.compose"],
    "lock files": [PYTHON, "-m", "tools.locks"],
}


def main(names: list[str]) -> int:
    """Run the checks named, or all."""
    if unknown := [name for name in names if name not in CHECKS]:
        sys.stderr.write(f"No check is called {', '.join(unknown)}; there are {', '.join(CHECKS)}.\n")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="p20-check-"))
    folder.chmod(0o711)  # as root the database runs as nobody and must get through
    try:
        with embedded.start(folder, durable=False, broker=False) as servers:
            env = os.environ | servers.env | _environment(folder)
            failed = [name for name in names or CHECKS if not _passes(name, env)]
    finally:
        embedded.forget(folder)
    sys.stdout.write(f"Failed: {', '.join(failed)}.\n" if failed else "All checks passed.\n")
    return 1 if failed else 0


def _environment(folder: Path) -> dict[str, str]:
    return {
        "P20WIN_MODE": "test",
        "P20WIN_AS_OWNER": "1",
        "P20WIN_DATA": str(folder),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "BROKER_URL": "memory://",
        "MYPYPATH": str(ROOT),
    }


def _passes(name: str, env: dict[str, str]) -> bool:
    began = time.monotonic()
    sys.stdout.write(f"{name:16} ")
    sys.stdout.flush()
    done = subprocess.run(CHECKS[name], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    verdict = "ok" if done.returncode == 0 else "FAILED"
    sys.stdout.write(f"{verdict:7} {time.monotonic() - began:5.1f} s\n")
    if done.returncode != 0:
        sys.stdout.write(f"{done.stdout}{done.stderr}\n")
    sys.stdout.flush()
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
