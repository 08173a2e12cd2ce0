"""Every way in against a running server: connections cut at random, real curl, age, the browser, and p20."""

import datetime as dt
import json
import random
import re
import shutil
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings as django_settings
from django.urls import reverse

from client import config, main, portal, sending
from p20win import clock
from p20win.accounts.public import enrol_key
from p20win.custody import uploads, vault_keys
from p20win.custody.models import SendingTerms, Upload, UploadTicket
from p20win.custody.public import FileStatus, SealedFile, open_bytes
from p20win.processes import wait_until
from tests import factories
from tests import factories_custody as custody
from tests.senders import Curl, Cutting, pinned
from tests.sftp_server import Machine, needs_sftp, serving
from tools import machine as machines

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("receiving")]

ROWS = "".join(f"a{n * 7919 % 20_000:07d}b\t\tLindqvist{n}\t\n" for n in range(20_000))  # ids in no order
CONTENT = ("ID\tSSN\tLAST\tDOB\n" + ROWS).encode()


@pytest.fixture
def vault(settings, tmp_path):
    factories.hub()
    with custody.own_vault(settings, tmp_path / "vault") as folder:
        yield folder


@pytest.fixture
def slot(vault):
    return custody.a_slot()


@pytest.fixture
def steward(slot):
    return factories.steward(slot.supplier)


@pytest.fixture
def file(slot, tmp_path):
    path = tmp_path / custody.name_for(slot)
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def machine(slot, steward, live_server, tmp_path, monkeypatch):
    """Return the enrolled key of a machine whose settings lie in a folder of their own."""
    monkeypatch.setenv("P20_HOME", str(tmp_path / "machine"))
    monkeypatch.setattr(sending, "PART", 64 << 10)
    monkeypatch.setattr(sending, "DELAYS", (0,) * 30)
    key = config.new_key()
    config.write_config(config.Config(portal=live_server.url))
    pinned()
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return enrol_key(slot.supplier, public_key=raw, label="Nightly job", by=steward, at=factories.START)


@pytest.fixture
def cutting(live_server):
    opened = []

    def stand(*cuts, harsh=True):
        opened.append(Cutting(live_server.url, cuts, harsh=harsh))
        return opened[-1]

    yield stand
    for each in opened:
        each.close()


def status_and_hash(slot):
    file = custody.checked(SealedFile.objects.get(slot=slot, status=FileStatus.ARRIVED))
    assert file.status == FileStatus.ACCEPTED, file.report
    return file.manifest["document"]["plain_sha256"]


class KilledHere(BaseException):
    """The end of the command, as by kill."""


