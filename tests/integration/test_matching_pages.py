"""The pages of the matching desk through the client: who sees what, and what a button does."""

import io
import re
import threading
import zipfile
from unittest import mock

import pytest
from django.test import Client
from django.urls import reverse

from agreements.public import MatchMethod
from matching import reviewed, standing
from matching.models import Delivery, Fetch, Match, MatchStatus
from matching.services import fetching, judging, recalling, reviewing
from p20win import clock
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


def page(client, name, *args, **query):
    return client.get(reverse(f"matching:{name}", args=args), query)


def test_the_list_shows_what_waits_and_the_upload_is_opened_from_it(signed_in):
    row = matches.request()
    agreement = agreements.in_force(row)
    client = signed_in(factories.operating_group_member())

    shown = page(client, "index")
    assert agreement.project.number in shown.text
    address = reverse("matching:open", args=[agreement.project_id])
    assert "What does the recipient get?" in client.get(address).text
    assert "Name where the agreement says" in client.post(address, {"form": "key"}).text
    answer = client.post(address, {"form": "package"})

    match = Match.objects.get()
    assert answer.url == match.get_absolute_url()
    assert "Waiting for files of CSCU, DOL and SDE." in client.get(answer.url).text
    assert match.project.number in page(client, "index", q=match.project.number).text
    assert "No match fits" in page(client, "index", q="DR-9999").text


@pytest.mark.obligation("O-104")
def test_the_hub_allows_commas_and_the_senders_page_says_so(signed_in):
    agreement = agreements.in_force(matches.request())
    address = reverse("matching:open", args=[agreement.project_id])
    assert "commas between their columns" in signed_in(factories.operating_group_member()).get(address).text

    signed_in(factories.operating_group_member()).post(address, {"form": "package", "commas": "on"})

    own = matches.slot(Match.objects.get(), "SDE", "matching")
    shown = signed_in(matches.steward("SDE")).get(reverse("custody:slot", args=[own.pk])).text
    assert "columns separated by tabs or commas" in shown
    assert "no number under SASID stands in two rows" in shown


@pytest.mark.obligation("O-48")
def test_of_all_approved_methods_the_default_engine_is_chosen_unless_one_says_otherwise(signed_in):
    match = matches.ready()
    for engine in ("cascade", "toolkit", "splink", "tokens", "clk"):  # hybrid is there
        agreements.method(engine)
    client = signed_in(matches.hub_member(match.project))
    hybrid = MatchMethod.objects.get(engine="hybrid")

    started, settings = page(client, "start", match.pk), page(client, "spec-new", match.pk)

    form = started.context["form"]
    assert form["version"].value() == f"usual:{hybrid.pk}"
    assert len(form.fields["version"].choices) == 4  # those for encoded files are not offered
    assert settings.context["form"]["method"].value() == hybrid.pk


def test_strangers_see_nothing_and_open_nothing(signed_in):
    match = matches.collecting()
    client = signed_in(factories.steward(factories.organisation()))

    assert page(client, "detail", match.pk).status_code == 404
    assert page(client, "start", match.pk).status_code == 404
    assert page(client, "agree", match.pk).status_code == 404
    assert page(client, "limitations", match.pk).status_code == 404
    assert page(client, "attest", match.pk).status_code == 404
    assert client.post(reverse("matching:open", args=[match.project_id])).status_code == 404


def test_an_agency_is_led_to_its_own_files_and_to_no_other(signed_in, django_assert_max_num_queries):
    match = matches.collecting()
    client = signed_in(matches.steward("SDE"))
    page(client, "detail", match.pk)  # what a process asks once, such as content types, is known then

    with django_assert_max_num_queries(64):
        shown = page(client, "detail", match.pk).text

    own, other = matches.slot(match, "SDE", "matching"), matches.slot(match, "DOL", "matching")
    assert reverse("custody:slot", args=[own.pk]) in shown
    assert reverse("custody:slot", args=[other.pk]) not in shown


def test_the_hub_starts_a_match_with_an_approved_method(signed_in):
    match = matches.ready()
    by = matches.hub_member(match.project)
    client = signed_in(by)
    form = page(client, "start", match.pk)
    assert "Method hybrid" in form.text

    answer = client.post(
        reverse("matching:start", args=[match.pk]), {"version": f"usual:{MatchMethod.objects.get().pk}"}
    )

    match.refresh_from_db()
    assert match.status == MatchStatus.LINKING
    assert "The vault links the files." in client.get(answer.url).text


