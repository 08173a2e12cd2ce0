"""Which pairs people look at: drawn by chance within strata of likelihood and pattern, each with its reasons.

The draw orders pairs by a number that follows, under a secret salt, from what their records say. So a rerun
draws mostly the same pairs again, and a decision is asked for once. What identifies anybody goes into sheets,
one for each file; the sample itself holds no id and no value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from matching.engine import contested, prepare
from matching.engine.engines.toolkit import levels_of
from matching.engine.resolve import LINK
from matching.engine.sheets import Sheets
from matching.engine.spec import Comparison, Spec
from matching.engine.told import NOTHING, Told, digests

CUTS: Final = (0.2, 0.5, 0.8, 0.95, 0.99)
"""Where bands of likelihood end; the automatic band is one by itself."""
_LOOKED_AT: Final = 4_000
"""Of a band with more pairs, patterns are counted on so many, drawn as the sample is."""
_APART: Final = 40
"""A pattern has a stratum of its own from so many pairs."""
_PATTERNS: Final = 3
_LEAST: Final = 3
_OTHERS: Final = "other patterns"
_ONE_IN: Final = 4
"""One pair in so many is read by two people."""
_SIDES: Final = ("left", "right")


@dataclass(frozen=True)
class Drawn:
    """The sample without any value; what finds its pairs again, for the vault; and the sheets by file."""

    sample: dict[str, Any]
    index: dict[str, Any]
    sheets: dict[str, bytes]


@dataclass(frozen=True)
class _Candidates:
    """The kept pairs of two files: rows in their files, and how they came out."""

    left: str
    right: str
    one: np.ndarray
    other: np.ndarray
    chance: np.ndarray
    evidence: np.ndarray
    rule: np.ndarray
    linked: np.ndarray
    told: np.ndarray  # 0: nobody said, 1: one person, -1: not
    stopped: Mapping[int, str]  # why a pair that was likely enough is not linked


def draw(
    edges: pa.Table,
    tables: Mapping[str, pa.Table],
    spec: Spec,
    report: Mapping[str, Any],
    *,
    size: int,
    salt: str,
    told: Told = NOTHING,
    groups: int = 0,
    stopped: Mapping[int, str] | None = None,
) -> Drawn:
    """Draw about `size` pairs for review, more where the engine is least sure, and up to so many groups.

    `stopped` tells why a pair that was likely enough is not linked, by its row.
    """
    stopped = stopped or {}
    points, weights = report["thresholds"], {(p["left"], p["right"]): p for p in report["pairs"]}
    strata: list[dict[str, Any]] = []
    members: list[tuple[_Candidates, np.ndarray]] = []
    for candidates in _candidates(edges, tables, spec, told, stopped, accepted=points["accepted"]):
        order = _order(candidates, tables, spec, salt)
        for stratum, mine in _strata(candidates, order, tables, spec, auto=points["auto"]):
            strata.append(stratum)
            members.append((candidates, mine))
    chosen = _allot(strata, members, size)
    sheets = Sheets(tables, spec)
    entries = []
    for number, (candidates, rows) in enumerate(chosen):
        for place, said in enumerate(_explained(candidates, rows, tables, spec, weights)):
            sides = {side: sheets.add(said["files"][side], said["rows"][side]) for side in _SIDES}
            known = {
                side: [said["files"][side], sheets.digest(said["files"][side], said["rows"][side], salt)]
                for side in _SIDES
            }
            twice = (number + place) % _ONE_IN == 0
            entries.append((known, {"stratum": number, "twice": twice, **said["shown"], **sides}))
    entries.sort(key=lambda entry: [entry[0][side][1] for side in _SIDES])  # in no order that tells anything
    numbered = [{**stratum, "number": number} for number, stratum in enumerate(strata)]
    whole = contested.draw(
        edges, tables, spec, size=groups, salt=salt, told=told, sheets=sheets, stopped=stopped
    )
    return Drawn(
        {"strata": numbered, "pairs": [shown for _, shown in entries], "groups": whole.shown},
        {"salt": salt, "pairs": [known for known, _ in entries], "groups": whole.index},
        sheets.contents(),
    )


def _candidates(
    edges: pa.Table,
    tables: Mapping[str, pa.Table],
    spec: Spec,
    told: Told,
    stopped: Mapping[int, str],
    *,
    accepted: float,
) -> Iterator[_Candidates]:
    starts = dict(zip(spec.files, np.cumsum([0] + [tables[n].num_rows for n in spec.files]), strict=False))
    seen = edges.group_by(["file_l", "file_r"]).aggregate([]).to_pylist()
    for found in sorted(seen, key=lambda entry: (entry["file_l"], entry["file_r"])):
        left, right = found["file_l"], found["file_r"]
        theirs = pc.and_(pc.equal(edges["file_l"], left), pc.equal(edges["file_r"], right))
        mine = edges.filter(theirs).combine_chunks()
        at = np.flatnonzero(theirs.to_numpy())
        one, other = (
            pc.index_in(mine[side], tables[name][spec.files[name].id_column].cast(pa.string()))
            .to_numpy()
            .astype(np.int64)
            for side, name in (("id_l", left), ("id_r", right))
        )
        word = _word(told, one + starts[left], other + starts[right])
        chance = mine["probability"].to_numpy()
        joined = np.array(mine["decision"].to_pylist(), dtype=object) == LINK
        yield _Candidates(
            left=left,
            right=right,
            one=one,
            other=other,
            chance=chance,
            evidence=mine["weight"].to_numpy(),
            rule=np.array(mine["rule"].to_pylist(), dtype=object),
            linked=np.where(word == 0, joined, chance >= accepted),
            told=word,
            stopped={
                int(np.searchsorted(at, row)): why for row, why in stopped.items() if theirs[row].as_py()
            },
        )


def _word(told: Told, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    word = np.zeros(len(one), np.int8)
    if not (told.together or told.apart):
        return word
    for place, pair in enumerate(
        zip(np.minimum(one, other).tolist(), np.maximum(one, other).tolist(), strict=True)
    ):
        word[place] = 1 if pair in told.together else -1 if pair in told.apart else 0
    return word


def _order(found: _Candidates, tables: Mapping[str, pa.Table], spec: Spec, salt: str) -> np.ndarray:
    """Return a number for each pair that is as good as chance, and the same in every run."""
    parts = []
    for name, rows in ((found.left, found.one), (found.right, found.other)):
        held, place = np.unique(rows, return_inverse=True)
        parts.append(digests(tables[name], spec.files[name], held, salt=salt)[place])
    both = np.char.add(parts[0].astype("<U16"), parts[1].astype("<U16")).astype(object)
    return pd.util.hash_array(both, hash_key=salt)


def _strata(
    found: _Candidates,
    order: np.ndarray,
    tables: Mapping[str, pa.Table],
    spec: Spec,
    *,
    auto: float,
) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    cuts = sorted({*CUTS, *([auto] if CUTS[-1] < auto < 1 else [])})
    band = np.searchsorted(cuts, found.chance, side="right")
    edges = [0.0, *cuts, 1.0]
    for linked in (True, False):
        for number in np.unique(band[found.linked == linked]).tolist():
            mine = np.flatnonzero((band == number) & (found.linked == linked))
            mine = mine[np.argsort(order[mine], kind="stable")]
            looked = mine[:_LOOKED_AT]
            patterns = _patterns(found, looked, tables, spec)
            for pattern in sorted(set(patterns)):
                rows = looked[np.array([each == pattern for each in patterns])]
                share = len(rows) / len(looked)
                yield (
                    {
                        "left": found.left,
                        "right": found.right,
                        "from": round(edges[number], 6),
                        "to": round(edges[number + 1], 6),
                        "linked": linked,
                        "pattern": pattern,
                        "pairs": round(share * len(mine)),
                        "chance": float(found.chance[rows].mean()),
                        "told_link": round(share * int((found.told[mine] == 1).sum())),
                        "told_not": round(share * int((found.told[mine] == -1).sum())),
                    },
                    rows,
                )


def _patterns(found: _Candidates, rows: np.ndarray, tables: Mapping[str, pa.Table], spec: Spec) -> list[str]:
    """Return for each pair which fields differ; what is rare goes together."""
    if len(rows) < _APART:
        return [_OTHERS] * len(rows)
    levels, compared = _levels(found, rows, tables, spec)
    said = []
    for values in levels.to_numpy().tolist():
        differ = [c.field for c, level in zip(compared, values, strict=True) if level == len(c.levels) - 1]
        lack = [c.field for c, level in zip(compared, values, strict=True) if level < 0]
        said.append(f"{','.join(differ)}|{','.join(lack)}")
    counts = pd.Series(said).value_counts()
    common = {name for name, times in counts.iloc[:_PATTERNS].items() if times >= _APART}
    return [each if each in common else _OTHERS for each in said]


def _levels(
    found: _Candidates, rows: np.ndarray, tables: Mapping[str, pa.Table], spec: Spec
) -> tuple[pd.DataFrame, list[Comparison]]:
    common = spec.fields_of(found.left) & spec.fields_of(found.right)
    compared = [comparison for comparison in spec.comparisons if comparison.field in common]
    sides = [
        prepare.prepare(tables[name].take(pa.array(at[rows])), spec.files[name])
        for name, at in ((found.left, found.one), (found.right, found.other))
    ]
    pairs = pd.MultiIndex.from_arrays([np.arange(len(rows)), np.arange(len(rows))])
    frame = levels_of(pairs, sides[0], sides[1], compared)
    return frame[[comparison.field for comparison in compared]], compared


def _allot(
    strata: list[dict[str, Any]], members: list[tuple[_Candidates, np.ndarray]], size: int
) -> list[tuple[_Candidates, np.ndarray]]:
    """Give each stratum a few pairs, and more to where the pairs are many and least sure."""
    spread = np.array([s["pairs"] * (s["chance"] * (1 - s["chance"]) + 0.002) ** 0.5 for s in strata])
    share = spread / spread.sum() if len(strata) and spread.sum() else spread
    chosen = []
    for (candidates, rows), part in zip(members, share.tolist(), strict=True):
        wanted = rows[: max(_LEAST, round(part * size))]
        chosen.append((candidates, wanted[candidates.told[wanted] == 0]))
    return chosen


def _explained(
    found: _Candidates,
    rows: np.ndarray,
    tables: Mapping[str, pa.Table],
    spec: Spec,
    weights: Mapping[tuple[str, str], Mapping[str, Any]],
) -> Iterator[dict[str, Any]]:
    """Yield each pair with the steps from the prior to its weight."""
    if not len(rows):
        return
    levels, compared = _levels(found, rows, tables, spec)
    learnt = weights[found.left, found.right]
    of = {(w["field"], w["level"]): w for w in learnt["weights"]}
    prior = float(np.log2(learnt["prior"] / (1 - learnt["prior"])))
    for place, values in zip(rows.tolist(), levels.to_numpy().tolist(), strict=True):
        steps, total = [], 0.0
        for comparison, level in zip(compared, values, strict=True):
            known = of.get((comparison.field, level))
            bits = float(known["weight"]) if known else 0.0
            kind = comparison.levels[level].kind if level >= 0 else "missing"
            at = comparison.levels[level].at if level >= 0 else None
            steps.append({"field": comparison.field, "kind": kind, "at": at, "bits": round(bits, 2)})
            total += bits
        rest = round(float(found.evidence[place]) - total, 2)
        yield {
            "files": {"left": found.left, "right": found.right},
            "rows": {"left": int(found.one[place]), "right": int(found.other[place])},
            "shown": {
                "weight": round(float(found.evidence[place]), 3),
                "probability": round(float(found.chance[place]), 6),
                "prior": round(prior, 2),
                "rule": str(found.rule[place]),
                "steps": steps,
                "rest": rest,
                "stopped": found.stopped.get(place, ""),
            },
        }
