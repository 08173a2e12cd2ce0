"""`manage.py scenario`: brings its own database, broker, workers and vault, drives one request through.

This part knows no Django: the settings can only be read once the servers of this run exist. It never looks
at, or ends, anything that it did not start.
"""

from __future__ import annotations

import argparse
import io
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
from pathlib import Path
from types import FrameType
from typing import Any, Final

from governance.scenario.memory import MemoryWatch
from p20win import embedded
from p20win.processes import NotStarted
from p20win.programs import ROOT, Crew
from p20win.supervise import PREPARATIONS

PROGRAMS: Final = ("vault", "worker", "beat")
LEFT_OUT: Final = ("collectstatic", "seed_demo")  # no page is served, and the scenario has a cast of its own
SCENARIOS: Final = ("dr0034",)
KEYS: Final = (
    "ok", "seconds", "precision", "recall", "cells_hidden", "leaks", "ledger_ok", "shredded_unreadable",
    "canaries_found",
)  # fmt: skip
_NOT_OURS: Final = re.compile(
    r"^(P20WIN_|DATABASE_URL$|OWNER_DATABASE_URL$|VAULT_DATABASE_URL$|BROKER_URL$|SECRET_KEY$|DJANGO_|PG[A-Z]+$)"
)


class Failed(Exception):
    """A step of the scenario did not go through; the message says which and why."""


def arguments(argv: list[str]) -> argparse.Namespace:
    """Read the command line; a wrong one ends the program with a message."""
    parser = argparse.ArgumentParser(
        prog="manage.py scenario",
        description="Drive one request through the whole line, on a database and with programs of its own.",
    )
    parser.add_argument("name", choices=SCENARIOS, help="which project is played")
    parser.add_argument("--people", type=int, default=20_000, help="rows of the school file (20000)")
    parser.add_argument("--seed", type=int, default=34, help="the same seed gives the same people (34)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="a new or empty folder for the documents")
    asked = parser.parse_args(argv)
    if not 300 <= asked.people <= 2_000_000:
        parser.error("--people: name 300 to 2,000,000 people.")
    if asked.keep and asked.keep.exists() and (not asked.keep.is_dir() or any(asked.keep.iterdir())):
        parser.error(f"--keep: {asked.keep} is not an empty folder. Name a new one, or empty it first.")
    return asked


def surroundings(data: Path, servers: embedded.Servers) -> dict[str, str]:
    """Return an environment in which nothing of another portal is left, temporary folder included."""
    env = {name: value for name, value in os.environ.items() if not _NOT_OURS.match(name)}
    temporary = data / "tmp"
    temporary.mkdir(mode=0o700, exist_ok=True)
    return env | {
        "P20WIN_MODE": "demo",
        "P20WIN_DATA": str(data),
        "P20WIN_EMBEDDED": "1",
        "P20WIN_SWEEP_SECONDS": "0.5",
        "P20WIN_TICK_SECONDS": "0.5",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "TMPDIR": str(temporary),
        "PYTHONUNBUFFERED": "1",
        "PORTAL_ADDRESS": "http://localhost",
        "ALLOWED_HOSTS": f"localhost,{socket.gethostname()}",
        **servers.env,
    }


def prepare(env: dict[str, str]) -> None:
    """Make the tables and the keys as `./run` does, side by side, and become the portal meanwhile.

    :raises Failed: with the end of what the command said
    """
    ours = [step for step in PREPARATIONS if step[0][0] not in LEFT_OUT]
    running = [(argv, _start_command(argv, env)) for argv, as_owner, _ in ours if as_owner]
    _become_the_portal(env)
    from django.core.management import call_command

    for argv, as_owner, _ in ours:
        if not as_owner:
            call_command(*argv, stdout=io.StringIO())
    for argv, process in running:
        output, _ = process.communicate()
        if process.returncode != 0:
            raise Failed(f"manage.py {argv[0]} failed: {output.strip()[-1500:]}")


def _start_command(argv: tuple[str, ...], env: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *argv],
        cwd=ROOT,
        env=env | {"P20WIN_AS_OWNER": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _become_the_portal(env: dict[str, str]) -> None:
    """Read the settings as the web process does, without the addresses of owner and vault."""
    mine = {name: v for name, v in env.items() if name not in ("OWNER_DATABASE_URL", "VAULT_DATABASE_URL")}
    os.environ.clear()
    os.environ.update(mine)
    tempfile.tempdir = None  # read TMPDIR again
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "p20win.settings")
    django.setup()


def say(text: str) -> None:
    """Print one line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _say_pids(pids: dict[str, int]) -> None:
    say("  process ids: " + ", ".join(f"{name} {pid}" for name, pid in pids.items()))


def play(asked: argparse.Namespace, home: Path) -> dict[str, Any]:
    """Start what is needed, drive the request, stop everything; return what was found.

    :raises Failed: if a step does not go through
    :raises NotStarted: if a server does not start
    """
    data, began = home / "data", time.monotonic()
    say(f"Starting a database, a broker and the workers of this run (process {os.getpid()}) …")
    with embedded.start(data, durable=True) as servers:
        _say_pids(servers.pids)
        env = surroundings(data, servers)
        prepare(env)
        say(f"  tables and keys made after {time.monotonic() - began:.1f} s")
        with Crew(PROGRAMS, env, data / "logs") as crew:
            _say_pids(crew.pids)
            crew.wait_until_ready()
            say(f"  ready after {time.monotonic() - began:.1f} s")
            with MemoryWatch() as memory:
                found = _drive(
                    asked, env=env, folders=[data, *servers.folders], pids=crew.pids | servers.pids
                )
            found["peak_memory_mb"] = round(memory.peak / 1e6)
    return found


def _drive(
    asked: argparse.Namespace, *, env: dict[str, str], folders: list[Path], pids: dict[str, int]
) -> dict[str, Any]:
    """Take every step."""
    from governance.scenario import line, telling

    return line.play(
        telling.Setting(
            people=asked.people,
            seed=asked.seed,
            keep=asked.keep,
            folders=folders,
            pids=pids,
            env=env,
            say=say,
        )
    )


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(argv: list[str]) -> int:
    """Play the scenario; the last line of standard output is one JSON object."""
    asked = arguments(argv)
    signal.signal(signal.SIGTERM, _stop)
    began = time.monotonic()
    result: dict[str, Any] = dict.fromkeys(KEYS)
    home = Path(tempfile.mkdtemp(prefix="p20-scenario-"))
    home.chmod(0o711)  # as root the servers run as another account and must get through
    trouble = ""
    try:
        result |= play(asked, home)
    except KeyboardInterrupt:
        trouble = "Stopped before the end."
    except (Failed, NotStarted, TimeoutError) as failure:
        trouble = str(failure)
    except Exception as failure:  # noqa: BLE001 - whatever it is, the last line must say that it failed
        trouble = f"{type(failure).__name__}: {failure}"
    finally:
        embedded.forget(home / "data")
        shutil.rmtree(home, ignore_errors=True)
    result |= {"ok": not trouble and bool(result["ok"]), "seconds": round(time.monotonic() - began, 1)}
    if trouble:
        result["error"] = trouble
        sys.stderr.write(f"The scenario failed. {trouble}\n")
    say(json.dumps(result))
    return 0 if result["ok"] else 1
