"""Every place of the navigation, and what it leads to, as a person of every group sees it."""

import re
from urllib.parse import urlsplit

import pytest

from tests.functional.eyes import look
from tests.functional.people import GROUPS, become

ANY_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
LEFT_OUT = re.compile(r"^/demo/|/logout/|/accounts/password/reset/")
ALIKE = re.compile(r"^/(accounts|deadlines/closed-days|agreements/methods|inbox/mail)/")
looked_at_once: set[str] = set()  # pages that are alike for everyone
ALWAYS = ("Authorised signatory",)  # the others are looked at among the heavy checks
ENOUGH = 40  # pages for one person; of pages that differ by their id alone one is looked at


def kind_of(address):
    return ANY_ID.sub("id", urlsplit(address).path)


def links(page, part):
    found = page.locator(f"{part} a[href^='/']").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    return [address for address in found if not LEFT_OUT.search(urlsplit(address).path)]


@pytest.mark.parametrize(
    "group", [pytest.param(group, marks=() if group in ALWAYS else pytest.mark.long) for group in GROUPS]
)
def test_every_page_a_person_can_reach_passes(desk, group):
    page = desk()
    become(page, group=group, organisation=GROUPS[group])
    look(page)
    waiting = links(page, "nav[aria-label=Main]") + links(page, "main")
    seen = {"/"}
    while waiting and len(seen) < ENOUGH:
        address = waiting.pop(0)
        if kind_of(address) in seen:
            continue
        seen.add(kind_of(address))
        if ALIKE.search(address):
            if kind_of(address) in looked_at_once:
                continue
            looked_at_once.add(kind_of(address))
        answer = page.request.get(address)
        assert answer.status == 200, f"{address} is linked, and answers {answer.status}"
        if "attachment" in answer.headers.get("content-disposition", ""):
            continue
        page.goto(address)
        look(page)
        waiting += links(page, "main")
    assert len(seen) > 5
