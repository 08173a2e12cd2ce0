"""Scanning for malware with clamd, while the bytes stream past: its INSTREAM command, over a socket.

clamd takes only so much in one stream, and quietly passes what is larger than it looks at. So a long file is
scanned in windows that overlap, each small enough for the limits that clamd comes with; what is in one window
whole (a workbook is) is unpacked and looked into by clamd. Nothing but names of signatures comes back.
"""

import datetime as dt
import re
import socket
from dataclasses import dataclass
from typing import Final

WINDOW: Final = 24 << 20  # Debian's clamd takes 25 MB
OVERLAP: Final = 1 << 16  # a signature that lies across the end of a window is whole in the next
PATIENCE: Final = 120.0
_BLOCK: Final = 1 << 18
_LONGEST_ANSWER: Final = 4096
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._/-]")
_VERSION: Final = re.compile(r"(ClamAV [0-9][\w.+-]*)(?:/([0-9]+)/(.+))?")
_CTIME: Final = "%a %b %d %H:%M:%S %Y"


class ScannerAway(Exception):
    """The scanner gave no verdict; the message says why, fit to show. Nothing was cleared."""


class TooLarge(ScannerAway):
    """The scanner is set to take less at a time than is sent to it."""


@dataclass(frozen=True)
class Address:
    """Where clamd listens: the path of a socket, or host and port."""

    path: str = ""
    host: str = ""
    port: int = 0

    def connect(self, patience: float) -> socket.socket:
        """This will connect. :raises ScannerAway: if nobody listens there"""
        try:
            if self.host:
                return socket.create_connection((self.host, self.port), timeout=patience)
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            line.settimeout(patience)
            try:
                line.connect(self.path)
            except BaseException:
                line.close()
                raise
        except OSError:
            raise ScannerAway("The malware scanner does not answer.") from None
        return line


def read_address(text: str) -> Address:
    """This will read “unix:/run/clamav/clamd.ctl” or “tcp:host:3310”.

    :raises ValueError: if it is neither
    """
    kind, _, rest = text.partition(":")
    host, _, port = rest.removeprefix("//").rpartition(":")
    if kind == "unix" and rest.startswith("/"):
        return Address(path=rest)
    if kind == "tcp" and host and port.isdigit():
        return Address(host=host.strip("[]"), port=int(port))
    raise ValueError("Write the scanner's address as unix:/path/of/its/socket or tcp:host:port.")


@dataclass(frozen=True)
class Version:
    """What scans: the program, and how old what it knows is."""

    program: str
    definitions: str = ""
    built: dt.date | None = None


def ask_version(address: Address, *, patience: float = 5.0) -> Version:
    """This will ask what scans. :raises ScannerAway: if there is no answer, or an unknown one"""
    with address.connect(patience) as line:
        try:
            line.sendall(b"zVERSION\0")
        except OSError:
            raise ScannerAway("The malware scanner does not answer.") from None
        said = _answer(line)
    found = _VERSION.fullmatch(said)
    if found is None:
        raise ScannerAway("What answers at the scanner's address is not ClamAV.")
    try:
        built = dt.datetime.strptime(found[3], _CTIME).date() if found[3] else None  # noqa: DTZ007 (a day)
    except ValueError:
        built = None
    return Version(found[1], found[2] or "", built)


class Scan:
    """One file on its way past the scanner: `update`, then `finish`, which names what was found."""

    def __init__(self, address: Address, *, patience: float = PATIENCE, window: int = WINDOW) -> None:
        self._address, self._patience, self._window = address, patience, window
        self._tail = b""
        self._found = ""
        # Opened at once, so that an absent scanner is known before the file is read.
        self._stream: _Stream | None = self._open()

    def update(self, chunk: bytes) -> None:
        """This will pass the next bytes on. :raises ScannerAway: if the scanner went away"""
        try:
            self._update(memoryview(chunk))
        except BaseException:
            self.close()
            raise

    def _update(self, rest: memoryview) -> None:
        while len(rest) and not self._found:
            stream = self._stream = self._stream or self._open()
            part = bytes(rest[: min(_BLOCK, self._window - stream.sent)])
            rest = rest[len(part) :]
            stream.send(part)
            self._tail = part[-OVERLAP:] if len(part) >= OVERLAP else (self._tail + part)[-OVERLAP:]
            if stream.sent == self._window:
                self._found = self._verdict(stream)

    def finish(self) -> str:
        """This will name the signature that was found; nothing if the file is clean.

        :raises ScannerAway: if the scanner gave no verdict
        """
        if self._stream:
            self._found = self._verdict(self._stream)
        return self._found

    def close(self) -> None:
        """This will break the scan off."""
        if self._stream:
            self._stream.line.close()
            self._stream = None

    def _open(self) -> "_Stream":
        line = self._address.connect(self._patience)
        try:
            stream = _Stream(line, self._window)
            if self._tail:
                stream.send(self._tail)
        except BaseException:
            line.close()
            raise
        return stream

    def _verdict(self, stream: "_Stream") -> str:
        try:
            return stream.finish()
        finally:
            self.close()


class _Stream:
    """One window, sent as one stream."""

    def __init__(self, line: socket.socket, window: int) -> None:
        self.line, self.sent, self._window = line, 0, window
        self._put(b"zINSTREAM\0")

    def send(self, part: bytes) -> None:
        """This will send the next bytes. :raises ScannerAway: if the scanner takes no more"""
        self._put(len(part).to_bytes(4, "big") + part)
        self.sent += len(part)

    def finish(self) -> str:
        """This will end the stream and read the verdict. :raises ScannerAway: if there is none"""
        self._put(bytes(4))
        return self._read(_answer(self.line))

    def _put(self, message: bytes) -> None:
        try:
            self.line.sendall(message)
        except OSError:
            self._read(_answer(self.line))  # it says why it hung up, if at all
            raise ScannerAway("The malware scanner broke off.") from None

    def _read(self, said: str) -> str:
        name = said.removeprefix("stream: ").removesuffix(" FOUND")
        if "size limit exceeded" in said or name.startswith("Heuristics.Limits.Exceeded"):
            raise TooLarge(
                f"The malware scanner is set to take less than {self._window >> 20} MiB at a time. Its "
                "operator must raise StreamMaxLength, MaxFileSize and MaxScanSize."
            )
        if said.endswith(" FOUND"):
            return _UNSAFE.sub("_", name)[:80] or "unnamed"
        if said != "stream: OK":
            raise ScannerAway("The malware scanner could not scan the file.")
        return ""


def _answer(line: socket.socket) -> str:
    said = bytearray()
    try:
        while not said.endswith(b"\0") and len(said) < _LONGEST_ANSWER:
            part = line.recv(_LONGEST_ANSWER - len(said))
            if not part:
                break
            said += part
    except OSError:
        raise ScannerAway("The malware scanner does not answer.") from None
    if not said:
        raise ScannerAway("The malware scanner broke off.")
    return said.rstrip(b"\0\n").decode("ascii", "replace")
