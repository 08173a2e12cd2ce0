"""The inbox."""

import pytest

from p20win import clock
from p20win.notifications.models import MailChoice, Message, Preference
from tests import factories
from tests.conftest import MONDAY

pytestmark = pytest.mark.django_db


def message(person, number=1, **fields):
    return Message.objects.create(
        person=person,
        event_seq=number,
        event="test.happened",
        subject=f"News {number}",
        text="Something happened.",
        at=MONDAY,
        **fields,
    )


def test_shows_what_is_new_and_how_much(signed_in):
    person = factories.person()
    message(person, 1, read_at=clock.real_now())
    message(person, 2)
    client = signed_in(person)

    page = client.get("/inbox/").content.decode()
    new = client.get("/inbox/?show=unread").content.decode()

    assert "1 not read yet" in page
    assert "News 1" in page
    assert "News 2" in new
    assert "News 1" not in new


def test_opening_a_message_marks_it_read(signed_in):
    person = factories.person()
    row = message(person, where="/deadlines/")

    page = signed_in(person).get(f"/inbox/{row.pk}/").content.decode()

    row.refresh_from_db()
    assert row.read_at is not None
    assert 'href="/deadlines/"' in page


def test_somebody_elses_message_does_not_exist(signed_in):
    row = message(factories.person())

    assert signed_in(factories.person()).get(f"/inbox/{row.pk}/").status_code == 404
    row.refresh_from_db()
    assert row.read_at is None


def test_asks_for_sign_in_first(client):
    row = message(factories.person())

    answer = client.get(f"/inbox/{row.pk}/")

    assert answer.status_code == 302
    assert "login" in answer["Location"]


def test_all_can_be_marked_read(signed_in):
    person = factories.person()
    message(person, 1)
    message(person, 2)
    client = signed_in(person)

    assert "2 marked as read" in client.post("/inbox/read/", follow=True).content.decode()
    assert "nothing new" in client.post("/inbox/read/", follow=True).content.decode()
    assert "Nothing new" in client.get("/inbox/?show=unread").content.decode()


def test_mail_can_be_chosen(signed_in):
    person = factories.person()
    client = signed_in(person)
    assert "No messages yet" in client.get("/inbox/").content.decode()

    client.post("/inbox/mail/", {"mail": MailChoice.NECESSARY})

    assert Preference.objects.get(person=person).mail == MailChoice.NECESSARY
    assert "checked" in client.get("/inbox/mail/").content.decode()


def test_a_long_list_has_pages_and_few_queries(signed_in, django_assert_max_num_queries):
    person = factories.person()
    for number in range(30):
        message(person, number)
    client = signed_in(person)
    client.get("/inbox/")

    with django_assert_max_num_queries(20):
        page = client.get("/inbox/").content.decode()

    assert "Page 1 of 2" in page
