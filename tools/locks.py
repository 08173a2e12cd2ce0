"""Lock files: no address in any of them, and each still fits the list it was made from.

python -m tools.locks
"""

from __future__ import annotations

import json
import re
import sys

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.printing import ROOT

LISTS = {
    "base": ("base",),
    "runtime": ("base", "runtime"),
    "dev": ("base", "runtime", "dev"),
    "spark": ("base", "spark"),
}
PINNED = re.compile(r"^(?P<what>[A-Za-z0-9][^\\]*==[^\\]+?)\s*\\?$", re.MULTILINE)


def pinned(lock: str) -> dict[str, str]:
    """Return what a lock pins here with the oldest Python 3.11: name and version."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    found = [Requirement(match["what"]) for match in PINNED.finditer(text)]
    here = [
        one for one in found if one.marker is None or one.marker.evaluate({"python_full_version": "3.11.0"})
    ]
    return {canonicalize_name(one.name): next(iter(one.specifier)).version for one in here}


def wanted(name: str) -> list[Requirement]:
    """Return what one list asks for."""
    text = (ROOT / "requirements" / f"{name}.in").read_text(encoding="utf-8")
    return [Requirement(line) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def troubles() -> list[str]:
    """Return all that is wrong with the lock files, with the remedy."""
    found = []
    for path in [*sorted((ROOT / "requirements").glob("*.txt")), ROOT / "package-lock.json"]:
        lines = path.read_text(encoding="utf-8").splitlines()
        places = [number for number, line in enumerate(lines, 1) if "://" in line]
        found += [f"{path.relative_to(ROOT)}:{place} names an address. Make it anew." for place in places]
    for lock, lists in LISTS.items():
        pins = pinned(lock)
        for requirement in (requirement for name in lists for requirement in wanted(name)):
            pin = pins.get(canonicalize_name(requirement.name))
            if pin is None or not requirement.specifier.contains(pin, prereleases=True):
                found.append(
                    f"requirements/{lock}.txt has {pin}, not {requirement}. Run requirements/compile."
                )
    return found + _package_lock()


def _package_lock() -> list[str]:
    asked = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    locked = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"][""]
    parts = ("dependencies", "devDependencies")
    if all(asked.get(part) == locked.get(part) for part in parts):
        return []
    return ["package-lock.json does not fit package.json. Run npm install --package-lock-only."]


def main() -> int:
    """Say what is wrong; exit 1 if anything is."""
    found = troubles()
    sys.stderr.write("".join(f"{trouble}\n" for trouble in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
