"""Running a contestant in a process of its own: what it takes in time and memory, its children included."""

from __future__ import annotations

import dataclasses as dc
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_EVERY: Final = 0.05
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dc.dataclass(frozen=True)
class Cost:
    """What a run cost; `ended` is False where it was stopped at its limit of time."""

    seconds: float
    cpu: float
    peak_gb: float
    ended: bool


def run(arguments: list[str], *, limit: float) -> Cost:
    """Run `python ARGUMENTS` and return what it cost.

    :raises RuntimeError: if it failed
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    if process.stderr is None:
        raise RuntimeError("The run has no error stream.")
    said: list[bytes] = []
    reader = threading.Thread(target=lambda: said.append(process.stderr.read()))
    reader.start()
    peak, ended, status, usage = 0, True, 0, None
    while usage is None or (not os.WIFEXITED(status) and not os.WIFSIGNALED(status)):
        peak = max(peak, _resident(process.pid))
        done, status, found = os.wait4(process.pid, os.WNOHANG)
        usage = found if done else None
        if not done and time.perf_counter() - start > limit:
            ended = False
            process.kill()
        time.sleep(0 if done else _EVERY)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    reader.join()
    process.stderr.close()
    if ended and process.returncode:
        raise RuntimeError(f"{arguments} failed: {said[0].decode(errors='replace')[-600:]}")
    peak = max(peak, usage.ru_maxrss * 1024)
    return Cost(seconds, usage.ru_utime + usage.ru_stime, peak / 1e9, ended)


def _resident(pid: int) -> int:
    """Return the memory of a process and its children."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return pages * _PAGE + sum(_resident(int(child)) for child in children)
