"""The charts of a report, from its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import groupby
from typing import Any, Final

from matching.engine import charts, defaults
from matching.engine.page_parts import of
from matching.engine.page_words import HIDDEN, level, percent, share

_OFTEN_DIFFERENT: Final = ("last_name", "address", "zip")
_OFTEN_MISSING: Final = ("ssn", "sasid", "middle_name")
_BEFORE: Final = "any two records (prior)"
_NO_REST: Final = 0.05


def _rate(entry: Mapping[str, Any]) -> str:
    return HIDDEN if entry["count"] is None else percent(share(entry))


def rate_chart(report: Mapping[str, Any]) -> str:
    """Return the chart of match rates between files."""
    rows = [(f"{r['file']} found in {r['with']}", share(r), _rate(r)) for r in report["match_rates"]]
    return charts.bars("Match rate of each file with each other", rows)


def weight_chart(pair: Mapping[str, Any]) -> str:
    """Return the histogram of the weights of a pair of files."""
    rows = [
        (f"{bar['from']} to {bar['to']} bits", bar["linked"]["count"], bar["not_linked"]["count"])
        for bar in pair["weights_of_pairs"]
    ]
    return charts.stacked(f"Weights of pairs, {of(pair)}", rows, ("linked", "not linked"))


def subgroup_chart(subgroup: Mapping[str, Any]) -> str:
    """Return the chart of match rates of the subgroups of a file."""
    rows = [(group["group"], share(group), _rate(group)) for group in subgroup["groups"]]
    return charts.bars(f"Match rate of {subgroup['file']} by {subgroup['by']}", rows)


def mu_charts(pair: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return for each field how often true pairs (m) and chance pairs (u) reach each level of agreement."""
    found = []
    for field, levels in groupby(pair["weights"], key=lambda weight: weight["field"]):
        name = defaults.WORDS[field]
        rows = [(level(weight), weight["m"], weight["u"]) for weight in levels]
        title = f"Levels of agreement of {name}, {of(pair)}"
        found.append((name, charts.paired(title, rows, ("true pairs (m)", "chance pairs (u)"))))
    return found


def waterfall(
    pair: Mapping[str, Any], levels: Mapping[str, int | None], *, title: str, accepted: float
) -> str:
    """Return how a weight comes about, field by field, from the level that each reached (None: missing)."""
    steps = [(_BEFORE, _odds(pair["prior"]))]
    steps += [
        (f"{defaults.WORDS[entry['field']]}: {level(entry)}", entry["weight"])
        for entry in pair["weights"]
        if levels.get(entry["field"]) == entry["level"]
    ]
    return charts.waterfall(title, steps, threshold=_odds(accepted))


def waterfall_charts(pair: Mapping[str, Any], accepted: float) -> list[str]:
    """Return two invented pairs: one that agrees in everything, one of a person who moved and married."""
    last: dict[str, int] = {}
    for entry in pair["weights"]:
        last[entry["field"]] = max(last.get(entry["field"], 0), entry["level"])
    everything: dict[str, int | None] = dict.fromkeys(last, 0)
    changed = everything | {field: last[field] for field in _OFTEN_DIFFERENT if field in last}
    changed |= {field: None for field in _OFTEN_MISSING if field in last}
    return [
        waterfall(pair, levels, title=f"{title}, {of(pair)}", accepted=accepted)
        for title, levels in (
            ("Agreement in everything", everything),
            ("Another surname and address, numbers missing", changed),
        )
    ]


def steps_of(pair: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return the steps in bits by which a pair drawn for review came to its weight."""
    found = [(_BEFORE, float(pair["prior"]))]
    found += [
        (f"{defaults.WORDS[step['field']]}: {level(step)}", float(step["bits"])) for step in pair["steps"]
    ]
    if abs(pair["rest"]) >= _NO_REST:
        found.append(("how common these values are", float(pair["rest"])))
    return found


def total_of(pair: Mapping[str, Any]) -> float:
    """Return a drawn pair's weight with what is known before looking, in bits: above 0 rather one person."""
    return float(pair["prior"]) + float(pair["weight"])


def drawn_pair_chart(pair: Mapping[str, Any]) -> str:
    """Return how a pair drawn for review came to its weight."""
    return charts.waterfall(f"How this pair came to {total_of(pair):+.1f} bits", steps_of(pair))


def _odds(chance: float) -> float:
    held = min(max(chance, 1e-12), 1 - 1e-9)
    return math.log2(held / (1 - held))
