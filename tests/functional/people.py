"""Being one of the demo's people."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

# Of each group on the demo's page the first person, of an organisation if that matters: one with much to see.
GROUPS = {
    "Requestor": "Salt Meadow Institute",
    "Operating group staff": "",
    "Data governing board member": "CSCU",
    "Data steward": "CSCU",
    "Authorised signatory": "CSCU",
    "Data integration hub staff": "",
    "Supplier of a list": "",
}


def become(page: Page, *, name: str = "", group: str = "", organisation: str = "") -> None:
    """Sign in as the person of this name, or as the first of a group and organisation on the demo's page.

    Somebody with two parts stands there twice.
    """
    page.goto("/demo/")
    place = page.locator("main")
    if group:
        place = page.locator("section").filter(has=page.get_by_role("heading", name=group, exact=True))
    if organisation:
        place = place.locator(".p20-card").filter(has_text=organisation)
    place.get_by_role("button", name=re.compile(f"^Sign in {re.escape(name)}")).first.click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
