"""Numbers of a report in words: hidden ones named so, shares with one decimal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from matching.engine import defaults

HIDDEN: Final = "hidden (small)"
LEVELS: Final = {
    "exact": "the same",
    "edits": "slips in it",
    "jaro_winkler": "alike",
    "shared_part": "a part in common",
    "nickname": "a nickname",
    "initial": "an initial",
    "other_given_name": "the other given name",
    "swapped_names": "first and last name swapped",
    "swapped_day": "day and month swapped",
    "first_of_january": "one is 1 January of the same year",
    "two_of_three": "two of three parts",
    "missing": "missing",
    "else": "different",
}
"""How levels of agreement are called in what people read."""


def level(entry: Mapping[str, Any]) -> str:
    """Return the name of a level, with its measure."""
    words = LEVELS.get(entry["kind"], str(entry["kind"]).replace("_", " "))
    if not entry.get("at"):
        return words
    return (
        f"{words} (at most {entry['at']:g})"
        if entry["kind"] == "edits"
        else f"{words} (from {entry['at']:g})"
    )


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them: “A, B and C”."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def number(value: int | None) -> str:
    """Return a number in words: thousands parted, hidden ones named so."""
    return HIDDEN if value is None else f"{value:,}"


def count(entry: Mapping[str, Any] | int | None) -> str:
    """Return a count in words; hidden is also what a report of before told without hiding it."""
    return number(entry["count"] if isinstance(entry, Mapping) else None)


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
    return f"{count(entry)} of {number(entry['of'])} ({percent(share(entry))})"


def not_by_group(report: Mapping[str, Any]) -> str:
    """Say that nobody knows of the run whether a group is missed more often, and why; else nothing."""
    if report.get("recall_not_by_group"):
        return (
            "Whether true pairs of some group are missed more often is not known: the engine"
            f" “{report['engine']}” does not learn how likely true pairs of a kind are to be linked. Where"
            f" files hold identifiers, the engine “{defaults.ENGINE}” estimates it. The match rates by group"
            " are no substitute: they also differ where the people of a group are in one file alone."
        )
    if report["pairs"] and "recall_not_by_group" in report and not report["recall_by_group"]:
        return (
            "Whether true pairs of some group are missed more often is not known: what was compared tells no"
            " groups apart."
        )
    return ""


def roughly(number: float) -> str:
    """Return a count to two figures, for what is told while a run goes on; below 100 it says no more."""
    if number < 100:
        return "fewer than 100"
    unit = 10 ** (len(str(int(number))) - 2)
    return f"about {int(number / unit + 0.5) * unit:,}"
