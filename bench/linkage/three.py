"""Three files to clusters and crosswalk, by the command line as an agency would: time, memory, and how right.

python -m bench.linkage.three [--rows N] [--seed N] [--repeats N] [--memory 8GB] [--write]
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.csv as pacsv

from bench import report
from bench.linkage import files, measure, models, peers

_LIMIT = 1800.0


def main() -> None:
    """Measure, print, and write it down if asked."""
    asked = _parser().parse_args()
    around = report.circumstances()
    figures = _measured(asked)
    print(figures)
    if asked.write:
        print(report.write("linkage_three", around, figures))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000, help="rows of each file")
    parser.add_argument("--model", default="agencies", choices=sorted(models.MODELS))
    parser.add_argument("--seed", type=int, default=101, help="101 and above were not tuned on")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--memory", default="8GB")
    parser.add_argument("--threads", type=int, default=peers.THREADS)
    parser.add_argument("--write", action="store_true")
    return parser


def _measured(asked: argparse.Namespace) -> dict[str, Any]:
    model = models.MODELS[asked.model]
    folder = Path(tempfile.mkdtemp(prefix="p20-bench-"))
    try:
        person = {}
        style = pacsv.WriteOptions(delimiter="\t", quoting_style="needed", quoting_header="none")
        for name, (table, who) in zip(
            "abc", files.make_three(asked.rows, seed=asked.seed, model=model), strict=True
        ):
            pacsv.write_csv(table, folder / f"{name}.txt", style)
            person |= {f"{name}{number:08d}": one for number, one in enumerate(who.tolist())}
        given = [f"{name}={folder / name}.txt" for name in "abc"]
        call = ["-m", "matching.engine", "link", "--out", str(folder / "out"), "--overwrite"]
        call += ["--memory", asked.memory, "--threads", str(asked.threads)]
        if model.one_row_each:
            call += [word for name in "abc" for word in ("--unique", name)]
        costs = [measure.run([*call, *given], limit=_LIMIT) for _ in range(asked.repeats)]
        told: dict[str, Any] = {
            "model": model.name,
            "seed": asked.seed,
            "rows": asked.rows,
            "seconds": report.spread([cost.seconds for cost in costs]),
            "cpu": report.spread([cost.cpu for cost in costs]),
            "peak_gb": round(max(cost.peak_gb for cost in costs), 2),
            "ended": all(cost.ended for cost in costs),
        }
        return told | _judged(folder / "out" / "crosswalk.csv", pd.Series(person)) if told["ended"] else told
    finally:
        shutil.rmtree(folder)


def _judged(crosswalk: Path, person: pd.Series) -> dict[str, Any]:
    """Return precision, recall and F1 over the pairs of rows of two different files."""
    key = pd.read_csv(crosswalk, dtype=str, keep_default_na=False)
    key["person"] = person.loc[key["id"]].to_numpy()
    linked = _pairs(key, ["link_id"])
    true, right = _pairs(key, ["person"]), _pairs(key, ["link_id", "person"])
    return {
        "precision": round(right / linked, 5) if linked else 1.0,
        "recall": round(right / true, 5) if true else 1.0,
        "f1": round(2 * right / (linked + true), 5) if linked + true else 1.0,
    }


def _pairs(key: pd.DataFrame, by: list[str]) -> int:
    """Count the pairs of rows of two files that have this in common."""
    counts = key.groupby([*by, "file"]).size().unstack("file", fill_value=0)
    held = [counts[name].to_numpy(np.int64) for name in counts.columns]
    return int(sum((one * other).sum() for one, other in itertools.combinations(held, 2)))


if __name__ == "__main__":
    main()
