"""A table's check inside the sandbox that also says how much memory its process took."""

import os
from pathlib import Path
from typing import Any

from p20win.custody.engine import tables

# Opened before the sandbox closes: within it no file can be opened any more.
_STATUS = os.open("/proc/self/status", os.O_RDONLY) if Path("/proc/self/status").exists() else -1


def peak() -> int:
    """Give the most memory that this process has taken since it was last asked to forget, in KiB."""
    os.lseek(_STATUS, 0, os.SEEK_SET)
    lines = os.read(_STATUS, 1 << 14).decode().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def check(name: str, content: bytes) -> dict[str, Any]:
    """Check a table as the portal does."""
    return tables._as_dict(name, content) | {"peak": peak()}