class TestClient:
    @pytest.mark.obligation("O-58", "O-62")
    @pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(1, 9))])
    def test_f02_cut_at_random_points_it_resumes_and_sends_one_part_again_at_most(
        self, slot, machine, file, cutting, seed, monkeypatch, vault
    ):
        chance = random.Random(seed)
        door = cutting(*(chance.randrange(1, 300_000) for _ in range(6)))
        monkeypatch.setenv("P20_PORTAL", door.url)
        heard, original = [], portal.Portal.send_part

        def listened(self, path, part, *, offset):
            heard.append(offset)
            return original(self, path, part, offset=offset)

        monkeypatch.setattr(portal.Portal, "send_part", listened)
        while main.main(["send", str(file), "--slot", str(slot.pk)]) != 0:
            pass  # cut while it asked what to send: the command is called again

        assert door.done >= 3
        assert heard == sorted(heard)  # it never goes back behind what the portal has
        assert len(heard) - len(set(heard)) <= door.done  # after a cut one part at most goes again
        assert status_and_hash(slot) == custody.digest_of(CONTENT)
        assert not list((vault / "media" / "incoming").iterdir())
        assert not list((config.home() / "outbox").iterdir())

    def test_killed_it_goes_on_when_it_is_called_again(self, slot, machine, file, monkeypatch):
        original, sent = portal.Portal.send_part, []

        def killed_after_four(self, path, part, *, offset):
            if sent == [n * sending.PART for n in range(4)]:
                sent.append("killed")
                raise KilledHere
            sent.append(offset)
            return original(self, path, part, offset=offset)

        monkeypatch.setattr(portal.Portal, "send_part", killed_after_four)
        with pytest.raises(KilledHere):
            main.main(["send", str(file), "--slot", str(slot.pk)])
        assert b"Lindqvist" not in (config.home() / "outbox" / f"{slot.pk}.sealed").read_bytes()

        assert main.main(["send", str(file), "--slot", str(slot.pk)]) == 0

        assert sent[4:6] == ["killed", 4 * sending.PART]
        assert SealedFile.objects.filter(slot=slot).count() == 1  # one announcement, one file
        assert status_and_hash(slot) == custody.digest_of(CONTENT)

    def test_when_only_the_answer_was_lost_it_is_done(self, slot, machine, file, monkeypatch):
        original = portal.Portal.send_part

        def answer_lost(self, path, part, *, offset):
            original(self, path, part, offset=offset)
            if len(part) < sending.PART:
                raise portal.Lost("lost")
            return True

        monkeypatch.setattr(portal.Portal, "send_part", answer_lost)
        assert main.main(["send", str(file), "--slot", str(slot.pk)]) == 0
        assert status_and_hash(slot) == custody.digest_of(CONTENT)

    def test_given_up_meanwhile_it_begins_anew_when_called_again(
        self, slot, machine, file, monkeypatch, capsys
    ):
        original = portal.Portal.send_part

        def given_up(self, path, part, *, offset):
            Upload.objects.all().delete()
            return original(self, path, part, offset=offset)

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(portal.Portal, "send_part", given_up)
            assert main.main(["send", str(file), "--slot", str(slot.pk)]) == 1
        assert "404" in capsys.readouterr().err
        assert main.main(["send", str(file), "--slot", str(slot.pk)]) == 0
        assert status_and_hash(slot) == custody.digest_of(CONTENT)

    def test_a_replayed_or_altered_request_is_refused(self, slot, machine, file, live_server, monkeypatch):
        import httpx

        caught, original = [], portal.Portal._ask

        def caught_one(self, method, path, *, digest, headers, content=None):
            if method == "PATCH" and not caught:
                signed = headers | portal.signature_headers(self._key, method, path, digest)
                caught.append((path, signed, content))
                return self._client.request(method, path, headers=signed, content=content)
            return original(self, method, path, digest=digest, headers=headers, content=content)

        monkeypatch.setattr(portal.Portal, "_ask", caught_one)
        assert main.main(["send", str(file), "--slot", str(slot.pk)]) == 0
        path, headers, content = caught[0]
        again = httpx.patch(live_server.url + path, headers=headers, content=content)
        assert again.status_code == 403
        fresh = portal.signature_headers(config.read_key(), "PATCH", path, headers["P20-Content-SHA256"])
        elsewhere = httpx.patch(
            live_server.url + path.replace("offset=0", "offset=5"), headers=headers | fresh, content=content
        )
        assert elsewhere.status_code == 403


needs_age = pytest.mark.skipif(not shutil.which("age"), reason="age is missing: apt-get install age")
needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="curl is missing: apt-get install curl")


def ticket_for(slot, steward, signed_in, hours=2):
    """Return the ticket that the steward's page shows, and the page."""
    page = signed_in(steward).post(reverse("custody:ticket-issue", args=[slot.pk]), {"hours": hours})
    return re.search(r"p20t_[\w-]{43}", page.text)[0], page.text


