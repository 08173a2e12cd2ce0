"""The protocol SFTP, version 3, as far as files are sent with it. Knows no Django, no slot and no SSH.

Everything that arrives is measured before it is kept. https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02
"""

import logging
import stat
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from p20win.refusal import Blocked

logger = logging.getLogger(__name__)

VERSION: Final = 3
SHORTEST: Final = 1 + 4  # of a packet: its kind, and the number of the request or of the version
LONGEST: Final = 256 * 1024 + 1024  # clients send 32 KiB at a time, some 256
OPEN_AT_ONCE: Final = 16
AT_A_TIME: Final = 64  # names in one answer
LONGEST_PATH: Final = 1024

INIT, HELLO, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT = range(1, 11)
OPENDIR, READDIR, REMOVE, MKDIR, RMDIR, REALPATH, STAT, RENAME, READLINK, SYMLINK = range(11, 21)
STATUS, HANDLE, DATA, NAME, ATTRS = range(101, 106)
OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, BAD_MESSAGE, _, _, UNSUPPORTED = range(9)
_SIZE, _OWNER, _MODE, _TIMES = 1, 2, 4, 8


class Refused(Exception):
    """What was asked is not done; `says` is fit to show."""

    def __init__(self, code: int, says: str) -> None:
        """Keep both."""
        self.code, self.says = code, says
        super().__init__(says)


class Gone(Exception):
    """The other side is gone, or does not keep to the protocol."""


@dataclass(frozen=True)
class Entry:
    """A name that can be seen."""

    name: str
    is_folder: bool
    size: int = 0
    at: int = 0  # seconds since 1970
    mode: int = 0o400

    def attributes(self) -> bytes:
        """Spell it as a packet does."""
        mode = (stat.S_IFDIR | 0o700) if self.is_folder else (stat.S_IFREG | self.mode)
        flags = _SIZE | _OWNER | _MODE | _TIMES
        return struct.pack(">IQIIIII", flags, self.size, 0, 0, mode, self.at, self.at)

    def line(self) -> str:
        """Spell it as `ls -l` does."""
        kind = "drwx------" if self.is_folder else "-r--------"
        day = time.strftime("%b %d  %Y", time.gmtime(self.at))
        return f"{kind}    1 agency   agency   {self.size:>12} {day} {self.name}"


@dataclass(frozen=True)
class Wanted:
    """How a file is to be opened."""

    read: bool
    write: bool
    truncate: bool
    exclusive: bool

    @classmethod
    def of(cls, flags: int) -> "Wanted":
        """Read the protocol's flags."""
        return cls(bool(flags & 1), bool(flags & 2), bool(flags & 16), bool(flags & 32))


class Handle(Protocol):
    """A file that is open."""

    def entry(self) -> Entry:
        """Say how it stands."""

    def read(self, offset: int, size: int) -> bytes:
        """Give what stands there."""

    def write(self, offset: int, content: bytes) -> None:
        """Take what comes there."""

    def close(self) -> str:
        """End it; return what to tell the sender."""

    def leave(self) -> None:
        """Keep what came; the sender is gone."""

    def drop(self) -> None:
        """Keep nothing of what does not count yet."""


class Folders(Protocol):
    """What can be seen and opened."""

    def look(self, path: str) -> Entry:
        """Say what stands there. :raises Refused: if nothing does"""

    def names(self, path: str) -> list[Entry]:
        """Return what stands in a folder. :raises Refused: if it is none"""

    def open(self, path: str, wanted: Wanted) -> Handle:
        """Open a file. :raises Refused: if there is none, or it cannot be opened so"""

    def remove(self, path: str) -> None:
        """Remove what the sender began. :raises Refused: if there is no such thing"""


class Line(Protocol):
    """The channel on which it is spoken."""

    def recv(self, nbytes: int, /) -> bytes:
        """Give what has come, nothing at the end."""

    def sendall(self, s: bytes, /) -> None:
        """Send all of it."""


