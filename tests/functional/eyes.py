"""What every journey looks at on every page: accessibility, width, and what the browser complained about."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE, PHONE, NARROW = (
    {"width": 1280, "height": 900},
    {"width": 390, "height": 844},
    {"width": 320, "height": 640},
)


@cache
def _axe_source() -> str:
    return AXE.read_text(encoding="utf-8")


def axe(page: Page) -> None:
    """Fail if axe finds anything on the page as it stands. Works under the page's own policy."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": _axe_source()})
    session.detach()
    found = page.evaluate("rules => axe.run({runOnly: rules})", RULES)["violations"]
    told = [
        f"{each['id']} ({each['help']}): {[node['target'] for node in each['nodes'][:5]]}" for each in found
    ]
    assert not told, f"axe on {page.url}:\n" + "\n".join(told)


def fits(page: Page) -> None:
    """Fail if the page scrolls sideways."""
    beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert beyond <= 0, f"{page.url} is {beyond} px wider than {page.viewport_size}"


def look(page: Page) -> None:
    """Fail if the page has a finding of axe, scrolls sideways at any width, or has not exactly one h1."""
    assert page.locator("h1").count() == 1, f"{page.url} has {page.locator('h1').count()} headings of level 1"
    axe(page)
    before = page.viewport_size
    for size in (PHONE, NARROW):
        page.set_viewport_size(size)
        fits(page)
        if size is PHONE:
            axe(page)
    page.set_viewport_size(before or WIDE)


@dataclass
class Complaints:
    """What the browser complained about: errors in scripts, and what the page's policy blocked."""

    heard: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Note every complaint of this page from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.heard.append(f"{page.url}: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        # A page that is refused or not found on purpose is logged as an error to load a resource.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.heard.append(message.text)
