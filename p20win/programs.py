"""The portal's four programs, and the fifth that some want: the one place that says how each is started.

`python -m p20win.programs web` becomes that program, and with `--healthy` says whether it does its work: the
image uses both. `Crew` keeps several running: `./run` uses it, and so does the scenario.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from p20win import processes
from p20win.processes import NotStarted

ROOT: Final = Path(__file__).resolve().parent.parent
PROGRAMS: Final = ("vault", "worker", "beat", "web")  # in the order in which they start
SFTP: Final = "sftp"  # takes files from agencies' machines; only where SFTP_ADDRESS is set
SFTP_LISTENS: Final = "127.0.0.1:2222"  # unless SFTP_LISTEN says otherwise
QUEUES: Final = {"worker": "default", "vault": "vault"}
READY_PATIENCE: Final = 90.0
BEAT_PATIENCE: Final = 600.0  # beat writes its schedule down every three minutes
STOP_PATIENCE: Final = {"web": 10.0, "beat": 5.0, "worker": 20.0, "vault": 20.0, SFTP: 20.0}
RESTARTS_IN_A_ROW: Final = 5
STEADY_SECONDS: Final = 30.0  # a program that ran this long starts counting anew


def command(name: str, *, listen: str = "0.0.0.0:8000") -> list[str]:
    """Return the command line of one program."""
    celery = [sys.executable, "-m", "celery", "--app=p20win.celery", "--quiet"]
    match name:
        case "web":
            gunicorn = [sys.executable, "-m", "gunicorn", "p20win.wsgi:application", f"--bind={listen}"]
            return [
                *gunicorn,
                "--worker-class=gthread",  # WSGI: under ASGI Django spools an upload to disk in plaintext
                f"--workers={os.environ.get('WEB_WORKERS', '2')}",
                f"--threads={os.environ.get('WEB_THREADS', '8')}",
                "--timeout=60",
                "--graceful-timeout=8",
                "--no-control-socket",
                "--log-level=warning",
                "--logger-class=p20win.logs.WebLog",
            ]
        case "worker":
            pool = "prefork" if os.access("/dev/shm", os.W_OK) else "threads"  # noqa: S108
            options = ["--queues=default", "--hostname=worker@%h", f"--pool={pool}", "--concurrency=2"]
            return [*celery, "worker", *options, "--without-gossip", "--without-mingle", "--loglevel=WARNING"]
        case "vault":
            # The only one that can open sealed files; it also runs the vault's queue.
            return [sys.executable, str(ROOT / "manage.py"), "vault"]
        case "beat":
            return [*celery, "beat", "--loglevel=WARNING", "--pidfile="]
        case "sftp":
            return [sys.executable, str(ROOT / "manage.py"), "sftp"]
    raise ValueError(f"No program is called {name!r}; there are {', '.join((*PROGRAMS, SFTP))}.")


def wanted(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the programs that run in these surroundings."""
    return (*PROGRAMS, SFTP) if env.get("SFTP_ADDRESS") else PROGRAMS


