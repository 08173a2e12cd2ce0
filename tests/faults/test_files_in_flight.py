"""F16, F02: the master key is rotated, and the web process killed, while files come in and go out.

The upload of F02 is as large as P20WIN_LARGE_UPLOAD_MIB says: by default what the whole run has time for.
"""

import hashlib
import itertools
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from client import config, sending
from client import main as client
from client import portal as client_portal
from p20win.processes import wait_until
from p20win.programs import ROOT
from tests.faults.portal import Portal
from tests.faults.visitor import Visitor
from tests.senders import pinned

pytestmark = [pytest.mark.long, pytest.mark.timeout(900), pytest.mark.xdist_group("flight")]

AT_ONCE = 20
MEBIBYTES = 8
KEYS = 3000
PARTS = 12
LARGE = int(os.environ.get("P20WIN_LARGE_UPLOAD_MIB", "256")) << 20
KILLS = 4


@pytest.fixture(scope="module")
def told():
    return {}


@pytest.fixture(scope="module")
def portal(told):
    def first(portal):
        made = portal.act("a_delivered_match", as_vault=True, mebibytes=MEBIBYTES, downloads=AT_ONCE)
        told.update(made)
        portal.act("more_keys", as_vault=True, count=KEYS)

    with Portal(first=first, WEB_THREADS="24") as portal:
        yield portal


def content_of(number, rows=20_000):
    """Return a matching file; ids come in no order."""
    lines = (f"a{(n * 7919 + number) % 999_983:07d}b\t\tLindqvist{number}\t\n" for n in range(rows))
    return ("ID\tSSN\tLAST\tDOB\n" + "".join(lines)).encode()


def send_slowly(portal, told, number, pause):
    """Send a file in parts, with pauses; return its SHA-256."""
    slot, content = told["slots"][number], content_of(number)
    size = len(content) // PARTS + 1
    with Visitor(portal, told["session"]) as visitor:
        where = visitor.begin(slot, len(content))
        for offset in range(0, len(content), size):
            visitor.send_part(where, content[offset : offset + size], offset)
            time.sleep(pause)
    return hashlib.sha256(content).hexdigest()


def fetch_slowly(portal, download, pause):
    """Fetch an extract with pauses; return its SHA-256."""
    headers, digest = {"Authorization": f"Bearer {download['ticket']}"}, hashlib.sha256()
    address = f"http://{portal.listen}{download['path']}"
    with httpx.stream("GET", address, headers=headers, timeout=120) as answer:
        assert answer.status_code == 200, answer.read()
        for block in answer.iter_raw(1 << 19):
            digest.update(block)
            time.sleep(pause)
    return digest.hexdigest()


def rotation(portal):
    env = portal.env | {"DATABASE_URL": portal.env["VAULT_DATABASE_URL"], "P20WIN_IS_VAULT": "1"}
    argv = [sys.executable, "manage.py", "custody_keys", "rotate"]
    return subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)


def master_of(path):
    """Return the version of the master key that wraps this key."""
    return json.loads(path.read_bytes())["master"]


def wrapped_by(portal):
    """Count the keys by the version of the master key that wraps them; none is opened."""
    return Counter(master_of(path) for path in (portal.data / "keystore").glob("*.key"))


@pytest.mark.obligation("O-58", "O-62")
def test_f16_the_master_key_is_rotated_while_twenty_come_and_twenty_go_and_the_rotation_is_killed(
    portal, told
):
    sent = portal.act("slots", count=AT_ONCE)
    first_key = min((portal.data / "keystore").glob("*.key"))
    old = master_of(first_key)
    with ThreadPoolExecutor(2 * AT_ONCE) as beside:
        ups = [beside.submit(send_slowly, portal, sent, number, 1.0) for number in range(AT_ONCE)]
        downs = [beside.submit(fetch_slowly, portal, each, 0.8) for each in told["downloads"]]
        rotating = rotation(portal)
        begun = wait_until(lambda: master_of(first_key) > old, 120, every=0.002)
        rotating.kill()
        rotating.communicate()
        half_way = wrapped_by(portal)
        in_flight = sum(not each.done() for each in (*ups, *downs))
        time.sleep(1)
        resumed = portal.manage("custody_keys", "rewrap")
        digests, fetched = [each.result() for each in ups], [each.result() for each in downs]

    assert begun
    assert set(half_way) == {old, old + 1}, half_way
    assert in_flight >= AT_ONCE
    assert int(re.search(r"(\d+) keys were wrapped anew", resumed)[1]) >= half_way[old]
    assert fetched == [told["digest"]] * AT_ONCE
    places = [slot["pk"] for slot in sent["slots"]]
    files = portal.wait("files", settled, patience=180, slots=places)
    assert {each["status"] for each in files.values()} == {"accepted"}
    opened = portal.act("opened", as_vault=True, files=[files[slot]["pk"] for slot in places])
    assert [opened[files[slot]["pk"]] for slot in places] == digests
    assert set(portal.act("masters", as_vault=True)) == {str(old + 1)}
    portal.manage("custody_keys", "retire", str(old))
    assert portal.act("opened", as_vault=True, files=[files[places[0]]["pk"]])
    assert portal.act("standing")["ledger"]


