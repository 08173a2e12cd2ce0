"""How fast tables are protected, how many cells that costs, and whether the audit agrees.

python -m bench.disclosure [NAME ...] [--write]

Each NAME is a part of a kind's name; all kinds otherwise.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from bench import report
from bench.disclosure.tables import KINDS, Kind
from disclosure.engine.audit.judge import audit
from disclosure.engine.longform import read_long
from disclosure.engine.policy import CellPolicy
from disclosure.engine.protect import protect

RULES = CellPolicy(min_count=6, hide_zeros=True, min_pct_base=20)


def measure(kind: Kind) -> dict[str, Any]:
    """Protect and audit the tables of one kind."""
    runs = [_one(kind, seed) for seed in range(kind.seeds)]
    return {
        "tables": len(runs),
        "cells": runs[0]["cells"],
        "primary": report.spread([run["primary"] for run in runs]),
        "complementary": report.spread([run["complementary"] for run in runs]),
        "seconds": report.spread([run["seconds"] for run in runs]),
        "audit seconds": report.spread([run["audit"] for run in runs]),
        "gap": report.spread([run["gap"] for run in runs]),
        "proven optimal": sum(run["gap"] == 0 for run in runs),
        "audit clean": sum(run["clean"] for run in runs),
    }


def _one(kind: Kind, seed: int) -> dict[str, Any]:
    table = read_long(kind.name, kind.make(seed))
    start = time.perf_counter()
    result = protect([table], hierarchies={}, policy=RULES, seconds=kind.seconds)
    middle = time.perf_counter()
    (protected,) = result.tables
    found = audit(
        [(kind.name, protected.public_bytes())],
        groups={},
        policy=RULES,
        truth=[(kind.name, protected.reviewer_bytes())],
    )
    return {
        "cells": result.cells,
        "primary": float(result.primary),
        "complementary": float(result.complementary),
        "gap": result.gap,
        "seconds": middle - start,
        "audit": time.perf_counter() - middle,
        "clean": found.passed,
    }


def main() -> None:
    """Measure, print, and write down if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    around = report.circumstances()
    measured = {}
    for kind in KINDS:
        if not options.names or any(name in kind.name for name in options.names):
            measured[kind.name] = measure(kind)
            print(kind.name, measured[kind.name], flush=True)
    if options.write:
        print(report.write("disclosure", around, measured))


if __name__ == "__main__":
    main()
