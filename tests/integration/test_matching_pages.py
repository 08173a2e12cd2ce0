"""The pages of the matching desk through the client: who sees what, and what a button does."""

import datetime as dt
import io
import threading
import zipfile
from unittest import mock

import pytest
from django.urls import reverse

from agreements.public import MatchMethod
from matching import standing
from matching.models import Delivery, Match, MatchStatus
from matching.services import delivering
from p20win import clock
from p20win.custody import vault_keys
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_matching as matches
from tests.factories import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


@pytest.fixture
def vault(settings, tmp_path):
    settings.P20WIN_MEDIA = tmp_path / "media"
    settings.P20WIN_KEYSTORE = tmp_path / "keystore"
    settings.P20WIN_VAULT_KEYS = tmp_path / "vault-keys"
    settings.P20WIN_VAULT_PUBLIC = tmp_path / "public"
    settings.P20WIN_IS_VAULT = True
    vault_keys.make_keys()


def page(client, name, *args, **query):
    return client.get(reverse(f"matching:{name}", args=args), query)


def test_the_list_shows_what_waits_and_the_upload_is_opened_from_it(signed_in):
    row = matches.request()
    agreement = agreements.in_force(row)
    client = signed_in(factories.operating_group_member())

    shown = page(client, "index")
    assert agreement.project.number in shown.text
    answer = client.post(reverse("matching:open", args=[agreement.project_id]))

    match = Match.objects.get()
    assert answer.url == match.get_absolute_url()
    assert "Waiting for files of CSCU, DOL and SDE." in client.get(answer.url).text
    assert match.project.number in page(client, "index", q=match.project.number).text
    assert "No match fits" in page(client, "index", q="DR-9999").text


def test_strangers_see_nothing_and_open_nothing(signed_in):
    match = matches.collecting()
    client = signed_in(factories.steward(factories.organisation()))

    assert page(client, "detail", match.pk).status_code == 404
    assert page(client, "start", match.pk).status_code == 404
    assert page(client, "agree", match.pk).status_code == 404
    assert page(client, "download", match.pk).status_code == 404
    assert client.post(reverse("matching:open", args=[match.project_id])).status_code == 404


def test_an_agency_is_led_to_its_own_files_and_to_no_other(signed_in, django_assert_max_num_queries):
    match = matches.collecting()
    client = signed_in(matches.steward("SDE"))

    with django_assert_max_num_queries(60):
        shown = page(client, "detail", match.pk).text

    own, other = matches.slot(match, "SDE", "matching"), matches.slot(match, "DOL", "matching")
    assert reverse("custody:slot", args=[own.pk]) in shown
    assert reverse("custody:slot", args=[other.pk]) not in shown


def test_the_hub_starts_a_match_with_an_approved_method(signed_in):
    match = matches.ready()
    by = matches.hub_member(match.project)
    client = signed_in(by)
    form = page(client, "start", match.pk)
    assert "Method splink" in form.text

    answer = client.post(reverse("matching:start", args=[match.pk]), {"method": MatchMethod.objects.get().pk})

    match.refresh_from_db()
    assert match.status == MatchStatus.LINKING
    assert "The vault links the files." in client.get(answer.url).text


def test_the_report_is_read_agreed_to_and_the_last_word_signs_off(signed_in):
    match = matches.linked()
    run = standing.latest_result(match)
    for row in standing.signoffs(run):
        by = matches.representative(row)
        client = signed_in(by)
        shown = page(client, "report", run.pk)
        assert "Match rates" in shown.text
        assert 'style="' not in shown.text
        assert "<svg" in shown.text
        assert page(client, "detail", match.pk).status_code == 200
        wrong = client.post(
            reverse("matching:agree", args=[match.pk]), {"typed_name": by.name, "password": "no"}
        )
        assert "password is not right" in wrong.text
        client.post(reverse("matching:agree", args=[match.pk]), {"typed_name": by.name, "password": PASSWORD})

    match.refresh_from_db()
    assert match.status == MatchStatus.SIGNED_OFF
    assert "The extract is being prepared" in page(client, "detail", match.pk).text
    file = page(client, "report-file", run.pk)
    assert "attachment" in file["Content-Disposition"]
    assert b"<h1>Match report</h1>" in file.content


def test_a_party_says_why_a_match_is_not_optimal(signed_in):
    match = matches.linked()
    row = standing.signoffs(standing.latest_result(match)).first()
    client = signed_in(matches.representative(row))

    assert (
        "There is something to correct" in client.post(reverse("matching:reject", args=[match.pk]), {}).text
    )
    answer = client.post(reverse("matching:reject", args=[match.pk]), {"reasons": "Too few matched."})

    shown = client.get(answer.url).text
    assert "Too few matched." in shown
    assert "Not optimal" in shown


def test_the_extract_is_downloaded_by_who_acknowledges(signed_in, monkeypatch):
    delivery = matches.delivered()
    by = matches.downloader(delivery)
    client = signed_in(by)
    address = reverse("matching:download", args=[delivery.match_id])
    monkeypatch.setattr("p20win.custody.public.relay", lambda token: delivering.give(delivery, by))

    assert delivering.STORAGE_RULE in client.get(address).text
    assert "There is something to correct" in client.post(address, {}).text
    assert not delivery.downloads.exists()
    answer = client.post(address, {"rule_0": "on"})

    assert answer["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert "sde.csv" in archive.namelist()
    assert delivery.downloads.get().person == by
    assert "Your downloads" in client.get(address).text


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
    assert "The clock has run out. Only a legal hold stops the destruction now." in shown
    assert "Until then it can be withdrawn." not in shown


def test_before_sign_off_the_page_says_that_the_clock_has_not_started(signed_in):
    match = matches.linked()

    shown = signed_in(factories.hub_member()).get(reverse("matching:detail", args=[match.pk])).text

    assert "The clock has not started" in shown
    assert "has not said whether the match is optimal" in shown
    assert "then the operating group is told" in shown


@pytest.mark.django_db(transaction=True)
def test_two_last_words_at_once_sign_off_once():
    match = matches.linked()
    rows = list(standing.signoffs(standing.latest_result(match)))
    for row in rows[:-2]:
        match = matches.agree(match, row)
    last = [(row, matches.representative(row)) for row in rows[-2:]]
    start = threading.Barrier(2)

    def speak(row, by):
        from django.db import connection

        try:
            start.wait()
            matches.agree(match, row, by=by)
        finally:
            connection.close()

    threads = [threading.Thread(target=speak, args=pair) for pair in last]
    with mock.patch("p20win.jobs.services.send"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    match.refresh_from_db()
    assert match.status == MatchStatus.SIGNED_OFF
    assert Delivery.objects.count() == 1
