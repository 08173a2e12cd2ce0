"""The SSH under the SFTP: paramiko, held to few algorithms and to packets of a known size and kind."""

import io
import logging
from collections.abc import Callable
from typing import Any, Final

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paramiko.packet import Packetizer

KEX: Final = ("mlkem768x25519-sha256", "curve25519-sha256@libssh.org")
CIPHERS: Final = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr")
MACS: Final = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
KEY_TYPE: Final = "ssh-ed25519"
WINDOW: Final = 2 << 20  # bytes that a client may send before we have read them
LONGEST_PACKET: Final = 64 << 10  # clients keep to 32 KiB and a head
LONGEST_GREETING: Final = 4096
# What a client sends: transport, key exchange, one kind of log-in, channels. All else ends the session.
TAKEN: Final = frozenset({1, 2, 3, 4, 5, 20, 21, *range(30, 42), 50, 80, 90, *range(93, 101)})
# What a line that was cut raises: which of them depends on the thread that notices first.
CUT: Final = (OSError, EOFError, paramiko.SSHException)
_IGNORE, _EXTENSIONS = 2, 7  # what a client says of its extensions changes nothing here


class Unwanted(paramiko.SSHException):
    """A packet that is too large, of a kind that nobody needs here, or sent without being asked."""


class Guarded(Packetizer):
    """Reads packets of a bounded size and of known kinds alone, also before anybody has logged in.

    paramiko by itself would read a packet as large as its head says, and loop as often as one of some kinds
    asks for. It keeps what comes for a channel even when the client sends more than it may: `waiting` says
    how much that is.
    """

    def __init__(self, socket: Any) -> None:
        """Read from this socket."""
        super().__init__(socket)
        self.waiting: Callable[[], int] = int
        self._greeting = 0

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Read so many bytes. :raises Unwanted: if they are too many, or too many wait already"""
        if not 0 <= n <= LONGEST_PACKET:
            raise Unwanted("A packet is too large.")
        if self.waiting() > 2 * WINDOW:
            raise Unwanted("The client sends more than it may.")
        return super().read_all(n, check_rekey)

    def _read_timeout(self, timeout: float) -> bytes:
        self._greeting += 128
        if self._greeting > LONGEST_GREETING:
            raise Unwanted("The greeting is too long.")
        return super()._read_timeout(timeout)

    def read_message(self) -> tuple[int, Any]:
        """Read the next message. :raises Unwanted: if it is of a kind that nobody needs here"""
        kind, message = super().read_message()
        if kind == _EXTENSIONS:
            return _IGNORE, message
        if kind not in TAKEN:
            raise Unwanted("A message is of a kind that is not taken.")
        return kind, message


class Login(paramiko.ServerInterface):
    """Asks of whoever comes an enrolled key, and gives them one channel for SFTP and nothing else."""

    def __init__(self, why_not: Callable[[str, bytes], str]) -> None:
        """Ask `why_not` for a name and a raw key; an empty answer lets them in."""
        self._why_not = why_not
        self.tried = 0
        self._channels = 0

    def get_allowed_auths(self, username: str) -> str:
        """Take keys alone."""
        return "publickey"

    def check_auth_none(self, username: str) -> int:
        """Take nobody without a key; it is how clients ask what is taken."""
        return paramiko.AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        """Take no password."""
        self.tried += 1
        return paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        """Take an enrolled key; paramiko checks the signature afterwards."""
        if key.get_name() != KEY_TYPE or key.public_blob is not None:
            self.tried += 1
            return paramiko.AUTH_FAILED
        raw = key.asbytes()[-32:]
        if self._why_not(username, raw):
            self.tried += 1
            return paramiko.AUTH_FAILED
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        """Open one channel."""
        if kind != "session":
            return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        self._channels += 1
        return paramiko.OPEN_SUCCEEDED if self._channels == 1 else paramiko.OPEN_FAILED_RESOURCE_SHORTAGE


def transport(connection: Any, host_key: Ed25519PrivateKey) -> paramiko.Transport:
    """Return a session on this connection that is not begun yet."""
    made = paramiko.Transport(connection, default_window_size=WINDOW, packetizer_class=Guarded)
    options = made.get_security_options()
    options.kex = tuple(name for name in KEX if name in options.kex)
    options.ciphers, options.digests, options.key_types = CIPHERS, MACS, (KEY_TYPE,)
    made.local_version = "SSH-2.0-p20win"
    made.add_server_key(_key(host_key))
    return made


def _key(key: Ed25519PrivateKey) -> paramiko.Ed25519Key:
    text = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode("ascii")
    return paramiko.Ed25519Key(file_obj=io.StringIO(text))


def quiet() -> None:
    """Keep the library's own words out of the log: they repeat what clients send."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)
