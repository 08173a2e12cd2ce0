"""What every bench writes down: its figures, and on which machine and commit they were measured."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
from pathlib import Path
from statistics import median
from typing import Any, Final

RESULTS: Final = Path(__file__).resolve().parent / "results"


def spread(values: list[float]) -> dict[str, float]:
    """Return minimum, median and maximum, to three significant places."""
    return {
        name: float(f"{found:.3g}")
        for name, found in (("min", min(values)), ("median", median(values)), ("max", max(values)))
    }


def circumstances() -> dict[str, Any]:
    """Return commit, day, cores and load: a figure without them says little."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=RESULTS, capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    return {
        "commit": commit or "unknown",
        "day": dt.datetime.now(dt.UTC).date().isoformat(),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[0], 2),
        "processor": platform.machine(),
        "python": platform.python_version(),
    }


def write(name: str, circumstances: dict[str, Any], figures: dict[str, Any]) -> Path:
    """Write the results of one bench, in place of its earlier ones."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"circumstances": circumstances, "figures": figures}, indent=2) + "\n")
    return path
