"""Pages of docs/ that are printed from the code: print, store, or check that the stored one is fresh."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class PrintedPage:
    """One page, what makes it, and the module to run to store it."""

    path: Path
    module: str
    text: Callable[[], str]

    def stale(self) -> str | None:
        """Say what to do if the stored page is not what would be printed; None means it is fresh."""
        if self.path.is_file() and self.path.read_text(encoding="utf-8") == self.text():
            return None
        return f"docs/{self.path.name} is not fresh: run python -m {self.module} --write and commit it."

    def main(self, arguments: list[str]) -> int:
        """Print, store or check the page."""
        if arguments == ["--write"]:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(self.text(), encoding="utf-8")
        elif arguments == ["--check"]:
            if why := self.stale():
                sys.stderr.write(why + "\n")
                return 1
        elif not arguments:
            sys.stdout.write(self.text())
        else:
            sys.stderr.write(f"python -m {self.module} [--write | --check]\n")
            return 2
        return 0
