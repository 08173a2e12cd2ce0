"""A whole portal of its own, by its real programs, for taking parts of it away while it works."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg2
import pytest

from p20win import embedded, processes
from p20win.processes import wait_until
from p20win.programs import PROGRAMS, ROOT, Crew

BEFORE = (
    ("migrate", True),
    ("custody_keys init", False),
    ("seal_key", False),
    ("collectstatic --no-input", False),
)


class Portal:
    """Servers and programs in a folder of their own; nothing is shared with the tests' own servers."""

    def __init__(self, *, first: Callable[[Portal], None] = lambda portal: None, **env: str) -> None:
        """Start the servers. `first` is done when the tables are made and no program runs yet."""
        self._first = first
        self.data = Path(tempfile.mkdtemp(prefix="p20-faults-"))
        self.data.chmod(0o711)  # as root the servers run as nobody and must get through
        try:
            self.servers = embedded.start(self.data, durable=True)
        except BaseException:
            shutil.rmtree(self.data, ignore_errors=True)
            raise
        self.listen = f"127.0.0.1:{_free_port()}"
        self.env = _surroundings(self.data, self.listen) | self.servers.env | env
        self._down: dict[str, tuple[list[str], str, processes.Account | None]] = {}

    def __enter__(self) -> Portal:
        try:
            for command, as_owner in BEFORE:
                self.manage(*command.split(), as_owner=as_owner)
            self._first(self)
            self.crew = Crew(PROGRAMS, self.env, self.data / "logs", listen=self.listen)
            self.crew.__enter__()
            self.crew.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "crew"):
            self.crew.stop()
        self.servers.stop()
        embedded.forget(self.data)

    def manage(self, *argv: str, as_owner: bool = False) -> str:
        """Run a command of the portal."""
        env = self.env | {"P20WIN_AS_OWNER": "1" if as_owner else "0"}
        return _run([sys.executable, "manage.py", *argv], env)

    def act(self, name: str, *, as_owner: bool = False, as_vault: bool = False, **given: object) -> dict:
        """Have somebody do something, in a process of its own, and return what came of it."""
        env = self.env | {"P20WIN_AS_OWNER": "1" if as_owner else "0"}
        if as_vault:
            env |= {"DATABASE_URL": env["VAULT_DATABASE_URL"], "P20WIN_IS_VAULT": "1"}
        return json.loads(_run(_acting(name, given), env).splitlines()[-1])

    def begin(self, name: str, **given: object) -> subprocess.Popen[str]:
        """Have somebody do something, and do not wait for it."""
        argv = _acting(name, given)
        return subprocess.Popen(argv, cwd=ROOT, env=self.env, stdout=subprocess.PIPE, text=True)

    def wait(self, name: str, until, *, patience: float = 60.0, **given: object) -> dict:
        """Ask again and again until what is found is as it should be; the last finding is returned."""
        end = time.monotonic() + patience
        while not until(found := self.act(name, **given)):
            assert time.monotonic() < end, f"After {patience:.0f} s {name} finds: {found}"
            time.sleep(0.5)
        return found

    def take_away(self, name: str) -> None:
        """Stop the database or the broker."""
        process, sign = self.servers._running[name]
        cmdline = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")[:-1]
        folder = os.readlink(f"/proc/{process.pid}/cwd")
        account = processes.account_for_servers()
        self._down[name] = ([part.decode() for part in cmdline], folder, account)
        processes.end(process, sign=sign, patience=30)

    def bring_back(self, name: str) -> None:
        """Start again what was taken away, where it was."""
        argv, folder, account = self._down.pop(name)
        if name == "broker":  # its title is not its command line
            program = embedded._broker_program(Path(folder).parent, account)
            argv = [str(program), *self._broker_options(folder)]
        process = processes.spawn(
            argv,
            account=account,
            log=self.data / "logs" / f"{name}.log",
            env=processes.plain_env(),
            cwd=Path(folder),
            when_parent_dies=signal.SIGTERM,
        )
        self.servers._running[name] = (process, self.servers._running[name][1])

    def _broker_options(self, folder: str) -> list[str]:
        address = self.env["BROKER_URL"].removeprefix("redis+socket://")
        return [
            *("--port", "0", "--dir", folder, "--save", "", "--unixsocket", address),
            *("--unixsocketperm", "700", "--appendonly", "yes"),
        ]

    def kill(self, name: str) -> None:
        """Kill a program with all its processes, as a crash of the machine would; it is started again."""
        os.killpg(self.crew.pids[name], signal.SIGKILL)

    def revive(self) -> None:
        """Start again what was killed, and wait until it does its work."""
        revived: list[str] = []
        assert wait_until(lambda: bool(revived.extend(self.crew.revive()) or revived), 10)
        for name in revived:
            assert wait_until(lambda name=name: self.crew._is_ready(name), 120), name

    def broker(self, *words: str) -> bytes:
        """Say something to the broker in its own protocol."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(5)
            line.connect(self.env["BROKER_URL"].removeprefix("redis+socket://"))
            line.sendall(f"*{len(words)}\r\n".encode() + b"".join(map(_bulk, words)))
            return line.recv(65536)

    def query(self, statement: str, *values: object) -> list[tuple]:
        """Say something to the database as the owner of the tables; return the rows it answers."""
        found = re.fullmatch(r"postgres://(\w+):(\w+)@/(.+)/(\w+)", self.env["OWNER_DATABASE_URL"])
        user, password, place, name = found.groups()
        with closing(psycopg2.connect(dbname=name, user=user, password=password, host=place)) as line:
            line.autocommit = True
            with line.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []

    def page(self, path: str) -> tuple[int, str]:
        """Ask for a page as a stranger would; status and text."""
        with socket.create_connection(self.listen.rsplit(":", 1), timeout=30) as line:
            line.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            answer = b"".join(iter(lambda: line.recv(65536), b"")).decode()
        return int(answer.split(" ", 2)[1]), answer


def _bulk(word: str) -> bytes:
    return f"${len(word.encode())}\r\n{word}\r\n".encode()


def _acting(name: str, given: dict[str, object]) -> list[str]:
    start = "import django; django.setup(); from tests.faults import acts; acts.main()"
    return [sys.executable, "-c", start, name, json.dumps(given)]


def _run(argv: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{argv[1:]}: {done.stderr[-3000:]}{done.stdout[-500:]}"
    return done.stdout


@contextmanager
def small_volume(place: Path, mebibytes: int) -> Iterator[Path]:
    """Let this folder be a volume of its own that has little room. Skips where nobody may mount one."""
    argv = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(argv, capture_output=True).returncode:
        pytest.skip("Nobody may mount a volume here: run this as root, with the right to mount.")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(path: Path) -> None:
    """Leave no room on the volume where this file lies."""
    with path.open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(4096))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _surroundings(data: Path, listen: str) -> dict[str, str]:
    left_out = ("P20WIN_", "DJANGO_", "PYTEST_", "DATABASE_", "OWNER_", "VAULT_", "BROKER_", "SECRET_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    temporary = data / "tmp"
    temporary.mkdir(mode=0o700)
    return env | {
        "P20WIN_MODE": "test",
        "P20WIN_DATA": str(data),
        "P20WIN_EMBEDDED": "1",
        "P20WIN_SWEEP_SECONDS": "2",
        "P20WIN_TICK_SECONDS": "2",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DJANGO_SETTINGS_MODULE": "p20win.settings",
        "PORTAL_ADDRESS": f"http://{listen}",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(temporary),
    }
