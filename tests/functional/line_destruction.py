"""The line's destruction: one of the hub asks, another confirms, an hour passes, and the inputs are gone."""

from __future__ import annotations

import re

from tests.functional.visitor import PATIENCE, Visitor


def asks(hub: Visitor, address: str) -> None:
    """One of the hub asks for it and cannot confirm it alone."""
    hub.goes(address)
    hub.sees("Nobody needs to ask: the portal orders the destruction by itself")
    hub.follows("Destroy the input files")
    hub.examines("ask-destruction")
    hub.writes({"reason": "The recipient has fetched the extract."})
    hub.presses("Ask for the destruction")
    hub.sees("Asked for. Another person of the hub must confirm it.")
    hub.sees("You asked for it; another person must confirm it.")
    hub.examines("destruction-asked")


def confirms(second: Visitor, address: str) -> None:
    """A second person of the hub confirms it; it can be withdrawn for an hour."""
    second.goes("/")
    second.goes(address)
    second.follows("Confirm the destruction")
    second.examines("confirm-destruction")
    second.presses("Confirm the destruction")
    second.sees("Confirmed. Everyone is told; the vault begins in an hour.")
    second.sees(re.compile("Until then it can be withdrawn."))
    second.examines("destruction-set")


def hears_of_it(steward: Visitor) -> None:
    """The parties are told before it happens."""
    steward.goes("/inbox/")
    for _ in range(PATIENCE // 1000):
        if steward.page.get_by_text("the input files will be destroyed in an hour").count():
            break
        steward.page.wait_for_timeout(1000)
        steward.page.reload()
    steward.sees(re.compile("the input files will be destroyed in an hour"))


def sees_inputs_destroyed(hub: Visitor, address: str) -> None:
    """The vault has destroyed what the agencies sent, and the page says so of each of them."""
    hub.goes(address)
    for _ in range(PATIENCE // 1000):
        if hub.page.get_by_text("The input files at the hub are destroyed.").count():
            break
        hub.page.wait_for_timeout(1000)
        hub.page.reload()
    hub.sees("The input files at the hub are destroyed.", "Destruction of what was sent")
    hub.looks()
    hub.examines("inputs-destroyed")
