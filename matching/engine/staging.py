"""Results on their way: without a name while they are written, then all in one folder under their names.

A file without a name ends with the process that wrote it, however that ends. Between the first name and the
last, a moment of a few system calls, a killed process can leave a folder; it holds a lock on it as long as it
lives, so that the next run to the same place knows what nobody will finish, and removes it. Where the file
system has no files without names, they stand in that folder from the start.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO, Any, Final, Self

KEY: Final = "crosswalk.csv"
"""The result that comes last and goes first: where it stands, all the others stand."""
RESULTS: Final = (KEY, "edges.csv", "spec.json", "report.json", "report.html")
"""What a run writes."""
_ENDING: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_OPEN: Final = "/proc/self/fd"
_NO_SUCH_THING: Final = frozenset({errno.EISDIR, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})


class Staging:
    """A place for results beside the folder called `name`; nothing is left of it, whatever happens."""

    def __init__(self, room: Path, name: str) -> None:
        self._room = room
        self._folder = room / f".{name}-{secrets.token_hex(4)}"
        self._nameless: dict[str, int] = {}
        self._lock = -1
        self.mode = 0
        """What a new folder may be read and written by, as the person wishes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for held in self._nameless.values():
            os.close(held)
        if self._lock >= 0:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._lock)

    def take(self, name: str, write: Callable[[IO[bytes]], object]) -> None:
        """Let one result be written whole."""
        held = _nameless(self._room)
        if held is None:
            self._open()
            held = os.open(self._folder / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
            keep = held
        else:
            self._nameless[name] = held
            keep = os.dup(held)
        with os.fdopen(keep, "wb") as sink:
            write(sink)
            sink.flush()
            os.fsync(sink.fileno())

    def named(self) -> Path:
        """Give every result its name, and return the folder that holds them."""
        self._open()
        for name, held in self._nameless.items():
            # Without the folder's number, Python would not follow the link to the open file.
            os.link(f"{_OPEN}/{held}", name, dst_dir_fd=self._lock, follow_symlinks=True)
        return self._folder

    def _open(self) -> None:
        if self._lock < 0:
            self._folder.mkdir(parents=True)
            self.mode = stat.S_IMODE(self._folder.stat().st_mode)
            self._folder.chmod(0o700)
            self._lock = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _nameless(room: Path) -> int | None:
    """Open a file without a name in the nearest folder that exists; None where there is no such thing."""
    while not room.exists():
        room = room.parent
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir(_OPEN):
        return None
    try:
        return os.open(room, os.O_TMPFILE | os.O_WRONLY, 0o666)
    except OSError as error:
        if error.errno in _NO_SUCH_THING:
            return None
        raise


def sweep(room: Path, name: str) -> None:
    """Remove what killed runs left in a room on their way to the folder called `name`."""
    ours = re.compile(rf"\.{re.escape(name)}-[0-9a-f]{{8}}")
    with contextlib.suppress(OSError):  # where it may not look, it left nothing
        for found in [one for one in room.iterdir() if ours.fullmatch(one.name)]:
            with contextlib.suppress(OSError):
                _remove_if_dead(found)


def _remove_if_dead(folder: Path) -> None:
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while the run that made it lives
        if set(os.listdir(folder)) <= set(RESULTS):
            shutil.rmtree(folder)
    finally:
        os.close(held)


class Held:
    """Signals to end are held while results are written, and answered when nothing plain can be left."""

    def __init__(self) -> None:
        self._came: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in _ENDING:
            if signal.getsignal(number) in (signal.SIG_IGN, None):
                continue  # as under nohup
            with contextlib.suppress(ValueError):  # not the main thread: signals are not ours
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._came is not None:
            signal.raise_signal(self._came)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came = number

    def answer(self) -> None:
        """End here if a signal came.

        :raises Stopped: to leave what is half done
        """
        if self._came is not None:
            raise Stopped

    def forget(self) -> None:
        """Take back a signal that came too late: all is done."""
        self._came = None


class Stopped(KeyboardInterrupt):
    """A signal to end came; it is raised again as soon as nothing is left."""
