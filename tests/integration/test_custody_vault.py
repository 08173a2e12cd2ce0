"""The vault at its socket, and as a process with its worker, on real PostgreSQL."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections

from p20win.audit.public import events_of
from p20win.custody import capabilities, places, vault_server, wire
from p20win.custody.models import Capability
from p20win.custody.public import (
    Cut,
    FileStatus,
    NotYet,
    capability,
    damaged_files,
    open_bytes,
    register_opening,
    relay,
    scanner_state,
    shred,
    vault_answers,
)
from p20win.jobs.public import Job, MustWait, sweep
from p20win.processes import wait_until
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as custody
from tests.factories_custody import become_vault

pytestmark = pytest.mark.django_db(transaction=True)

AGAIN = 120  # seconds; a lost message is sent again after sixty


@pytest.fixture
def vault(settings, tmp_path):
    become_vault(settings, tmp_path)
    settings.P20WIN_VAULT_SOCKET = tmp_path / ("a-folder-of-a-long-name-" * 5) / "vault.sock"
    return settings.P20WIN_VAULT_SOCKET


@pytest.fixture
def served(vault):
    server = vault_server.VaultServer(vault)
    thread = server.start()
    with custody.conditions_met():
        yield vault
    server.stop()
    thread.join()


def slow_chunks(subject, person):
    for _ in range(200):
        yield b"x" * 1000
        time.sleep(0.02)


def refusing(subject, person):
    raise Blocked("The desk says no.")
    yield b""


def late(subject, person):
    time.sleep(vault_server.ASK_AGAIN + 0.2)
    yield b"x"


def waiting(subject, person):
    raise MustWait("50 % are done.")
    yield b""


@pytest.fixture(autouse=True)
def openings():
    register_opening("test.late", late, access_act="download")
    register_opening("test.waiting", waiting, access_act="download")
    register_opening("test.read", lambda subject, person: open_bytes(subject), access_act="download")
    register_opening("test.slow", slow_chunks, access_act="download")
    register_opening("test.refusing", refusing, access_act="download")
    yield
    for act in ("test.read", "test.slow", "test.refusing", "test.late", "test.waiting"):
        capabilities._openings.pop(act)


@pytest.fixture
def file(served):
    return custody.checked(custody.arrived(custody.a_slot()))


def happened(granted=None):
    row = granted or Capability.objects.get()
    return [event.event for event in events_of(row)]


class TestSocket:
    def test_it_answers_when_asked_whether_it_is_there(self, served):
        assert vault_answers()
        with pytest.raises(Blocked, match="No scanner configured"):
            scanner_state()

    def test_nobody_answers_when_it_is_not(self, vault):
        vault.parent.mkdir()
        assert not vault_answers()
        with pytest.raises(Blocked, match="does not answer"):
            relay("token")

    def test_a_capability_is_relayed_once(self, file):
        person = factories.person()
        token, session = capability(person, "test.read", file, factories.START), custody.session_of(person)

        assert b"".join(custody.relayed(token, session)) == custody.GOOD
        with pytest.raises(Blocked, match="opened before"):
            relay(token)
        assert wait_until(lambda: len(happened()) == 4, 5)
        assert happened()[:2] == ["capability.issued", "capability.used"]
        assert sorted(happened()[2:]) == ["capability.refused", "capability.served"]

    def test_of_many_who_ask_at_once_one_is_served(self, file):
        person, got = factories.person(), []
        token, session = capability(person, "test.read", file, factories.START), custody.session_of(person)

        def ask():
            try:
                got.append(b"".join(custody.relayed(token, session)))
            except Blocked:
                got.append(None)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got, key=str) == [custody.GOOD] + [None] * 7 or got.count(custody.GOOD) == 1
        assert got.count(None) == 7

    @pytest.mark.obligation("O-74")
    def test_a_stream_is_cut_within_five_seconds_when_access_is_withdrawn(self, file):
        allowed = threading.Event()
        allowed.set()
        with custody.conditions_met(against=lambda ask: None if allowed.is_set() else "No longer."):
            person = factories.person()
            token = capability(person, "test.slow", file, factories.START)
            chunks = custody.relayed(token, custody.session_of(person))
            next(chunks)
            allowed.clear()
            withdrawn = time.monotonic()
            with pytest.raises(Cut):
                for _ in chunks:
                    continue
            assert time.monotonic() - withdrawn < 3
        assert wait_until(lambda: happened()[-1] == "capability.cut", 5)

    @pytest.mark.obligation("O-74")
    def test_access_withdrawn_while_a_large_file_is_verified_is_known_before_the_first_byte(self, file):
        allowed = threading.Event()
        allowed.set()
        with custody.conditions_met(against=lambda ask: None if allowed.is_set() else "No longer."):
            person = factories.person()
            token = capability(person, "test.late", file, factories.START)
            session = custody.session_of(person)
            withdrawing = threading.Timer(0.5, allowed.clear)
            withdrawing.start()
            with pytest.raises(Blocked, match="No longer"):
                custody.relayed(token, session)
            withdrawing.join()
        assert wait_until(lambda: happened()[-1] == "capability.cut", 5)

    def test_what_cannot_be_opened_yet_is_asked_for_again(self, file):
        person = factories.person()
        token = capability(person, "test.waiting", file, factories.START)
        with pytest.raises(NotYet, match="50 % are done") as later:
            custody.relayed(token, custody.session_of(person))
        assert later.value.seconds == vault_server.COME_BACK

    def test_the_desks_refusal_and_a_destroyed_file_are_answered_in_words(self, file):
        person = factories.person()
        session = custody.session_of(person)
        refused = capability(person, "test.refusing", file, factories.START)
        with pytest.raises(Blocked, match="The desk says no"):
            custody.relayed(refused, session)
        gone = capability(person, "test.read", file, factories.START)
        shred(file.project, file.owner, by=factories.hub_member(), at=factories.START)
        with pytest.raises(Blocked, match="destroyed or damaged"):
            custody.relayed(gone, session)

    @pytest.mark.obligation("O-63")
    def test_f12_a_damaged_file_is_refused_written_down_and_told(self, file):
        path = places.blob(file.blob)
        path.write_bytes(path.read_bytes()[:-1])
        person = factories.person()
        token, session = capability(person, "test.read", file, factories.START), custody.session_of(person)

        with pytest.raises(Blocked, match="found damaged"):
            custody.relayed(token, session)

        found = damaged_files().get()
        assert found.file == file
        [line] = events_of(found)
        told = Job.objects.filter(name="notifications.announce", arguments={"event_id": str(line.pk)})
        assert (line.event, told.count()) == ("file.damaged", 1)
        assert vault_answers()

    def test_strange_questions_do_not_stop_it(self, served):
        for question in (b"", b"\n", b"x" * 500, b"\xff\n", b"GET / HTTP/1.1\r\n\r\n"):
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(5)
                with wire.short_path(served) as address:
                    line.connect(address)
                line.sendall(question)
                with contextlib.suppress(OSError):  # it may hang up at once
                    line.shutdown(socket.SHUT_WR)
                    while line.recv(4096):
                        pass
        assert vault_answers()


class Running:
    """`manage.py vault` as its own process, on this test's database."""

    def __init__(self, folder: Path, settings) -> None:
        self.log = folder / "vault.log"
        name = connection.settings_dict["NAME"]
        given = {key: os.environ[key] for key in ("DATABASE_URL", "OWNER_DATABASE_URL") if key in os.environ}
        self.env = os.environ | {key: f"{url.rpartition('/')[0]}/{name}" for key, url in given.items()}
        self.env |= {
            "P20WIN_DATA": str(folder),
            "P20WIN_MEDIA": str(settings.P20WIN_MEDIA),
            "P20WIN_KEYSTORE": str(settings.P20WIN_KEYSTORE),
            "P20WIN_VAULT_KEYS": str(settings.P20WIN_VAULT_KEYS),
            "P20WIN_VAULT_PUBLIC": str(settings.P20WIN_VAULT_PUBLIC),
            "P20WIN_VAULT_SOCKET": str(settings.P20WIN_VAULT_SOCKET),
        }
        self.start()

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, django_settings.BASE_DIR / "manage.py", "vault"],
                env=self.env,
                stdout=log,
                stderr=log,
                cwd="/",
            )
        assert wait_until(vault_answers, 30), self.log.read_text()

    def workers(self):
        listed = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return [int(pid) for pid in listed.stdout.split()]

    def stop(self):
        self.process.terminate()
        return self.process.wait(30)


