"""While a match is linked, its page tells how far it is and roughly what was found by now."""

import csv
import io
import re
import shutil
from functools import cache
from html import unescape

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from fixtures.generate import generate
from matching import standing
from matching.engine import child
from matching.engine.page_words import roughly
from p20win.custody import public as custody
from p20win.jobs import leases
from p20win.jobs.models import Job
from p20win.jobs.public import RunningJob
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.integration.test_group_review_browser import Served

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]

OVER = 286  # htmx: ask no more


@cache
def more_people():
    """Return a project of so many people that their pairs can be told in numbers."""
    return generate(600, seed=5)


def message(text):
    """Return what the element says that the page's script reads aloud and replaces."""
    (said,) = re.findall(r"<p [^>]*data-job-message[^>]*>(.*?)</p>", text, re.DOTALL)
    return unescape(said)


def counts(messages, what):
    """Return the counts told of something, in their order."""
    told = [re.search(rf"about ([\d,]+) {what}", said) for said in messages]
    return [int(found[1].replace(",", "")) for found in told if found]


@pytest.mark.obligation("O-68")
def test_candidates_and_links_are_counted_on_the_page_while_the_job_is_at_work(signed_in, monkeypatch):
    monkeypatch.setattr(matches, "people", more_people)
    run = matches.started()
    client = signed_in(matches.hub_member(run.match.project))
    job = Job.objects.get(name="matching.run_match")
    page, poll = run.match.get_absolute_url(), reverse("jobs:progress", args=[job.pk])
    assert message(client.get(page).text) == "It starts as soon as a worker is free."
    assert f'hx-get="{poll}"' in client.get(page).text
    really, outcomes, told, polled, on_page = child.link, [], [], [], []

    def watched(setup, given, *, progress):
        def tell(percent, said):
            progress(percent, said)
            answer = client.get(poll)
            assert answer.status_code == 200
            assert f'value="{percent}"' in answer.text
            told.append(said)
            polled.append(message(answer.text))
            on_page.append(message(client.get(page).text))

        outcomes.append(really(setup, given, progress=tell))
        return outcomes[0]

    monkeypatch.setattr(child, "link", watched)
    files.run_job("matching.run_match", run_id=run.pk)

    assert polled == on_page == told
    assert len(told) > 10
    candidates = counts(polled, "candidates found")
    assert len(candidates) == 2  # college with wage records, and with the schools
    assert candidates[0] != candidates[1]
    scored, likely = counts(polled, "pairs scored so far"), counts(polled, "of them likely")
    assert scored == sorted(scored)
    assert likely == sorted(likely)
    assert len(set(scored)) == len(set(likely)) == 2
    run.refresh_from_db()
    told_after = [pair["candidates"]["count"] for pair in outcomes[0].report["pairs"]]
    assert [roughly(count) for count in told_after] == [f"about {count:,}" for count in candidates]
    assert roughly(sum(told_after)) == f"about {scored[-1]:,}"
    key = csv.DictReader(io.StringIO(b"".join(custody.open_bytes(run.crosswalk)).decode()))
    assert f"about {counts(polled, 'people')[0]:,}" == roughly(len({row["link_id"] for row in key}))
    over = client.get(poll)
    assert (over.status_code, over["HX-Refresh"]) == (OVER, "true")
    assert "data-job-message" not in client.get(page).text
    assert standing.latest_result(run.match) == run


class Working(Served):
    """A browser whose job gets on by one step each time the page asks how far it is."""

    def __init__(self, client, chromium, job, steps):
        super().__init__(client, chromium)
        self.poll, self.steps = reverse("jobs:progress", args=[job.pk]), list(steps)
        self.running = RunningJob(leases.claim(str(job.pk)))

    def _answer(self, url, sent, kind):
        if self.poll in url and self.steps:
            self.running.progress(*self.steps.pop(0))
        return super()._answer(url, sent, kind)


@pytest.mark.browser
@pytest.mark.long
def test_the_open_page_shows_each_count_by_itself_and_says_it_to_who_cannot_see(signed_in):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    run = matches.started()
    steps = [
        (16, "Comparing CSCU with DOL: about 260 candidates found"),
        (39, "Comparing CSCU with SDE: about 310 candidates found; about 260 pairs scored so far"),
        (85, "Joining pairs into people: about 570 are kept"),
    ]
    address = run.match.get_absolute_url()
    client = signed_in(matches.hub_member(run.match.project))

    def journey(page):
        page.goto(address)
        for percent, said in steps:
            expect(page.locator("[data-job-message]")).to_have_text(said)
            expect(page.locator("progress.p20-job__bar")).to_have_attribute("value", str(percent))
            expect(page.get_by_role("status").filter(has_text=said)).to_have_count(1)

    Working(client, chromium, Job.objects.get(name="matching.run_match"), steps).runs(journey)
