"""What a process that holds people's records does to keep them to itself."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4


def keep_to_itself() -> None:
    """Forbid core dumps and reading of this process's memory by others of the same user."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def write_no_file() -> None:
    """Let the system refuse every byte that this process, or a library in it, would write to any file.

    Pipes are no files: what is said over them still arrives.
    """
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def end_at_once() -> None:
    """Let Ctrl-C end this process as any other signal does, unless it was told to ignore it.

    Python would wait for its threads first, and a library may be at work in them for long.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def end_with_parent(parent: int) -> None:
    """Let this process be killed when the one that started it ends; if it has ended already, end now."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def where(failure: BaseException) -> str:
    """Return the kind of an error and the place in the code, never its text, which may hold values."""
    trace = failure.__traceback__
    if trace is None:
        return type(failure).__name__
    while trace.tb_next:
        trace = trace.tb_next
    return f"{type(failure).__name__} in {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}"
