"""C10, C19, T16, T17: after much went wrong, nothing of what people sent lies anywhere in the clear.

By the real programs on a database and a broker of their own. Marks, social security numbers and birth dates
are sent in files (accepted, refused, malformed, cut, checked by a vault that is killed), in file names, in
forms, addresses and requests that are no HTTP; then everything that was written is read, raw and unpacked.
"""

import io
import json
import os
import random
import re
import socket
import string
import threading
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from django.conf import settings

from governance.scenario.canaries import Search, needles
from governance.scenario.memory import family
from governance.scenario.places import Places
from p20win.postgres import QUIET
from p20win.processes import wait_until
from tests.faults.portal import Portal
from tests.faults.visitor import TUS, Visitor

pytestmark = [pytest.mark.long, pytest.mark.timeout(900), pytest.mark.xdist_group("leaks")]

CHANCE = random.SystemRandom()
HEADER = "ID\tSSN\tLAST\tDOB\n"
# What looks like a number or a birth date of a person, wherever text is written.
SHAPES = re.compile(
    rb"(?<![\w-])(?:\d{3}-\d{2}-\d{4}|9\d{8}|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?![\w-])"
)
ONLY_IDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{1,9}|")


class Hidden:
    """What must be found nowhere: a name, a number and a birth date for each place it is sent to."""

    def __init__(self):
        self.marks, self._place = {}, 0

    def row(self, where, **cells):
        """Return a row of a file with new values, which are noted."""
        self._place += 1
        name = "Zq" + "".join(CHANCE.choices(string.ascii_lowercase, k=16))
        number = f"9{CHANCE.randint(10, 99)}{CHANCE.randint(11, 49)}{CHANCE.randint(1001, 9998)}"
        born = f"{CHANCE.randint(1925, 1949)}{CHANCE.randint(1, 12):02}{CHANCE.randint(1, 28):02}"
        values = {"name": name, "number": number, "born": born}
        self.marks |= {f"{kind} in {where} ({self._place})": value for kind, value in values.items()}
        cells = {"id": f"k{self._place:04d}q2xw7z", **values} | cells
        return "\t".join(cells[each] for each in ("id", "number", "name", "born")) + "\n"

    def file(self, where, **cells):
        """Return a file with one row to be hidden."""
        return (HEADER + self.row(where, **cells)).encode()

    def words(self, where):
        """Return words for a form or an address, with a number in dashes."""
        _, number, name, born = self.row(where).strip().split("\t")
        dashed = f"{number[:3]}-{number[3:5]}-{number[5:]}"
        self.marks[f"dashed number in {where} ({self._place})"] = dashed
        return f"{dashed} {name} {born}"

    def large(self, where, rows=150_000):
        """Return a file that takes a while to check, with a row to be hidden at its end."""
        lines = (f"a{n * 7919 % 999_983:07d}b\t\tLindqvist\t\n" for n in range(rows))
        return (HEADER + "".join(lines) + self.row(where)).encode()


@pytest.fixture(scope="module")
def portal():
    with Portal(first=lambda portal: portal.act("a_match_that_waits_for_files", as_vault=True)) as portal:
        yield portal


@pytest.fixture
def hidden():
    return Hidden()


def texts(portal):
    """Return everything that is written for people to read: logs, letters, temporary files."""
    places = [portal.data / name for name in ("logs", "mail", "tmp")]
    return [path for place in places if place.is_dir() for path in place.rglob("*") if path.is_file()]


def shapes(portal):
    """Return the files, and places in them, where something looks like a person's number or birth date."""
    return [
        f"{path.name} at byte {found.start()}"
        for path in texts(portal)
        for found in SHAPES.finditer(path.read_bytes())
    ]


# --- what goes wrong


def files_of_every_kind(visitor, slots, hidden):
    """Send files that are accepted, refused, and no tables at all."""
    assert visitor.submit(slots[0], hidden.file("an accepted file")).status_code == 302
    visitor.submit(slots[1], hidden.file("a refused file", born="1941-02-03", id="x"))
    text = hidden.file("a file in UTF-16").decode()
    visitor.submit(slots[2], text.encode("utf-16"))
    visitor.submit(slots[3], b"\0\xff\xfe" + hidden.file("bytes that are no text") + os.urandom(5000))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{hidden.words('a name in an archive')}.txt", hidden.file("an archive"))
    visitor.submit(slots[4], packed.getvalue())
    wide = hidden.words("a giant row") * 60_000
    visitor.submit(slots[5], (HEADER + wide + "\n").encode())


