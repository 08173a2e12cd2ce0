"""The SFTP server's host key, and what it publishes for the pages: the public half, and that it serves."""

import base64
import datetime as dt
import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from p20win import clock
from p20win.custody.engine import signing
from p20win.custody.engine.files import write_new

PUBLIC, STATE = "host-key.pub", "state.json"
SILENT_AFTER: Final = dt.timedelta(seconds=45)  # it says every ten seconds that it serves


class NoHostKey(RuntimeError):
    """There is no host key yet."""


@dataclass(frozen=True)
class Door:
    """Where agencies' machines reach the server, and how they know that it is the right one."""

    host: str
    port: int
    public_line: str  # as in a known_hosts file, without the host

    @cached_property
    def fingerprint(self) -> str:
        """Return the fingerprint as OpenSSH shows it."""
        return fingerprint_of(self.public_line)

    @property
    def known_as(self) -> str:
        """Return how the host is named in a known_hosts file."""
        return self.host if self.port == 22 else f"[{self.host}]:{self.port}"


def make() -> bool:
    """Make the host key if there is none; say whether one was made."""
    path = Path(settings.P20WIN_SFTP_HOST_KEY)
    if path.exists():
        return False
    write_new(path, signing.private_pem(Ed25519PrivateKey.generate()))
    return True


def read() -> Ed25519PrivateKey:
    """Read the host key. :raises NoHostKey: if there is none"""
    path = Path(settings.P20WIN_SFTP_HOST_KEY)
    try:
        return signing.load_private(path.read_bytes())
    except FileNotFoundError:
        raise NoHostKey(f"{path} is missing. Restore it, or run: manage.py sftp --make-key") from None


def public_line(key: Ed25519PrivateKey) -> str:
    """Spell the public half as OpenSSH does."""
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")


def fingerprint_of(line: str) -> str:
    """Return the fingerprint of a public key as OpenSSH shows it."""
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def publish(key: Ed25519PrivateKey) -> None:
    """Put the public half where the pages find it."""
    _put(PUBLIC, public_line(key))


def say_serving(sessions: int) -> None:
    """Say that the server serves now, and how many."""
    _put(STATE, json.dumps({"at": clock.real_now().isoformat(), "sessions": sessions}))


def door() -> Door | None:
    """Return where agencies send by SFTP; nothing if that is off, or the server never ran."""
    if not settings.SFTP_ADDRESS:
        return None
    host, port = read_address(settings.SFTP_ADDRESS)
    try:
        line = (Path(settings.P20WIN_SFTP_PUBLIC) / PUBLIC).read_text("ascii")
    except FileNotFoundError:
        return None
    return Door(host, port, line)


def state() -> tuple[bool, str]:
    """Say whether the server is as it should be, and how it is, for the health page."""
    if not settings.SFTP_ADDRESS:
        return True, "Off: SFTP_ADDRESS is not set."
    try:
        told = json.loads((Path(settings.P20WIN_SFTP_PUBLIC) / STATE).read_text("utf-8"))
        at, sessions = dt.datetime.fromisoformat(told["at"]), int(told["sessions"])
    except (OSError, ValueError, KeyError):
        return False, "The SFTP server never ran here. Start it: manage.py sftp."
    if clock.real_now() - at > SILENT_AFTER:
        return False, "The SFTP server does not serve. Start it: manage.py sftp, and look at its log."
    found = door()
    shown = f", host key {found.fingerprint}" if found else ""
    return True, f"Serves as {settings.SFTP_ADDRESS}{shown}; {sessions} logged in"


def read_address(text: str) -> tuple[str, int]:
    """Read “host:port”. :raises ValueError: if it is none"""
    host, colon, port = text.rpartition(":")
    host = host.strip("[]")
    if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{text!r} is not a host and a port, as in sftp.example.org:22.")
    return host, int(port)


def _put(name: str, content: str) -> None:
    folder = Path(settings.P20WIN_SFTP_PUBLIC)
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{name}.{os.getpid()}"
    draft.write_text(content, "utf-8")
    draft.replace(folder / name)
