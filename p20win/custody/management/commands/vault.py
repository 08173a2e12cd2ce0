"""`manage.py vault`: the only processes that can open sealed files.

It serves the socket itself and looks after a worker for the queue "vault", started again when it ends.
"""

import fcntl
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from subprocess import Popen
from types import FrameType
from typing import IO, Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections

from p20win import clock, processes
from p20win.custody import (
    agency_key_list,
    damage_watch,
    hardening,
    key_desk,
    key_snapshots,
    key_watch,
    renewal,
    services,
    uploads,
    vault_keys,
)
from p20win.custody.engine.errors import CustodyError
from p20win.custody.vault_server import VaultServer
from p20win.jobs.public import MustWait
from p20win.refusal import Blocked

logger = logging.getLogger(__name__)

STOP_PATIENCE: Final = 15.0
LONGEST_PAUSE: Final = 30.0
TIDY_EVERY: Final = 600.0


class Command(BaseCommand):
    """Serve plaintext for capabilities, and do the vault's jobs, until told to stop."""

    help = "Run the vault: its socket, and a worker for its queue."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT."""
        hardening.keep_memory_private()
        socket_path = Path(settings.P20WIN_VAULT_SOCKET)
        lock = _only_one(socket_path.with_suffix(".lock"))
        if settings.P20WIN_MODE != "production":
            vault_keys.make_keys()
        _read_all_keys()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _setting(stop))
        server = VaultServer(socket_path)
        server.start()
        try:
            _look_after_worker(stop)
        finally:
            server.stop()
            lock.close()


def _only_one(path: Path) -> IO[str]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise CommandError(
            f"Another vault serves {path.with_suffix('.sock')}. Stop that one first."
        ) from None
    return handle


def _read_all_keys() -> None:
    keys = vault_keys.private_keys()
    try:
        _ = keys.vaults, keys.hubs, keys.store
    except FileNotFoundError as missing:
        raise CommandError(
            f"{missing.filename} is missing. Restore it from its backup; only if this is a new installation, "
            "run: manage.py custody_keys init"
        ) from None


def _setting(stop: threading.Event) -> Any:
    def handler(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    return handler


def worker_command() -> list[str]:
    """Return the command line of the vault's worker: one child process for one job."""
    celery = [sys.executable, "-m", "celery", "--app=p20win.celery", "--quiet", "worker"]
    pool = "prefork" if os.access("/dev/shm", os.W_OK) else "threads"  # noqa: S108
    return [
        *celery,
        "--queues=vault",
        "--hostname=vault@%h",
        f"--pool={pool}",
        f"--concurrency={settings.P20WIN_VAULT_CONCURRENCY}",
        *(["--max-tasks-per-child=1"] if pool == "prefork" else []),
        "--without-gossip",
        "--without-mingle",
        "--loglevel=WARNING",
    ]


def _look_after_worker(stop: threading.Event) -> None:
    pause, tidied = 0.5, 0.0
    worker = _start()
    started = time.monotonic()
    while not stop.wait(0.25):
        if worker.poll() is not None:
            processes.end_session(worker)  # its children
            pause = 0.5 if time.monotonic() - started > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
            if stop.wait(pause):
                return
            worker, started = _start(), time.monotonic()
        if time.monotonic() - tidied > TIDY_EVERY:
            tidied = time.monotonic()
            _tidy()
    processes.end(worker, sign=signal.SIGTERM, patience=STOP_PATIENCE)
    processes.end_session(worker)


def _tidy() -> None:
    close_old_connections()
    try:
        uploads.lapse(at=clock.now(), now=clock.real_now())
        services.tidy(now=clock.real_now())
        damage_watch.look(now=clock.real_now(), at=clock.now())
        look_after_keys()
    except (OSError, DatabaseError, CustodyError, MustWait, Blocked) as problem:  # the next round will do it
        logger.warning("vault: not tidied (%s)", type(problem).__name__)


def look_after_keys() -> None:
    """Compare keys and database, keep the snapshots' days, and tell the pages."""
    now = clock.real_now()
    found = key_watch.look(at=clock.now())
    if found.without_key or found.destroyed_again:
        logger.error(
            "vault: keys and database differ: %d files without key, %d keys destroyed again",
            len(found.without_key),
            len(found.destroyed_again),
        )
    agency_key_list.publish_if_due(now=now)
    renewal.retire_due(now=now, at=clock.now())
    key_snapshots.remove_expired(now=now)
    try:
        key_snapshots.take_if_due(now=now)
    finally:
        key_desk.publish(now=now, missing_keys=found.without_key)


def _start() -> "Popen[bytes]":
    return processes.spawn(worker_command(), env=dict(os.environ), cwd=settings.BASE_DIR)
