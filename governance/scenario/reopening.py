"""Tries, as the vault and with all its keys, to open sealed files: before they are shredded and after.

A program of its own, since only a vault process reads the keys. Each line of input is answered by one line:
how many of the files opened.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO


class Reopener:
    """The program at work, for as long as it is open."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Start it with the vault's surroundings; it is ready when first asked."""
        mine = {**env, "P20WIN_IS_VAULT": "1", "DATABASE_URL": env["VAULT_DATABASE_URL"]}
        for name in ("OWNER_DATABASE_URL", "VAULT_DATABASE_URL"):
            mine.pop(name, None)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "governance.scenario.reopening"],
            cwd=Path(__file__).resolve().parents[2],
            env=mine,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def how_many_open(self, ids: list[str]) -> int:
        """Return how many of these files can be opened now.

        :raises RuntimeError: if the program has ended
        """
        to, back = self._pipes()
        to.write(json.dumps(ids) + "\n")
        to.flush()
        answer = back.readline()
        if not answer:
            raise RuntimeError("The program that tries to open files has ended.")
        return int(answer)

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("The program that tries to open files was not started with pipes.")
        return self._process.stdin, self._process.stdout

    def __enter__(self) -> Reopener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=30)  # closes its input, at which it ends


class KeptAside:
    """Second names of sealed files, so that their bytes outlive the deletion and can be tried again."""

    def __init__(self, media: Path, aside: Path) -> None:
        """Give every sealed file a second name."""
        self._pairs = []
        for number, path in enumerate(sorted((media / "sealed").rglob("*.p20"))):
            aside.mkdir(exist_ok=True)
            second = aside / f"{number}.p20"
            os.link(path, second)
            self._pairs.append((path, second))

    def put_back(self) -> int:
        """Put back what was deleted meanwhile, and return how many files that are."""
        gone = [(path, second) for path, second in self._pairs if not path.exists()]
        for path, second in gone:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(second, path)
        self._gone = [path for path, _ in gone]
        return len(gone)

    def remove(self) -> None:
        """Remove the second names, and what was put back."""
        for path in self._gone:
            path.unlink(missing_ok=True)
        for _, second in self._pairs:
            second.unlink(missing_ok=True)


def main() -> None:
    """Answer one question a line, until there are no more."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "p20win.settings")
    django.setup()
    from p20win.custody import public as custody

    for line in sys.stdin:
        files = custody.SealedFile.objects.select_related("project", "owner").filter(pk__in=json.loads(line))
        opened = sum(custody.why_unreadable(file) == "" for file in files)
        sys.stdout.write(f"{opened}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
