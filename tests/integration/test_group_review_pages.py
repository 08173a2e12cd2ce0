"""Review of contested groups through the pages: dots, a reveal on record, words on pairs, reruns."""

import dataclasses
import html
import json
import re

import pytest
from django.urls import reverse

from matching import grouped, standing
from matching.models import GroupLook, GroupReading, ReviewSample
from matching.services import grouped_reviewing, reviewing
from p20win.audit.public import events_of
from p20win.refusal import Blocked
from tests import factories
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


@pytest.fixture
def relayed(monkeypatch):
    """The vault without its socket: it gives the look that was asked for last."""

    def relay(token):
        asked = GroupLook.objects.order_by("-id").first()
        return iter(list(grouped_reviewing.give(asked, asked.person)))

    monkeypatch.setattr("p20win.custody.public.relay", relay)


@pytest.fixture
def sample(monkeypatch):
    """A run's sample with a group: the small files hold none, so two drawn pairs are laid side by side."""
    keep = reviewing.keep

    def with_group(run, outcome, *, at):
        pairs, strata = outcome.sample["pairs"][:2], outcome.sample["strata"]
        records, shown, known = [], [], []
        for number, pair in enumerate(pairs):
            for side in ("left", "right"):
                records.append({"file": strata[pair["stratum"]][side], "place": pair[side]})
            shown.append(
                {"one": 2 * number, "other": 2 * number + 1, "probability": 0.9, "weight": 5.0,
                 "rule": "full name", "decision": ("link", "refused")[number], "told": False}
            )  # fmt: skip
            known.append(
                {side: json.loads(outcome.index)["pairs"][number][side] for side in ("left", "right")}
            )
        index = json.dumps(json.loads(outcome.index) | {"groups": [known]}).encode()
        drawn = outcome.sample | {"groups": [{"records": records, "pairs": shown}]}
        return keep(run, dataclasses.replace(outcome, sample=drawn, index=index), at=at)

    monkeypatch.setattr(reviewing, "keep", with_group)
    return ReviewSample.objects.get(run=standing.latest_result(matches.linked()))


def said(sample, words, *, by):
    grouped_reviewing.look(sample, 0, revealed=False, by=by, at=START)
    return grouped_reviewing.read(sample, 0, words, by=by, at=START)


@pytest.mark.obligation("O-69")
@pytest.mark.usefixtures("relayed", "at_start")
def test_a_group_is_seen_behind_dots_revealed_on_record_and_each_pair_decided(sample, signed_in):
    by = matches.hub_member(sample.run.match.project)
    client = signed_in(by)
    overview = client.get(reverse("matching:review", args=[sample.pk])).text
    assert "4 records, 0 of 2 pairs decided" in overview
    address = reverse("matching:review-group", args=[sample.pk, 1])
    assert address in overview
    whole = json.loads(b"".join(grouped_reviewing.give(GroupLook(sample=sample, group=0, revealed=True), by)))
    known = {"".join(t for t, _ in value) for entry in whole for value in entry["values"]}
    known = {value for value in known if len(value) > 4}
    assert known

    hidden = client.get(address)
    assert "•••" in hidden.text
    assert not any(value in hidden.text for value in known)
    assert hidden["Cache-Control"].startswith("max-age=0")
    assert not GroupLook.objects.filter(revealed=True).exists()
    shown = client.post(address, {"reveal": "yes"}).text
    assert all(value in html.unescape(re.sub(r"</?mark>", "", shown)) for value in known)
    assert [line.event for line in events_of(GroupLook.objects.get(revealed=True))] == [
        "review.group_revealed"
    ]

    assert "Say of at least one pair" in client.post(address, {}, follow=True).text
    assert "There is no such pair" in client.post(address, {"pair-7": "link"}, follow=True).text
    assert "cannot be told" in client.post(address, {"pair-1": "perhaps"}, follow=True).text
    after = client.post(address, {"pair-2": "link", "pair-x": "link"}, follow=True)
    assert "It counts in the next run." in after.text
    assert after.redirect_chain[-1][0] == address  # the other pair still waits
    assert "Decided: one person" in after.text

    word = GroupReading.objects.get()
    back = client.post(reverse("matching:review-group-take-back", args=[word.pk]), follow=True).text
    assert "Taken back." in back
    assert grouped.groups(sample)[0].decided == 0
    client.post(address, {"pair-1": "not", "pair-2": "link"})
    assert "4 records, 2 of 2 pairs decided" in client.get(reverse("matching:review", args=[sample.pk])).text


@pytest.mark.obligation("O-69")
@pytest.mark.long
def test_words_go_into_every_later_run_and_a_doubt_asks_for_another_reader(sample):
    match = sample.run.match
    one, other = (matches.hub_member(match.project) for _ in range(2))
    said(sample, {0: "not", 1: "unsure"}, by=one)
    assert not grouped.groups(sample)[0].waits_for(one)
    assert grouped.next_for(grouped.groups(sample), other).number == 0
    with pytest.raises(Blocked, match="is decided, or you have read it"):
        said(sample, {1: "link"}, by=one)
    (told,) = reviewing.setup(match)["decided"]
    assert told["verdict"] == "not"
    assert all(re.fullmatch(r"[0-9a-f]{16}", told[side][1]) for side in ("left", "right"))

    said(sample, {1: "unsure"}, by=other)

    assert grouped.next_for(grouped.groups(sample), matches.hub_member(match.project)) is None
    assert len(reviewing.setup(match)["decided"]) == 1


@pytest.mark.long
def test_only_the_hub_looks_and_nobody_takes_anothers_word_back(sample, signed_in):
    address = reverse("matching:review-group", args=[sample.pk, 1])
    for person in (matches.steward("SDE"), factories.operating_group_member()):
        assert signed_in(person).get(address).status_code == 404
    by = matches.hub_member(sample.run.match.project)
    with pytest.raises(Blocked, match="Look at the records first"):
        grouped_reviewing.read(sample, 0, {0: "link"}, by=by, at=START)
    with pytest.raises(Blocked, match="There is no such group"):
        grouped_reviewing.look(sample, 1, revealed=False, by=by, at=START)
    grouped_reviewing.look(sample, 0, revealed=False, by=by, at=START)
    look = GroupLook.objects.get()
    other = matches.hub_member(sample.run.match.project)
    assert "another person's look" in grouped_reviewing.why_not_look(look, other, START)[0]
    (word,) = said(sample, {0: "link"}, by=by)
    with pytest.raises(Blocked, match="Only who said it"):
        grouped_reviewing.take_back(word, by=other, at=START)
    client = signed_in(other)
    assert client.post(reverse("matching:review-group-take-back", args=[word.pk])).status_code == 404
    assert client.get(reverse("matching:review-group", args=[sample.pk, 2])).status_code == 404
