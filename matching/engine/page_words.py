"""Numbers of a report in words: hidden ones named so, shares with one decimal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "hidden (small)"


def count(entry: Mapping[str, Any] | None) -> str:
    """Return a count in words: thousands parted, hidden ones named so."""
    if entry is None or entry["count"] is None:
        return HIDDEN
    return f"{entry['count']:,}"


def share(entry: Mapping[str, Any]) -> float | None:
    """Return a count over its whole, or None if it is hidden or of nothing."""
    if entry.get("count") is None or not entry.get("of"):
        return None
    return float(entry["count"] / entry["of"])


def percent(value: float | None) -> str:
    """Return a share as a percentage with one decimal."""
    return "–" if value is None else f"{100 * value:.1f} %"


def with_count(entry: Mapping[str, Any]) -> str:
    """Return a count with its whole and its share."""
    return f"{count(entry)} of {entry['of']:,} ({percent(share(entry))})"
