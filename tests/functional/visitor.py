"""Somebody at a browser: what they open, press and type. Every page they meet is looked at."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from playwright.sync_api import Download, Locator, Page, expect
from playwright.sync_api import Error as BrowserError

from tests.functional.eyes import NARROW, PHONE, WIDE, axe, fits

ANY_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
EASTERN = ZoneInfo("America/New_York")
PATIENCE = 60_000  # milliseconds for what a worker does
# A page’s shape: its elements with their classes and states, each once. Of two alike, only words differ.
SHAPE = """() => [...new Set([...document.querySelectorAll("*")].map(
    e => [e.tagName, e.className, ...e.getAttributeNames().filter(n => /^(aria-|role|type|disabled)/.test(n)),
          e.getAttribute("role"), e.closest("main") ? "" : "frame"].join(" ")))].sort().join("|")"""


@dataclass
class Album:
    """What was looked at on a journey: pages by address and shape, and the pictures taken."""

    folder: Path
    seen: set[tuple[str, str]] = field(default_factory=set)
    visits: int = 0
    pictures: list[Path] = field(default_factory=list)
    steps: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def step(self, what: str) -> Any:
        """Note how long a step took."""
        began = time.monotonic()
        yield
        self.steps.append((what, time.monotonic() - began))


class Visitor:
    """A person with a browser of their own, signed in from the demo's page."""

    def __init__(self, page: Page, album: Album, name: str) -> None:
        """Sign in."""
        self.page, self.album, self.name = page, album, name
        page.goto("/demo/")
        # Who has two roles stands there twice.
        page.get_by_role("button", name=f"Sign in {name}", exact=True).first.click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        self.looks()

    # ------------------------------------------------------------ looking

    def looks(self) -> None:
        """Have axe look at the page, unless one of this address and shape was looked at before."""
        self.album.visits += 1
        assert self.page.locator("h1").count() == 1, f"{self.page.url} has not exactly one heading of level 1"
        key = ANY_ID.sub("id", urlsplit(self.page.url).path), self.page.evaluate(SHAPE)
        if key not in self.album.seen:
            self.album.seen.add(key)
            self._still(lambda: axe(self.page))

    def examines(self, picture: str) -> None:
        """Look at a key page on a phone and narrower, too, and take its picture at both widths."""
        self.looks()
        wide = self.page.viewport_size or WIDE
        self._still(lambda: self._takes(picture, "desktop"))
        self.page.set_viewport_size(PHONE)
        self._still(lambda: axe(self.page))
        self._still(lambda: self._takes(picture, "phone"))
        for size in (PHONE, NARROW):
            self.page.set_viewport_size(size)
            self._still(lambda: fits(self.page))
        self.page.set_viewport_size(wide)

    def _takes(self, picture: str, width: str) -> None:
        path = self.album.folder / f"{len(self.album.pictures):02}-{picture}-{width}.png"
        self.page.screenshot(path=path, full_page=True)
        self.album.pictures.append(path)

    def _still(self, act: Callable[[], None]) -> None:
        """Do it; once more if the page was loaded anew meanwhile, as pages that follow a job do."""
        try:
            act()
        except BrowserError as trouble:
            if "context was destroyed" not in str(trouble):
                raise
            self.page.wait_for_load_state()
            act()

    def sees(self, *words: str | re.Pattern[str], patiently: bool = False) -> None:
        """Fail if the page does not say all of this, or does not come to say it in time."""
        for each in words:
            said = self.page.get_by_text(each).and_(self.page.locator(":visible")).first
            expect(said).to_be_visible(timeout=PATIENCE if patiently else 5_000)

    def sees_not(self, *words: str) -> None:
        """Fail if the page says any of this."""
        for each in words:
            expect(self.page.locator("main")).not_to_contain_text(each)

    @property
    def today(self) -> dt.date:
        """Return the day it is in the portal."""
        return self.now.date()

    @property
    def now(self) -> dt.datetime:
        """Return the time it is in the portal, as the demo's line on every page says."""
        shown = self.page.locator(".p20-demo time").first.get_attribute("datetime")
        return dt.datetime.fromisoformat(shown or "").astimezone(EASTERN)

    # ------------------------------------------------------------ moving

    def goes(self, address: str) -> None:
        """Open an address, again if a page that follows its job was just loading itself anew."""
        try:
            answer = self.page.goto(address)
        except BrowserError as problem:
            if "ERR_ABORTED" not in str(problem):
                raise
            answer = self.page.goto(address)
        assert answer, address
        assert answer.status == 200, f"{address} answers {answer.status}"
        self.looks()

    def follows(self, name: str | re.Pattern[str], *, within: str = "main") -> None:
        """Follow a link of the page."""
        link = self.page.locator(within).get_by_role("link", name=name).first
        with self.page.expect_navigation():
            link.click()
        self.looks()

    def presses(self, name: str | re.Pattern[str], *, exact: bool = True) -> None:
        """Press a button that leads to a page."""
        button = self.page.locator("main").get_by_role("button", name=name, exact=exact).first
        with self.page.expect_navigation():
            button.click()
        self.looks()

    def cannot_press(self, name: str, *, because: str | re.Pattern[str]) -> None:
        """Fail if a button can be pressed, or the page does not say why it cannot."""
        expect(self.page.get_by_role("button", name=name, exact=True)).to_be_disabled()
        self.sees(because)

    def fetches(self, button: Locator) -> Download:
        """Press something that gives a file, and return it."""
        with self.page.expect_download() as started:
            button.click()
        return started.value

    # ------------------------------------------------------------ writing

    def writes(self, values: Mapping[str, Any]) -> None:
        """Fill in fields by their names: words, a choice, several choices, or a tick."""
        form = self.page.locator("main")
        for name, value in values.items():
            field = form.locator(f"[name={name}]")
            kind = field.first.evaluate("e => e.type")
            if kind == "radio":
                self.ticks(form.locator(f"[name={name}][value='{value}']"))
            elif kind == "checkbox" and isinstance(value, bool):
                assert value, "A box is ticked, never cleared, on this journey"
                self.ticks(field)
            elif kind == "checkbox":
                self.ticks(*(form.locator(f"[name={name}][value='{each}']") for each in value))
            elif kind == "select-one":
                field.select_option(value if isinstance(value, str) else str(value))
            else:
                field.fill(str(value))

    def counts_others(self, population: str, period: str) -> None:
        """Say whom a table counts: people whom no other table of the project counts, as of this very day."""
        fields = self.page.locator("[name^=population_to_]")
        others = {fields.nth(number).get_attribute("name") or "" for number in range(fields.count())}
        about = {"population": population, "period": period, "extracted_on": self.today}
        self.writes(about | dict.fromkeys(sorted(others), "apart"))

    def ticks(self, *boxes: str | re.Pattern[str] | Locator) -> None:
        """Tick boxes, given themselves or by their labels; what is clicked is the label."""
        for each in boxes:
            box = each if isinstance(each, Locator) else self.page.get_by_role("checkbox", name=each)
            if not box.is_checked():
                self.page.locator(f"label[for='{box.get_attribute('id')}']").click()
            expect(box).to_be_checked()

    def sends(self, name: str, content: bytes, *, button: str = "Send", field: str = "file") -> None:
        """Choose a file and send it by the page's upload; the answer takes the page's place."""
        self.page.locator(f"input[type=file][name={field}]").set_input_files(
            {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        )
        self.page.locator("main").get_by_role("button", name=button, exact=True).click()

    def signs(self, password: str, **more: Any) -> None:
        """Type what proves who one is."""
        self.writes({"typed_name": self.name, "password": password, **more})
