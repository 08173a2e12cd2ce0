"""Whether the interval of a clerical review is as true as it says (95 %), with reviewers who err.

Pairs are drawn as for the desk, and read by invented people who are wrong in 3 of 100 readings; one pair in
four is read twice, and a third time where the first two differ. The truth is known from the files.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from bench.linkage import accuracy
from bench.linkage.files import Made
from matching import readings
from matching.engine import clerical, sampled
from matching.engine import spec as specs
from matching.engine.resolve import LINK
from matching.engine.told import digests

_WRONG: Final = 0.03
_PAIRS: Final = 120
"""As many as the desk has drawn."""
_SEEN: Final = ("precision", "missed")


def coverage(made: Made, folder: Path, said: dict[str, Any], *, draws: int) -> dict[str, Any]:
    """Return how often the interval held the truth in so many reviews of one run, and how wide it was."""
    text = pacsv.ConvertOptions(column_types={"id_l": pa.string(), "id_r": pa.string()})
    edges = pacsv.read_csv(folder / "edges.csv", convert_options=text)
    edges = edges.filter(pc.not_equal(edges["file_l"], edges["file_r"]))
    spec = specs.complete(specs.from_json((folder / "spec.json").read_text()))
    tables = {"a": made.left, "b": made.right}
    people = {"a": made.left_person, "b": made.right_person}
    person = accuracy.persons(made)
    left, right = (person.loc[edges[side].to_pylist()].to_numpy() for side in ("id_l", "id_r"))
    same = left == right
    linked = np.array(edges["decision"].to_pylist(), dtype=object) == LINK
    truth = {"precision": float(same[linked].mean()), "missed": float(same[~linked].sum())}
    held = dict.fromkeys(_SEEN, 0)
    widths: dict[str, list[float]] = {kind: [] for kind in _SEEN}
    for number in range(draws):
        salt = f"{made.seed:04d}{number:012d}"
        drawn = clerical.draw(edges, tables, spec, said, size=_PAIRS, salt=salt)
        known = {name: digests(tables[name], spec.files[name], None, salt=salt).tolist() for name in tables}
        of = {name: dict(zip(known[name], people[name], strict=True)) for name in tables}
        found = _read(drawn, of, random.Random(f"{made.seed} {number}"))
        for kind in _SEEN:
            interval = getattr(found, kind)
            held[kind] += interval.low <= truth[kind] <= interval.high
            widths[kind].append(interval.high - interval.low)
    return {
        "draws": draws,
        **{f"{kind}_held": held[kind] for kind in _SEEN},
        **{f"{kind}_width": round(float(np.median(widths[kind])), 5) for kind in _SEEN},
        **{f"{kind}_truth": round(truth[kind], 5) for kind in _SEEN},
    }


def _read(drawn: clerical.Drawn, of: dict[str, dict[str, int]], chance: random.Random) -> sampled.Estimate:
    read = []
    for pair, known in zip(drawn.sample["pairs"], drawn.index["pairs"], strict=True):
        one, other = (of[known[side][0]][known[side][1]] for side in ("left", "right"))
        words: list[str] = []
        while readings.state(words, twice=pair["twice"]).waits_for:
            is_right = chance.random() >= _WRONG
            words.append(readings.LINK if (one == other) == is_right else readings.NOT)
        read.append((pair["stratum"], words))
    return sampled.estimate(drawn.sample["strata"], read)
