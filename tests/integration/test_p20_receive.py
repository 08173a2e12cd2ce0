"""`p20 receive` and curl against the portal's own web server: cut, resumed, recalled while it runs."""

import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import httpx
import pytest
from django.conf import settings as django_settings
from django.db import connection, connections

from client import config, receiving, trust
from client.failure import Failure
from client.main import main
from client.receiving import Delivery as Remote
from matching.services import fetching, recalling
from p20win import clock
from p20win.accounts.public import system_user
from p20win.custody import public as custody
from p20win.custody import vault_keys, vault_server
from p20win.custody.engine import container
from p20win.processes import wait_until
from tests import factories
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START
from tests.factories_custody import become_vault
from tests.senders import pinned

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]
SIZE = 24 << 20


@pytest.fixture
def vault(settings, tmp_path):
    become_vault(settings, tmp_path)
    factories.clock_to_start()
    server = vault_server.VaultServer(settings.P20WIN_VAULT_SOCKET)
    thread = server.start()
    yield
    server.stop()
    thread.join()


@pytest.fixture
def web(vault, settings, tmp_path):
    """The web server as its own process, on this test's database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    name = connection.settings_dict["NAME"]
    given = {key: os.environ[key] for key in ("DATABASE_URL", "OWNER_DATABASE_URL") if key in os.environ}
    env = os.environ | {key: f"{url.rpartition('/')[0]}/{name}" for key, url in given.items()}
    env |= {
        "P20WIN_DATA": str(tmp_path),
        "P20WIN_MEDIA": str(settings.P20WIN_MEDIA),
        "P20WIN_VAULT_PUBLIC": str(settings.P20WIN_VAULT_PUBLIC),
        "P20WIN_VAULT_SOCKET": str(settings.P20WIN_VAULT_SOCKET),
    }
    log = tmp_path / "web.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "gunicorn", "p20win.wsgi:application", f"--bind=127.0.0.1:{port}",
                "--worker-class=gthread", "--threads=4", "--no-control-socket",
            ],
            env=env, cwd=django_settings.BASE_DIR, stdout=output, stderr=output,
        )  # fmt: skip

    def answers():
        try:
            return httpx.get(f"http://127.0.0.1:{port}/health/live/").status_code == 200
        except httpx.HTTPError:
            return False

    try:
        assert wait_until(answers, 60), log.read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)
        connections.close_all()


@pytest.fixture
def download(web):
    """A download of a large extract that a person has just begun, with a ticket for a program."""
    delivery = matches.delivered()
    block = hashlib.sha256(b"invented").digest() * (1 << 15)
    delivery.extract = custody.seal_bytes(
        project=delivery.project,
        organisation=delivery.extract.owner,
        data_class="extract",
        name=delivery.file_name,
        chunks=[block] * (SIZE // len(block)),
        by=system_user(),
        at=START,
    )
    delivery.digest = delivery.extract.manifest["document"]["plain_sha256"]
    delivery.save()
    return fetching.begin(delivery, by=matches.downloader(delivery), acknowledges=True, at=clock.now())


def address(web, download):
    return f"{web}/matching/downloads/{download.pk}/by-program/"


def ticket(download):
    return fetching.ticket(download, by=download.person, at=clock.now())


class Cutting(httpx.BaseTransport):
    """Cuts each answer after some bytes, as a bad line would."""

    def __init__(self, after):
        self._real, self._after, self.asked = httpx.HTTPTransport(), after, []

    def handle_request(self, request):
        answer = self._real.handle_request(request)
        if request.method == "GET":
            self.asked.append(request.headers.get("Range", ""))
            return httpx.Response(answer.status_code, headers=answer.headers, stream=Cut(answer, self._after))
        return answer

    def close(self):
        self._real.close()


class Cut(httpx.SyncByteStream):
    def __init__(self, answer, after):
        self._answer, self._after = answer, after

    def __iter__(self):
        given = 0
        for block in self._answer.stream:
            yield block
            given += len(block)
            if given > self._after:
                raise httpx.ReadError("cut")

    def close(self):
        self._answer.close()


def complete(download):
    download.refresh_from_db()
    return download.complete_at is not None


@pytest.mark.obligation("O-74", "O-117")
def test_a_large_download_comes_in_ranges_and_goes_on_within_one(web, download, tmp_path, monkeypatch):
    line, part, folder = Cutting(after=4 << 20), 5 << 20, tmp_path / "here"
    folder.mkdir()
    really, looks = container.verify_whole, []
    monkeypatch.setattr(
        container, "verify_whole", lambda source, **known: (looks.append(1), really(source, **known))
    )

    with Remote(address(web, download), ticket(download), part=part, transport=line) as remote:
        path, offer = remote.fetch(folder, seen=lambda have, size: None)

    assert hashlib.sha256(path.read_bytes()).hexdigest() == offer.digest
    assert wait_until(lambda: complete(download), 10)
    fetches = list(download.fetches.order_by("asked_at", "start"))
    assert max(each.stop - each.start for each in fetches) == part
    assert len(fetches) == len(line.asked) > SIZE // part
    assert looks == [1]  # all of it was verified before the first range, and not again for the next


@pytest.mark.obligation("O-74", "O-63")
@pytest.mark.parametrize("what", ["extended", "reordered"])
def test_of_a_damaged_one_no_byte_arrives_also_when_its_beginning_is_sound(web, download, tmp_path, what):
    folder = tmp_path / "here"
    folder.mkdir()
    files.harm(download.delivery.extract, what)

    with Remote(address(web, download), ticket(download), part=1 << 16) as remote:
        with pytest.raises(Failure, match=f"found damaged.*{what}"):
            remote.fetch(folder, seen=lambda have, size: None)

    assert not any(path.stat().st_size for path in folder.iterdir())
    assert [fetch.sent for fetch in download.fetches.all()] == [0]


@pytest.mark.obligation("O-74", "O-63")
@pytest.mark.parametrize(("what", "part"), [("altered", {"Range": "bytes=0-99"}), ("cut", {})])
def test_of_a_damaged_one_a_browser_gets_the_reason_and_no_byte(web, download, signed_in, what, part):
    files.harm(download.delivery.extract, what)
    cookies = {name: kept.value for name, kept in signed_in(download.person).cookies.items()}

    answer = httpx.get(f"{web}/matching/downloads/{download.pk}/file/", headers=part, cookies=cookies)

    assert answer.status_code == 409
    (said,) = answer.json()["reasons"]
    assert "found damaged" in said
    assert what in said


@pytest.mark.obligation("O-74")
def test_while_a_large_one_is_verified_the_program_waits(web, download, tmp_path, monkeypatch):
    folder, asked, may_end = tmp_path / "here", [], threading.Event()
    folder.mkdir()
    really = container.verify_whole

    def slowly(source, **known):
        may_end.wait(30)
        really(source, **known)

    def wait(seconds):
        asked.append(seconds)
        may_end.set()

    monkeypatch.setattr(fetching, "PATIENCE", 0.2)
    monkeypatch.setattr(container, "verify_whole", slowly)
    monkeypatch.setattr(receiving, "time", SimpleNamespace(sleep=wait))

    with Remote(address(web, download), ticket(download)) as remote:
        path, offer = remote.fetch(folder, seen=lambda have, size: None)

    assert hashlib.sha256(path.read_bytes()).hexdigest() == offer.digest
    assert set(asked) == {vault_server.COME_BACK}


@pytest.mark.obligation("O-74")
def test_a_download_that_is_cut_goes_on_where_it_stopped(web, download, tmp_path):
    line = Cutting(after=7 << 20)
    folder = tmp_path / "here"
    folder.mkdir()

    with Remote(address(web, download), ticket(download), transport=line) as remote:
        path, offer = remote.fetch(folder, seen=lambda have, size: None)

    assert hashlib.sha256(path.read_bytes()).hexdigest() == offer.digest == download.delivery.digest
    assert len(line.asked) == 4
    assert all(each.endswith(f"-{SIZE - 1}") for each in line.asked)
    starts = [int(re.search(r"\d+", each).group()) for each in line.asked]
    assert starts == sorted(set(starts))
    assert oct(path.stat().st_mode & 0o777) == "0o600"

    assert wait_until(lambda: complete(download), 10)
    assert download.fetches.count() == 4
    with Remote(address(web, download), ticket(download)) as again:
        with pytest.raises(Failure, match="there already"):
            again.fetch(folder, seen=lambda have, size: None)


@pytest.mark.obligation("O-74")
def test_curl_resumes_with_its_own_option(web, download, tmp_path):
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is missing: apt-get install -y --no-install-recommends curl")
    target, shown = tmp_path / "extract.zip", ticket(download)
    call = [
        curl, "--silent", "--fail", "--continue-at", "-", "--output", str(target),
        "--header", f"Authorization: Bearer {shown}", address(web, download),
    ]  # fmt: skip
    slow = subprocess.Popen([*call[:1], "--limit-rate", "4M", *call[1:]])
    assert wait_until(lambda: target.exists() and target.stat().st_size > 1 << 20, 20)
    slow.kill()
    slow.wait()
    had = target.stat().st_size
    assert 0 < had < SIZE

    subprocess.run(call, check=True)

    assert hashlib.sha256(target.read_bytes()).hexdigest() == download.delivery.digest
    assert download.fetches.order_by("asked_at").last().start >= had


@pytest.mark.obligation("O-74")
def test_a_recall_cuts_a_slow_download_within_five_seconds(web, download):
    came, ended = [0], threading.Event()

    def read_slowly():
        headers = {"Authorization": f"Bearer {ticket(download)}"}
        try:
            with httpx.stream("GET", address(web, download), headers=headers, timeout=30) as answer:
                for block in answer.iter_raw(1 << 15):
                    came[0] += len(block)
                    time.sleep(0.01)
        except httpx.HTTPError:
            ended.set()
        finally:
            connections.close_all()

    reader = threading.Thread(target=read_slowly)
    reader.start()
    assert wait_until(lambda: came[0] > 1 << 20, 20)
    office = factories.operating_group_member()
    recalling.recall(download.delivery, reason="It was the wrong year.", by=office, at=clock.now())
    recalled = time.monotonic()

    def noted():
        return download.fetches.filter(ended_at__isnull=False).exists()

    assert wait_until(noted, 5)
    assert ended.wait(5 - (time.monotonic() - recalled))
    reader.join()
    assert came[0] < SIZE
    with Remote(address(web, download), ticket_of(download)) as again:
        with pytest.raises(Failure, match="This version was recalled"):
            again.offer()


def ticket_of(download):
    """A ticket that was given before the recall."""
    lasts = download.expires_at - clock.now()
    return custody.ticket(download.person, fetching.OPENING, download, lasts=lasts)


@pytest.mark.obligation("O-73", "O-76")
def test_the_command_fetches_and_checks_a_delivery(web, tmp_path, monkeypatch, capsys):
    delivery = matches.delivered()
    by = matches.downloader(delivery)
    download = fetching.begin(delivery, by=by, acknowledges=True, at=clock.now())
    (tmp_path / "hub.pem").write_bytes(vault_keys.hub_public_pem())
    monkeypatch.setenv("P20_HOME", str(tmp_path / "machine"))
    monkeypatch.setenv("P20_TICKET", ticket(download))
    config.write_config(config.Config(portal=web))
    assert main(["receive", address(web, download), "--to", str(tmp_path)]) == trust.UNTRUSTED
    assert "p20 trust" in capsys.readouterr().err
    vault_keys.publish_list(now=clock.real_now())
    pinned()

    code = main(["receive", address(web, download), "--to", str(tmp_path)])

    said = capsys.readouterr().out
    assert code == 0
    assert "every file is the one that the hub signed for" in said
    assert "sde.csv: 150 of 150 rows" in said
    assert delivery.digest in said
    monkeypatch.setenv("P20_TICKET", "0" * 32)
    named = ["--trust", str(tmp_path / "hub.pem")]
    assert main(["receive", address(web, download), "--to", str(tmp_path), *named]) == 1
    assert "The ticket is not one" in capsys.readouterr().err
