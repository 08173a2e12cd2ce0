"""What browsers are told with every answer, under the settings of production (C27)."""

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings as of_tests
from django.test import Client
from django.urls import reverse

from tests import factories
from tests.house.test_access import _addresses_of_ours
from tests.unit.test_modes import PRODUCTION

pytestmark = [pytest.mark.django_db, pytest.mark.obligation("O-58")]
WANTED = ("SESSION_COOKIE_", "CSRF_COOKIE_", "SECURE_", "CONTENT_SECURITY_POLICY", "X_FRAME_OPTIONS")
YEAR = 365 * 24 * 3600


@pytest.fixture(scope="module")
def of_production():
    """Return what production sets of all that browsers are told."""
    told = (
        "import json; from django.conf import settings as s;"
        f"print(json.dumps({{n: getattr(s, n) for n in dir(s) if n.startswith({WANTED!r})}}, default=str))"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("P20WIN_")} | PRODUCTION
    done = subprocess.run(
        [sys.executable, "-c", told],
        env=environment | {"DJANGO_SETTINGS_MODULE": "p20win.settings"},
        cwd=of_tests.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture
def browser(settings, of_production):
    """Return a browser without a session, that speaks HTTPS to a portal in production."""
    for name, value in of_production.items():
        setattr(settings, name, value)
    return Client(headers={"X-Forwarded-Proto": "https"}, raise_request_exception=False)


def signed_in(browser, person):
    page = browser.get(reverse("account_login"))
    said = {"login": person.email, "password": factories.PASSWORD}
    token = browser.cookies["__Host-csrf"].value
    referer = {"Referer": "https://testserver/accounts/login/", "X-CSRFToken": token}
    answer = browser.post(reverse("account_login"), said, headers=referer)
    return page, answer


def complaints(answer):
    """Return what is missing in this answer's headers."""
    policy = dict(
        part.strip().partition(" ")[::2] for part in answer.get("Content-Security-Policy", "").split(";")
    )
    hsts = answer.get("Strict-Transport-Security", "")
    age = int(hsts.partition("max-age=")[2].partition(";")[0] or 0)
    wanted = {
        "a policy for scripts": policy.get("script-src") == "'self'",
        "a policy for styles": policy.get("style-src") == "'self'",
        "a policy for all else": policy.get("default-src") == "'self'",
        "no frames around it": policy.get("frame-ancestors") == "'none'",
        "no other base": policy.get("base-uri") == "'none'",
        "forms to itself": policy.get("form-action") == "'self'",
        "nothing unsafe": "unsafe" not in answer.get("Content-Security-Policy", ""),
        "HTTPS for a year": age >= YEAR and "includeSubDomains" in hsts,
        "a window of its own": answer.get("Cross-Origin-Opener-Policy") == "same-origin",
        "no guessing": answer.get("X-Content-Type-Options") == "nosniff",
        "nothing kept": "no-store" in answer.get("Cache-Control", ""),
        "no address told on": answer.get("Referrer-Policy") == "same-origin",
    }
    return [what for what, is_there in wanted.items() if not is_there]


def plain_addresses():
    return sorted({f"/{address}" for address, _ in _addresses_of_ours() if "<" not in address})


@pytest.mark.parametrize("role", ["nobody", "steward", "group"])
def test_c27_every_answer_tells_the_browser_what_it_may_not_do(browser, role):
    if role != "nobody":
        agency = factories.organisation()
        browser.force_login(
            factories.steward(agency) if role == "steward" else factories.operating_group_member(),
            backend="allauth.account.auth_backends.AuthenticationBackend",
        )
    found, seen = {}, set()
    for address in (*plain_addresses(), "/no/such/page", "/accounts/login/"):
        answer = browser.get(address)
        seen.add(answer.status_code)
        if wrong := complaints(answer):
            found[address] = (answer.status_code, wrong)
    assert found == {}
    assert {302, 404} <= seen
    assert len(plain_addresses()) > 20


def test_c27_cookies_are_the_hosts_own_and_no_script_reads_the_session(browser):
    factories.hub()
    person = factories.operating_group_member()
    signed_in(browser, person)
    assert set(browser.cookies) <= {"__Host-session", "__Host-csrf", "messages"}
    for name in ("__Host-session", "__Host-csrf"):
        cookie = browser.cookies[name]
        assert cookie["secure"], name
        assert (cookie["path"], cookie["domain"], cookie["samesite"]) == ("/", "", "Lax"), name
    assert browser.cookies["__Host-session"]["httponly"]
