"""Starting and ending other programs so that none is left behind. Standard library only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1


START_PATIENCE = 60.0


class NotStarted(Exception):
    """A server could not be started; the message says what to do about it."""


@dataclass(frozen=True)
class Account:
    """The ordinary user that a server runs as when we are root."""

    name: str
    uid: int
    gid: int

    def give(self, folder: Path) -> None:
        """Hand a folder and all in it to this account."""
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def account_for_servers() -> Account | None:
    """Return `nobody` when we are root (PostgreSQL refuses root), and nothing when we are not."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def plain_env() -> dict[str, str]:
    """Return an environment that carries none of our secrets and no language of the machine."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def run(argv: Sequence[str | Path], account: Account | None, *, send: str = "") -> None:
    """Run a program to its end as the account.

    :raises CalledProcessError: if it fails
    """
    subprocess.run(
        argv,
        input=send.encode(),
        capture_output=True,
        check=True,
        timeout=120,
        cwd="/",
        env=plain_env(),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def runs(program: Path, account: Account | None) -> bool:
    """Say whether the account can run this program at all."""
    try:
        run([program, "--version"], account)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def spawn(
    argv: Sequence[str | Path],
    *,
    account: Account | None = None,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    when_parent_dies: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own that ends when we end, even when we are killed with -9.

    It writes no core dump (T16): what it had in hand would lie on the disk.

    Call it from the main thread: Linux ties the child to the thread that started it.
    """
    output = log.open("ab") if log else None
    try:
        return subprocess.Popen(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor alone
            preexec_fn=_before_it_runs(os.getpid(), when_parent_dies),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    finally:
        if output:
            output.close()


def dump_no_core() -> None:
    """Switch core dumps off for this process and those it starts."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _before_it_runs(parent: int, sign: signal.Signals) -> Callable[[], None]:
    if sys.platform != "linux":
        return dump_no_core
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def tie() -> None:
        dump_no_core()
        prctl(PR_SET_PDEATHSIG, int(sign), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the tie was made
            os._exit(1)

    return tie


def end(process: subprocess.Popen[bytes], *, sign: signal.Signals, patience: float) -> bool:
    """Ask a child to end, wait, kill it with its session if it does not; say whether it ended by itself."""
    if process.poll() is not None:
        return True
    process.send_signal(sign)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False
    return True


def end_session(process: subprocess.Popen[bytes]) -> None:
    """Kill whatever a child that has ended left running in its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def working_in(folder: Path) -> list[int]:
    """Return the live processes whose working directory is this folder (zombies have none)."""
    found = []
    target = folder.resolve()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            here = Path(os.readlink(entry / "cwd"))
        except OSError:  # gone meanwhile, a zombie, or somebody else's
            continue
        if here == target:
            found.append(int(entry.name))
    return sorted(found)


def end_those_working_in(folder: Path, *, sign: signal.Signals, patience: float) -> None:
    """End orphans that still use a folder; at the end of our patience kill them.

    :raises TimeoutError: if even that does not free the folder
    """
    if not folder.is_dir() or not (orphans := working_in(folder)):
        return
    _signal(orphans, sign)
    if wait_until(lambda: not working_in(folder), patience):
        return
    _signal(working_in(folder), signal.SIGKILL)
    if not wait_until(lambda: not working_in(folder), 5):
        raise TimeoutError(f"Processes {working_in(folder)} still use {folder}. End them and start again.")


def _signal(pids: Iterable[int], sign: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            continue


def wait_until(ready: Callable[[], bool], seconds: float, *, every: float = 0.02) -> bool:
    """Wait for something to become true; say whether it did."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if ready():
            return True
        time.sleep(every)
    return ready()


def wait_for(name: str, process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    """Wait until a server answers; end it if it does not.

    :raises NotStarted: if it ends first, or takes too long
    """
    if wait_until(lambda: process.poll() is not None or ready(), START_PATIENCE) and process.poll() is None:
        return
    end(process, sign=signal.SIGTERM, patience=5)
    tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
    raise NotStarted(f"{name} did not start. Its log, {log}, ends: " + " / ".join(tail))
