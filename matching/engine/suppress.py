"""Hiding small counts in a report, before it leaves the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from matching.engine import likely, subgroups

_MANY: Final = 1_000
_ROWS: Final = frozenset({"rows", "rows_out"})
"""How many rows a file has; where an entry counts something, `rows` says of which size instead."""


def suppressed(report: Mapping[str, Any], least: int) -> dict[str, Any]:
    """Return a copy in which no count from 1 to below `least` can be read, nor had by subtraction.

    A hidden count is None; what was reckoned from it (interval, rate) goes with it. The report says itself
    from which count on it tells.
    """
    listed = {"behind", "recall_behind"}
    hidden: dict[str, Any] = _hide({k: v for k, v in report.items() if k not in listed}, least)
    if "behind" in report:
        hidden["behind"] = subgroups.behind(hidden["subgroups"])
    if "recall_behind" in report:
        hidden["recall_behind"] = likely.behind(hidden["recall_by_group"])
    return hidden | {"least_count": least}


def _hide(part: Any, least: int) -> Any:
    if isinstance(part, list):
        made = [_hide(entry, least) for entry in part]
        if _is_family(part):
            return _hide_partner(part, made, least)
        return _hide_partners_within(part, made, least)
    if isinstance(part, Mapping):
        made_of = {key: _hide(value, least) for key, value in part.items()}
        if "count" not in part:
            made_of |= {key: None for key in _ROWS & set(part) if 0 < (part[key] or 0) < least}
        if {"filled", "lost"} <= set(part):
            return _hide_field(part, made_of, least)
        if {"blocks", "links_by_rule"} <= set(part):
            return _hide_ways(part, made_of, least)
        if "caught" in part:
            return _hide_recall(made_of)
        return _without(made_of, least) if "count" in part and _small(part, least) else made_of
    return part


def _hide_ways(part: Mapping[str, Any], made: dict[str, Any], least: int) -> dict[str, Any]:
    """Hide how many pairs a way found where that tells, or almost, how many of them were linked or not."""
    for number, (block, links) in enumerate(zip(part["blocks"], part["links_by_rule"], strict=True)):
        found, linked = block["pairs"]["count"], links["count"]
        shown = made["links_by_rule"][number]["count"]
        if shown is None or found is None or 0 < abs(found - linked) < least:
            gone = {"pairs": {"count": None}} | ({"right": None} if "right" in block else {})
            made["blocks"][number] |= gone
    candidates, kept = part["candidates"]["count"], [entry["count"] for entry in part["decisions"]]
    if candidates is not None and None not in kept and 0 < candidates - sum(kept) < least:
        made["candidates"] = {"count": None}
    return made


def _hide_field(part: Mapping[str, Any], made: dict[str, Any], least: int) -> dict[str, Any]:
    """Hide filled and usable too, where a small loss could be had as the difference of other counts."""
    rows, filled, lost = part["filled"]["of"], part["filled"]["count"], part["lost"]["count"]
    if lost is None or 0 < lost < least:
        made["usable"] = _without(made["usable"], least)
    if made["filled"]["count"] is None or 0 < rows - filled < least:
        made["lost"] = {"count": None}
    return made


def _hide_recall(made: dict[str, Any]) -> dict[str, Any]:
    """Take away what was reckoned from counts that are hidden."""
    estimate = {name: made[name] for name in ("recall", "low", "high")}
    hidden = [entry for entry in made["unlinkable"] if entry["count"] is None]
    if hidden:
        made["upper_bound"] = None
    if any(entry["count"] is None for entry in made["caught"]):
        made |= dict.fromkeys(estimate)
    elif hidden:  # the estimate follows from these few too: whole percents do not tell them in so many rows
        enough = all((entry["of"] or 0) >= _MANY for entry in hidden)
        made |= {
            name: round(value, 2) if enough and value is not None else None
            for name, value in estimate.items()
        }
    return made


def _small(entry: Mapping[str, Any], least: int) -> bool:
    count, of = entry["count"], entry.get("of")
    if count is None:
        return True
    near_all = of is not None and 0 < of - count < least
    few = of is not None and 0 < of < least
    return 0 < count < least or near_all or few


def _without(entry: Mapping[str, Any], least: int) -> dict[str, Any]:
    few = "group" in entry or 0 < (entry.get("of") or 0) < least
    gone = {"count", "share", "low", "high", "behind"} | ({"of"} if few else set())
    return {key: None if key in gone else value for key, value in entry.items()}


def _is_family(part: Sequence[Any]) -> bool:
    return len(part) > 1 and all(
        isinstance(entry, Mapping) and "count" in entry and "with" not in entry for entry in part
    )


def _hide_partners_within(before: Sequence[Any], after: list[Any], least: int) -> list[Any]:
    """Look at each part of a histogram, whose bars are counts of several kinds, by itself."""
    if len(after) < 2 or not all(isinstance(entry, dict) and "from" in entry for entry in after):
        return after
    for key in {key for entry in after for key, value in entry.items() if _is_count(value)}:
        if all(_is_count(entry.get(key)) for entry in after):
            column = _hide_partner([entry[key] for entry in before], [entry[key] for entry in after], least)
            for entry, value in zip(after, column, strict=True):
                entry[key] = value
    return after


def _is_count(value: Any) -> bool:
    return isinstance(value, Mapping) and "count" in value and "of" not in value


def _hide_partner(before: Sequence[Mapping[str, Any]], after: list[Any], least: int) -> list[Any]:
    """Hide a second entry where one stands hidden alone, else the total would give it away."""
    hidden = [number for number, entry in enumerate(after) if entry["count"] is None]
    open_ones = [number for number, entry in enumerate(after) if entry["count"]]
    if len(hidden) == 1 and open_ones:
        smallest = min(open_ones, key=lambda number: before[number]["count"])
        after[smallest] = _without(after[smallest], least)
    return after