def names_that_tell(visitor, slots, hidden):
    """Send files whose names hold what no name should, and what would disturb a log."""
    for name in (
        f"{hidden.words('a file name')}.txt",
        f"P20_DR0001_SDE_match_v1 {hidden.words('a name that nearly fits')}.txt",
        f"x\r\nSet-Cookie: {hidden.words('a name with line ends')}.txt",
        f"\u202e\x1b[2J{hidden.words('a name with commands')}.csv",
    ):
        assert visitor.try_to_begin(slots[6], 100, name=name).status_code == 403
        visitor.submit(slots[6], hidden.file("a file of a bad name"), name=name.replace("\r\n", " "))
    visitor.try_to_begin(slots[6], 100, name=f"\xff{hidden.words('a name in no encoding')}".encode("latin-1"))


def cut_on_the_way(portal, visitor, slots, hidden):
    """Break connections off, in a resumable upload and in a form."""
    content = hidden.large("a file that was cut", rows=30_000)
    where = visitor.begin(slots[7], len(content))

    def half():
        yield content[: len(content) // 2]
        raise ConnectionError

    with suppress(ConnectionError, httpx.HTTPError):
        visitor.send_part(where, half(), 0, length=len(content))
    assert wait_until(lambda: visitor.offset(where) > 0, 30)  # what came before the cut is kept
    at = visitor.offset(where)
    visitor.send_part(where, content[at:], at)
    host, port = portal.listen.split(":")
    body = hidden.file("a form that was cut")
    for told in (
        f"POST /files/slots/{slots[8]['pk']}/upload/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nX-CSRFToken: " + "a" * 32 + "\r\n"
        f"Cookie: csrftoken={'a' * 32}; sessionid={visitor.session}\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n',
        f"GET /{hidden.words('a request line')} HTTP/9.9\r\n",
        f"GET / HTTP/1.1\r\nHost: localhost\r\n{hidden.words('a header name')}: x\r\n",
        f"GET / HTTP/1.1\r\nHost: {hidden.words('a host')}\r\n",
    ):
        with socket.create_connection((host, int(port)), timeout=20) as line:
            line.sendall(told.encode() + body + b"\r\n\r\n")
            line.shutdown(socket.SHUT_WR)
            with suppress(OSError):
                while line.recv(65536):
                    pass


def forms_that_fail(portal, visitor, hidden):
    """Fill in forms that are refused, search, and ask for pages that are not there."""
    with Visitor(portal) as stranger:
        login = {"login": f"{hidden.words('an address')}@example.org", "password": hidden.words("a password")}
        assert stranger.post("/accounts/login/", data=login).status_code == 200
        assert stranger.post("/accounts/login/", data=login, headers={"X-CSRFToken": "b"}).status_code == 403
        signed = {"P20-Key": "00" * 32, "P20-Signature": hidden.words("a signature")}
        answer = stranger.post("/files/machine/slots/", content=hidden.file("a forged post"), headers=signed)
        assert answer.status_code in (403, 405)
        begun = {"Authorization": f"Bearer {hidden.words('a ticket')}"}
        assert stranger.post("/files/by-ticket/uploads/", headers=TUS | begun).status_code in (401, 403, 404)
    pages = [visitor.get("/files/", params={"q": hidden.words("a search")})]
    pages.append(visitor.get("/files/", params={"q": f"{hidden.words('a search with a NUL')}\0"}))
    pages.append(
        visitor.get("/files/", params={"status": hidden.words("a filter"), "page": "x", "sort": "\0"})
    )
    pages.append(visitor.get(f"/nowhere/{hidden.words('an address of no page')}/"))
    pages.append(
        visitor.post("/requests/new/", data={"title": hidden.words("a title that is too long") * 90})
    )
    pages.append(visitor.post("/files/machine-keys/enrol/", data={"public_key": hidden.words("a key")}))
    assert [page.status_code for page in pages if page.status_code >= 500] == []
    for page in pages:
        assert not re.search("Traceback|DEBUG = True|urlpatterns|Exception Value", page.text)


def without_its_database(portal, visitor, slots, hidden):
    """Let pages fail with tracebacks, with forms and files in their hands."""
    portal.act("careless", mark=hidden.words("a statement that fails"))
    portal.take_away("postgres")
    login = {"login": f"{hidden.words('a form of then')}@example.org", "password": hidden.words("then")}
    with Visitor(portal) as stranger:
        assert stranger.post("/accounts/login/", data=login).status_code == 503
    answer = visitor.submit(slots[9], hidden.file("a file of then"))
    assert answer.status_code == 503
    assert not re.search("Traceback|OperationalError|psycopg", answer.text)
    portal.bring_back("postgres")
    assert wait_until(lambda: visitor.get("/health/live/").status_code == 200, 30)


def web_killed_midway(portal, told, slots, hidden):
    """Kill the web process while a file comes in; look around while it is half there."""
    content = hidden.large("a file that was coming", rows=100_000)
    half_there, go_on = threading.Event(), threading.Event()

    def slowly():
        yield content[: len(content) * 2 // 3]
        half_there.set()
        go_on.wait(60)
        yield content[len(content) * 2 // 3 :]

    def send():
        with Visitor(portal, told["session"]) as visitor, suppress(httpx.HTTPError, AssertionError):
            where = visitor.begin(slots[10], len(content))
            visitor.send_part(where, slowly(), 0, length=len(content))

    sender = threading.Thread(target=send)
    sender.start()
    assert half_there.wait(60)
    time.sleep(1)
    search = Search(needles(hidden.marks))
    found = search.in_folders([portal.data, *portal.servers.folders])
    found.add(search.in_deleted_files_of(family(os.getpid())))
    portal.kill("web")
    go_on.set()
    sender.join()
    portal.revive()
    assert [str(each) for each in found.findings] == []


def vault_killed_midway(portal, visitor, slots, hidden):
    """Kill the vault's worker while it checks a file; somebody takes its job up again."""
    visitor.submit(slots[11], hidden.large("a file that was being checked"))
    running = (
        "SELECT 1 FROM jobs_job WHERE name = 'custody.check_file' AND state = 'running' AND progress > 5"
        " AND arguments->>'file_id' IN (SELECT id::text FROM custody_sealedfile WHERE slot_id = %s)"
    )
    assert wait_until(lambda: portal.query(running, slots[11]["pk"]), 60, every=0.05)
    vault = portal.crew.pids["vault"]
    for pid in family(vault) - {vault}:
        with suppress(ProcessLookupError):
            os.kill(pid, 9)


# --- where it is looked for


def everywhere(portal, hidden, places):
    """Look through everything that was written, raw and unpacked; return what was found."""
    own = {label: mark for label, mark in hidden.marks.items() if label.startswith(("name", "dashed"))}
    found = [str(each) for each in places.search(hidden.marks, own=own).findings]
    held = json.dumps(portal.act("sessions"), ensure_ascii=False)
    found += [f"{label} in a session" for label, mark in hidden.marks.items() if mark in held]
    return found + shapes(portal)


def dump_all(portal):
    """Have broker and database write down what they hold, and make a backup, as an operator does."""
    portal.broker("CONFIG", "SET", "rdbcompression", "no")
    assert portal.broker("SAVE").startswith(b"+OK")
    portal.manage("custody_keys", "backup-key", str(portal.data / "offline.key"))
    portal.manage("custody_keys", "snapshot")
    portal.manage("backup", str(portal.data / "backups"))
    portal.query("SELECT pg_switch_wal()")


@pytest.mark.obligation("O-58", "O-66", "O-117")
def test_c10_c19_t17_after_much_went_wrong_nothing_that_was_sent_lies_anywhere_in_the_clear(portal, hidden):
    told = portal.act("slots", count=12)
    slots = told["slots"]
    places = Places(
        folders=[portal.data, *portal.servers.folders],
        owner_url=portal.env["OWNER_DATABASE_URL"],
        broker_url=portal.env["BROKER_URL"],
        since=time.time(),
    )
    prove_that_it_is_found(portal, places)

    with Visitor(portal, told["session"]) as visitor:
        vault_killed_midway(portal, visitor, slots, hidden)
        files_of_every_kind(visitor, slots, hidden)
        names_that_tell(visitor, slots, hidden)
        cut_on_the_way(portal, visitor, slots, hidden)
        forms_that_fail(portal, visitor, hidden)
        without_its_database(portal, visitor, slots, hidden)
        web_killed_midway(portal, told, slots, hidden)
        shown = " ".join(visitor.words(f"/files/slots/{slot['pk']}/") for slot in slots)

    names = [slot["pk"] for slot in slots]
    done = portal.wait("files", all_judged, patience=180, slots=names)
    said = {slot: each["status"] for slot, each in done.items()}
    assert [said.get(slot) for slot in names[:6]] == ["accepted", *["refused"] * 5]
    assert (said.get(names[7]), said.get(names[11])) == ("accepted", "accepted")
    dump_all(portal)
    assert (portal.data / "backups").is_dir()
    letters = list((portal.data / "mail").iterdir())  # of files accepted and refused, looked through below
    assert letters
    assert everywhere(portal, hidden, places) == []
    assert [label for label, mark in hidden.marks.items() if mark in shown] == []
    assert all(ONLY_IDS.fullmatch(value) for value in portal.act("told_to_workers")["values"])
    assert portal.act("standing")["ledger"]


def all_judged(files):
    return len(files) >= 8 and not {each["status"] for each in files.values()} & {"arrived"}


def prove_that_it_is_found(portal, places):
    """Plant marks in every kind of place first: each must be found, and gone again afterwards."""
    planted = Hidden()
    mark = planted.words("a planted line")
    assert places.prove(Hidden().words("a planted row").split()[1]) == []  # it stays in the write-ahead log
    log = portal.data / "logs" / "planted.log"
    log.write_text(f"2026-01-01 ERROR {mark}\n")
    try:
        found = everywhere(portal, planted, places)
    finally:
        log.unlink()
    assert len([each for each in found if "planted.log" in each]) >= 4  # name, number, birth date, shapes
    assert everywhere(portal, planted, places) == []


def test_t16_t17_no_program_can_leave_what_it_holds_on_a_disk(portal):
    """Core dumps are off, the database's log quotes nothing, uploads never become temporary files."""
    limits = {}
    for pid in family(os.getpid()) - {os.getpid()}:
        with suppress(OSError):
            about = Path(f"/proc/{pid}")
            limit = re.search(r"Max core file size\s+(\d+|unlimited)", (about / "limits").read_text())
            limits[pid, (about / "cmdline").read_text().replace("\0", " ")[:60]] = limit[1]
    assert len(limits) > 8
    assert set(limits.values()) == {"0"}, limits
    set_to = dict(portal.query("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", list(QUIET)))
    assert set_to == dict(QUIET)
    assert settings.FILE_UPLOAD_HANDLERS == ["p20win.uploading.InMemory"]
    assert settings.STORAGES["default"]["BACKEND"].endswith("InMemoryStorage")
    assert (settings.DEBUG, settings.CELERY_TASK_IGNORE_RESULT) == (False, True)
    assert not hasattr(settings, "CELERY_RESULT_BACKEND")


def test_c20_every_line_of_the_programs_logs_is_one_line_of_json_without_words_of_an_exception(portal):
    """After the run above: its names with line ends and terminal commands stand in no line of their own."""
    failed = 0
    for name in ("web", "worker", "vault", "beat"):
        for line in (portal.data / "logs" / f"{name}.log").read_text().splitlines():
            if re.fullmatch(
                r"|worker: \w+ shutdown \(MainProcess\)", line
            ):  # Celery's farewell, always the same
                continue
            told = json.loads(line)
            assert {"at", "level", "logger", "says"} <= set(told)
            failed += "failed" in told
    assert failed  # there were tracebacks
