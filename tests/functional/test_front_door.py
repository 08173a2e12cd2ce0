"""What people meet before they are signed in."""

import re

import pytest
from playwright.sync_api import expect

from tests.functional.eyes import look

CLOSED = ["/", "/requests/", "/agreements/", "/matching/", "/outputs/", "/inbox/", "/health/"]


def test_the_sign_in_page_can_be_used_by_everyone(desk):
    page = desk()
    page.goto("/accounts/login/")
    look(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()


def test_a_wrong_password_is_said_and_the_summary_takes_the_focus(desk):
    page = desk()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill("nobody@example.org")
    page.get_by_label("Password", exact=False).first.fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#error-summary")).to_be_focused()
    look(page)


@pytest.mark.parametrize("address", CLOSED)
def test_without_signing_in_every_page_leads_to_the_sign_in(desk, address):
    page = desk()
    page.goto(address)
    expect(page).to_have_url(re.compile(r"/accounts/login/|/demo/"))


def test_an_unknown_address_says_what_to_do(desk):
    page = desk()
    answer = page.goto("/there-is-nothing-here/")
    assert answer.status == 404
    look(page)


def test_without_scripts_the_sign_in_still_works(desk):
    page = desk(java_script_enabled=False)
    page.goto("/accounts/login/")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.get_by_label("Email")).to_be_editable()
