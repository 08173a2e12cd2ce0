"""What the scenario is played with, and how each step is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class StepFailed(Exception):
    """Something is not as the step promises; the message says what."""


@dataclass
class Setting:
    """What the scenario is played with, and where."""

    people: int
    seed: int
    keep: Path | None
    folders: list[Path]
    pids: dict[str, int]
    env: Mapping[str, str]  # with the addresses of owner and vault, which the portal itself does not know
    say: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    began_at: float = field(default_factory=time.time)
    found: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def step(self, what: str) -> Iterator[list[str]]:
        """Say what is done, how it came out and how long it took. What is put into the list is said too."""
        started = time.monotonic()
        told: list[str] = []
        try:
            yield told
        except BaseException as trouble:
            self._say(started, what, f"FAILED: {trouble}")
            raise
        self._say(started, what, "; ".join(["done", *told]))

    def _say(self, started: float, what: str, outcome: str) -> None:
        now = time.monotonic()
        self.say(f"[{now - self.began:7.1f} s] {what} … {outcome} ({now - started:.1f} s)")


def expect(condition: bool, otherwise: str) -> None:
    """Go on if it is so. :raises StepFailed: if not"""
    if not condition:
        raise StepFailed(otherwise)
