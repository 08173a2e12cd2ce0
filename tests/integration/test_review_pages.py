"""Clerical review through the pages: dots and reveals, single words, second and third readers, reruns."""

import html
import json
import re

import pytest
from django.urls import reverse

from matching import reviewed, standing
from matching.models import Look, Reading, ReviewSample
from matching.services import reviewing
from p20win.audit.public import events_of
from p20win.custody import public as custody
from p20win.refusal import Blocked
from tests import factories
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


@pytest.fixture
def relayed(monkeypatch):
    """The vault without its socket: it gives the look that was asked for last."""

    def relay(token):
        asked = Look.objects.order_by("-id").first()
        return iter(list(reviewing.give(asked, asked.person)))

    monkeypatch.setattr("p20win.custody.public.relay", relay)


def sample_of(match):
    return ReviewSample.objects.get(run=standing.latest_result(match))


def values(sample, number):
    """Return what the records of a pair say."""
    look = Look(sample=sample, pair=number, revealed=True)
    told = json.loads(b"".join(reviewing.give(look, None)))
    return {"".join(text for text, _ in side) for entry in told for side in (entry["left"], entry["right"])}


def said(sample, number, verdict, *, by):
    """Let a person look at a pair and say what it is."""
    reviewing.look(sample, number, revealed=False, by=by, at=START)
    return reviewing.read(sample, number, verdict, by=by, at=START)


@pytest.mark.obligation("O-69")
@pytest.mark.usefixtures("relayed", "at_start")
def test_a_pair_is_read_behind_dots_revealed_on_record_and_taken_back(signed_in):
    match = matches.linked()
    sample, by = sample_of(match), matches.hub_member(match.project)
    client = signed_in(by)
    assert f"Review pairs (0 of {len(sample.pairs)})" in client.get(match.get_absolute_url()).text
    overview = client.get(reverse("matching:review", args=[sample.pk])).text
    address = re.search(r'href="([^"]+/pairs/\d+/)"', overview).group(1)
    number = int(address.rstrip("/").split("/")[-1]) - 1
    known = {value for value in values(sample, number) if len(value) > 4}
    assert known

    shown = client.get(address)
    assert "•••" in shown.text
    assert not any(value in shown.text for value in known)
    assert shown["Cache-Control"].startswith("max-age=0")
    assert "<svg" in shown.text
    assert not Look.objects.filter(revealed=True).exists()

    shown = client.post(address, {"reveal": "yes"}).text
    assert all(value in html.unescape(re.sub(r"</?mark>", "", shown)) for value in known)
    look = Look.objects.get(revealed=True)
    assert (look.person, look.pair) == (by, number)
    assert [event.event for event in events_of(look)] == ["review.revealed"]

    answer = client.post(address, {"verdict": "link"})
    assert "/pairs/" in answer.url
    assert answer.url != address
    word = Reading.objects.get()
    shown = client.get(answer.url).text
    assert f"Take my last word back (pair {number + 1})" in shown
    back = client.post(reverse("matching:review-take-back", args=[word.pk]), follow=True)
    assert "Taken back." in back.text
    assert not reviewed.pairs(sample)[number].words
    assert "There is no such" not in client.get(address).text
    assert client.get(reverse("matching:review-pair", args=[sample.pk, 9999])).status_code == 404


def test_only_the_hub_reviews_and_nothing_lies_outside_the_sheets(signed_in):
    match = matches.linked()
    sample = sample_of(match)
    for person in (matches.steward("SDE"), factories.operating_group_member()):
        client = signed_in(person)
        assert client.get(reverse("matching:review", args=[sample.pk])).status_code == 404
        assert client.get(reverse("matching:review-pair", args=[sample.pk, 1])).status_code == 404
    with pytest.raises(Blocked, match="Only staff of the data integration hub"):
        reviewing.look(sample, 0, revealed=True, by=factories.operating_group_member(), at=START)
    with pytest.raises(Blocked, match="confidentiality"):
        reviewing.look(sample, 0, revealed=False, by=factories.hub_member(), at=START)

    owners = {sheet.file.owner.short_name for sheet in sample.sheets.all()}
    assert owners <= set(matches.AGENCIES)
    assert all(sheet.file.owner.short_name == sheet.name for sheet in sample.sheets.all())
    assert {value for value in values(sample, 0) if len(value) > 4}
    kept = json.dumps(sample.pairs) + json.dumps(sample.strata)
    assert not any(value in kept for value in values(sample, 0) if len(value) > 6)


