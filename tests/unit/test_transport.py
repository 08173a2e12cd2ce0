"""C11: by plain HTTP browsers are sent on to HTTPS; programs, which show a ticket or sign, are refused."""

import uuid

import pytest
from django.urls import reverse

pytestmark = [pytest.mark.django_db, pytest.mark.obligation("O-58")]
SOME = uuid.UUID(int=7)
OF_PROGRAMS = {
    "machine": lambda: reverse("custody:machine-slots"),
    "machine's part": lambda: reverse("custody:machine-body", args=[SOME]),
    "ledger's machine": lambda: reverse("ledger:machine-pin"),
    "upload ticket": lambda: reverse("custody:ticket-uploads"),
    "upload by ticket": lambda: reverse("custody:ticket-upload", args=[SOME]),
    "download ticket": lambda: reverse("matching:download-by-program", args=[SOME]),
}


@pytest.fixture(autouse=True)
def _production(settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


@pytest.mark.parametrize("address", OF_PROGRAMS.values(), ids=OF_PROGRAMS.keys())
@pytest.mark.parametrize("method", ["get", "post", "patch"])
def test_c11_a_program_by_plain_http_is_refused_in_words(client, address, method):
    answer = getattr(client, method)(address(), headers={"Authorization": "Bearer p20t_x"})

    assert answer.status_code == 403
    assert "by HTTPS alone" in answer.text
    assert "Location" not in answer


@pytest.mark.parametrize("address", OF_PROGRAMS.values(), ids=OF_PROGRAMS.keys())
def test_c11_by_https_it_is_judged_by_what_it_shows(client, address):
    answer = client.get(address(), headers={"X-Forwarded-Proto": "https"})
    assert "by HTTPS alone" not in answer.text
    assert answer.status_code == 403


def test_c11_a_browser_is_sent_on(client):
    for address in ("/", reverse("custody:slots"), "/no/such/page"):
        answer = client.get(address)
        assert (answer.status_code, answer["Location"]) == (301, f"https://testserver{address}")