def test_the_report_is_read_agreed_to_and_the_last_word_signs_off(signed_in):
    match = matches.linked()
    run = standing.latest_result(match)
    waits = page(signed_in(matches.representative(standing.signoffs(run)[0])), "detail", match.pk).text
    assert "You read them before you agree" in waits
    assert "Say that it is optimal" not in waits
    assert "It is not optimal" in waits
    hub = signed_in(factories.hub_member())
    said = hub.post(
        reverse("matching:limitations", args=[match.pk]), {"limitations": matches.LIMITS}, follow=True
    )
    assert "They go out with the data" in said.text
    for row in standing.signoffs(run):
        by = matches.representative(row)
        client = signed_in(by)
        shown = page(client, "report", run.pk)
        for title in ("Match rates", "What is missed", "How a weight comes about"):
            assert title in shown.text
        assert 'style="' not in shown.text
        assert "<svg" in shown.text
        assert page(client, "detail", match.pk).status_code == 200
        assert matches.LIMITS in page(client, "agree", match.pk).text
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
    assert b"What people judged" not in file.content


@pytest.mark.obligation("O-112")
def test_the_page_that_stands_alone_holds_the_answers_and_what_people_judged(signed_in):
    match = matches.linked()
    run = standing.latest_result(match)
    by = matches.hub_member(match.project)
    said = {"bias": "Movers are missed.\n<b>More</b> in cities.", "weighed": "No."}
    judging.answer(run, said, by=by, at=factories.START)
    for number in [n for n, pair in enumerate(run.sample.pairs) if not pair["twice"]][:8]:
        reviewing.look(run.sample, number, revealed=False, by=by, at=factories.START)
        reviewing.read(run.sample, number, "link", by=by, at=factories.START)

    shown = page(signed_in(by), "report-file", run.pk).text

    assert "Movers are missed.<br>&lt;b&gt;More&lt;/b&gt; in cities." in shown
    assert "The hub's staff add in words" not in shown.partition("weighed")[2][:300]
    judged = shown.partition("What people judged</h2>")[2].partition("</section>")[0]
    assert "Links that are right" in judged
    assert "95 % interval" in judged
    assert reviewed.interval(reviewed.estimate(run.sample).precision) in judged


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


@pytest.fixture
def relayed(monkeypatch):
    """The vault without its socket: the last range that was asked for, given and counted."""

    def relay(token):
        asked = Fetch.objects.order_by("-asked_at", "-id").first()
        content = b"".join(fetching.give(asked, asked.download.person))
        fetching.note_given(asked, len(content), clock.now())
        return (piece for piece in [content])

    monkeypatch.setattr("p20win.custody.public.relay", relay)


def fetched(client, address, **headers):
    answer = client.get(address, headers=headers)
    return answer, b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.obligation("O-74", "O-76")
def test_the_extract_is_downloaded_by_who_acknowledges_and_resumed(signed_in, relayed, at_start):
    delivery = matches.delivered()
    client = signed_in(matches.downloader(delivery))
    address = reverse("matching:download", args=[delivery.pk])

    assert fetching.STORAGE_RULE in client.get(address).text
    assert "There is something to correct" in client.post(address, {}).text
    assert not delivery.downloads.exists()
    answer = client.post(address, {"rule_0": "on"})
    download = delivery.downloads.get()
    assert answer.url == reverse("matching:download-file", args=[download.pk])

    head = client.head(answer.url)
    assert (head["ETag"], head["Content-Length"]) == (f'"{delivery.digest}"', str(download.size))
    whole, content = fetched(client, answer.url)
    assert (whole.status_code, whole["Content-Type"], whole["Cache-Control"]) == (
        200, "application/zip", "no-store",
    )  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {"sde.csv", "limitations.txt", "manifest.json"} <= set(archive.namelist())
    part, rest = fetched(client, answer.url, range="bytes=700-", if_range=head["ETag"])
    assert (part.status_code, rest) == (206, content[700:])
    assert part["Content-Range"] == f"bytes 700-{download.size - 1}/{download.size}"
    assert fetched(client, answer.url, range="bytes=700-", if_range='"other"')[1] == content
    assert fetched(client, answer.url, range=f"bytes={download.size}-")[0].status_code == 416
    assert delivery.downloads.get().fetches.count() == 3

    shown = page(client, "delivery", delivery.pk).text
    assert "Confirm what you received" in shown
    assert "for 10 business days" in shown
    said = client.post(
        reverse("matching:receipt", args=[download.pk]), {"digest": delivery.digest}, follow=True
    )
    assert "Confirmed." in said.text
    papers = page(client, "papers", delivery.pk).text
    assert matches.LIMITS in papers
    assert "GradeLevelCode" in papers
    other = signed_in(factories.hub_member())
    assert other.get(answer.url).status_code == 404
    assert "in 3 parts" in page(other, "delivery", delivery.pk).text


