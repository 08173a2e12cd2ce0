"""What many runs say together: medians by error model and size, and how true the label-free estimate was."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

OURS: Final = "hybrid"
PEER: Final = "splink"
WITHIN: Final = 0.005
"""How far the precision said without labels may be from the truth."""


def of(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one entry for each error model and size."""
    kinds = dict.fromkeys((run["model"], run["rows"]) for run in runs)
    return [_entry(*kind, [run for run in runs if (run["model"], run["rows"]) == kind]) for kind in kinds]


def _entry(model: str, rows: int, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    told = _each_seed_once(runs)
    seeds = sorted({run["seed"] for run in runs})
    entry: dict[str, Any] = {"model": model, "rows": rows, "seeds": seeds}
    entry["contestants"] = {name: _medians(figures) for name, figures in told.items()}
    ours, peer = (entry["contestants"].get(name) for name in (OURS, PEER))
    if ours and peer and "cpu" in ours and "cpu" in peer:
        entry["against_splink"] = {
            "times_faster": round(peer["seconds"] / ours["seconds"], 2),
            "times_less_cpu": round(peer["cpu"] / ours["cpu"], 2),
            "more_f1": round(ours["f1"] - peer["f1"], 5),
        }
    if free := [figures["label_free"] for figures in told.get(OURS, ())]:
        entry["label_free"] = {
            kind: _truth([one[kind] for one in free]) for kind in ("accepted", "automatic")
        }
    return entry


def _each_seed_once(runs: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return for each contestant one run of every seed: the last, but a timed one before any other."""
    kept: dict[str, dict[int, Mapping[str, Any]]] = {}
    for run in runs:
        for name, figures in run["contestants"].items():
            seeds = kept.setdefault(name, {})
            if figures["ended"] and ("cpu" in figures or "cpu" not in seeds.get(run["seed"], {})):
                seeds[run["seed"]] = figures
    return {name: list(seeds.values()) for name, seeds in kept.items() if seeds}


def _medians(figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the medians; of time, of the runs that were alone on the machine."""
    timed = [one for one in figures if "cpu" in one]
    return {
        **{
            name: round(statistics.median(one[name]["median"] for one in timed), 2)
            for name in ("seconds", "cpu")
            if timed
        },
        "peak_gb": max(one["peak_gb"] for one in figures),
        **{
            name: round(statistics.median(one[name] for one in figures), 5)
            for name in ("precision", "recall", "f1")
        },
        "least_f1": min(one["f1"] for one in figures),
    }


def _truth(said: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    return {
        "within_half_a_point": sum(abs(one["off"]) <= WITHIN for one in said),
        "of": len(said),
        "furthest_off": max((one["off"] for one in said), key=abs),
        "least_true": min(one["truth"] for one in said),
    }


def lines(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the entries as lines to print."""
    said = []
    for entry in entries:
        said.append(f"\n{entry['model']}, {entry['rows']:,} rows each, seeds {entry['seeds']}, medians")
        for name, told in entry["contestants"].items():
            times = f" {told['seconds']:7.2f} s {told['cpu']:7.2f} cpu" if "cpu" in told else ""
            said.append(
                f"  {name:14} {told['peak_gb']:5.2f} GB{times}"
                f"  P {told['precision']:.4f}  R {told['recall']:.4f}  F1 {told['f1']:.4f}"
                f" (least {told['least_f1']:.4f})"
            )
        if "against_splink" in entry:
            against = entry["against_splink"]
            said.append(
                f"  {against['times_faster']} times as fast as Splink, {against['times_less_cpu']} times less"
                f" processor time, F1 {against['more_f1']:+.4f}"
            )
        for kind, truth in entry.get("label_free", {}).items():
            said.append(
                f"  {kind}: {truth['within_half_a_point']} of {truth['of']} estimates within half a point,"
                f" furthest {truth['furthest_off']:+.4f}; truly at least {truth['least_true']:.4f}"
            )
    return said