@needs_curl
class TestCurl:
    @pytest.mark.obligation("O-58", "O-59")
    def test_cut_it_asks_how_far_it_is_and_sends_the_rest(
        self, slot, steward, signed_in, live_server, file, tmp_path, cutting
    ):
        token, page = ticket_for(slot, steward, signed_in)
        curl = Curl(tmp_path, live_server.url, token)
        for words in ("-C OFFSET -T FILE", "/files/by-ticket/uploads/", "Tus-Resumable: 1.0.0"):
            assert words in page
        where = curl.place(file)
        door = cutting(200_000, harsh=False)
        curl.send(file, where.replace(live_server.url, door.url))
        assert door.done == 1
        assert wait_until(lambda: curl.offset(where), 10)
        offset = curl.offset(where)
        assert 190_000 < offset < 200_000  # all that arrived, but for the heads of the request

        assert "204" in curl.send(file, where, offset)

        assert status_and_hash(slot) == custody.digest_of(CONTENT)
        assert not UploadTicket.objects.filter(token_digest__contains=token).exists()
        assert SealedFile.objects.get().sent_by == steward

    def test_a_ticket_that_is_revoked_or_over_sends_nothing(
        self, slot, steward, signed_in, live_server, file, tmp_path, monkeypatch
    ):
        client_token, _ = ticket_for(slot, steward, signed_in)
        curl = Curl(tmp_path, live_server.url, client_token)
        where = curl.place(file)
        ticket = UploadTicket.objects.get()
        assert b"Revoke the ticket" in signed_in(steward).get(reverse("custody:slot", args=[slot.pk])).content
        signed_in(steward).post(reverse("custody:ticket-revoke", args=[slot.pk, ticket.pk]))
        assert " 403 " in curl.offset(where)
        assert " 403 " in curl.send(file, where)
        assert Upload.objects.get().offset == 0

        second = Curl(tmp_path, live_server.url, ticket_for(slot, steward, signed_in, hours=1)[0])
        where = second.place(file)
        assert second.offset(where) == 0
        later = clock.real_now() + dt.timedelta(hours=1)
        monkeypatch.setattr(clock, "real_now", lambda: later)
        assert " 403 " in second.offset(where)

    def test_a_ticket_opens_nothing_else(self, slot, steward, signed_in, live_server, file, tmp_path):
        token, _ = ticket_for(slot, steward, signed_in)
        curl = Curl(tmp_path, live_server.url, token)
        other = Curl(tmp_path, live_server.url, ticket_for(slot, steward, signed_in)[0]).place(file)
        curl = Curl(tmp_path, live_server.url, token)
        assert " 404 " in curl.offset(other)  # begun with another ticket
        assert " 302 " in curl("-i", f"{live_server.url}/files/")
        assert " 403 " in curl("-i", f"{live_server.url}/files/machine/slots/")
        forged = Curl(tmp_path, live_server.url, "p20t_" + "x" * 43)
        assert " 403 " in forged.begin(file)


def agreed(slot, encryption):
    SendingTerms.objects.create(
        project=slot.project,
        encryption=encryption,
        reason="Minutes of March 2",
        changed_by=factories.hub_member(),
        changed_at=factories.START,
    )


class TestAge:
    @needs_curl
    @pytest.mark.obligation("O-58")
    @needs_age
    def test_what_the_stock_age_encrypts_curl_delivers(
        self, slot, steward, signed_in, live_server, file, tmp_path
    ):
        agreed(slot, "age")
        page = signed_in(steward).get(reverse("custody:slot", args=[slot.pk])).text
        whom = re.search(r"age -r (age1\w+) -o FILE.age FILE", page)[1]
        sealed = file.with_name(file.name + ".age")
        subprocess.run(["age", "-r", whom, "-o", sealed, file], check=True)
        curl = Curl(tmp_path, live_server.url, ticket_for(slot, steward, signed_in)[0])

        assert "204" in curl.send(sealed, curl.place(sealed))

        assert status_and_hash(slot) == custody.digest_of(CONTENT)
        assert SealedFile.objects.get().name == file.name
        assert b"".join(open_bytes(SealedFile.objects.get())) == CONTENT


