"""Groups of records that really contradict each other: drawn by a run, decided by keyboard in the browser."""

import mimetypes
import re
import shutil
import threading
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.urls import reverse
from playwright.sync_api import expect, sync_playwright

from matching import grouped, standing
from matching.engine import stops
from matching.models import GroupLook, GroupReading, ReviewSample
from matching.services import grouped_reviewing
from tests import factories_contested
from tests import factories_matching as matches
from tests.functional.conftest import SWITCHES
from tests.functional.eyes import PHONE, WIDE, look

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]
PORTAL = "http://portal.example.org"


@pytest.fixture
def sample():
    return ReviewSample.objects.get(run=standing.latest_result(factories_contested.linked()))


@pytest.fixture
def relayed(monkeypatch):
    """The vault without its socket: it gives the look that was asked for last."""

    def relay(token):
        asked = GroupLook.objects.order_by("-id").first()
        return iter(list(grouped_reviewing.give(asked, asked.person)))

    monkeypatch.setattr("p20win.custody.public.relay", relay)


@pytest.mark.obligation("O-69")
@pytest.mark.usefixtures("relayed")
def test_the_run_says_what_it_made_of_a_group_and_what_stopped_it(sample, signed_in):
    found = grouped.groups(sample)
    reasons = {pair.drawn["stopped"] for group in found for pair in group.pairs}
    assert {stops.TWO_ROWS, stops.TWINS} <= reasons
    sisters = next(group for group in found if len(group.records) == 4)
    assert sorted(record["file"] for record in sisters.records) == ["CSCU", "DOL", "SDE", "SDE"]
    client = signed_in(matches.hub_member(sample.run.match.project))

    page = client.get(reverse("matching:review-group", args=[sample.pk, sisters.number + 1])).text

    assert len([person for person in sisters.people() if len(person) > 1]) in (1, 2)
    assert re.search(r"As the run has it: [A-D](, [A-D])* and [A-D] are one person", page)
    assert stops.words(stops.TWO_ROWS) in page
    stopped = [pair for group in found for pair in group.pairs if pair.drawn["stopped"]]
    assert all(pair.drawn["decision"] != "link" for pair in stopped)


class Served:
    """A browser over the test's own client: the pages are asked for in the thread that holds the database."""

    def __init__(self, client, chromium):
        self.client, self._chromium = client, chromium

    def runs(self, journey):
        """Let the journey use a page, in another thread; what it fails with is raised here."""
        asked, answers, over = [], [], threading.Condition()
        failed = []

        def answer(route):
            request = route.request
            sent = request.post_data_buffer if request.method == "POST" else None
            with over:
                asked.append((request.url, sent, request.headers.get("content-type", "")))
                over.notify_all()
                over.wait_for(lambda: answers)
                route.fulfill(**answers.pop())

        def drive():
            try:
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(executable_path=self._chromium, args=SWITCHES)
                    page = browser.new_context(base_url=PORTAL, viewport=WIDE).new_page()
                    page.route("**/*", answer)
                    journey(page)
                    browser.close()
            except BaseException as problem:  # raised again in the test's own thread
                failed.append(problem)
            with over:
                asked.append(None)
                over.notify_all()

        driver = threading.Thread(target=drive, daemon=True)
        driver.start()
        while True:
            with over:
                over.wait_for(lambda: asked and not answers, timeout=60)
                request = asked.pop(0)
                if request is None:
                    break
                answers.append(self._answer(*request))
                over.notify_all()
        driver.join(30)
        if failed:
            raise failed[0]

    def _answer(self, url, sent, kind):
        path = url.removeprefix(PORTAL)
        if path.startswith(settings.STATIC_URL):
            place = finders.find(path.removeprefix(settings.STATIC_URL).partition("?")[0])
            if not place:
                return {"status": 404}
            kind = mimetypes.guess_type(place)[0] or "application/octet-stream"
            return {"status": 200, "body": Path(place).read_bytes(), "content_type": kind}
        if sent is None:
            given = self.client.get(path)
        else:  # followed here: where an answer leads is not asked for by way of the route again
            given = self.client.post(path, sent, content_type=kind, follow=True)
        return {"status": given.status_code, "headers": dict(given.items()), "body": given.content}


@pytest.mark.browser
@pytest.mark.long
@pytest.mark.obligation("O-69")
@pytest.mark.usefixtures("relayed")
def test_a_group_is_read_and_decided_by_single_keys(sample, signed_in, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("Chromium is missing: apt-get install -y --no-install-recommends chromium")
    group = grouped.groups(sample)[0]
    client = signed_in(matches.hub_member(sample.run.match.project))

    def journey(page):
        def picture(name):
            look(page)
            for width, size in (("desktop", WIDE), ("phone", PHONE)):
                page.set_viewport_size(size)
                page.screenshot(path=tmp_path / f"{name}-{width}.png", full_page=True)
            page.set_viewport_size(WIDE)

        page.goto(reverse("matching:review", args=[sample.pk]))
        picture("overview")
        page.get_by_role("link", name="Group 1", exact=True).click()
        beside = page.get_by_role("table", name=re.compile("The records side by side"))
        expect(beside).to_contain_text("••")
        picture("behind-dots")
        page.keyboard.press("r")
        expect(page.get_by_role("button", name="Reveal")).to_have_count(0)
        expect(beside).to_contain_text(re.compile("[A-Za-z]{4}"))
        picture("revealed")
        for key in ("l", "n", "n", "u")[: len(group.pairs)]:
            page.keyboard.press(key)
        expect(page.get_by_role("radio", checked=True)).to_have_count(len(group.pairs))
        picture("said")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Written down. It counts in the next run.")).to_be_visible()

    Served(client, chromium).runs(journey)

    said = [word.verdict for word in GroupReading.objects.order_by("pair")]
    assert said == ["link", "not", "not", "unsure"][: len(group.pairs)]
