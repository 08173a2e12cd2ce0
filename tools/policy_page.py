"""Print docs/policy.md from p20win/policy.py, or check that it is fresh.

    python -m tools.policy_page [--write | --check]

Each constant's meaning, source and obligation are read from the comment on its line, so they exist once.
"""

import datetime as dt
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from p20win import policy
from p20win.calendar import OfficeHours, Rule
from tools.printing import ROOT, PrintedPage

SOURCE = ROOT / "p20win" / "policy.py"
HEADING = re.compile(r"# ---- (?P<name>.+)")
MEANING = re.compile(r"# (?P<what>.+): (?P<source>.+) \((?P<obligations>O-\d+(?:, O-\d+)*)\)")


@dataclass(frozen=True)
class Promise:
    """One constant of policy.py with what its line says about it."""

    section: str
    name: str
    value: Any
    what: str
    source: str
    obligations: tuple[str, ...]

    @property
    def is_ours(self) -> bool:
        """Say whether the papers leave this open."""
        return "ours" in self.source

    @property
    def slug(self) -> str:
        """Return the slug of a rule; empty for a plain number."""
        return self.name.lower().replace("_", "-") if isinstance(self.value, Rule) else ""


def promises() -> list[Promise]:
    """Read every constant of policy.py.

    :raises ValueError: naming the line whose comment does not say what, where and which obligation
    """
    return list(_read(SOURCE.read_text(encoding="utf-8")))


def _read(text: str) -> Iterator[Promise]:
    section, name, value_at = "", "", 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and token.start[1] == 0 and token.string.isupper():
            name, value_at = token.string, token.start[0]
        elif token.type == tokenize.COMMENT and (heading := HEADING.fullmatch(token.string)):
            section = heading["name"]
        elif token.type == tokenize.NEWLINE and name and name != "RULES":
            raise ValueError(f"{SOURCE.name}:{value_at}: {name} has no comment “# what: source (O-…)”.")
        elif token.type == tokenize.COMMENT and name and name != "RULES":
            meaning = MEANING.fullmatch(token.string)
            if not meaning:
                raise ValueError(f"{SOURCE.name}:{token.start[0]}: write “# what: source (O-…)” for {name}.")
            ids = tuple(meaning["obligations"].split(", "))
            yield Promise(section, name, getattr(policy, name), meaning["what"], meaning["source"], ids)
            name = ""


def shown(value: Any) -> str:
    """Return a value in words."""
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, OfficeHours | int | dt.time):
        return str(value)
    return str(value)[:1].upper() + str(value)[1:]


def page() -> str:
    """Return the text of docs/policy.md."""
    rows = promises()
    lines = [
        "# What the hub has promised, in numbers",
        "",
        "Printed from `p20win/policy.py` by `python -m tools.policy_page --write`; do not edit.",
        "Sources and obligation ids are those of the obligations list. “Ours” marks a target or a length",
        "that the papers leave open. An agency or an agreement may be stricter; never looser.",
        "",
        f"{len(rows)} numbers, of which {sum(bool(row.slug) for row in rows)} are clocks.",
        "",
        "How they count: business days are Monday to Friday without Connecticut’s legal holidays, the day",
        "after the event being day 1; a deadline falls at the end of its day in America/New_York. Calendar",
        "days, months and years are not moved. Hours run by the wall clock. What must pass “in full” is over",
        "at the start of the day after its last day.",
    ]
    for section in dict.fromkeys(row.section for row in rows):
        lines += ["", f"## {section}", "", "| Name | Promise | For what | Source | Obligation |"]
        lines.append("|---|---|---|---|---|")
        lines += [
            f"| `{row.slug or row.name}` | {shown(row.value)} | {row.what} | {row.source} | "
            f"{', '.join(row.obligations)} |"
            for row in rows
            if row.section == section
        ]
    return "\n".join(lines) + "\n"


PRINTED = PrintedPage(ROOT / "docs" / "policy.md", "tools.policy_page", page)


if __name__ == "__main__":
    sys.exit(PRINTED.main(sys.argv[1:]))
