"""Download tickets: the database holds no ticket, and what it holds opens nothing."""

import datetime as dt

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import RequestFactory

from p20win.custody import capabilities, download_tickets
from p20win.custody.models import Capability
from p20win.custody.public import capability, open_bytes, register_opening
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as custody

pytestmark = [pytest.mark.django_db, pytest.mark.obligation("O-74")]
AN_HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def vault(settings, tmp_path):
    with custody.own_vault(settings, tmp_path) as folder:
        register_opening("test.read", lambda subject, person: open_bytes(subject), access_act="download")
        yield folder
        capabilities._openings.pop("test.read")


@pytest.fixture
def file():
    return custody.checked(custody.arrived(custody.a_slot()))


def shown(ticket):
    return download_tickets.shown(RequestFactory().get("/", headers={"Authorization": f"Bearer {ticket}"}))


def test_a_ticket_is_its_persons_for_its_thing(file):
    person = factories.person()
    ticket = download_tickets.ticket(person, "test.read", file, lasts=AN_HOUR)

    assert shown(ticket) == (person, str(file.pk), ticket)
    capability(person, "test.read", file, factories.START)
    capabilities.expect_there(Capability.objects.get(), ticket)


def test_whoever_reads_the_table_of_sessions_has_no_ticket(file):
    person = factories.person()
    ticket = download_tickets.ticket(person, "test.read", file, lasts=AN_HOUR)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row::text FROM django_session AS row")
        ((kept,),) = cursor.fetchall()
    key = Session.objects.get().session_key

    assert ticket not in kept
    assert ticket[:20] not in kept
    assert shown(key) is None
    capability(person, "test.read", file, factories.START)
    with pytest.raises(Blocked, match="not signed in"):
        capabilities.expect_there(Capability.objects.get(), key)


def test_it_is_nobodys_session_and_ends(file, client, monkeypatch):
    person = factories.person()
    ticket = download_tickets.ticket(person, "test.read", file, lasts=AN_HOUR)
    for key in (ticket, Session.objects.get().session_key):
        client.cookies["sessionid"] = key
        assert client.get("/files/").status_code == 302
    ticket = download_tickets.ticket(person, "test.read", file, lasts=-AN_HOUR)
    assert shown(ticket) is None