def test_the_sheets_die_with_their_agencys_key():
    match = matches.linked()
    sample = sample_of(match)
    sheet = sample.sheets.first()

    custody.shred(match.project, sheet.file.owner, by=factories.hub_member(), at=START)

    sheet.file.refresh_from_db()
    assert sheet.file.status == custody.FileStatus.DESTROYED
    with pytest.raises(custody.NotOpenable):
        custody.open_bytes(sheet.file)
    why = reviewed.why_not_read(sample, matches.hub_member(match.project), START)
    assert why == ["The records are destroyed."]


@pytest.mark.obligation("O-69")
def test_a_second_reads_blind_a_third_decides_and_kappa_is_told():
    match = matches.linked()
    sample = sample_of(match)
    first, second, third = (matches.hub_member(match.project) for _ in range(3))
    twice = next(n for n, pair in enumerate(sample.pairs) if pair["twice"])
    once = next(n for n, pair in enumerate(sample.pairs) if not pair["twice"])

    with pytest.raises(Blocked, match="Look at the two records first"):
        reviewing.read(sample, twice, "link", by=first, at=START)
    said(sample, twice, "link", by=first)
    said(sample, once, "not", by=first)
    found = reviewed.pairs(sample)
    assert (found[twice].state.waits_for, found[once].state.verdict) == (2, "not")
    assert reviewed.next_for(found, second).number == twice
    with pytest.raises(Blocked, match="Another person reads it next"):
        reviewing.read(sample, twice, "link", by=first, at=START)
    said(sample, twice, "not", by=second)
    assert reviewed.pairs(sample)[twice].state.in_conflict
    assert reviewed.next_for(reviewed.pairs(sample), third).number == twice
    said(sample, twice, "not", by=third)

    assert reviewed.pairs(sample)[twice].state.verdict == "not"
    assert reviewed.agreement(match) == (0.0, [("link", "not")])
    with pytest.raises(Blocked, match="is decided"):
        said(sample, twice, "link", by=matches.hub_member(match.project))
    assert reviewed.progress(reviewed.pairs(sample))["decided"] == 2
    assert reviewed.estimate(sample).reviewed == 2


@pytest.mark.long
def test_unsure_asks_for_another_and_a_word_of_another_is_not_taken_back():
    match = matches.linked()
    sample = sample_of(match)
    one, other = (matches.hub_member(match.project) for _ in range(2))
    number = next(n for n, pair in enumerate(sample.pairs) if not pair["twice"])

    word = said(sample, number, "unsure", by=one)
    assert reviewed.pairs(sample)[number].state.waits_for == 2
    with pytest.raises(Blocked, match="Only who said it"):
        reviewing.take_back(word, by=other, at=START)
    said(sample, number, "unsure", by=other)

    assert reviewed.pairs(sample)[number].state.verdict == "unsure"
    assert not reviewing.setup(match)["decided"]
    reviewing.take_back(word, by=one, at=START)
    with pytest.raises(Blocked, match="It was taken back"):
        reviewing.take_back(word, by=one, at=START)


@pytest.mark.long
def test_decisions_go_into_the_next_run_by_digest_alone():
    match = matches.linked()
    sample, by = sample_of(match), matches.hub_member(match.project)
    number = next(n for n, pair in enumerate(sample.pairs) if not pair["twice"])
    said(sample, number, "not", by=by)

    told = reviewing.setup(match)

    assert [entry["verdict"] for entry in told["decided"]] == ["not"]
    assert all(re.fullmatch(r"[0-9a-f]{16}", told["decided"][0][side][1]) for side in ("left", "right"))
    assert re.fullmatch(r"[0-9a-f]{16}", told["salt"])