def page_is_served(address: str, *, host: str = "") -> bool:
    """Say whether the portal answers there, as the proxy in front of it would ask."""
    headers = {"X-Forwarded-Proto": "https", "Host": host} if host else {}
    try:
        ask = urllib.request.Request(f"{address}/health/live/", headers=headers)  # noqa: S310 (http only)
        with urllib.request.urlopen(ask, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def queue_is_served(name: str, broker: str) -> bool:
    """Say whether this worker of this machine listens to its queue: it is asked by name, and nobody else."""
    from celery import Celery

    node = f"{name}@{socket.gethostname()}"
    with Celery(broker=broker, set_as_current=False) as app:
        served = app.control.inspect(destination=[node], timeout=0.5).active_queues() or {}
    return any(entry["name"] == QUEUES[name] for entry in served.get(node, ()))


def sftp_is_served(listen: str) -> bool:
    """Say whether an SSH server answers there."""
    host, _, port = listen.rpartition(":")
    host = {"0.0.0.0": "127.0.0.1", "[::]": "::1"}.get(host, host.strip("[]"))  # noqa: S104
    try:
        with socket.create_connection((host, int(port)), timeout=5) as line:
            return line.recv(4) == b"SSH-"
    except OSError:
        return False


def is_healthy(name: str, *, listen: str) -> bool:
    """Say whether the program that runs beside this one, in the same container, does its work."""
    if name == "web":
        port = listen.rpartition(":")[2]
        return page_is_served(f"http://127.0.0.1:{port}", host=os.environ["ALLOWED_HOSTS"].split(",")[0])
    if name == "beat":
        schedule = Path(os.environ["P20WIN_DATA"]) / "beat-schedule"
        return schedule.is_file() and time.time() - schedule.stat().st_mtime < BEAT_PATIENCE
    if name == SFTP:
        return sftp_is_served(os.environ.get("SFTP_LISTEN", SFTP_LISTENS))
    return queue_is_served(name, os.environ["BROKER_URL"])


@dataclass
class _Member:
    process: subprocess.Popen[bytes]
    started: float
    restarts: int = 0


@dataclass
class Crew:
    """Some of the programs, running; each is started again when it ends by itself."""

    names: Sequence[str]
    env: Mapping[str, str]  # VAULT_DATABASE_URL and OWNER_DATABASE_URL reach only those they are for
    logs: Path
    listen: str = "127.0.0.1:8000"
    _members: dict[str, _Member] = field(default_factory=dict)

    def __enter__(self) -> Crew:
        """Start all, in order.

        :raises NotStarted: if one ends at once
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            for name in (*PROGRAMS, SFTP):
                if name in self.names:
                    self._start(name)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        """Return the process id of each program, by name."""
        return {name: member.process.pid for name, member in self._members.items()}

    def _start(self, name: str, restarts: int = 0) -> None:
        process = processes.spawn(
            command(name, listen=self.listen), env=self._env_of(name), cwd=ROOT, log=self.logs / f"{name}.log"
        )
        self._members[name] = _Member(process, time.monotonic(), restarts)

    def _env_of(self, name: str) -> dict[str, str]:
        env = dict(self.env)
        env.pop("OWNER_DATABASE_URL", None)
        vault = env.pop("VAULT_DATABASE_URL", None)
        if name == "vault" and vault:
            env["DATABASE_URL"] = vault
        return env

    def wait_until_ready(self) -> None:
        """Wait until pages are served and the workers answer.

        :raises NotStarted: if that takes too long
        """
        for name in ("web", "worker", "vault", SFTP):
            until = time.monotonic() + READY_PATIENCE
            while name in self.names and not self._is_ready(name):
                self.revive()
                if time.monotonic() > until:
                    raise NotStarted(f"{name} does not answer. {self._last_words(name)}")
                time.sleep(0.1)

    def _is_ready(self, name: str) -> bool:
        if name == "web":
            return page_is_served(f"http://{self.listen}")
        if name == SFTP:
            return sftp_is_served(self.env.get("SFTP_LISTEN", SFTP_LISTENS))
        return queue_is_served(name, self.env["BROKER_URL"])

    def revive(self) -> list[str]:
        """Start again what has ended; say what that was.

        :raises NotStarted: if one ends again and again
        """
        revived = []
        for name, member in list(self._members.items()):
            if member.process.poll() is None:
                continue
            processes.end_session(member.process)  # children of a killed worker
            steady = time.monotonic() - member.started > STEADY_SECONDS
            restarts = 0 if steady else member.restarts + 1
            if restarts > RESTARTS_IN_A_ROW:
                raise NotStarted(f"{name} ends again and again. {self._last_words(name)}")
            self._start(name, restarts)
            revived.append(name)
        return revived

    def _last_words(self, name: str) -> str:
        log = self.logs / f"{name}.log"
        said = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
        tail = said.strip().splitlines()[-3:]
        return f"Its log, {log}, ends: " + " / ".join(tail)

    def stop(self) -> None:
        """Stop all: first nobody may ask for more, then what is running may finish."""
        order = ("web", SFTP, "beat", "worker", "vault")
        for name in order:
            if member := self._members.get(name):
                member.process.terminate() if member.process.poll() is None else None
        for name in order:
            if member := self._members.pop(name, None):
                processes.end(member.process, sign=signal.SIGTERM, patience=STOP_PATIENCE[name])
                processes.end_session(member.process)


def main() -> None:
    """Become one of the programs."""
    parser = argparse.ArgumentParser(description="Become one of the portal's programs.")
    parser.add_argument("name", choices=(*PROGRAMS, SFTP))
    parser.add_argument("--listen", default="0.0.0.0:8000", help="address and port of web")
    parser.add_argument("--healthy", action="store_true", help="exit 0 if it does its work, 1 if not")
    asked = parser.parse_args()
    if asked.healthy:
        raise SystemExit(0 if is_healthy(asked.name, listen=asked.listen) else 1)
    os.chdir(ROOT)
    processes.dump_no_core()
    argv = command(asked.name, listen=asked.listen)
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main()
