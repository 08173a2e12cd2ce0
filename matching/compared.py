"""Runs of a match beside each other: what they found, how surely, and by how many links they differ."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from matching import checks, reviewed, standing
from matching.engine import page_words as words
from matching.models import Match, MatchRun
from matching.services import specifying
from p20win.accounts.public import Role

if TYPE_CHECKING:
    from p20win.accounts.models import User


def told(report: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the numbers of a report by which runs are compared, as words."""
    if not report:
        return {}
    estimates = report["estimates"]
    return {
        "rows": [f"{words.number(file['rows'])} of {name}" for name, file in report["files"].items()],
        "links": words.count(estimates["links"]),
        "precision": words.percent(estimates["precision"]),
        "recall": words.percent(estimates["recall"]),
        "rates": [
            {"file": r["file"], "with": r["with"], "rate": words.percent(words.share(r))}
            for r in report["match_rates"]
        ],
    }


def page(match: Match, person: "User", asked: Mapping[str, str]) -> dict[str, Any]:
    """Return what the page shows: two of the runs, the latest two unless others are asked for."""
    runs = list(standing.results(match))
    by_number = {str(run.number): run for run in runs}
    second = by_number.get(asked.get("with", "")) or (runs[0] if runs else None)
    others = [run for run in runs if run != second]
    first = by_number.get(asked.get("run", "")) or (others[0] if others else None)
    if first == second:
        first = others[0] if others else None
    shown: dict[str, Any] = {"match": match, "runs": runs, "first": None, "second": None}
    if first is None or second is None:
        return shown
    is_hub = person.has_role(Role.HUB_STAFF)
    sides = [_side(run, match, is_hub=is_hub) for run in (first, second)]
    return shown | {
        "first": sides[0],
        "second": sides[1],
        "sides": sides,
        "is_hub": is_hub,
        "rates": _rates(*sides),
        "changes": specifying.changes(first.spec, second.spec),
        "differences": _differences(first, second),
    }


def _side(run: MatchRun, match: Match, *, is_hub: bool) -> dict[str, Any]:
    sample = getattr(run, "sample", None)
    estimate = reviewed.estimate(sample) if sample else None
    return {
        "run": run,
        **told(run.report),
        "reviewed": reviewed.interval(estimate.precision) if estimate else "",
        "is_proposed": match.proposed_id == run.pk,
        "why_not_choose": checks.why_not_choose(run, match) if is_hub else [],
    }


def _rates(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[dict[str, str]]:
    after = {(entry["file"], entry["with"]): entry["rate"] for entry in second["rates"]}
    return [{**entry, "after": after.get((entry["file"], entry["with"]), "–")} for entry in first["rates"]]


def _differences(first: MatchRun, second: MatchRun) -> list[dict[str, Any]]:
    """Return the counts of links that differ; the later run keeps them of every earlier one."""
    turned = first.number > second.number
    early, late = (second, first) if turned else (first, second)
    found = []
    for entry in late.differences.get(str(early.number), []):
        only = [words.count(entry[name]) for name in ("before", "after")]
        only = only[::-1] if turned else only
        found.append({**entry, "both": words.count(entry["both"]), "only": only})
    return found
