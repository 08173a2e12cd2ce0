"""The real portal in a real browser: supervisor, servers, worker, vault and web, in demo mode."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.functional.eyes import ROOT, WIDE, Complaints

READY = "The portal is ready"
PATIENCE = 480.0  # the demo is seeded with requests in every stage, matched and reviewed for real
# What the tests' own servers put into the environment must not reach the portal under test.
NOT_HANDED_ON = (
    "DATABASE_URL OWNER_DATABASE_URL VAULT_DATABASE_URL BROKER_URL SECRET_KEY PORTAL_ADDRESS ALLOWED_HOSTS "
    "DJANGO_SETTINGS_MODULE".split()
)
SWITCHES = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark everything here, and keep it on one worker: one portal serves all journeys.

    At collection, since xdist reads the groups before a conftest may change the collected items.
    """
    item.add_marker(pytest.mark.browser)
    item.add_marker(pytest.mark.xdist_group("browser"))
    whole_line = item.path.name == "test_whole_line.py"
    if whole_line:
        item.add_marker(pytest.mark.long)  # five minutes; ./test must pass in fifteen on two cores
    # The first one waits for the portal. Of several marks the first would count.
    item.add_marker(pytest.mark.timeout(1800 if whole_line else 600))


@dataclass(frozen=True)
class Portal:
    """A running portal and where it keeps its data."""

    address: str
    data: Path


@pytest.fixture(scope="package")
def chromium() -> str:
    """Return the path of Chromium; without it the browser's tests are skipped, and say so."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("Chromium is missing: apt-get install -y --no-install-recommends chromium")


@pytest.fixture(scope="package")
def portal(chromium: str, request: pytest.FixtureRequest) -> Iterator[Portal]:
    """Start the portal as `./run` does, on a free port with a data folder of its own, and stop it again.

    The heavy checks have a demo of all requests; for the others a few will do.
    """
    few = not any(item.get_closest_marker("long") for item in request.session.items)
    data = Path(tempfile.mkdtemp(prefix="p20-browser-"))
    data.chmod(0o711)  # as root the servers run as nobody and must get through
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON}
    env = {name: value for name, value in env.items() if not name.startswith("P20WIN_")}
    env["P20WIN_DATA"] = str(data)
    output = data / "supervisor.log"
    with output.open("wb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "p20win.supervise", "--port", str(port), *(["--few"] if few else [])],
            cwd=ROOT,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(supervisor, output)
        yield Portal(f"http://127.0.0.1:{port}", data)
    finally:
        supervisor.send_signal(signal.SIGINT)
        try:
            supervisor.wait(60)
        finally:
            if supervisor.poll() is None:
                os.killpg(supervisor.pid, signal.SIGKILL)
            shutil.rmtree(data, ignore_errors=True)


def _wait_until_ready(supervisor: subprocess.Popen[bytes], output: Path) -> None:
    until = time.monotonic() + PATIENCE
    while READY not in (said := output.read_text(encoding="utf-8")):
        if supervisor.poll() is not None or time.monotonic() > until:
            logs = [
                f"{log.name}: {log.read_text(errors='replace')[-2000:]}"
                for log in output.parent.glob("logs/*")
            ]
            pytest.fail("\n\n".join(("The portal did not start:", said[-4000:], *logs)))
        time.sleep(0.2)


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    """Start the browser once.

    Not for the whole session: while it runs, its event loop keeps Django from the database in this thread.
    """
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        yield running
        running.close()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Collect what the browser complains about; the test fails if there is anything."""
    collected = Complaints()
    yield collected
    assert not collected.heard, "\n".join(collected.heard)


@pytest.fixture
def desk(browser: Browser, portal: Portal, complaints: Complaints) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a new browser, in which nobody is signed in yet."""
    opened: list[BrowserContext] = []

    def open_desk(**options: object) -> Page:
        context = browser.new_context(base_url=portal.address, **{"viewport": WIDE, **options})
        context.set_default_timeout(15_000)
        opened.append(context)
        page = context.new_page()
        complaints.listen(page)
        return page

    yield open_desk
    for context in opened:
        context.close()
