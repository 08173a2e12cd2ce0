"""Print docs/obligations.md: each obligation, and the tests that were seen to prove it.

A whole run of the tests calls `write`. The list itself is docs/obligations.csv.
`python -m tools.obligations_page` says how many are met.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.printing import ROOT

LIST = ROOT / "docs" / "obligations.csv"
PAGE = ROOT / "docs" / "obligations.md"
ROW = re.compile(r"^\| (O-\d+) \| .* \| (.*) \|$")
NOT_YET = "not yet"
LONG = " (long)"


@dataclass(frozen=True)
class Obligation:
    """One row of the list."""

    id: str
    section: str
    text: str
    source: str


def obligations() -> list[Obligation]:
    """Read the list."""
    with LIST.open(encoding="utf-8", newline="") as handle:
        return [Obligation(**row) for row in csv.DictReader(handle)]


def proofs_on_page() -> dict[str, set[str]]:
    """Return what the stored page says: for each obligation the tests, the long ones marked."""
    found: dict[str, set[str]] = {}
    if not PAGE.is_file():
        return found
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if (row := ROW.match(line)) and row[2] != NOT_YET:
            found[row[1]] = {test.replace("`", "") for test in row[2].split("<br>")}
    return found


def write(*, long: bool, proofs: Mapping[str, Sequence[str]]) -> bool:
    """Store the page after a run of one suite; keep what the other suite proved. Say whether it changed.

    :raises ValueError: if a test names an obligation that is not in the list
    """
    kept = {
        number: {test for test in tests if test.endswith(LONG) != long}
        for number, tests in proofs_on_page().items()
    }
    for nodeid, ids in proofs.items():
        test = re.sub(r"\[.*\]$", "", nodeid) + (LONG if long else "")
        for number in ids:
            kept.setdefault(number, set()).add(test)
    if unknown := sorted(set(kept) - {one.id for one in obligations()}):
        raise ValueError(f"Tests name {', '.join(unknown)}; docs/obligations.csv does not list them.")
    text = page(kept)
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        return False
    PAGE.write_text(text, encoding="utf-8")
    return True


def page(proofs: Mapping[str, set[str]]) -> str:
    """Return the text of docs/obligations.md."""
    listed = obligations()
    met = [one for one in listed if proofs.get(one.id)]
    lines = [
        "# What the portal must make true, and the tests that prove it",
        "",
        "Printed by a whole run of `./test` or `./test --long` from the tests that passed in it.",
        "Do not edit.",
        "",
        f"{len(met)} of {len(listed)} obligations are named by a test that passed. A test proves the part",
        "of the obligation that it asserts; “not yet” means that none does.",
    ]
    for section in dict.fromkeys(one.section for one in listed):
        lines += ["", f"## {section}", "", "| Id | Obligation | Proved by |", "|---|---|---|"]
        lines += [_row(one, proofs.get(one.id, set())) for one in listed if one.section == section]
    return "\n".join(lines) + "\n"


def _row(one: Obligation, tests: set[str]) -> str:
    shown = "<br>".join(
        f"`{test.removesuffix(LONG)}`{LONG if test.endswith(LONG) else ''}" for test in sorted(tests)
    )
    text = one.text.replace("|", "\\|")
    return f"| {one.id} | {text} | {shown or NOT_YET} |"


def main() -> int:
    """Say how many are met."""
    met = proofs_on_page()
    sys.stdout.write(f"{len(met)} of {len(obligations())} obligations are named by a test that passed.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
