"""What our marks mean: `browser` needs Chromium, `long` runs on demand, `obligation` is counted.

A whole run (`./test`, `./test --long`) prints docs/obligations.md from the tests that passed in it. Skipped
and failed ones prove nothing. What only the long run proves is kept by the short one, and conversely.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tools import machine, obligations_page

ROOT = Path(__file__).resolve().parent.parent
AN_ID = re.compile(r"O-\d{2,3}")
MOST_IDS = 3
LONGEST_CASE = 60

_passed: dict[str, list[str]] = {}
_failed: list[str] = []
_skipped: list[str] = []


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case by its argument, not its content, where that is long and may differ from run to run."""
    return argname if isinstance(val, bytes | str) and len(val) > LONGEST_CASE else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip browser tests where there is no browser, and note on each test which obligations it names."""
    no_browser = None if machine.browser() else "Chromium is missing: " + machine.apt_line(("chromium",))
    for item in items:
        if no_browser and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=no_browser))
        if ids := [one for mark in item.iter_markers("obligation") for one in mark.args]:
            _refuse_bad_ids(item, ids)
            item.user_properties.append(("obligations", ids))


def _refuse_bad_ids(item: pytest.Item, ids: list[str]) -> None:
    if len(ids) > MOST_IDS:
        raise pytest.UsageError(f"{item.nodeid} names {len(ids)} obligations; {MOST_IDS} at most.")
    if wrong := [one for one in ids if not (isinstance(one, str) and AN_ID.fullmatch(one))]:
        raise pytest.UsageError(f"{item.nodeid} names {wrong}; an obligation is written O-60.")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note each outcome, in the process that hears of all of them."""
    if report.failed:
        _failed.append(report.nodeid)
    elif report.skipped:
        _skipped.append(report.nodeid)
    elif report.when == "call":
        for ids in [value for name, value in report.user_properties if name == "obligations"]:
            _passed[report.nodeid] = ids


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, exitstatus: int) -> None:
    """After a whole run in which nothing failed or was skipped, print the page of obligations anew."""
    suite = os.environ.get("P20WIN_WHOLE_RUN")
    if not suite or "PYTEST_XDIST_WORKER" in os.environ:
        return
    if _failed or _skipped or exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        terminalreporter.write_line("docs/obligations.md stays as it is: some tests failed or were skipped.")
        return
    changed = obligations_page.write(long=suite == "long", proofs=_passed)
    if changed:
        terminalreporter.write_line("docs/obligations.md was printed anew: look at it and commit it.")
    results = ROOT / "test-results"
    results.mkdir(exist_ok=True)
    (results / "obligations.json").write_text(json.dumps(_passed, indent=1), encoding="utf-8")
