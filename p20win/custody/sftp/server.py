"""The SFTP server: listens, lets enrolled keys in, cuts a session as soon as its key opens nothing more."""

import logging
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import Error, connection

from p20win import clock
from p20win.custody.sftp import host_key, logins, ssh
from p20win.custody.sftp.folders import AgencyFolders
from p20win.custody.sftp.protocol import Conversation

if TYPE_CHECKING:
    from p20win.accounts.models import SigningKey

logger = logging.getLogger(__name__)

SESSIONS: Final = 32
STRANGERS: Final = 12  # connected and not logged in yet; of one address a third
LOGIN_SECONDS: Final = 30.0
IDLE_SECONDS: Final = 900.0
GOODBYE_SECONDS: Final = 3.0
WATCH_SECONDS: Final = 1.5
TELL_SECONDS: Final = 10.0
STOP_SECONDS: Final = 15.0
MOST_WORDS: Final = 16 << 10  # told to one client beside its answers: they use up its window


class Session:
    """One connection: first a stranger's, then a key's."""

    def __init__(self, line: socket.socket, address: str, key: Ed25519PrivateKey) -> None:
        """Prepare it; `begin` lets it speak."""
        self.address, self.began = address, time.monotonic()
        self.heard = self.began
        self.key: SigningKey | None = None
        self.is_cut = self.counted = self._entered = False
        self._speaking = threading.Event()
        self._told, self._left = 0, float("inf")
        self.login = ssh.Login(self._why_not)
        self._transport = ssh.transport(line, key)
        self._transport.set_subsystem_handler("sftp", _Subsystem, self)

    def begin(self) -> None:
        """Let it speak, in threads of its own."""
        self._transport.start_server(event=threading.Event(), server=self.login)

    @property
    def is_over(self) -> bool:
        """Say whether nothing more will come of it."""
        return not self._transport.is_active() and not self._speaking.is_set()

    @property
    def is_in(self) -> bool:
        """Say whether it has logged in."""
        return self._entered or self._transport.is_authenticated()

    def has_left(self, now: float) -> bool:
        """Say whether it is done and had the time to hang up."""
        return now - self._left > GOODBYE_SECONDS

    def _why_not(self, username: str, raw: bytes) -> str:
        try:
            key, why = logins.key_of(username, raw, at=clock.now())
        except Error:
            key, why = None, "no database"
        finally:
            connection.close()
        if key is None:
            logger.warning("sftp: log-in from %s refused: %s", self.address, why)
        else:
            self.key = key  # counts once the signature is checked
        return why

    def converse(self, channel: paramiko.Channel) -> None:
        """Answer the client until it is gone; what came of an unfinished file is kept, unless it was cut."""
        if self.key is None or not self.is_in:
            return
        self._entered = True
        self._speaking.set()
        packets: Any = self._transport.packetizer
        packets.waiting = lambda: len(channel.in_buffer) + len(channel.in_stderr_buffer)
        logger.info("sftp: key %s logged in from %s", self.key.pk, self.address)
        talk = Conversation(
            _Heard(channel, self),
            AgencyFolders(self.key.pk),
            tell=lambda says: self._tell(channel, says),
            done=connection.close,
        )
        try:
            with suppress(*ssh.CUT):
                talk.run()
        finally:
            talk.end(keep=not self.is_cut)
            connection.close()
            logger.info("sftp: key %s %s", self.key.pk, "was cut" if self.is_cut else "left")
            self._speaking.clear()
            self._left = time.monotonic()
            with suppress(*ssh.CUT):
                channel.send_exit_status(0)  # and the client hangs up

    def _tell(self, channel: paramiko.Channel, says: str) -> None:
        """Say it beside the answers: OpenSSH shows no other words."""
        words = f"p20win: {says}\n".encode()
        self._told += len(words)
        if self._told <= MOST_WORDS:
            channel.sendall_stderr(words)

    def cut(self, why: str) -> None:
        """End it now; nothing of the piece under way is kept."""
        self.is_cut = True
        logger.info("sftp: session from %s ended: %s", self.address, why)
        self.close()

    def close(self) -> None:
        """End it."""
        with suppress(OSError):
            self._transport.sock.shutdown(socket.SHUT_RDWR)
        self._transport.close()


