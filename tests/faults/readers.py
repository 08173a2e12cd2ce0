"""What reads strangers' bytes, each behind one function that must stand whatever it is given.

A reader answers with a report, a refusal or one of its own errors; what it gives away is a beginning of what
was really sealed. The first bytes say in which pieces the rest comes. Used by the fuzzer and by tests.
"""

import contextlib
import io
import struct
from itertools import cycle

import pyrage
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from p20win.custody.engine import age, pieces, streaming
from p20win.custody.engine.errors import Broken, CustodyError, Unreadable, WrongKey
from p20win.custody.engine.files import Joined
from p20win.custody.engine.intake import check_stream
from p20win.custody.engine.rules import from_spec
from p20win.custody.sftp import protocol
from p20win.refusal import Blocked
from tests.faults.hostile import GOOD, MATCHING, text

KEY = bytes(32)
VAULT = X25519PrivateKey.from_private_bytes(bytes(range(32)))
PLACE = pieces.Place("slot", "attempt", 0)
CUTS = 4  # bytes ahead of the content: sizes of the pieces, in turn
SHORT = {"SEGMENT": 96, "ROOM": 80}  # segments that a fuzzer can fill
PLAIN = b"".join(b"%05d invented\n" % number for number in range(40))


def cut(content):
    """Take the sizes off the front, and give what follows in pieces of such sizes."""
    rest, sizes = content[CUTS:], cycle([size or 1 for size in content[:CUTS]] or [1])
    while rest:
        size = next(sizes)
        yield rest[:size]
        rest = rest[size:]


@contextlib.contextmanager
def short_segments():
    """Make segments short."""
    before = {name: getattr(streaming, name) for name in SHORT}
    vars(streaming).update(SHORT)
    try:
        yield
    finally:
        vars(streaming).update(before)


def sealed_stream():
    """Give what the streaming format makes of the plaintext, in short segments."""
    with short_segments():
        sealer = streaming.StreamSealer(KEY, b"fuzzed")
        return sealer.update(PLAIN) + sealer.finish()


def encrypted(plain):
    """Give what the stock age makes of this, for our key."""
    return pyrage.encrypt(plain, [pyrage.x25519.Recipient.from_str(age.recipient(VAULT.public_key()))])


