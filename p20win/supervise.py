"""Serves the portal with everything it needs, until Ctrl-C: what `./run` becomes after the set-up."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import FrameType
from typing import Final

from p20win import embedded
from p20win.processes import NotStarted
from p20win.programs import ROOT, Crew, wanted

# What must have been done before the portal is served: the command, whether it runs as the owner of the
# tables, and the files on which its outcome depends.
PREPARATIONS: Final = (
    (("migrate", "--no-input", "--verbosity=0"), True, ("*/migrations/*.py", "p20win/*/migrations/*.py")),
    (("custody_keys", "init"), False, ()),
    (("seal_key",), False, ()),
    (("collectstatic", "--no-input", "--verbosity=0"), False, ("static/**/*", "build/static-lock.txt")),
    (("seed_demo",), False, ("governance/seed/*.py", "fixtures/*.toml")),
)


def data_folder() -> Path:
    """Return where everything lives that must outlast a restart: outside the checkout.

    :raises NotStarted: if the folder lies in the checkout
    """
    folder = Path(os.environ.get("P20WIN_DATA") or Path.home() / ".p20win").expanduser().absolute()
    if folder.is_relative_to(ROOT):
        raise NotStarted(f"P20WIN_DATA, {folder}, lies inside the checkout. Name a folder outside {ROOT}.")
    return folder


def surroundings(
    data: Path, servers: embedded.Servers, *, host: str, port: int, sftp: int | None = None
) -> dict[str, str]:
    """Return the environment of the portal's programs: what was given, else what we made."""
    given = dict(os.environ)
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::") else host  # noqa: S104
    env = {
        "P20WIN_MODE": "demo",
        "P20WIN_DATA": str(data),
        "P20WIN_EMBEDDED": "1" if servers.env else "0",
        "SECRET_KEY": _secret_key(data),
        "PORTAL_ADDRESS": f"http://{shown}:{port}",
        "ALLOWED_HOSTS": ",".join(sorted({"localhost", "127.0.0.1", "[::1]", socket.gethostname(), host})),
        **servers.env,
    }
    if sftp:
        env |= {
            "SFTP_ADDRESS": f"{shown}:{sftp}",
            "SFTP_LISTEN": f"{f'[{host}]' if ':' in host else host}:{sftp}",
        }
    env |= given
    env["PYTHONUNBUFFERED"] = "1"
    env.setdefault("OWNER_DATABASE_URL", env["DATABASE_URL"])
    return env


def _secret_key(data: Path) -> str:
    path = data / "secret-key"
    if not path.is_file():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50), encoding="utf-8")
    return path.read_text(encoding="utf-8")


# -------------------------------------------------------------------------------- preparations


def prepare(data: Path, env: dict[str, str], *, few: bool = False) -> None:
    """Bring the database, the static files and the demo's people to the state of this code.

    :param few: tell a few of the demo's requests only; a later start tells the others
    :raises NotStarted: if a step fails
    """
    path = data / "prepared.json"
    done = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for argv, as_owner, files in PREPARATIONS:
        state = _digest(files, env["DATABASE_URL"].rpartition("/")[2])
        if done.get(argv[0]) == state:
            continue
        began = time.monotonic()
        print(f"  {argv[0]} ...", end="", flush=True)
        options = ("--few",) if few and argv[0] == "seed_demo" else ()
        whole = _manage((*argv, *options), env | {"P20WIN_AS_OWNER": "1" if as_owner else "0"})
        print(f" {time.monotonic() - began:.0f} s", flush=True)
        done[argv[0]] = state if whole else "in part"
        path.write_text(json.dumps(done), encoding="utf-8")


