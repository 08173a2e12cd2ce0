"""The servers of demo and tests: real ones, started, killed, and started again."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg2
import pytest
import redis

from p20win import embedded, processes
from p20win.processes import NotStarted

ROOT = Path(__file__).resolve().parent.parent.parent
STARTER = """
import json, pathlib, sys, time
from p20win import embedded
servers = embedded.start(pathlib.Path(sys.argv[1]), durable=True)
print(json.dumps({"env": servers.env, "pids": servers.pids}), flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder():
    """Return a folder that the servers' account can enter, and forget it afterwards."""
    made = Path(tempfile.mkdtemp(prefix="p20-embedded-"))
    made.chmod(0o711)
    yield made / "data"
    embedded.forget(made / "data")
    made.rmdir()


def ask(url: str, sql: str, *values) -> list[tuple]:
    role, _, rest = url.removeprefix("postgres://").partition(":")
    password, _, place = rest.partition("@")
    sockets, _, database = place.removeprefix("/").rpartition("/")
    line = psycopg2.connect(host=sockets, user=role, password=password, dbname=database)
    line.autocommit = True
    with line.cursor() as cursor:
        cursor.execute(sql, values)
        rows = cursor.fetchall() if cursor.description else []
    line.close()
    return rows


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def start_elsewhere(folder: Path) -> tuple[subprocess.Popen, dict]:
    starter = subprocess.Popen([sys.executable, "-c", STARTER, folder], cwd=ROOT, stdout=subprocess.PIPE)
    with starter.stdout as line:
        return starter, json.loads(line.readline())


class TestServers:
    def test_keep_their_rows_and_give_each_role_no_more_than_it_needs(self, folder):
        with embedded.start(folder, durable=True) as servers:
            ask(servers.env["OWNER_DATABASE_URL"], "CREATE TABLE kept AS SELECT 7 AS seven")
            rights = ask(
                servers.env["DATABASE_URL"],
                "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication"
                " FROM pg_roles WHERE rolname LIKE 'p20%%' ORDER BY 1",
            )
            broker = redis.Redis(unix_socket_path=servers.env["BROKER_URL"].removeprefix("redis+socket://"))
            broker.set("kept", "yes")
            pids = servers.pids

        assert rights == [("p20_owner", True), ("p20_vault", False), ("p20_web", False)]
        assert not any(alive(pid) for pid in pids.values())
        with embedded.start(folder, durable=True) as servers:
            assert ask(servers.env["OWNER_DATABASE_URL"], "SELECT seven FROM kept") == [(7,)]
            broker = redis.Redis(unix_socket_path=servers.env["BROKER_URL"].removeprefix("redis+socket://"))
            assert broker.get("kept") == b"yes"

    def test_let_nobody_in_without_the_password(self, folder):
        with embedded.start(folder, durable=False, broker=False) as servers:
            url = servers.env["DATABASE_URL"]
            with pytest.raises(psycopg2.OperationalError, match="password"):
                ask(url.replace(":" + url.split(":")[2].split("@")[0], ":wrong"), "SELECT 1")

    def test_end_with_a_starter_that_is_killed_and_start_again_with_all_rows(self, folder):
        starter, said = start_elsewhere(folder)
        ask(said["env"]["OWNER_DATABASE_URL"], "CREATE TABLE kept AS SELECT 7 AS seven")

        starter.kill()
        starter.wait()

        assert processes.wait_until(lambda: not any(map(alive, said["pids"].values())), 20)
        with embedded.start(folder, durable=True) as servers:
            assert ask(servers.env["OWNER_DATABASE_URL"], "SELECT seven FROM kept") == [(7,)]

    def test_survive_the_death_of_the_database_with_the_starter(self, folder):
        starter, said = start_elsewhere(folder)
        ask(said["env"]["OWNER_DATABASE_URL"], "CREATE TABLE kept AS SELECT 7 AS seven")

        os.kill(said["pids"]["postgres"], signal.SIGKILL)
        starter.kill()
        starter.wait()

        with embedded.start(folder, durable=True, broker=False) as servers:
            assert ask(servers.env["OWNER_DATABASE_URL"], "SELECT seven FROM kept") == [(7,)]

    def test_do_not_mind_a_process_id_that_is_somebody_elses_now(self, folder):
        with embedded.start(folder, durable=True, broker=False) as servers:
            cluster = servers.folders[0]
        (cluster / "postmaster.pid").write_text(
            f"{os.getpid()}\n{cluster}\n{time.time():.0f}\n5432\n/tmp\n\n"
        )

        with embedded.start(folder, durable=True, broker=False) as servers:
            assert ask(servers.env["DATABASE_URL"], "SELECT 1") == [(1,)]

    def test_do_not_take_half_a_cluster_for_a_whole_one(self, folder):
        folder.mkdir(mode=0o711)
        half = folder / "servers" / "postgres.new"
        half.mkdir(parents=True)
        (half / "PG_VERSION").write_text("17\n")

        with embedded.start(folder, durable=False, broker=False) as servers:
            assert ask(servers.env["DATABASE_URL"], "SELECT 1") == [(1,)]


class TestTheDataFolder:
    def test_serves_one_portal_at_a_time(self, folder):
        with embedded.start(folder, durable=False, database=False):
            with pytest.raises(NotStarted, match=f"in use by process {os.getpid()}"):
                embedded.start(folder, durable=False)

    def test_holds_no_secret_that_others_may_read(self, folder):
        with embedded.start(folder, durable=False, broker=False):
            assert (folder / "servers.json").stat().st_mode & 0o077 == 0

    def test_is_gone_when_it_is_forgotten(self, folder):
        with embedded.start(folder, durable=False, broker=False) as servers:
            cluster = servers.folders[0]

        embedded.forget(folder)

        assert not folder.exists()
        assert not cluster.exists()


class TestProduction:
    def test_starts_no_server_of_its_own(self, folder, monkeypatch):
        monkeypatch.setenv("P20WIN_MODE", "production")
        with pytest.raises(NotStarted, match="for demo and test mode"):
            embedded.start(folder, durable=True)
        assert not folder.exists()
