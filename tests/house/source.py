"""The code of the house as its tests read it."""

import ast
import functools
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = ("p20win", "requests_app", "agreements", "matching", "disclosure", "governance", "client")


@dataclass(frozen=True)
class Module:
    """One Python file of ours."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """Return what it says."""
        return _parsed(self.path, self.text)

    @property
    def is_migration(self) -> bool:
        """Say whether Django wrote it."""
        return "/migrations/" in self.path

    def at(self, node: ast.AST) -> str:
        """Return the place of a node, to be named in a failure."""
        return f"{self.path}:{node.lineno}"


@functools.cache
def _parsed(path: str, text: str) -> ast.Module:
    return ast.parse(text, path)


@functools.cache
def files() -> tuple[str, ...]:
    """Return every file that git has or would take, by its path from the root."""
    argv = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    said = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(sorted({name for name in said.splitlines() if (ROOT / name).is_file()}))


@functools.cache
def modules() -> tuple[Module, ...]:
    """Return our Python files, tests and tools apart."""
    return tuple(_modules(OURS))


@functools.cache
def all_modules() -> tuple[Module, ...]:
    """Return every Python file."""
    return tuple(_modules(None))


def _modules(tops: tuple[str, ...] | None) -> Iterator[Module]:
    for name in files():
        if name.endswith(".py") and (tops is None or name.split("/")[0] in tops):
            yield Module(name, (ROOT / name).read_text(encoding="utf-8"))