def _digest(patterns: tuple[str, ...], database: str) -> str:
    """Sum up the files that a preparation depends on; a change in any makes it run again."""
    digest = hashlib.sha256(database.encode())
    for path in sorted({path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}):
        digest.update(f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _manage(argv: tuple[str, ...], env: dict[str, str]) -> bool:
    """Run a command; say whether it did all it could ever do, or must be called again another time.

    :raises NotStarted: if it fails
    """
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", *argv],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (os.EX_OK, os.EX_TEMPFAIL):
        raise NotStarted(f"manage.py {argv[0]} failed: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.returncode == os.EX_OK


# -------------------------------------------------------------------------------- serving


def _port_is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            line.bind((host, port))
        except OSError:
            return False
    return True


def serve(*, host: str, port: int, reset: bool, sftp: int | None = None, few: bool = False) -> None:
    """Start everything, say when it is ready, and stay until told to stop.

    :raises NotStarted: if something does not start; the message says what to do
    """
    began = time.monotonic()
    data = data_folder()
    for asked, option in ((port, "--port 8001"), (sftp, "--sftp 2223")):
        if asked and not _port_is_free(host, asked):
            raise NotStarted(
                f"Port {asked} on {host} is taken. Stop what uses it, or take another: ./run {option}"
            )
    if reset:
        print(f"Forgetting everything in {data} ...", flush=True)
        embedded.forget(data)
    own_database = "DATABASE_URL" not in os.environ
    own_broker = "BROKER_URL" not in os.environ
    print("Starting the database and the broker ...", flush=True)
    with embedded.start(data, durable=True, database=own_database, broker=own_broker) as servers:
        env = surroundings(data, servers, host=host, port=port, sftp=sftp)
        prepare(data, env, few=few)
        print("Starting the portal ...", flush=True)
        with Crew(wanted(env), env, data / "logs", listen=f"{host}:{port}") as crew:
            crew.wait_until_ready()
            _say_ready(env, data, time.monotonic() - began)
            _stay(crew, servers)
    print("Stopped. Nothing is left running.", flush=True)


def _say_ready(env: dict[str, str], data: Path, seconds: float) -> None:
    address, sftp = env["PORTAL_ADDRESS"], env.get("SFTP_ADDRESS")
    by_sftp = f"SFTP, for machines with an enrolled key:  {sftp}\n" if sftp else ""
    print(
        f"\nThe portal is ready after {seconds:.0f} s:  {address}/\n"
        f"Sign in as any of the demo people:  {address}/demo/\n{_some_people()}{by_sftp}"
        f"Data and logs: {data}\n"
        "Ctrl-C stops it. ./run --reset starts afresh.",
        flush=True,
    )


def _some_people() -> str:
    """Name one of the demo people for each role."""
    listed = ROOT / "fixtures" / "people.toml"
    people = tomllib.loads(listed.read_text(encoding="utf-8"))["person"] if listed.is_file() else []
    first: dict[str, str] = {}
    for person in people:
        for role in person["roles"]:
            first.setdefault(role, f"  {role.replace('_', ' '):16} {person['name']}, {person['position']}\n")
    return "".join(first.values())


_asked_to_stop = False


def _stay(crew: Crew, servers: embedded.Servers) -> None:
    while not _asked_to_stop:
        time.sleep(0.5)
        if gone := servers.ended():
            raise NotStarted(f"{', '.join(gone)} ended; the log is in the data folder. Start again.")
        for name in crew.revive():
            print(f"{name} had ended; it was started again.", flush=True)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    global _asked_to_stop
    if _asked_to_stop:
        return
    _asked_to_stop = True
    print("\nStopping ...", flush=True)
    raise KeyboardInterrupt


def main() -> int:
    """Serve the portal."""
    parser = argparse.ArgumentParser(description="Serve the portal with everything it needs.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--reset", action="store_true")
    parser.add_argument("--sftp", type=int)
    parser.add_argument("--few", action="store_true")
    asked = parser.parse_args()
    os.environ.setdefault("P20WIN_MODE", "demo")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        serve(host=asked.host, port=asked.port, reset=asked.reset, sftp=asked.sftp, few=asked.few)
    except KeyboardInterrupt:
        print("Stopped. Nothing is left running.", flush=True)
    except (NotStarted, TimeoutError) as trouble:
        print(f"The portal did not start. {trouble}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