@pytest.fixture
def running(vault, tmp_path, settings):
    with custody.conditions_met():
        program = Running(tmp_path, settings)
        yield program
        if program.process.poll() is None:
            program.stop()
    connections.close_all()


def is_judged(file):
    sweep()  # as beat does: a worker that is killed may take a message with it
    file.refresh_from_db()
    waits = Job.objects.filter(name="custody.check_file").exclude(state="done").exists()
    return file.status == FileStatus.ACCEPTED and not waits


@pytest.mark.long
class TestProcess:
    def test_it_checks_files_survives_kills_and_stops_cleanly(self, running, vault):
        first = custody.arrived(custody.a_slot())
        assert wait_until(lambda: is_judged(first), AGAIN, every=0.1), running.log.read_text()
        status = Path(f"/proc/{running.process.pid}/limits").read_text()
        assert [line for line in status.splitlines() if "core file size" in line][0].split()[4:6] == [
            "0",
            "0",
        ]

        (worker,) = running.workers()
        os.kill(worker, signal.SIGKILL)
        second = custody.arrived(custody.a_slot())
        assert wait_until(lambda: is_judged(second), AGAIN, every=0.1), running.log.read_text()

        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
        running.start()
        third = custody.arrived(custody.a_slot())
        assert wait_until(lambda: is_judged(third), AGAIN, every=0.1), running.log.read_text()

        assert running.stop() == 0
        assert not vault.exists()
        assert not vault_answers()
        assert set(Job.objects.filter(name="custody.check_file").values_list("state", flat=True)) == {"done"}
        assert "Okonkwo" not in running.log.read_text()

    def test_a_second_vault_does_not_start(self, running):
        again = subprocess.run(
            [sys.executable, django_settings.BASE_DIR / "manage.py", "vault"],
            env=running.env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert again.returncode != 0
        assert "Another vault" in again.stderr
        assert vault_answers()
