"""ACRO as its documentation would have one begin: run by the Python of an environment of its own.

PYTHON bench/disclosure/peers.py COUNTS RELEASED

Reads the inner cells of a cross table, `d0,d1,count`, as the people they count, and writes what ACRO shows
of it: the cross table and both one-way tables, with what it suppresses left blank.
"""

from __future__ import annotations

import csv
import importlib
import sys
from pathlib import Path
from typing import Any, Final

THRESHOLD: Final = 6
"""The same as ours; 10 is what ACRO comes with."""


def acro(rows: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    """Ask for one cross table and two one-way tables with suppression on."""
    import pandas as pd

    make = importlib.import_module("acro").ACRO  # it is in no environment of ours
    counts = pd.DataFrame(rows)
    people = counts.loc[counts.index.repeat(counts["count"].astype(int)), ["d0", "d1"]].reset_index(drop=True)
    everybody = pd.Series("Total", index=people.index, name="all")
    session: Any = make(suppress=True)
    session.sdc_checks.risk_appetite["safe_threshold"] = THRESHOLD
    inner = session.crosstab(people["d0"], people["d1"])
    sides = [session.crosstab(people[name], everybody) for name in ("d0", "d1")]
    found = [(row, column, _shown(inner, row, column)) for row in inner.index for column in inner.columns]
    found += [(row, "Total", _shown(sides[0], row, "Total")) for row in sides[0].index]
    found += [("Total", column, _shown(sides[1], column, "Total")) for column in sides[1].index]
    return found


def _shown(table: Any, row: str, column: str) -> str:
    value = table.loc[row, column]
    return "" if value != value else str(int(value))  # what is suppressed is not a number


def main(counts: Path, released: Path) -> None:
    """Run the peer on one file."""
    with counts.open(newline="") as source:
        rows = list(csv.DictReader(source))
    with released.open("w", newline="") as sink:
        writer = csv.writer(sink, lineterminator="\n")
        writer.writerow(["d0", "d1", "released"])
        writer.writerows(acro(rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