class _Heard:
    """The channel, with the moment when something was last heard."""

    def __init__(self, channel: paramiko.Channel, session: Session) -> None:
        self._channel, self._session = channel, session
        self.sendall = channel.sendall

    def recv(self, nbytes: int, /) -> bytes:
        content: bytes = self._channel.recv(nbytes)
        self._session.heard = time.monotonic()
        return content


class _Subsystem(paramiko.SubsystemHandler):
    """What paramiko starts when a client asks for SFTP."""

    def __init__(self, channel: Any, name: str, server: Any, session: Session) -> None:
        super().__init__(channel, name, server)
        self._session = session

    def start_subsystem(self, name: str, transport: Any, channel: paramiko.Channel) -> None:
        self._session.converse(channel)


class Server:
    """Listens until told to stop."""

    def __init__(self, listen: tuple[str, int], key: Ed25519PrivateKey) -> None:
        """Listen here. :raises OSError: if that is taken"""
        host, port = listen
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._door = socket.create_server((host, port), family=family, backlog=64)
        self._door.settimeout(0.5)
        self.port: int = self._door.getsockname()[1]
        self._key, self._throttle = key, logins.Throttle()
        self._sessions: list[Session] = []
        self._lock = threading.Lock()

    def serve(self, stop: threading.Event) -> None:
        """Take connections until told to stop; then end all sessions, and keep what they had sent."""
        ssh.quiet()
        host_key.publish(self._key)
        watch = threading.Thread(target=self._watch, args=(stop,), name="sftp-watch", daemon=True)
        watch.start()
        try:
            while not stop.is_set() and watch.is_alive():
                try:
                    line, address = self._door.accept()
                except TimeoutError:
                    continue
                except OSError as trouble:  # too many files are open, or the client is gone already
                    logger.warning("sftp: a connection was not taken (%s)", type(trouble).__name__)
                    stop.wait(0.2)
                    continue
                self._take(line, address[0])
        finally:
            stop.set()
            self._door.close()
            watch.join()
            self._end_all()

    def _take(self, line: socket.socket, address: str) -> None:
        with self._lock:
            here = [each for each in self._sessions if not each.is_over]
        strangers = [each.address for each in here if not each.is_in]
        full = len(here) >= SESSIONS or len(strangers) >= STRANGERS
        if (
            full
            or strangers.count(address) >= STRANGERS // 3
            or self._throttle.turns_away(address, now=time.monotonic())
        ):
            line.close()
            return
        try:
            session = Session(line, address, self._key)
            session.begin()
        except ssh.CUT as trouble:
            logger.warning("sftp: a connection was not begun (%s)", type(trouble).__name__)
            line.close()
            return
        with self._lock:
            self._sessions.append(session)

    def _watch(self, stop: threading.Event) -> None:
        told = float("-inf")
        while not stop.wait(WATCH_SECONDS):
            self._look_after_sessions()
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                with suppress(OSError):  # a disk that is full ends no session
                    host_key.say_serving(sum(each.is_in for each in self._sessions))

    def _look_after_sessions(self) -> None:
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            self._count(session)
        for session in [each for each in sessions if each.is_over]:
            with self._lock:
                self._sessions.remove(session)
        now = time.monotonic()
        for session in sessions:
            if not session.is_in and now - session.began > LOGIN_SECONDS:
                session.cut("nobody logged in")
            elif session.has_left(now) or now - session.heard > IDLE_SECONDS:
                session.close()
        self._cut_those_ended([each for each in sessions if each.is_in])

    def _count(self, session: Session) -> None:
        """Remember once how the log-in ended."""
        if session.counted:
            return
        if session.is_in:
            session.counted = True
            self._throttle.succeeded(session.address)
        elif session.is_over:
            session.counted = True
            if session.login.tried:
                self._throttle.failed(session.address, now=time.monotonic())

    def _cut_those_ended(self, sessions: list[Session]) -> None:
        pks = {each.key.pk for each in sessions if each.key}
        if not pks:
            return
        try:
            ended = logins.ended(pks, clock.now())
        except Error as trouble:  # nothing can count meanwhile either
            logger.warning("sftp: keys could not be looked up (%s)", type(trouble).__name__)
            return
        finally:
            connection.close()
        for session in sessions:
            if session.key and session.key.pk in ended:
                session.cut("its key opens nothing any more")

    def _end_all(self) -> None:
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            session.close()
        until = time.monotonic() + STOP_SECONDS
        while time.monotonic() < until and not all(each.is_over for each in sessions):
            time.sleep(0.05)
