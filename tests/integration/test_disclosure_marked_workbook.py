"""The marked workbook on the pages: of a self-check for its author, of an output with its hash."""

import io

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from disclosure import trying, workbooks
from disclosure.engine.workbook import MARK
from disclosure.models import Output
from p20win import clock
from p20win.custody.models import Capability
from tests import factories
from tests import factories_disclosure as outputs
from tests.factories import START
from tests.integration.test_downloads import looks_like_a_download
from tests.unit.test_disclosure_marked_workbook import ABOUT, NAME, book, in_the_sandbox, row_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
FETCH = "Fetch the workbook"


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Let the vault answer here, at the start of time."""

    def relay(token):
        granted = Capability.objects.latest("issued_at")
        assert granted.act == workbooks.WORKBOOK
        return workbooks.give(Output.objects.get(pk=granted.subject_id), granted.person)

    monkeypatch.setattr("p20win.custody.public.relay", relay)
    monkeypatch.setattr(clock, "now", lambda: START)


def tried():
    project = outputs.project()
    by = outputs.author(project)
    return outputs.judged(trying.try_out(project, name=NAME, content=[book()], by=by, at=START, **ABOUT))


def shown(client, output):
    return " ".join(client.get(output.get_absolute_url()).content.decode().split())


def fetched(client, output):
    return client.post(reverse("disclosure:workbook", args=[output.pk]))


def test_the_author_of_a_self_check_fetches_it(signed_in):
    output = tried()
    client = signed_in(output.author)
    assert FETCH in shown(client, output)
    answer = fetched(client, output)
    looks_like_a_download(answer, "application/vnd.openxmlformats")
    assert answer["Cache-Control"] == "no-store"
    sheet = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).worksheets[0]
    assert sheet["B3"].value == MARK


@pytest.mark.obligation("O-77")
def test_of_what_was_submitted_the_page_shows_the_hash_alone(signed_in):
    output = outputs.checked(content=book(), name=NAME)
    client = signed_in(output.author)
    page = shown(client, output)
    assert row_of(output).digest in page
    assert FETCH not in page
    answer = fetched(client, output)
    assert answer.status_code == 302
    assert "in its package" in shown(client, output)


def test_for_others_there_is_none(signed_in):
    output = tried()
    for person in (factories.person(), factories.operating_group_member()):
        assert fetched(signed_in(person), output).status_code == 404


def test_the_page_says_why_there_is_none(signed_in, monkeypatch):
    in_the_sandbox(monkeypatch, lambda answer: {"refused": "In Zqville, 3."})
    output = tried()
    client = signed_in(output.author)
    page = shown(client, output)
    assert "could not be written again" in page
    assert FETCH not in page
    assert "Zqville" not in page
