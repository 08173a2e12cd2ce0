"""Keeping the inputs of a match longer through its pages: proposed, read, signed, refused, withdrawn."""

import pytest
from django.urls import reverse

from matching import keeping_checks
from matching.models import KeepingStatus
from matching.services import keeping
from p20win import clock
from p20win.accounts.public import Role, people_with_role
from p20win.deadlines import public as deadlines
from tests import factories
from tests import factories_matching as matches
from tests.factories import PASSWORD, START
from tests.unit.test_kept_longer import SAID, clock_of, proposed, signed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
SENT = {"until": "2026-03-02", **SAID}


@pytest.fixture
def match(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: START)
    return matches.delivered().match


def address(match, name=""):
    return reverse(f"matching:keeping{name and '-'}{name}", args=[match.pk])


def signatory(match, name="SDE"):
    return people_with_role(Role.SIGNATORY, matches.agency(name)).first()


@pytest.mark.obligation("O-65")
def test_the_hub_proposes_after_it_has_seen_both_clocks(signed_in, match):
    client = signed_in(factories.hub_member())
    page = client.get(match.get_absolute_url()).text
    assert "Propose to keep the input files longer" in page
    assert "Nothing is proposed" in client.get(address(match)).text
    asked = client.get(address(match, "propose")).text
    assert "Jan 20, 2026, 11:59 p.m. ET" in asked
    assert "Jul 4, 2026" in asked  # the last day that the hub's limit allows
    assert "There is something to correct" in client.post(address(match, "propose"), {}).text
    early = client.post(address(match, "propose"), SENT | {"until": "2026-01-20"}).text
    assert "name a later day" in early
    assert SAID["reason"] in early  # what was typed stays

    shown = client.post(address(match, "propose"), SENT).text

    assert "Kept until Mar 2, 2026" in shown
    assert "Feb 25, 2026, 11:59 p.m. ET" in shown  # the keys go five days before
    assert "Invented SDE, supplies inputs" in shown
    assert keeping_checks.proposed(match) is None
    said = client.post(address(match, "propose"), SENT | {"send": "1"}, follow=True).text
    assert "Sent to every party. The clock runs on until all have signed." in said
    assert "Withdraw the proposal" in said
    assert "proposed already" in client.get(address(match, "propose")).text
    assert "Keep the input files longer?" in client.get(match.get_absolute_url()).text


@pytest.mark.obligation("O-65")
def test_a_signatory_has_it_on_the_first_page_reads_and_signs(signed_in, match):
    row = proposed(match)
    signed(row, but=1)
    last = row.words.get(signature=None)
    person = people_with_role(Role.SIGNATORY, last.organisation).first()
    client = signed_in(person)
    assert "Sign or refuse: keep the input files longer" in client.get("/").text
    assert "Sign or refuse" in client.get(match.get_absolute_url()).text
    assert "Read and sign" in client.get(address(match)).text
    page = client.get(address(match, "sign")).text
    assert row.digest in page
    assert SAID["allowed_in"] in page
    assert last.organisation.legal_name in page
    given = {"typed_name": person.name, "password": "another"}
    assert "The password is not right" in client.post(address(match, "sign"), given).text

    said = client.post(address(match, "sign"), given | {"password": PASSWORD}, follow=True).text

    assert "Signed. With the last party’s signature the clock moves." in said
    assert "Every party signed" in said
    assert "What the parties signed" in said
    shown = client.get(match.get_absolute_url()).text
    assert "the input files are kept until the end of <strong>Mar 2, 2026</strong>" in shown
    assert "The day that all parties agreed on, by which no copy of a key may be left" in shown
    assert "10 business days, from Jan 5, 2026" in " ".join(shown.split())  # what the clock was before
    assert client.get(address(match, "sign")).status_code == 404


@pytest.mark.obligation("O-65")
def test_a_refusal_is_asked_once_more_and_shown_with_its_reason(signed_in, match):
    proposed(match)
    client = signed_in(signatory(match))
    before = clock_of(match).due_at
    assert "One refusal ends the proposal for every party" in client.get(address(match, "refuse")).text
    assert "There is something to correct" in client.post(address(match, "refuse"), {}).text

    said = client.post(address(match, "refuse"), {"reason": "Our counsel objects."}, follow=True).text

    assert "Refused. Every party is told" in said
    assert clock_of(match).due_at == before
    shown = client.get(address(match)).text
    assert "SDE refused" in shown
    assert "Our counsel objects." in shown
    assert "Nothing is proposed" in shown


def test_who_proposed_it_withdraws_it_on_a_page(signed_in, match):
    by = factories.operating_group_member()
    row = proposed(match, by=by)
    other = signed_in(factories.hub_member())
    assert "Withdraw the proposal" not in other.get(address(match)).text
    refused = other.post(address(match, "withdraw"), {"reason": "No."}).text
    assert "Only who proposed it can withdraw it." in refused

    said = signed_in(by).post(address(match, "withdraw"), {"reason": "The list came."}, follow=True).text

    row.refresh_from_db()
    assert row.status == KeepingStatus.WITHDRAWN
    assert "Withdrawn. Every party is told" in said


def test_others_may_read_and_not_act(signed_in, match):
    client = signed_in(matches.steward("SDE"))
    assert "Propose to keep" not in client.get(address(match)).text
    for name in ("propose", "sign", "refuse", "withdraw"):
        assert client.get(address(match, name)).status_code == 404
    proposed(match)
    for name in ("sign", "refuse", "withdraw"):
        assert client.post(address(match, name), {"reason": "No."}).status_code == 404
    elsewhere = factories.person(Role.SIGNATORY, at=factories.organisation())
    for name in ("", "sign", "refuse"):
        assert signed_in(elsewhere).get(address(match, name)).status_code == 404


def test_why_it_cannot_be_signed_now_stands_on_the_page(signed_in, match, monkeypatch):
    row = proposed(match)
    late = deadlines.alive("input-destruction", match)[0].due_at + matches.a_day(60)
    monkeypatch.setattr(clock, "now", lambda: late)
    client = signed_in(signatory(match))

    shown = client.get(address(match)).text

    assert "would have to go at once" in shown
    assert "Read and sign" not in shown
    assert "would have to go at once" in client.get(address(match, "sign")).text
    assert keeping.withdraw(row, reason="Too late.", by=row.proposed_by, at=late).why_ended == "Too late."
