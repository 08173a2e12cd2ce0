"""Curl, the browser and files of the stock age, over lines that are really cut at random places.

`p20` has its own in test_receiving.
"""

import json
import subprocess
import sys
import time

import pytest
from django.conf import settings as django_settings
from django.urls import reverse

from p20win.custody import vault_keys
from p20win.custody.public import SealedFile
from tests import factories
from tests import factories_custody as custody
from tests.cut_lines import Line, a_wide_slot, marks, wide_rows
from tests.integration.test_receiving import agreed, needs_age, needs_curl, status_and_hash, ticket_for
from tests.senders import Curl
from tools import machine as machines

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("cut_lines")]

MIB = 1 << 20
CUTS = 5
BROWSERS_PART = 16 * MIB  # what the page sends at a time
# By which seed chance cuts, and whether a cut is a reset; all but the first are for the long run.
CASES = [(0, True), *(pytest.param(n, n % 2 == 0, marks=pytest.mark.long) for n in range(1, 6))]


@pytest.fixture
def slot(settings, tmp_path):
    factories.hub()
    with custody.own_vault(settings, tmp_path / "vault"):
        yield a_wide_slot()


@pytest.fixture
def steward(slot):
    return factories.steward(slot.supplier)


@pytest.fixture
def line(live_server):
    opened = []

    def stand(where, **how):
        opened.append(Line(live_server.url, where, **how))
        return opened[-1]

    yield stand
    for each in opened:
        each.close()


def a_file(slot, folder, content):
    path = folder / custody.name_for(slot)
    path.write_bytes(content)
    return path


def by_curl(curl, path, door):
    """Do what the ticket's page says: after every cut ask how far it is, and send the rest."""
    where = curl.place(path)
    for _ in range(2 * CUTS):
        if "204" in curl.send(path, where.replace(curl.server, door.url), offset_of(curl, where)):
            return
    raise AssertionError("It did not arrive.")


def offset_of(curl, where):
    """Ask how far it is until the portal has done with what the cut left it."""
    asked = [curl.offset(where)]
    while len(asked) < 2 or asked[-1] != asked[-2]:
        time.sleep(0.3)
        asked.append(curl.offset(where))
    return asked[-1]


def resumed(door, size, *, chunk):
    """Say that it was cut, went on each time, and sent at most a chunk again."""
    assert door.cuts == CUTS
    assert len(door.parts) > CUTS
    assert all(again <= chunk for again in door.again()), door.again()
    assert sum(door.again()) <= CUTS * chunk  # one for each cut
    assert sum(part.passed for part in door.parts) == size + sum(door.again())


@needs_curl
@pytest.mark.parametrize(("seed", "harsh"), CASES)
@pytest.mark.obligation("O-62", "O-117")
def test_f02_curl_cut_at_random_points_sends_one_chunk_again_at_most(
    slot, steward, signed_in, live_server, line, tmp_path, seed, harsh
):
    content = wide_rows(8 * MIB)
    path = a_file(slot, tmp_path, content)
    door = line(marks(seed, len(content), CUTS), harsh=harsh, silent=0.5)
    curl = Curl(tmp_path, live_server.url, ticket_for(slot, steward, signed_in)[0])

    by_curl(curl, path, door)

    resumed(door, len(content), chunk=MIB)
    assert status_and_hash(slot) == custody.digest_of(content)


@needs_age
@needs_curl
@pytest.mark.parametrize(("seed", "harsh"), CASES)
@pytest.mark.obligation("O-58", "O-117")
def test_f02_a_file_of_the_stock_age_cut_at_random_points_sends_one_chunk_again_at_most(
    slot, steward, signed_in, live_server, line, tmp_path, seed, harsh
):
    agreed(slot, "age")
    content = wide_rows(8 * MIB)
    path = a_file(slot, tmp_path, content)
    sealed = path.with_name(f"{path.name}.age")
    subprocess.run(["age", "-r", vault_keys.age_recipient(), "-o", sealed, path], check=True)
    size = sealed.stat().st_size
    door = line(marks(seed, size, CUTS), harsh=harsh, silent=0.5)
    curl = Curl(tmp_path, live_server.url, ticket_for(slot, steward, signed_in)[0])

    by_curl(curl, sealed, door)

    resumed(door, size, chunk=MIB)
    assert status_and_hash(slot) == custody.digest_of(content)
    assert SealedFile.objects.get(slot=slot).wrapping == "age"


IN_A_BROWSER = """
import json, sys
from playwright.sync_api import sync_playwright
told = json.loads(sys.argv[1])
with sync_playwright() as running:
    browser = running.chromium.launch(executable_path=told["chromium"], args=told["switches"])
    context = browser.new_context(base_url=told["server"])
    context.add_cookies([{"name": told["cookie"], "value": told["session"], "url": told["server"]}])
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(told["page"])
    page.locator("input[type=file]").set_input_files(told["file"])
    page.get_by_role("button", name="Send", exact=True).click()
    try:
        page.get_by_text("is checking it").wait_for(timeout=120_000)
    except Exception:
        print(said, page.inner_text("main"))
        raise
    browser.close()
"""


def in_a_browser(slot, path, client, server):
    """Send a file from its page, by the page's own script."""
    told = {
        "chromium": machines.browser(),
        "switches": ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
        "server": server,
        "cookie": django_settings.SESSION_COOKIE_NAME,
        "session": client.cookies[django_settings.SESSION_COOKIE_NAME].value,
        "page": reverse("custody:slot", args=[slot.pk]),
        "file": str(path),
    }
    done = subprocess.run(
        [sys.executable, "-c", IN_A_BROWSER, json.dumps(told)], capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.browser
@pytest.mark.timeout(300)
@pytest.mark.parametrize("encryption", [None, pytest.param("browser", marks=pytest.mark.long)])
@pytest.mark.parametrize(("seed", "harsh"), CASES)
@pytest.mark.obligation("O-62", "O-117")
def test_f02_the_browser_cut_at_random_points_sends_one_part_again_at_most(
    slot, steward, signed_in, line, tmp_path, seed, harsh, encryption
):
    if encryption:
        agreed(slot, encryption)
    content = wide_rows(36 * MIB)
    path, door = a_file(slot, tmp_path, content), line(marks(seed, len(content), CUTS), harsh=harsh)

    in_a_browser(slot, path, signed_in(steward), door.url)

    end = max(part.offset + part.passed for part in door.parts)
    assert end >= len(content)
    resumed(door, end, chunk=BROWSERS_PART)
    assert status_and_hash(slot) == custody.digest_of(content)
    assert SealedFile.objects.get(slot=slot).wrapping == ("sealed" if encryption else "plain")
