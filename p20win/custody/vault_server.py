"""The vault's socket: one question, one single-use capability, one answer. Runs in the vault alone."""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from django.db import close_old_connections, connections

from p20win import clock
from p20win.custody import capabilities, damage, key_desk, scanning, wire
from p20win.custody.engine.errors import CustodyError
from p20win.custody.models import Capability
from p20win.jobs.public import MustWait
from p20win.refusal import Blocked

logger = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 32
ASK_AGAIN: Final = 1.0  # seconds; access that was withdrawn cuts a stream within five (SO15)
PATIENCE: Final = 60.0
COME_BACK: Final = 10  # seconds after which to ask again for what cannot be opened yet
PIECE: Final = 1 << 16


class VaultServer:
    """Serves plaintext for capabilities, in threads."""

    def __init__(self, path: Path) -> None:
        """Listen; a socket that a crash left behind is replaced."""
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with wire.short_path(path) as address:
            self._socket.bind(address)
        os.chmod(path, 0o660)
        self._socket.listen(64)
        self._room = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._stopped = threading.Event()

    def start(self) -> threading.Thread:
        """Serve in the background."""
        thread = threading.Thread(target=self._serve, name="vault-socket", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Take no more questions."""
        self._stopped.set()
        self._path.unlink(missing_ok=True)
        self._socket.close()

    def _serve(self) -> None:
        self._socket.settimeout(0.5)
        while not self._stopped.is_set():
            try:
                line, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self._room.acquire()
            threading.Thread(target=self._answer, args=(line,), name="vault-answer", daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        try:
            line.settimeout(PATIENCE)
            with line:
                question = wire.read_line(line)
                if question == wire.PING:
                    wire.send_frame(line, wire.PONG)
                elif question == wire.KEYS:
                    _tell_keys(line)
                elif question == wire.SCANNER:
                    _tell_scanner(line)
                else:
                    close_old_connections()
                    _open_for(question, line)
        except OSError as problem:
            logger.info("vault: an answer ended early (%s)", type(problem).__name__)
        except Exception as problem:  # noqa: BLE001  # the thread must not print what it had in hand
            logger.error("vault: an answer failed (%s)", type(problem).__name__)
        finally:
            connections.close_all()
            self._room.release()


def _tell_keys(line: socket.socket) -> None:
    try:
        wire.send_frame(line, key_desk.service_state().encode())
    except (MustWait, CustodyError) as away:
        wire.send_refusal(line, [str(away)])


def _tell_scanner(line: socket.socket) -> None:
    fine, says = scanning.state()
    if fine:
        wire.send_frame(line, says.encode())
    else:
        wire.send_refusal(line, [says])


def _open_for(question: str, line: socket.socket) -> None:
    token, _, session = question.partition(" ")
    try:
        granted = capabilities.use_up(token)
        capabilities.expect_there(granted, session)
    except Blocked as refusal:
        wire.send_refusal(line, refusal.reasons)
        return
    asked = time.monotonic()
    try:
        chunks = capabilities.opened_bytes(granted)
        first = next(chunks, b"")
    except Blocked as refusal:
        _refuse(granted, line, refusal.reasons)
        return
    except MustWait as reason:  # a capability is used up all the same: it opens once, and at once
        _refuse(granted, line, [f"{reason} Try again later."], again=COME_BACK)
        return
    except damage.Damaged as found:
        _note_damage(found)
        _refuse(granted, line, [str(found)])
        return
    except (CustodyError, OSError) as problem:
        logger.error("vault: capability %s not opened (%s)", granted.pk, type(problem).__name__)
        _refuse(granted, line, ["This cannot be opened: it was destroyed or damaged."])
        return
    capabilities.note_in_ledger(granted, "capability.used")
    try:
        _stream(granted, line, first, chunks, asked=asked)
    except damage.Damaged as found:  # the connection ends without its end mark, so nobody takes it for whole
        _note_damage(found)


def _note_damage(found: damage.Damaged) -> None:
    logger.error("vault: file %s is damaged", found.file.pk)
    damage.note(found, at=clock.now())


def _stream(
    granted: Capability, line: socket.socket, first: bytes, chunks: Iterator[bytes], *, asked: float
) -> None:
    """Give what was opened, in small pieces, and note how it ended and after how many bytes.

    Access was `asked` about then; opening may have taken longer than one gives without asking again.
    """
    sent, event = 0, "capability.broken_off"  # the web process, or the reader behind it, went away
    try:
        for piece in _pieces(first, chunks):
            if time.monotonic() - asked > ASK_AGAIN:
                asked = time.monotonic()
                if reasons := capabilities.why_no_longer(granted):
                    event = "capability.cut"
                    wire.send_refusal(line, reasons)
                    return
            wire.send_frame(line, piece)
            sent += len(piece)
        event = "capability.served"
        wire.send_end(line)
    finally:
        capabilities.note_in_ledger(granted, event, bytes=sent)
        capabilities.end(granted, sent=sent)


def _pieces(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the content in pieces so small that a slow reader has few of them in hand when access ends."""
    for content in chain([first], chunks):
        whole = memoryview(content)
        for start in range(0, len(content), PIECE):
            yield bytes(whole[start : start + PIECE])


def _refuse(granted: Capability, line: socket.socket, reasons: list[str], *, again: int = 0) -> None:
    wire.send_refusal(line, reasons, again=again)
    capabilities.note_in_ledger(granted, "capability.refused")
