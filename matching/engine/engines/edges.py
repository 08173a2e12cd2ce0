"""The one thing every engine gives: scored pairs of records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from matching.engine import adapter
from matching.engine.errors import NeedsMoreMemory


@dataclass(frozen=True)
class Pair:
    """Two files to link, or one file to de-duplicate (`left == right`)."""

    left: str
    right: str

    @property
    def one_file(self) -> bool:
        """Tell whether this is one file compared with itself."""
        return self.left == self.right

    @property
    def label(self) -> str:
        """Return the pair in words."""
        return f"{self.left} within itself" if self.one_file else f"{self.left} with {self.right}"


@dataclass(frozen=True)
class Edges:
    """The scored candidates of one pair of files, in the order of their rows.

    `evidence` is the sum of log2(m/u), without the prior; `rule` is the number of the block that found the
    pair.
    """

    pair: Pair
    left: np.ndarray
    right: np.ndarray
    evidence: np.ndarray
    rule: np.ndarray
    prior: float
    """How likely two records drawn at random are one person, as first guessed."""
    pattern: np.ndarray | None = None
    """How each pair agrees, as a number that the model can read, where the engine has such."""


@dataclass(frozen=True)
class Model:
    """What an engine learnt about one pair of files: all in numbers, fit for a report."""

    pair: Pair
    prior: float
    weights: list[dict[str, Any]]
    """One entry for each level: field, level, m, u, weight."""
    blocks: list[dict[str, Any]]
    settings: dict[str, Any]
    notes: list[str]
    learnt: Any = None
    """What the engine itself needs to score by this model, beyond what a report shows."""


def _nobody(share: float, message: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Limits:
    """What a run may use, and whom it tells on the way."""

    memory: int
    threads: int
    tell: Callable[[float, str], None] = _nobody
    """Told of a pair of files which share of its work is done, and what was found, to two figures."""

    def hold(self, pairs: int, *, each: int) -> None:
        """Pass if so many candidates of so many bytes each fit into memory; asked before they are made.

        :raises NeedsMoreMemory: if they do not
        """
        if pairs * each > adapter.allowed(self.memory):
            raise NeedsMoreMemory(
                "The memory limit was reached while finding candidates; give the run more memory."
            )
