"""What this machine has, and getting what it lacks. Standard library only."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

PANGO_LIBRARIES = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0")
PANGO_PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Missing(Exception):
    """Something is missing that we may not or cannot install; the message names the line to run."""


def say(text: str) -> None:
    """Tell the person what is going on."""
    print(text, flush=True)


def is_root() -> bool:
    """Say whether we may install packages of the system."""
    return os.geteuid() == 0


def apt_line(packages: tuple[str, ...]) -> str:
    """Return the line an administrator runs to install these packages."""
    return "apt-get install -y --no-install-recommends " + " ".join(packages)


def apt_install(packages: tuple[str, ...], *, purpose: str) -> None:
    """Install Debian packages when we are root and this is a Debian.

    :raises Missing: if we are not root, there is no apt-get, or it fails
    """
    by_hand = f"{purpose} needs a package of the system. Run once as root: {apt_line(packages)}"
    if not is_root() or not shutil.which("apt-get"):
        raise Missing(by_hand)
    say(f"Installing {', '.join(packages)} ...")
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for argv in (["apt-get", "-qq", "update"], [*apt_line(packages).split(), "-qq"]):
        done = subprocess.run(argv, env=quiet, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            tail = done.stdout.decode(errors="replace").strip().splitlines()[-3:]
            raise Missing(f"{by_hand}\n  apt-get said: " + " / ".join(tail))


def missing_pango() -> list[str]:
    """Return the libraries that PDF documents need and this machine does not have."""
    missing = []
    for name in PANGO_LIBRARIES:
        try:
            ctypes.CDLL(name)
        except OSError:
            missing.append(name)
    return missing


def browser() -> str | None:
    """Return the Chromium of this machine, if there is one."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def clamd() -> str | None:
    """Return the malware scanner of this machine, if there is one; Debian puts it in /usr/sbin."""
    return shutil.which("clamd", path=os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/sbin")


def python_3_11() -> str:
    """Return a Python 3.11 to build the virtual environment with.

    :raises Missing: if there is none
    """
    if platform.python_version().startswith("3.11."):
        return sys.executable
    if found := shutil.which("python3.11"):
        return found
    raise Missing(
        f"Python 3.11 is needed; this is {platform.python_version()} and there is no python3.11 on the PATH. "
        f"On Debian 12, as root: {apt_line(('python3', 'python3-venv'))}"
    )


def free_disk(folder: Path) -> int:
    """Return the bytes free where this folder is, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