STREAM = sealed_stream()
LONG = PLAIN * (age.CHUNK // len(PLAIN) + 1)  # more than one chunk of age
AGE, AGE_LONG = encrypted(PLAIN), encrypted(LONG)


def streams(content):
    """Open bytes as a stream of sealed segments, and check them as a file, in whatever pieces they come."""
    got = bytearray()
    whole = b"".join(cut(content)) == STREAM
    with short_segments(), contextlib.suppress(Broken, Unreadable):
        opener = streaming.StreamOpener(KEY, b"fuzzed")
        for piece in cut(content):
            got += opener.update(piece)
        got += opener.finish()
        assert whole, "It opened and is not what was sealed."
    assert PLAIN.startswith(got)
    assert not whole or got == PLAIN
    rule = from_spec(MATCHING)
    piecewise, at_once = check_stream(cut(content), rule), check_stream([content[CUTS:]], rule)
    assert piecewise.accepted == at_once.accepted
    assert piecewise.rows == at_once.rows or not at_once.accepted


def age_files(content):
    """Read bytes as a file of age; it may have been read in pieces of any size."""
    got, whole = bytearray(), b"".join(cut(content))
    with contextlib.suppress(Broken, Unreadable, WrongKey):
        for plain in age.open_file(Joined(cut(content)), identity=VAULT):
            got += plain
        assert whole in (AGE, AGE_LONG), "It opened and is not what was encrypted."
    assert PLAIN.startswith(got) or LONG.startswith(got)
    with contextlib.suppress(CustodyError):
        list(pieces.open_piece(io.BytesIO(whole), vault=VAULT, place=PLACE))


class Line:
    """A client that says what it was given, piece by piece, and hears what is answered."""

    def __init__(self, said):
        self._said, self.heard = iter(said), bytearray()

    def recv(self, _size):
        return next(self._said, b"")

    def sendall(self, content):
        self.heard += content
        assert len(self.heard) < 64 << 20


class Kept:
    """A file that keeps little of what is written."""

    def __init__(self):
        self.content = b""

    def entry(self):
        return protocol.Entry("file", is_folder=False, size=len(self.content))

    def read(self, offset, size):
        return self.content[offset : offset + size]

    def write(self, offset, content):
        if offset != len(self.content):
            raise protocol.Refused(protocol.FAILURE, "Send in order.")
        self.content += content[:100]

    def close(self):
        return "Thank you."

    def leave(self):
        """Keep it."""

    drop = leave


class Folders:
    """One folder, with one file that can be opened."""

    def look(self, path):
        if path not in ("/", "/file"):
            raise protocol.Refused(protocol.NO_SUCH_FILE, "There is nothing of that name.")
        return protocol.Entry(path, is_folder=path == "/")

    def names(self, path):
        self.look(path)
        return [protocol.Entry(f"name-{number}", is_folder=False) for number in range(70)]

    def open(self, path, _wanted):
        self.look(path)
        return Kept()

    def remove(self, path):
        raise Blocked(f"{path} stays.")


class Unexpected(Exception):
    """An act of the conversation failed in a way that nobody answers."""


class _Log:
    def error(self, says, *about):
        raise Unexpected(says % about)

    warning = error


def sftp_packets(content):
    """Speak SFTP as these bytes say: each answer is whole, and no act fails but by a refusal."""
    line, log = Line(cut(content)), protocol.logger
    protocol.logger = _Log()
    try:
        talk = protocol.Conversation(line, Folders(), tell=str, done=bool)
        talk.run()
        talk.end(keep=True)
    finally:
        protocol.logger = log
    rest = bytes(line.heard)
    while rest:
        size = int.from_bytes(rest[:4], "big")
        assert 1 <= size <= len(rest) - 4
        kinds = (2, protocol.STATUS, protocol.HANDLE, protocol.DATA, protocol.NAME, protocol.ATTRS)
        assert rest[4] in kinds
        rest = rest[4 + size :]


def packet(kind, *parts, number=7):
    """Spell one packet."""
    body = bytes([kind]) + struct.pack(">I", number) + b"".join(parts)
    return struct.pack(">I", len(body)) + body


def octets(raw):
    """Spell a string as SFTP does."""
    return struct.pack(">I", len(raw)) + raw


HELLO = packet(protocol.INIT, number=3)
TALKS = (
    (
        packet(protocol.OPEN, octets(b"/file"), struct.pack(">II", 0x1A, 0)),
        packet(protocol.WRITE, octets(b"1"), struct.pack(">Q", 0), octets(b"ID\tLAST\n")),
        packet(protocol.READ, octets(b"1"), struct.pack(">QI", 0, 100)),
        packet(protocol.FSTAT, octets(b"1")),
        packet(protocol.FSETSTAT, octets(b"1"), struct.pack(">IQ", 1, 8)),
        packet(protocol.CLOSE, octets(b"1")),
    ),
    (
        packet(protocol.REALPATH, octets(b"./..//x")),
        packet(protocol.OPENDIR, octets(b"/")),
        packet(protocol.READDIR, octets(b"1")),
        packet(protocol.READDIR, octets(b"1")),
        packet(protocol.STAT, octets(b"/file")),
        packet(protocol.SETSTAT, octets(b"/file"), struct.pack(">I", 4)),
        packet(protocol.REMOVE, octets(b"/file")),
        packet(protocol.RENAME, octets(b"/file"), octets(b"/x")),
    ),
)

_SIZES = bytes([7, 1, 200, 33])
_AT_A_SEAM = len(AGE_LONG) - (len(LONG) % age.CHUNK + age.TAG)
READERS = {  # the function, what it is begun with, and how long what it is given may become
    "streams": (
        streams,
        [_SIZES + each for each in (STREAM, STREAM[: 2 * SHORT["SEGMENT"]], text(GOOD))],
        4096,
    ),
    "age": (
        age_files,
        [_SIZES + each for each in (AGE, AGE_LONG, AGE_LONG[:_AT_A_SEAM])],
        len(AGE_LONG) + 64,
    ),
    "sftp": (sftp_packets, [_SIZES + HELLO + b"".join(talk) for talk in TALKS], 8192),
}
