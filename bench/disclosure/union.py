"""How long it takes to audit all that a project ever released together, and to check one file more.

python -m bench.disclosure.union [SIZE ...] [--limit SECONDS] [--write]

SIZE is one of the names below; `full` is what the goals are about: 50 releases, 200 tables and 100,000 inner
cells in 60 s, one file more in 10 s. Every case runs in a process of its own, for its peak memory; its
verdict is compared with what was planted. A case that does not end within the limit is written down so.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from bench import report
from bench.disclosure.ledger import FULL, LEAKS, Project, Size
from disclosure.engine.audit.judge import audit
from disclosure.engine.policy import CellPolicy

RULES: Final = CellPolicy(min_count=6, hide_zeros=True, min_pct_base=20)
SEED: Final = 1
SIZES: Final = {
    "tiny": Size(cohorts=2, regions=2, districts=3, outcomes=8, races=2),
    "small": Size(cohorts=2, regions=2, districts=3, outcomes=8),
    "tenth": Size(cohorts=5, regions=5, districts=5, outcomes=8),
    "full": FULL,
}
ALL, TWINS, MORE, MORE_LEAKING = "all releases", "twins of leaks", "one file more", "one file more, leaking"
CASES: Final = (ALL, TWINS, "leaks", MORE, MORE_LEAKING)
_ROOT: Final = Path(__file__).resolve().parents[2]


def judge(size: Size, case: str) -> dict[str, Any]:
    """Audit one case, and say how long that took and what is wrong with the verdict."""
    project = Project(size, SEED)
    leaks = {"leaks": list(LEAKS), MORE_LEAKING: list(LEAKS[:1])}.get(case, [])
    lines = [line for leak in leaks or LEAKS for line in project.planted(leak, twin=not leaks)]
    more = case in (MORE, MORE_LEAKING)
    files = project.ledger(() if more or case == ALL else lines)
    if more:
        files.append(project.new_file(lines))
    start, processor = time.perf_counter(), time.process_time()
    found = audit(files, groups=project.groups, policy=RULES)
    return {
        "tables": len(files),
        "lines": sum(content.count(b"\n") - 1 for _, content in files),
        "inner cells": size.inner_cells,
        "questions": found.questions,
        "withheld": found.withheld,
        "leaks": len(found.leaks),
        "seconds": _short(time.perf_counter() - start),
        "of the processor": _short(time.process_time() - processor),
        "peak megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "wrong": project.complaints(found, leaks),
    }


def measure(name: str, case: str, limit: float) -> dict[str, Any]:
    """Audit one case in a process of its own."""
    command = [sys.executable, "-m", "bench.disclosure.union", name, "--case", case]
    try:
        run = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"failed": f"not ended in {limit:.0f} s"}
    if run.returncode:
        return {"failed": run.stderr.strip().splitlines()[-1]}
    told: dict[str, Any] = json.loads(run.stdout)
    return told


def _short(seconds: float) -> float:
    return float(f"{seconds:.3g}")


def main() -> None:
    """Measure, print, and write down if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", metavar="SIZE")
    parser.add_argument("--case", choices=CASES, help="this one alone, here, as JSON")
    parser.add_argument("--limit", type=float, default=600.0, metavar="SECONDS")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if unknown := set(options.sizes) - set(SIZES):
        parser.error(f"no such size: {', '.join(sorted(unknown))}")
    if options.case:
        print(json.dumps(judge(SIZES[options.sizes[0] if options.sizes else "full"], options.case)))
        return
    around = report.circumstances()
    measured: dict[str, Any] = {}
    for name in options.sizes or SIZES:
        for case in CASES:
            measured.setdefault(name, {})[case] = measure(name, case, options.limit)
            print(name, case, measured[name][case], flush=True)
    if options.write:
        print(report.write("disclosure_union", around, measured))


if __name__ == "__main__":
    main()
