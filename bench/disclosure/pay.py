"""How fast sums of pay are tallied, protected with their counts, and attacked.

python -m bench.disclosure.pay [--people N] [--write]

Made-up people of many employers over 50 by 20 cells (1,071 rows with margins); in one cell of five one
employer pays nine of ten people.
"""

from __future__ import annotations

import argparse
import time
from typing import Any, Final

import numpy as np

from bench import report
from disclosure.engine.longform import read_long
from disclosure.engine.magnitude.contributions import read_contributions
from disclosure.engine.magnitude.shared import protect_money
from disclosure.engine.magnitude.tally import Ledger
from disclosure.engine.magnitude.verdict import why_withheld
from disclosure.engine.policy import UI_WAGES, CellPolicy

RULES: Final = CellPolicy(min_count=6, hide_zeros=True, min_pct_base=20, dominance=UI_WAGES)
SHAPE: Final = (50, 20)
EMPLOYERS: Final = 60_000
SECONDS: Final = 20.0


def columns(people: int, seed: int) -> dict[str, Any]:
    """Draw one record for each person."""
    rng = np.random.default_rng(seed)
    cells = SHAPE[0] * SHAPE[1]
    cell = rng.choice(cells, people, p=rng.dirichlet(np.full(cells, 0.8)))
    employer = rng.integers(0, EMPLOYERS, people)
    giant = rng.random(cells) < 0.2
    employer = np.where(giant[cell] & (rng.random(people) < 0.9), EMPLOYERS + cell % 40, employer)
    town, trade = np.divmod(cell, SHAPE[1])
    return {
        "town": np.char.add("t", town.astype(str)),
        "trade": np.char.add("b", trade.astype(str)),
        "employer": employer,
        "amount": (rng.lognormal(10, 1, people) * 100).astype(np.int64),
    }


def measure(people: int, seed: int) -> dict[str, Any]:
    """Tally, protect and attack one table."""
    drawn = columns(people, seed)
    start = time.perf_counter()
    made = read_contributions(
        {"town": drawn["town"], "trade": drawn["trade"]},
        employer=drawn["employer"], person=np.arange(people), amount=drawn["amount"],
    )  # fmt: skip
    ledger = Ledger(made, {})
    rows = [
        {"town": town, "trade": trade}
        for town in (*made.leaves[0], "Total")
        for trade in (*made.leaves[1], "Total")
    ]
    tallies = ledger.tallies(rows, 2)
    told: dict[str, Any] = {"people": people, "rows": len(rows), "tally seconds": _since(start)}
    told["rows withheld by a rule"] = sum(bool(why_withheld(tally, RULES)) for tally in tallies)
    lines = [f"{r['town']},{r['trade']},{t.persons}" for r, t in zip(rows, tallies, strict=True)]
    table = read_long("pay.csv", "\n".join(["town,trade,count", *lines]) + "\n")
    for measured, unit in (("sum", 1), ("mean", 100)):
        start = time.perf_counter()
        found = protect_money(
            table, made, measure=measured, unit=unit, hierarchies={}, groups={}, policy=RULES, seconds=SECONDS
        )
        told[measured] = {
            "seconds": _since(start),
            "rounds": found.rounds,
            "all withheld": found.all_withheld,
            "counts withheld": found.protection.primary + found.protection.complementary,
            "shown": sum(not why for why in found.reasons),
            "asked": found.attack.asked if found.attack else 0,
            "programmes": found.attack.solved if found.attack else 0,
        }
    return told


def _since(start: float) -> float:
    return float(f"{time.perf_counter() - start:.3g}")


def main() -> None:
    """Measure, print, and write down if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    around = report.circumstances()
    measured = {"50x20": measure(options.people, 1)}
    print(measured)
    if options.write:
        print(report.write("pay", around, measured))


if __name__ == "__main__":
    main()
