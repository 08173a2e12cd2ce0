"""What the web process can do with the vault: relay what a capability opens, and ask whether it is there."""

import socket
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from p20win import access
from p20win.custody import wire
from p20win.refusal import Blocked

_STATE_PATIENCE = 15.0  # the vault itself waits for its key service, or for the scanner
_PATIENCE = 120.0  # a large file is verified whole before its first byte comes


class NotYet(Blocked):
    """The vault cannot open it yet. Ask again, with another capability, after so many `seconds`."""

    def __init__(self, reasons: list[str], seconds: int) -> None:
        """Keep both."""
        self.seconds = seconds
        super().__init__(reasons)


def relay(token: str) -> Iterator[bytes]:
    """Pass on what a capability opens; nothing is kept. The vault has answered before this returns.

    Beside the token the vault is shown the session of the person whose page this is: it opens for no other.

    :raises Blocked: if the vault refuses, or is not there
    :raises NotYet: if it refuses for now
    :raises wire.Cut: while iterating, if access was withdrawn or the vault went away; what came is not whole
    """
    line = _ask(f"{token} {access.session_now.get()}", patience=_PATIENCE)
    try:
        first, refused = wire.read_frame(line)
        if refused:
            reasons, again = wire.read_refusal(first)
            raise NotYet(reasons, again) if again else Blocked(reasons)
    except (wire.Cut, OSError) as problem:
        line.close()
        raise Blocked("The vault does not answer. Try again in a minute.") from problem
    except BaseException:
        line.close()
        raise
    return _rest(line, first)


def _rest(line: socket.socket, first: bytes) -> Iterator[bytes]:
    with line:
        content = first
        while content:
            yield content
            content, refused = wire.read_frame(line)
            if refused:
                raise wire.Cut("Access was withdrawn.")


def vault_answers() -> bool:
    """Say whether the vault is there."""
    try:
        with _ask(wire.PING, patience=2.0) as line:
            return wire.read_frame(line) == (wire.PONG, False)
    except (Blocked, OSError):
        return False


def vault_keys_state() -> str:
    """Ask the vault how its key service is, in words for the health page.

    :raises Blocked: with the vault's words if that is away, or if the vault does not answer
    """
    return _told(wire.KEYS)


def scanner_state() -> str:
    """Ask the vault how its malware scanner is, in words for the health page.

    :raises Blocked: with the vault's words if it needs attention, or if the vault does not answer
    """
    return _told(wire.SCANNER)


def _told(question: str) -> str:
    try:
        with _ask(question, patience=_STATE_PATIENCE) as line:
            answer, refused = wire.read_frame(line)
    except OSError as problem:
        raise Blocked("The vault does not answer. Start it: manage.py vault.") from problem
    if refused:
        raise Blocked(wire.read_refusal(answer)[0])
    return answer.decode("utf-8", "replace")


def _ask(question: str, *, patience: float) -> socket.socket:
    path = Path(settings.P20WIN_VAULT_SOCKET)
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(patience)
    try:
        with wire.short_path(path) as address:
            line.connect(address)
        line.sendall(question.encode("ascii", "replace") + b"\n")
    except OSError as problem:
        line.close()
        raise Blocked("The vault does not answer. Try again in a minute.") from problem
    return line
