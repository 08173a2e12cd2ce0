"""How much memory this run's processes take together, shared pages counted once."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Final

EVERY: Final = 0.5


def family(root: int) -> set[int]:
    """Return the process and all that descend from it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name in brackets may hold spaces; the parent is the second field after it.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # ended meanwhile
                continue
            parents[int(entry.name)] = int(fields[1])
    found = {root}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def in_use(pid: int) -> int:
    """Return the bytes a process takes, its share of shared pages only; 0 if it has ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:  # ended, or another account's and we are not root
        return _resident(pid)
    return 0


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


class MemoryWatch:
    """Looks every half second while it is open, and keeps the highest sum."""

    def __init__(self) -> None:
        """Watch this process and its descendants."""
        self.peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, sum(in_use(pid) for pid in family(os.getpid())))
            if self._done.wait(EVERY):
                return