def settled(files):
    return len(files) == AT_ONCE and not {each["status"] for each in files.values()} & {"arrived"}


class Line(httpx.HTTPTransport):
    """The client's line to the portal; now and then the web process is killed while a part goes over it."""

    def __init__(self, portal, kill_at):
        super().__init__()
        self.portal, self.kill_at = portal, kill_at
        self.parts, self.lost, self.heard, self.kills = [], [], [], 0

    def handle_request(self, request):
        """Pass a request on, or lose it; whoever looks after the programs starts them again."""
        if request.method != "PATCH":
            answer = super().handle_request(request)
            if request.method == "HEAD":
                self.heard.append(int(answer.headers["Upload-Offset"]))
            return answer
        offset = int(request.url.params["offset"])
        self.parts.append(offset)
        killing = self.kill_at and offset >= self.kill_at[0][0]
        if killing:
            _, delay = self.kill_at.pop(0)
            timer = threading.Timer(delay, self.portal.kill, ["web"])
            timer.start()
        try:
            answer = super().handle_request(request)
            if killing:  # it was quicker; the next one meets nobody
                timer.join()
                self.kills += 1
                self.portal.revive()
            return answer
        except httpx.HTTPError:
            if not killing:
                raise
            timer.join()
            self.kills += 1
            self.lost.append(offset)
            self.portal.revive()
            raise


def large_file(path):
    """Write an analytical file of wide rows; return its SHA-256."""
    wide = " ".join(itertools.islice(itertools.cycle(("quiet", "meadow", "seven", "lantern")), 9000))
    digest = hashlib.sha256()
    with path.open("wb") as file:
        rows = (f"a{n * 7919 % 999_983:07d}b\t{wide}\n".encode() for n in itertools.count())
        for line in itertools.chain([b"ID\tNOTE\n"], rows):
            digest.update(line)
            file.write(line)
            if file.tell() >= LARGE:
                return digest.hexdigest()


@pytest.mark.obligation("O-58", "O-62")
def test_f02_the_web_process_is_killed_during_a_large_upload_and_p20_goes_on_from_the_last_part(
    portal, tmp_path, monkeypatch
):
    sent = portal.act("slots", count=1, kind="analytical", big=True)
    slot = sent["slots"][0]
    monkeypatch.setenv("P20_HOME", str(tmp_path / "machine"))
    key = config.new_key()
    config.write_config(config.Config(portal=f"http://{portal.listen}"))
    pinned()
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    portal.act("a_machine", steward=sent["steward"], public_key=raw.hex())
    path = tmp_path / slot["name"]
    plain, size = large_file(path), path.stat().st_size
    chance = random.Random(2)
    places = sorted(chance.sample(range(1, LARGE // sending.PART - 1), KILLS))
    line = Line(portal, [(place * sending.PART, chance.uniform(0.001, 0.03)) for place in places])
    begun = client_portal.Portal.__init__

    def connected(self, address, signing_key, **_):
        begun(self, address, signing_key, transport=line)

    monkeypatch.setattr(client_portal.Portal, "__init__", connected)
    assert client.main(["send", str(path), "--slot", slot["pk"]]) == 0

    path.unlink()
    assert line.kills == KILLS
    assert line.lost  # parts were under way when it was killed
    counts = {offset: line.parts.count(offset) for offset in line.parts}
    assert sum(counts.values()) - len(counts) <= len(line.lost)  # a lost part again, and no other
    assert max(counts.values()) <= 2
    assert set(line.heard[1:]) <= set(line.lost) | {offset + sending.PART for offset in line.lost}
    files = portal.wait("files", checked, patience=300, slots=[slot["pk"]])[slot["pk"]]
    assert files["status"] == "accepted"
    assert files["bytes"] == size
    opened = portal.act(
        "opened", as_vault=True, files=[files["pk"]]
    )  # not a byte before the root is verified
    assert opened == {files["pk"]: plain}


def checked(files):
    return {each["status"] for each in files.values()} != {"arrived"}