IN_A_BROWSER = """
import json, re, sys
from playwright.sync_api import sync_playwright
told = json.loads(sys.argv[1])
with sync_playwright() as running:
    browser = running.chromium.launch(executable_path=told["chromium"], args=told["switches"])
    context = browser.new_context(base_url=told["server"])
    context.add_cookies([{"name": told["cookie"], "value": told["session"], "url": told["server"]}])
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda problem: said.append(str(problem)))
    lost = []

    def lose_one(route):
        if route.request.method == "PATCH" and not lost:
            lost.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(re.compile("/uploads/"), lose_one)
    page.goto(told["page"])
    page.locator("input[type=file]").set_input_files(told["file"])
    page.get_by_role("button", name="Send", exact=True).click()
    try:
        page.get_by_text("is checking it").wait_for(timeout=30_000)
    except Exception:
        print(said, page.inner_text("main"))
        raise
    assert lost
    browser.close()
"""


def send_in_browser(slot, path, client, server):
    """Send a file from its page, as a person would; the first part is lost on its way."""
    told = {
        "chromium": machines.browser(),
        "switches": ["--no-sandbox", "--disable-gpu", "--no-first-run"],
        "server": server,
        "cookie": django_settings.SESSION_COOKIE_NAME,
        "session": client.cookies[django_settings.SESSION_COOKIE_NAME].value,
        "page": reverse("custody:slot", args=[slot.pk]),
        "file": str(path),
    }
    done = subprocess.run(
        [sys.executable, "-c", IN_A_BROWSER, json.dumps(told)], capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_curl
@needs_age
@needs_sftp
@pytest.mark.browser
@pytest.mark.obligation("O-58", "O-59", "O-62")
def test_the_same_file_by_browser_p20_curl_age_and_sftp_is_the_same_file(
    slot, steward, machine, signed_in, live_server, tmp_path, monkeypatch, settings
):
    others = ("browser", "curl", "age", "sftp")
    slots = {"p20": slot} | {way: custody.a_slot(slot.supplier) for way in others}
    agreed(slots["browser"], "browser")
    agreed(slots["age"], "age")
    passed, original = {}, uploads.NextPiece.write

    def watched(piece, chunk):
        passed.setdefault(piece._upload.slot_id, bytearray()).extend(chunk)
        return original(piece, chunk)

    monkeypatch.setattr(uploads.NextPiece, "write", watched)
    client, files = signed_in(steward), {}
    # Each is of a request of its own, as what its parties agreed on differs; so its ids are its own, too.
    content = {
        way: re.sub(rb"(?m)^a", bytes([letter]), CONTENT) for letter, way in enumerate(slots, start=97)
    }
    for way, each in slots.items():
        files[way] = tmp_path / way / custody.name_for(each)
        files[way].parent.mkdir()
        files[way].write_bytes(content[way])

    assert main.main(["send", str(files["p20"]), "--slot", str(slot.pk)]) == 0
    send_in_browser(slots["browser"], files["browser"], client, live_server.url)
    curl = Curl(tmp_path, live_server.url, ticket_for(slots["curl"], steward, signed_in)[0])
    assert "204" in curl.send(files["curl"], curl.place(files["curl"]))
    sealed = files["age"].with_name(files["age"].name + ".age")
    subprocess.run(["age", "-r", vault_keys.age_recipient(), "-o", sealed, files["age"]], check=True)
    curl = Curl(tmp_path, live_server.url, ticket_for(slots["age"], steward, signed_in)[0])
    assert "204" in curl.send(sealed, curl.place(sealed))

    with serving(settings, tmp_path) as server:
        sender = Machine(tmp_path / "server", steward, server.port)
        assert sender.send(files["sftp"], slots["sftp"]).returncode == 0

    sent = {way: custody.digest_of(each) for way, each in content.items()}
    assert {way: status_and_hash(each) for way, each in slots.items()} == sent
    wrapped = {way: SealedFile.objects.get(slot=each).wrapping for way, each in slots.items()}
    assert wrapped == {"p20": "sealed", "browser": "sealed", "curl": "plain", "age": "age", "sftp": "plain"}
    seen_in_the_clear = {way for way, each in slots.items() if b"Lindqvist" in passed[each.pk]}
    assert seen_in_the_clear == {
        "curl",
        "sftp",
    }  # what was sealed before, no process that takes it in can read
