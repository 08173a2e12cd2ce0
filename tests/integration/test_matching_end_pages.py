"""The end of a match through its pages: the order of its inputs' destruction, the clock, abandonment."""

import datetime as dt

import pytest
from django.urls import reverse

from matching.models import MatchStatus
from p20win import clock
from tests import factories
from tests import factories_matching as matches

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


def page(client, name, *args, **query):
    return client.get(reverse(f"matching:{name}", args=args), query)


@pytest.mark.obligation("O-65")
def test_two_people_of_the_hub_order_the_destruction_and_each_step_is_asked_once_more(signed_in, monkeypatch):
    match = matches.delivered().match
    monkeypatch.setattr(clock, "now", lambda: factories.START)
    page = reverse("matching:detail", args=[match.pk])
    first, second = (reverse(f"matching:{name}", args=[match.pk]) for name in ("destroy", "destroy-confirm"))
    client = signed_in(factories.hub_member())
    shown = client.get(page).text
    assert "Nobody needs to ask: the portal orders the destruction by itself" in shown
    assert "Copies of the key store live 5 days" in shown
    assert client.get(second).status_code == 404

    assert "Nothing is destroyed by you alone." in client.get(first).text
    assert "There is something to correct" in client.post(first, {}).text
    shown = client.post(first, {"reason": "Everyone has it."}, follow=True).text
    assert "Another person of the hub must confirm it." in shown
    assert "You asked for it; another person must confirm it." in shown
    assert "another person" in client.post(second, follow=True).text

    client = signed_in(factories.hub_member())
    assert "Everyone has it." in client.get(second).text
    shown = client.post(second, follow=True).text
    assert "the vault begins in an hour" in shown
    assert "Until then it can be withdrawn." in shown
    assert not match.project.destructions.exists()

    withdraw = reverse("matching:destroy-withdraw", args=[match.pk])
    assert "There is something to correct" in client.post(withdraw, {}).text
    shown = client.post(withdraw, {"reason": "A file is missing."}, follow=True).text
    assert "An order was withdrawn: A file is missing." in shown
    assert "Ask for a legal hold" in shown

    client.post(first, {"reason": "Everyone has it."})
    signed_in(factories.hub_member()).post(second)
    monkeypatch.setattr(clock, "now", lambda: factories.START + dt.timedelta(days=40))
    shown = client.post(withdraw, {"reason": "Wait."}, follow=True).text
    assert "The clock has run out. Only a legal hold or the signatures of all parties stop it now." in shown
    assert "Until then it can be withdrawn." not in shown


def test_before_sign_off_the_page_says_that_the_clock_has_not_started(signed_in):
    match = matches.linked()
    matches.described(match)

    shown = signed_in(factories.hub_member()).get(reverse("matching:detail", args=[match.pk])).text

    assert "The clock has not started" in shown
    assert "has not said whether the match is optimal" in shown
    assert "then the operating group is told" in shown


@pytest.mark.obligation("O-65")
def test_two_people_end_a_match_without_a_result_and_each_step_is_asked_once_more(signed_in, monkeypatch):
    match = matches.collecting()
    monkeypatch.setattr(clock, "now", lambda: factories.START)
    page = reverse("matching:detail", args=[match.pk])
    ask, confirm, withdraw = (
        reverse(f"matching:abandon{part}", args=[match.pk]) for part in ("", "-confirm", "-withdraw")
    )
    assert "Abandon this match" not in signed_in(matches.steward("SDE")).get(page).text
    client = signed_in(factories.operating_group_member())
    assert ask in client.get(page).text
    assert client.get(confirm).status_code == 404
    assert "There is something to correct" in client.post(ask, {"ground": "operating_group"}).text
    said = {"ground": "agreement_ended", "reason": "The study was given up."}
    refused = client.post(ask, said).text
    assert "The agreement is in force" in refused
    assert said["reason"] in refused  # what was typed stays
    assert f'href="{page}"' in refused  # the way back stands above
    shown = client.post(ask, said | {"ground": "operating_group"}, follow=True).text
    assert "You asked for it; another person must confirm it." in shown
    assert "Let the match go on?" in client.get(withdraw).text

    client = signed_in(factories.hub_member())
    assert confirm in client.get(page).text
    assert "The study was given up." in client.get(confirm).text
    shown = client.post(confirm, follow=True).text

    match.refresh_from_db()
    assert match.status == MatchStatus.ABANDONED
    assert "The match has ended without a result." in shown
    assert "The clock has not started" not in shown
    assert reverse("matching:destroy", args=[match.pk]) in shown
    assert client.get(ask).status_code == 200
    assert "The match was abandoned." in client.post(ask, said, follow=True).text