@pytest.mark.obligation("O-74")
def test_a_ticket_fetches_one_download_and_opens_no_page(signed_in, client, relayed, at_start):
    delivery = matches.delivered()
    by = matches.downloader(delivery)
    here = signed_in(by)
    answer = here.post(reverse("matching:download", args=[delivery.pk]), {"rule_0": "on", "program": "1"})
    download = delivery.downloads.get()
    assert answer.url == reverse("matching:ticket", args=[download.pk])
    assert "Show the ticket" in here.get(answer.url).text
    ticket = re.search(r"P20_TICKET=(\w+)", here.post(answer.url).text).group(1)

    program = Client()
    address = reverse("matching:download-by-program", args=[download.pk])
    shown = {"authorization": f"Bearer {ticket}"}
    assert fetched(program, address, range="bytes=0-9", **shown)[0].status_code == 206
    other = fetching.begin(delivery, by=by, acknowledges=True, at=clock.now())
    elsewhere = reverse("matching:download-by-program", args=[other.pk])
    assert program.get(elsewhere, headers=shown).status_code == 404
    assert program.get(address).status_code == 403
    assert program.get(address, headers={"authorization": "Bearer nothing"}).status_code == 403
    program.cookies["sessionid"] = ticket
    assert "/accounts/" in program.get(reverse("matching:index"))["Location"]
    recalling.recall(delivery, reason="Wrong.", by=factories.operating_group_member(), at=clock.now())
    refused = program.get(address, headers=shown)
    assert (refused.status_code, "recalled" in refused.json()["reasons"][0]) == (409, True)
    by.set_password("another long password")
    by.save()
    assert program.get(address, headers=shown).status_code == 403


@pytest.mark.obligation("O-75")
def test_questions_recall_and_replacement_through_the_pages(signed_in, relayed, at_start):
    delivery = matches.delivered()
    by, office = matches.downloader(delivery), factories.operating_group_member()
    hub, steward = factories.hub_member(), matches.steward("DOL")
    matches.fetched(delivery, by=by, at=clock.now())
    said = signed_in(by).post(
        reverse("matching:ask", args=[delivery.pk]),
        {"topic": "accuracy", "text": "Few wages in 2021."},
        follow=True,
    )
    assert "with the operating group" in said.text
    question = delivery.questions.get()
    client = signed_in(office)
    assert "Few wages in 2021." in page(client, "delivery", delivery.pk).text
    forward = reverse("matching:question-forward", args=[question.pk])
    assert "DOL" in client.get(forward).text
    client.post(forward, {"to": str(steward.organisation_id), "note": "Please look."})
    client = signed_in(steward)
    assert "Reply" in page(client, "delivery", delivery.pk).text
    client.post(reverse("matching:question-reply", args=[question.pk]), {"text": "It is late."})
    client = signed_in(office)
    answer = reverse("matching:question-answer", args=[question.pk])
    assert "It is late." in client.get(answer).text
    said = client.post(answer, {"text": "A new version comes.", "outcome": "replacement"}, follow=True)
    link = reverse("matching:replace", args=[delivery.match_id])
    assert link not in said.text  # only the hub makes one

    client = signed_in(hub)
    assert link in page(client, "delivery", delivery.pk).text
    client.post(reverse("matching:replace", args=[delivery.match_id]), {"reason": "Late wages."})
    files.run_job("matching.build_extract", delivery_id=delivery.match.delivery.pk)
    second = delivery.match.delivery
    shown = page(client, "delivery", second.pk).text
    assert "Late wages." in shown
    assert "The files are the same, byte for byte." in shown
    said = client.post(
        reverse("matching:recall", args=[delivery.pk]), {"reason": "Wages were late."}, follow=True
    )
    assert "Recalled. Downloads have stopped" in said.text
    client = signed_in(by)
    assert "Confirm that your copies are deleted" in page(client, "delivery", delivery.pk).text
    said = client.post(reverse("matching:deleted", args=[delivery.pk]), {"rule_0": "on"}, follow=True)
    assert "Confirmed. Thank you." in said.text


@pytest.mark.django_db(transaction=True)
def test_two_last_words_at_once_sign_off_once():
    match = matches.linked()
    matches.described(match)
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