class _Packet:
    """What was asked, read piece by piece."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def _take(self, size: int) -> bytes:
        taken = self._content[self._at : self._at + size]
        if len(taken) != size:
            raise Refused(BAD_MESSAGE, "The request ends too early.")
        self._at += size
        return taken

    def number(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def long(self) -> int:
        return int.from_bytes(self._take(8), "big")

    def octets(self) -> bytes:
        return self._take(self.number())

    def path(self) -> str:
        raw = self.octets()
        if len(raw) > LONGEST_PATH:
            raise Refused(NO_SUCH_FILE, "A name that long does not exist here.")
        try:
            return real_path(raw.decode("utf-8"))
        except UnicodeDecodeError:
            raise Refused(NO_SUCH_FILE, "A name must be UTF-8.") from None


def real_path(path: str) -> str:
    """Return a path as it is from the root, above which there is nothing."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def _octets(content: bytes | str) -> bytes:
    raw = content.encode() if isinstance(content, str) else content
    return struct.pack(">I", len(raw)) + raw


class Conversation:
    """Answers one client until it is gone."""

    def __init__(
        self, line: Line, folders: Folders, *, tell: Callable[[str], None], done: Callable[[], None]
    ) -> None:
        """Speak on this line; `tell` shows words to the person, `done` follows each act but a write."""
        self._line, self._folders, self._tell, self._done = line, folders, tell, done
        self._held = bytearray()
        self._handles: dict[bytes, Handle] = {}
        self._listings: dict[bytes, list[Entry]] = {}
        self._opened = 0
        self._acts: dict[int, Callable[[_Packet], bytes]] = {
            OPEN: self._open,
            CLOSE: self._close,
            READ: self._read,
            WRITE: self._write,
            LSTAT: self._look,
            STAT: self._look,
            FSTAT: self._look_at_open,
            SETSTAT: self._set,
            FSETSTAT: self._set_open,
            OPENDIR: self._open_folder,
            READDIR: self._read_folder,
            REMOVE: self._remove,
            REALPATH: self._real_path,
        }

    def run(self) -> None:
        """Answer until the client is gone."""
        try:
            kind, _ = self._next()
            if kind != INIT:
                return
            self._send(bytes([HELLO]) + struct.pack(">I", VERSION))
            while True:
                kind, content = self._next()
                self._answer(kind, _Packet(content))
        except (Gone, OSError, EOFError):
            return

    def end(self, *, keep: bool) -> None:
        """Close what is still open; what came of it is kept, or not."""
        for handle in self._handles.values():
            try:
                handle.leave() if keep else handle.drop()
            except Exception as problem:  # noqa: BLE001  # the others must be closed, too
                logger.warning("sftp: a file was not kept (%s)", type(problem).__name__)
        self._handles.clear()
        self._done()

    def _next(self) -> tuple[int, bytes]:
        size = int.from_bytes(self._take(4), "big")
        if 0 < size < SHORTEST:  # there is no number that an answer could name
            self._tell("A request must have a number. The session ends.")
        if not SHORTEST <= size <= LONGEST:
            raise Gone
        content = self._take(size)
        return content[0], content[1:]

    def _take(self, size: int) -> bytes:
        while len(self._held) < size:
            came = self._line.recv(1 << 16)
            if not came:
                raise Gone
            self._held += came
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

    def _send(self, content: bytes) -> None:
        self._line.sendall(struct.pack(">I", len(content)) + content)

    def _answer(self, kind: int, asked: _Packet) -> None:
        number = asked.number()
        try:
            act = self._acts.get(kind)
            if act is None:
                raise Refused(
                    PERMISSION_DENIED if kind in (MKDIR, RMDIR, RENAME, SYMLINK) else UNSUPPORTED,
                    "Here files are sent, and nothing else is done.",
                )
            answer = act(asked)
        except Refused as refusal:
            answer = self._refused(refusal.code, refusal.says)
        except Blocked as refusal:
            answer = self._refused(PERMISSION_DENIED, " ".join(refusal.reasons))
        except Exception as problem:  # noqa: BLE001  # the session goes on; the log says what to look for
            logger.error("sftp: an act failed (%s)", type(problem).__name__)
            answer = self._refused(FAILURE, "The portal could not do that now. Try again, or tell the hub.")
        if kind != WRITE:
            self._done()
        self._send(answer[:1] + struct.pack(">I", number) + answer[1:])

    def _refused(self, code: int, says: str) -> bytes:
        if code not in (NO_SUCH_FILE, EOF):  # clients ask for what is not there all the time
            self._tell(says)
        return _status(code, says)

    # --- acts; each returns its answer without the request's number

    def _open(self, asked: _Packet) -> bytes:
        path, flags = asked.path(), asked.number()
        self._expect_few()
        handle = self._folders.open(path, Wanted.of(flags))
        return self._named(self._handles, handle)

    def _open_folder(self, asked: _Packet) -> bytes:
        path = asked.path()
        self._expect_few()
        return self._named(self._listings, self._folders.names(path))

    def _expect_few(self) -> None:
        if len(self._handles) + len(self._listings) >= OPEN_AT_ONCE:
            raise Refused(FAILURE, f"No more than {OPEN_AT_ONCE} files can be open at once.")

    def _named(self, among: dict[bytes, Any], what: object) -> bytes:
        self._opened += 1
        name = b"%d" % self._opened
        among[name] = what
        return bytes([HANDLE]) + _octets(name)

    def _close(self, asked: _Packet) -> bytes:
        name = asked.octets()
        if self._listings.pop(name, None) is not None:
            return _status(OK)
        handle = self._handles.pop(name, None)
        if handle is None:
            raise Refused(BAD_MESSAGE, "That is not open.")
        if says := handle.close():
            self._tell(says)
        return _status(OK)

    def _opened_as(self, asked: _Packet) -> Handle:
        handle = self._handles.get(asked.octets())
        if handle is None:
            raise Refused(BAD_MESSAGE, "That is not open.")
        return handle

    def _read(self, asked: _Packet) -> bytes:
        handle, offset, size = self._opened_as(asked), asked.long(), asked.number()
        content = handle.read(offset, min(size, 1 << 15))
        return bytes([DATA]) + _octets(content) if content else _status(EOF)

    def _write(self, asked: _Packet) -> bytes:
        handle, offset = self._opened_as(asked), asked.long()
        handle.write(offset, asked.octets())
        return _status(OK)

    def _look(self, asked: _Packet) -> bytes:
        return bytes([ATTRS]) + self._folders.look(asked.path()).attributes()

    def _look_at_open(self, asked: _Packet) -> bytes:
        return bytes([ATTRS]) + self._opened_as(asked).entry().attributes()

    def _set(self, asked: _Packet) -> bytes:
        return _setting(asked, self._folders.look(asked.path()))

    def _set_open(self, asked: _Packet) -> bytes:
        return _setting(asked, self._opened_as(asked).entry())

    def _read_folder(self, asked: _Packet) -> bytes:
        listing = self._listings.get(asked.octets())
        if listing is None:
            raise Refused(BAD_MESSAGE, "That is not open.")
        shown = listing[:AT_A_TIME]
        del listing[:AT_A_TIME]
        if not shown:
            return _status(EOF)
        rows = [_octets(each.name) + _octets(each.line()) + each.attributes() for each in shown]
        return bytes([NAME]) + struct.pack(">I", len(rows)) + b"".join(rows)

    def _remove(self, asked: _Packet) -> bytes:
        self._folders.remove(asked.path())
        return _status(OK)

    def _real_path(self, asked: _Packet) -> bytes:
        path = asked.path()
        return bytes([NAME]) + struct.pack(">I", 1) + _octets(path) * 2 + struct.pack(">I", 0)


def _setting(asked: _Packet, entry: Entry) -> bytes:
    """Times and modes are not kept, and clients need not hear of it; a size is as it is."""
    if asked.number() & _SIZE and asked.long() != entry.size:
        raise Refused(UNSUPPORTED, "The size of a file cannot be set. Send it again.")
    return _status(OK)


def _status(code: int, says: str = "") -> bytes:
    return bytes([STATUS]) + struct.pack(">I", code) + _octets(says) + _octets("en")
