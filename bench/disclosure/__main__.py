"""How fast tables are protected, how many cells that costs, and whether the audit agrees.

python -m bench.disclosure [NAME ...] [--seeds N] [--acro PYTHON] [--write]

Each NAME is a part of a kind's name; all kinds otherwise. N (up to 10) tables of each kind are measured; as
many as it says itself otherwise. PYTHON is the interpreter of an environment in which `pip install acro` was
done; without it the peer's columns say that it was not asked. With every cross table goes the hypercube
method; a peer counts in a case where the audit of what it shows is clean.
"""

from __future__ import annotations

import argparse
import csv
import io
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench import report
from bench.disclosure.hypercube import hypercube
from bench.disclosure.tables import KINDS, Kind
from disclosure.engine.audit.judge import Report, audit
from disclosure.engine.errors import NoSafePattern, SolverFailed, Stopped
from disclosure.engine.longform import read_long
from disclosure.engine.policy import CellPolicy
from disclosure.engine.protect import protect

RULES = CellPolicy(min_count=6, hide_zeros=True, min_pct_base=20)
MOST_SEEDS: Final = 10
PEER_SEEDS: Final = 1
_ROOT = Path(__file__).resolve().parents[2]
_NOT_ASKED: Final = "not asked: no --acro"


def measure(kind: Kind, acro: str, seeds: int = 0) -> dict[str, Any]:
    """Protect and audit the tables of one kind."""
    chosen = range(seeds or kind.seeds)
    peers = [_peer(kind, acro, seed) for seed in chosen[:PEER_SEEDS]] if kind.peer and acro else []
    runs = [_one(kind, seed, peers[seed : seed + 1]) for seed in chosen]
    safe = [run for run in runs if "failed" not in run]
    told: dict[str, Any] = {
        "sets of tables": len(runs),
        "cells": runs[0]["cells"],
        "limit": kind.seconds,
        "ended safe": sum(run.get("clean", False) for run in runs),
    }
    if failed := sorted({run["failed"] for run in runs if "failed" in run}):
        told["failed"] = failed
    if safe:
        for name in ("primary", "complementary", "seconds", "audit seconds", "gap"):
            told[name] = report.spread([run[name] for run in safe])
        told["proven fewest"] = sum(run["gap"] == 0 for run in safe)
    if kind.peer:
        told["peers"] = against([run["withheld"] for run in runs], [run["peers"] for run in runs])
        told["acro"] = _summed(peers) if peers else _NOT_ASKED
    return told


def against(ours: Sequence[float], peers: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Compare each case with the best peer that meets the same criterion; infinity is no safe pattern."""
    best = [min((p["withheld"] for p in those if p.get("leaks") == 0), default=None) for those in peers]
    pairs = [(own, peer) for own, peer in zip(ours, best, strict=True) if peer is not None]
    no_more = sum(own <= peer for own, peer in pairs)
    more = [peer - own for own, peer in pairs if own < float("inf")]
    return {
        "cases": len(ours),
        "a peer met the criterion": len(pairs),
        "ours withheld no more": no_more,
        "share": round(no_more / len(pairs), 3) if pairs else None,
        "more withheld by the best of them": report.spread(more) if more else None,
    }


def _one(kind: Kind, seed: int, peers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    texts = kind.make(seed)
    tables = [read_long(f"{kind.name} {i}", text) for i, text in enumerate(texts)]
    found = [*peers, _hypercube(texts[0])] if kind.peer else []
    start = time.perf_counter()
    try:
        result = protect(tables, hierarchies={}, policy=RULES, seconds=kind.seconds)
    except (NoSafePattern, Stopped, SolverFailed) as error:
        cells = sum(len(table.rows) for table in tables)
        return {"failed": str(error), "cells": cells, "withheld": float("inf"), "peers": found}
    middle = time.perf_counter()
    judged = _judged(
        [(one.table.name, one.public_bytes()) for one in result.tables],
        [(one.table.name, one.reviewer_bytes()) for one in result.tables],
    )
    return {
        "cells": result.cells,
        "primary": float(result.primary),
        "complementary": float(result.complementary),
        "gap": result.gap,
        "seconds": middle - start,
        "audit seconds": time.perf_counter() - middle,
        "clean": judged.passed,
        "withheld": float(judged.withheld) if judged.passed else float("inf"),
        "peers": found,
    }


def _judged(public: Sequence[tuple[str, bytes]], truth: Sequence[tuple[str, bytes]]) -> Report:
    return audit(public, groups={}, policy=RULES, truth=truth)


def _hypercube(text: str) -> dict[str, Any]:
    """Ask the hypercube method for the same table, and audit what it shows."""
    shown = hypercube(text)
    if shown is None:
        return {"failed": "a small margin, or no rectangle"}
    found = _judged([("hypercube", shown.encode())], [("truth", text.encode())])
    return {"withheld": float(found.withheld), "leaks": float(len(found.leaks))}


def _peer(kind: Kind, python: str, seed: int) -> dict[str, Any]:
    """Ask ACRO for the same cross tables, and audit what it shows."""
    (text,) = kind.make(seed)
    with tempfile.TemporaryDirectory() as folder:
        counts, released = Path(folder) / "counts.csv", Path(folder) / "released.csv"
        counts.write_text(_inner(text))
        start = time.perf_counter()
        run = subprocess.run(
            [python, str(_ROOT / "bench" / "disclosure" / "peers.py"), str(counts), str(released)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - start
        if run.returncode:
            return {"failed": run.stderr.strip().splitlines()[-1]}
        shown = released.read_bytes()
    found = _judged([("acro", shown)], [("truth", text.encode())])
    return {"withheld": float(found.withheld), "leaks": float(len(found.leaks)), "seconds": seconds}


def _summed(peers: Sequence[Mapping[str, Any]]) -> dict[str, Any] | str:
    if failed := [str(peer["failed"]) for peer in peers if "failed" in peer]:
        return f"failed: {failed[0]}"
    return {
        "sets of tables": len(peers),
        "withheld": report.spread([peer["withheld"] for peer in peers]),
        "leaks": report.spread([peer["leaks"] for peer in peers]),
        "seconds with start": report.spread([peer["seconds"] for peer in peers]),
    }


def _inner(text: str) -> str:
    rows = [row for row in csv.reader(io.StringIO(text)) if "Total" not in row]
    return "\n".join(",".join(row) for row in rows) + "\n"


def main() -> None:
    """Measure, print, and write down if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, default=0, choices=range(1, MOST_SEEDS + 1), metavar="N")
    parser.add_argument("--acro", default="", metavar="PYTHON")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    around = report.circumstances()
    measured = {}
    for kind in KINDS:
        if not options.names or any(name in kind.name for name in options.names):
            measured[kind.name] = measure(kind, options.acro, options.seeds)
            print(kind.name, measured[kind.name], flush=True)
    if options.write:
        print(report.write("disclosure", around, measured))


if __name__ == "__main__":
    main()
