"""Files that hold secrets: written once, readable by their owner alone, and really gone when destroyed."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from p20win.custody.engine.errors import Unreadable

SENT_EVERY: Final = 32 << 20  # bytes after which the disk is asked to begin


def write_new(path: Path, content: bytes) -> None:
    """This will write a new file, mode 0600, whole or not at all, and make it durable.

    :raises FileExistsError: if there is one already
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, a link never replaces
    finally:
        os.unlink(draft)
    sync_directory(path.parent)


class EagerFile:
    """A new file of mode 0600 whose bytes are on their way to the disk while more are written.

    Waiting for the disk at the end alone would cost a third of the time that sealing takes.
    """

    def __init__(self, path: Path) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(handle, "wb", buffering=0)
        self._written = self._sent = 0

    def write(self, data: bytes | bytearray | memoryview, /) -> None:
        """This will write all of it."""
        with memoryview(data) as rest:
            written = 0
            while written < len(rest):  # an unbuffered file may take less than it is given
                written += self._file.write(rest[written:])
        self._written += written
        if self._written - self._sent >= SENT_EVERY:
            os.posix_fadvise(
                self._file.fileno(), self._sent, self._written - self._sent, os.POSIX_FADV_DONTNEED
            )
            self._sent = self._written

    def keep(self) -> None:
        """This will wait until the disk has all of it, and close the file."""
        os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        """This will close the file as it is."""
        self._file.close()


class Joined:
    """Chunks that come one after the other, read as one file. A short read means the end."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._held = iter(chunks), bytearray()

    def read(self, size: int, /) -> bytes:
        """This will give that many bytes, or what is left."""
        while len(self._held) < size and (chunk := next(self._chunks, None)) is not None:
            self._held += chunk
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken


def read_private(path: Path) -> bytes:
    """This will read a secret file.

    :raises Unreadable: if others than its owner could read it, too
    """
    with path.open("rb") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            raise Unreadable(f"{path.name} may be read by others; run “chmod 600” on it.")
        return file.read()


def destroy_file(path: Path) -> None:
    """This will overwrite a file, remove it, and make both durable. A file already gone is fine."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        size = os.fstat(handle).st_size
        for filling in (os.urandom(size), bytes(size)):
            os.pwrite(handle, filling, 0)
            os.fsync(handle)
    finally:
        os.close(handle)
    os.unlink(path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """This will make a new or removed name in a directory survive a crash."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
