"""Linkage side by side: our engines, Splink and recordlinkage on the same invented files, in turn.

python -m bench.linkage [--rows N] [--models A,B] [--seeds 101,102] [--repeats N] [--contestants A,B]
                        [--untimed] [--febrl] [--reviews N] [--write] [--append]

Ours run as an agency would run them, by the command line, from raw files to key and report. The peers get the
files in their normal form and only link; `tokens` and `clk` get them encoded, as `p20 encode` does it before
the time is taken. Every contestant is a process of its own; all run once, then all
again. Points of acceptance are fixed beforehand: ours by each run's own calibration, without labels.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as papq

from bench import report
from bench.linkage import accuracy, clerical, febrl, files, measure, models, peers, summary
from client.encoding import encode_file
from matching.engine import encode, encoded, prepare
from matching.engine import spec as specs

OURS: Final = ("hybrid", "cascade", "splink-ours", "toolkit", *encoded.ENGINES)
PEERS: Final = {"splink": "splink", "recordlinkage": "recordlinkage"}
_LIMIT: Final = 1800.0
_PROJECT: Final = "DR-0000"


def main() -> None:
    """Measure, print, and write it down if asked."""
    asked = _parser().parse_args()
    report.RESULTS.mkdir(exist_ok=True)
    around = report.circumstances()
    figures: dict[str, Any] = {"febrl4": febrl.gate(memory=asked.memory)} if asked.febrl else {}
    for line in figures.values():
        print("FEBRL4", line)
    figures["runs"] = [
        _side_by_side(asked, models.MODELS[name], int(seed))
        for name in asked.models.split(",")
        for seed in asked.seeds.split(",")
    ]
    print(*summary.lines(summary.of(figures["runs"])), sep="\n")
    if asked.write:
        print(_write(around, figures, asked.append))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000, help="rows of each file")
    parser.add_argument("--models", default="agencies", help=f"of {', '.join(models.MODELS)}")
    parser.add_argument("--seeds", default="101", help="101 and above were not tuned on")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument(
        "--contestants",
        default="hybrid,cascade,splink,recordlinkage",
        help=f"of {', '.join((*OURS, *PEERS))}",
    )
    parser.add_argument("--memory", default="8GB")
    parser.add_argument("--threads", type=int, default=peers.THREADS)
    parser.add_argument("--untimed", action="store_true", help="others work beside it: no times are kept")
    parser.add_argument("--febrl", action="store_true", help="FEBRL4 first")
    parser.add_argument("--reviews", type=int, default=0, help="so many invented reviews of each of our runs")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--append", action="store_true", help="keep the runs that are written down already")
    return parser


def _write(around: dict[str, Any], figures: dict[str, Any], append: bool) -> Path:
    earlier = report.RESULTS / "linkage.json"
    if append and earlier.exists():
        before = json.loads(earlier.read_text())["figures"]
        figures = before | figures | {"runs": before.get("runs", []) + figures["runs"]}
    figures["summary"] = summary.of(figures["runs"])
    return report.write("linkage", around, figures)


def _side_by_side(asked: argparse.Namespace, model: models.Model, seed: int) -> dict[str, Any]:
    around = report.circumstances()
    made = files.make(asked.rows, seed=seed, model=model)
    folder = Path(tempfile.mkdtemp(prefix="p20-bench-"))
    try:
        _put(made, folder)
        _encode(folder, set(asked.contestants.split(",")) & set(encoded.ENGINES))
        costs: dict[str, list[measure.Cost]] = {}
        for _ in range(asked.repeats):
            for name in asked.contestants.split(","):
                costs.setdefault(name, []).append(_run(name, made, folder, asked))
        told = {name: _told(name, made, folder, costs[name], asked) for name in costs}
    finally:
        shutil.rmtree(folder)
    print(f"\n{model.name}, seed {seed}, {asked.rows:,} rows each")
    for name, figures in told.items():
        print(_line(name, figures))
    about = {"model": model.name, "seed": seed, "rows": asked.rows, "circumstances": around}
    return about | {"contestants": told}


def _put(made: files.Made, folder: Path) -> None:
    for side, table in (("left", made.left), ("right", made.right)):
        file = specs.recognise(table.column_names, side)
        style = pacsv.WriteOptions(delimiter="\t", quoting_style="needed", quoting_header="none")
        pacsv.write_csv(table, folder / f"{side}-raw.txt", style)
        normal = prepare.prepare(table, file)
        columns = {"unique_id": table["unique_id"], **{field: normal[field] for field in file.columns}}
        papq.write_table(pa.table(columns), folder / f"{side}.parquet")


def _encode(folder: Path, engines: set[str]) -> None:
    """Put encoded files beside the others, as agencies send them: with Bloom filters for `clk` alone."""
    key = encode.new_key(_PROJECT)
    for engine in engines:
        for side in ("left", "right"):
            target = folder / f"{side}-{engine}.txt"
            encode_file(folder / f"{side}-raw.txt", target, key=key, clk=engine == "clk")


def _run(name: str, made: files.Made, folder: Path, asked: argparse.Namespace) -> measure.Cost:
    if name in PEERS:
        cost = measure.run(["-m", "bench.linkage.peers", PEERS[name], str(folder)], limit=_LIMIT)
        if cost.ended:
            (folder / "pairs.parquet").replace(folder / f"{name}.parquet")
        return cost
    arguments = ["-m", "matching.engine", "link", "--engine", name.removesuffix("-ours")]
    arguments += ["--out", str(folder / name), "--overwrite", "--memory", asked.memory]
    arguments += ["--threads", str(asked.threads)]
    for unique in ("a", "b") if made.model.one_row_each else ():
        arguments += ["--unique", unique]
    form = name if name in encoded.ENGINES else "raw"
    raw = [f"{n}={folder / side}-{form}.txt" for n, side in (("a", "left"), ("b", "right"))]
    return measure.run([*arguments, *raw], limit=_LIMIT)


def _told(
    name: str, made: files.Made, folder: Path, costs: list[measure.Cost], asked: argparse.Namespace
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "peak_gb": round(max(cost.peak_gb for cost in costs), 2),
        "ended": all(cost.ended for cost in costs),
    }
    if not asked.untimed:
        told["seconds"] = report.spread([cost.seconds for cost in costs])
        told["cpu"] = report.spread([cost.cpu for cost in costs])
    if not told["ended"]:
        return told
    if name in PEERS:
        return told | accuracy.judge(made, papq.read_table(folder / f"{name}.parquet"))
    crosswalk = pd.read_csv(folder / name / "crosswalk.csv", dtype=str, keep_default_na=False)
    said = json.loads((folder / name / "report.json").read_text())
    judged = accuracy.judge(made, accuracy.pairs_of(crosswalk))
    told |= judged | {"label_free": _label_free(made, folder / name, said, judged["precision"])}
    if asked.reviews and said["pairs"] and name not in encoded.ENGINES:
        told["reviewed"] = clerical.coverage(made, folder / name, said, draws=asked.reviews)
    return told


def _label_free(made: files.Made, folder: Path, said: dict[str, Any], precision: float) -> dict[str, Any]:
    """Return what the run said of its own precision without labels, and what it truly was.

    The estimate counts all links, those within a file too; so does the truth it is held against.
    """
    edges = pd.read_csv(folder / "edges.csv", dtype={"id_l": str, "id_r": str})
    person = accuracy.persons(made)
    linked = edges[edges["decision"] == "link"]
    right = person.loc[linked["id_l"]].to_numpy() == person.loc[linked["id_r"]].to_numpy()
    automatic = (linked["probability"] >= said["thresholds"]["auto"]).to_numpy()
    told = {
        "accepted": {"estimate": said["estimates"]["precision"], "truth": float(right.mean())},
        "automatic": {
            "estimate": said["estimates"]["precision_automatic"],
            "truth": float(right[automatic].mean()) if automatic.any() else 1.0,
        },
        "precision_of_pairs": precision,
        "automatic_share": float(automatic.mean()),
    }
    for entry in ("accepted", "automatic"):
        told[entry]["off"] = round(told[entry]["estimate"] - told[entry]["truth"], 5)
    return told


def _line(name: str, told: dict[str, Any]) -> str:
    start = f"  {name:14} {told['peak_gb']:6.2f} GB"
    if "cpu" in told:
        start += f" {told['seconds']['median']:8.2f} s {told['cpu']['median']:8.2f} cpu"
    if not told["ended"]:
        return f"{start}  stopped at the limit of time"
    text = f"{start}  P {told['precision']:.4f}  R {told['recall']:.4f}  F1 {told['f1']:.4f}"
    if "label_free" in told:
        free = told["label_free"]
        text += f"  off {free['accepted']['off']:+.4f} / {free['automatic']['off']:+.4f}"
    if "reviewed" in told:
        seen = told["reviewed"]
        text += (
            f"\n      of {seen['draws']} reviews {seen['precision_held']} hold the precision"
            f" (width {seen['precision_width']:.4f}), {seen['missed_held']} the number missed"
        )
    for group, figures in told["groups"].items():
        mark = "  behind" if group in told["behind"] else ""
        text += (
            f"\n      {group:16} P {figures['precision']:.4f}  R {figures['recall']:.4f}"
            f"  ({figures['recall_from']:.3f} to {figures['recall_to']:.3f} of {figures['true_pairs']}){mark}"
        )
    return text


if __name__ == "__main__":
    main()
