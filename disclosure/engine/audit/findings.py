"""What an audit says: leaks, warnings, and how far each withheld cell is still open."""

from dataclasses import dataclass
from typing import Any

import numpy as np

Codes = tuple[tuple[str, str], ...]  # dimension and code; a dimension left out means Total


@dataclass(frozen=True)
class Finding:
    """One thing that can be worked out, and how."""

    kind: str
    people: str
    low: float
    high: float
    derivation: str
    places: tuple[str, ...]
    plus: tuple[Codes, ...] = ()  # the cells it is a sum of, where codes can name them
    minus: tuple[Codes, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the finding for a machine; an open end is null."""
        return {
            "kind": self.kind,
            "people": self.people,
            "low": int(self.low),
            "high": None if np.isinf(self.high) else int(self.high),
            "derivation": self.derivation,
            "places": list(self.places),
        }


@dataclass(frozen=True)
class Interval:
    """What a withheld cell can still be; unless proven, it can be at least this."""

    people: str
    low: float
    high: float
    proven: bool
    places: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the interval for a machine; an open end is null."""
        return {
            "people": self.people,
            "low": int(self.low),
            "high": None if np.isinf(self.high) else int(self.high),
            "proven": self.proven,
            "places": list(self.places),
        }


@dataclass(frozen=True)
class Report:
    """The verdict on everything released together."""

    leaks: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    cells: int
    withheld: int
    questions: int
    intervals: tuple[Interval, ...] = ()

    @property
    def passed(self) -> bool:
        """Say whether nothing leaks."""
        return not self.leaks
