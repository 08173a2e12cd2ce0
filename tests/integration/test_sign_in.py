"""Signing in: what the library offers and this portal does not, how long a session holds, who is let go."""

import datetime as dt

import pytest
from django.urls import reverse

from p20win import clock
from p20win.accounts.models import Standing, User
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.obligation("O-04", "O-12")
@pytest.mark.parametrize(
    "address",
    ["signup/", "email/", "confirm-email/", "confirm-email/MQ:1abc/", "password/set/", "login/code/confirm/"],
)
def test_nobody_opens_an_account_or_changes_the_address_they_are_approved_by(signed_in, address):
    person = factories.person()
    client = signed_in(person)
    for answer in (
        client.get(f"/accounts/{address}"),
        client.post(f"/accounts/{address}", {"action_add": "", "email": "other@example.org"}),
    ):
        assert answer.status_code == 404
    assert User.objects.get(pk=person.pk).email == person.email


def test_a_password_alone_opens_nothing(client):
    person = factories.person()
    client.post(reverse("account_login"), {"login": person.email, "password": factories.PASSWORD})

    assert client.get("/").url == reverse("mfa_activate_totp")


@pytest.mark.obligation("O-12")
def test_with_a_second_factor_the_password_gives_no_session(signed_in, client):
    person = factories.person()
    signed_in(person).logout()

    answer = client.post(reverse("account_login"), {"login": person.email, "password": factories.PASSWORD})

    assert answer.url == reverse("mfa_authenticate")
    assert "_auth_user_id" not in client.session
    assert "/accounts/login/" in client.get("/").url


@pytest.mark.obligation("O-41", "O-109")
def test_c06_a_person_who_is_suspended_is_out_at_their_next_request(signed_in):
    person = factories.person()
    client = signed_in(person)
    assert client.get("/").status_code == 200
    person.standing = Standing.SUSPENDED
    person.save()

    answer = client.get("/", follow=True)

    assert answer.request["PATH_INFO"] == reverse("account_login")
    assert "does not take part at present" in answer.text
    assert "_auth_user_id" not in client.session


def test_c06_with_their_organisation_its_people_are_out_too(signed_in):
    person = factories.person(at=factories.organisation())
    client = signed_in(person)
    assert client.get("/").status_code == 200
    person.organisation.standing = Standing.SUSPENDED
    person.organisation.save()

    assert client.get("/").url == reverse("account_login")


def test_c06_no_session_lasts_longer_than_twelve_hours_however_busy(signed_in, monkeypatch):
    client = signed_in(factories.person())
    start, now = clock.real_now(), [dt.timedelta()]
    monkeypatch.setattr(clock, "real_now", lambda: start + now[0])
    for minutes in range(0, 12 * 60, 14):
        now[0] = dt.timedelta(minutes=minutes)
        assert client.get("/").status_code == 200
    now[0] = dt.timedelta(hours=12, seconds=1)

    answer = client.get("/", follow=True)

    assert "12 hours at most" in answer.text
    assert "_auth_user_id" not in client.session


def test_c06_a_session_that_is_left_alone_ends_after_a_quarter_of_an_hour(signed_in, settings):
    client = signed_in(factories.person())
    client.get("/")

    assert client.cookies[settings.SESSION_COOKIE_NAME]["max-age"] in ("", 900)
    assert client.session.get_expiry_age() == 900


def test_another_password_ends_the_other_sessions(signed_in, client):
    person = factories.person()
    signed_in(person)
    assert client.get("/").status_code == 200
    person.set_password("quite-another-one-7431")
    person.save()

    assert "/accounts/login/" in client.get("/").url


def test_asking_for_a_new_password_does_not_tell_who_has_an_account(client, mailoutbox):
    person = factories.person()
    known = client.post(reverse("account_reset_password"), {"email": person.email}, follow=True)
    unknown = client.post(reverse("account_reset_password"), {"email": "nobody@example.org"}, follow=True)

    assert (known.status_code, known.redirect_chain) == (unknown.status_code, unknown.redirect_chain)
