"""How fast tables are protected, how many cells that costs, and whether the audit agrees.

python -m bench.disclosure [NAME ...] [--acro PYTHON] [--write]

Each NAME is a part of a kind's name; all kinds otherwise. PYTHON is the interpreter of an environment in
which `pip install acro` was done; without it the peer's columns say that it was not asked.
"""

from __future__ import annotations

import argparse
import csv
import io
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench import report
from bench.disclosure.tables import KINDS, Kind
from disclosure.engine.audit.judge import Report, audit
from disclosure.engine.errors import NoSafePattern, SolverFailed, Stopped
from disclosure.engine.longform import read_long
from disclosure.engine.policy import CellPolicy
from disclosure.engine.protect import protect

RULES = CellPolicy(min_count=6, hide_zeros=True, min_pct_base=20)
PEER_SEEDS: Final = 1
_ROOT = Path(__file__).resolve().parents[2]
_NOT_ASKED: Final = "not asked: no --acro"


def measure(kind: Kind, acro: str) -> dict[str, Any]:
    """Protect and audit the tables of one kind."""
    runs = [_one(kind, seed) for seed in range(kind.seeds)]
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
        told["acro"] = _peer(kind, acro) if acro else _NOT_ASKED
    return told


def _one(kind: Kind, seed: int) -> dict[str, Any]:
    tables = [read_long(f"{kind.name} {i}", text) for i, text in enumerate(kind.make(seed))]
    start = time.perf_counter()
    try:
        result = protect(tables, hierarchies={}, policy=RULES, seconds=kind.seconds)
    except (NoSafePattern, Stopped, SolverFailed) as error:
        return {"failed": str(error), "cells": sum(len(table.rows) for table in tables)}
    middle = time.perf_counter()
    found = _judged(
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
        "clean": found.passed,
    }


def _judged(public: Sequence[tuple[str, bytes]], truth: Sequence[tuple[str, bytes]]) -> Report:
    return audit(public, groups={}, policy=RULES, truth=truth)


def _peer(kind: Kind, python: str) -> dict[str, Any] | str:
    """Ask ACRO for the same cross tables, and audit what it shows."""
    seconds, withheld, leaks = [], [], []
    for seed in range(min(kind.seeds, PEER_SEEDS)):
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
            seconds.append(time.perf_counter() - start)
            if run.returncode:
                return f"failed: {run.stderr.strip().splitlines()[-1]}"
            shown = released.read_bytes()
        found = _judged([("acro", shown)], [("truth", text.encode())])
        withheld.append(float(found.withheld))
        leaks.append(float(len(found.leaks)))
    return {
        "sets of tables": len(seconds),
        "withheld": report.spread(withheld),
        "leaks": report.spread(leaks),
        "seconds with start": report.spread(seconds),
    }


def _inner(text: str) -> str:
    rows = [row for row in csv.reader(io.StringIO(text)) if "Total" not in row]
    return "\n".join(",".join(row) for row in rows) + "\n"


def main() -> None:
    """Measure, print, and write down if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--acro", default="", metavar="PYTHON")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    around = report.circumstances()
    measured = {}
    for kind in KINDS:
        if not options.names or any(name in kind.name for name in options.names):
            measured[kind.name] = measure(kind, options.acro)
            print(kind.name, measured[kind.name], flush=True)
    if options.write:
        print(report.write("disclosure", around, measured))


if __name__ == "__main__":
    main()
