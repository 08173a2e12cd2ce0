"""Tables in whole numbers that are said to agree with a release: plain numbers, for others to check."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Block:
    """One crossing of dimensions: which they are, and the leaves of each of their codes, in order."""

    names: tuple[str, ...]
    leaves: tuple[tuple[tuple[str, ...], ...], ...]  # for each dimension and place

    @property
    def shape(self) -> tuple[int, ...]:
        """Return how many places each dimension has."""
        return tuple(len(places) for places in self.leaves)


@dataclass(frozen=True)
class Witnesses:
    """Tables, each as the counts of all blocks one after the other."""

    blocks: tuple[Block, ...] = ()
    tables: Sequence[np.ndarray] = field(default=())
