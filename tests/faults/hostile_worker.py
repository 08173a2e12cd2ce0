"""One process that checks all hostile files one after the other, as a worker does, and measures it.

`python -m tests.faults.hostile_worker` writes for each file what refused it and in which words, how long that
took, and how much memory it took at most above the idle parser: of a table, in the sandbox's own process.
After each file it is given a good one.
"""

import json
import os
import sys
import time
from functools import partial
from pathlib import Path

from p20win.custody.engine import sandbox, tables
from p20win.custody.engine.intake import check_stream
from p20win.custody.engine.rules import from_spec
from tests.faults import measured
from tests.faults.hostile import CANARY, DELIMITED, GOOD, MATCHING, MIB, TABLES, text

PROMPTLY = 2.0  # seconds
GOOD_TABLE = ("good.csv", b"sex,count\nF,12\n")
# Taken, and seen to take memory: else what measures would prove nothing.
LARGE_TABLE = ("a large good table", "", "large.csv", b"sex,count\n" + (b"F," + b"9" * MIB + b"\n") * 19)
_TRIES = 3
_peaks: list[int] = []  # of the sandbox's processes, in KiB


def forget() -> None:
    """Let this process count its most memory from now on."""
    Path("/proc/self/clear_refs").write_text("5")


def listen() -> None:
    """Have every process of the sandbox say what it took; all else goes its usual way."""
    run = sandbox.run

    def heard(_task, name, content, *, limits):
        answer = run(measured.check, name, content, limits=limits)
        _peaks.append(answer["peak"])
        return answer

    sandbox.run = heard


def checks():
    """Give each file's name, the rule it must break, what checks it, and what checks a good one likewise."""
    good = partial(check_stream, [text(GOOD)], from_spec(MATCHING))
    for name, rule, file, spec in DELIMITED:
        pieces = [file] if isinstance(file, bytes) else file
        yield name, rule, partial(check_stream, pieces, from_spec(spec)), good
    good = partial(tables.check_apart, *GOOD_TABLE)
    for name, rule, title, file in (*TABLES, LARGE_TABLE):
        yield name, rule, partial(tables.check_apart, title, file), good


def quickest(check):
    """Check a file, up to twice more when the machine was too busy for it; give the least time."""
    least = float("inf")
    for _ in range(_TRIES):
        start = time.perf_counter()
        report = check()
        least = min(least, time.perf_counter() - start)
        if least < PROMPTLY:
            break
    return report, least


def told(finding) -> str:
    """Put a finding as its sender reads it: where, what is asked, and how to mend it."""
    where = [f"row {finding.row}"] * (finding.row is not None) + [finding.column] * bool(finding.column)
    asks = f"{finding.rule}: {finding.hint}".rstrip(" :")
    return " ".join([*(f"[{', '.join(where)}]" for _ in where[:1]), asks])


def main() -> None:
    """Check them all, and write what came of each as one JSON object on a line."""
    listen()
    assert tables.check_apart(*GOOD_TABLE).accepted
    forget()  # what making the corpus took
    idle, idle_apart = measured.peak(), _peaks[-1]  # with the corpus in hand, and nothing checked yet
    for name, rule, check, good in checks():
        forget()
        _peaks.clear()
        report, seconds = quickest(check)
        above = [measured.peak() - idle, *(each - idle_apart for each in _peaks)]
        found = {
            "name": name,
            "wanted": rule,
            "accepted": report.accepted,
            "rules": sorted({rule for rule, _ in report.counts}),
            "words": [told(finding) for finding in report.findings],
            "seconds": round(seconds, 3),
            "mib": max(above) / 1024,
            "apart": len(_peaks),
            "told": CANARY.casefold() in json.dumps(report.as_dict()).casefold(),
            "next": good().accepted,
            "worker": os.getpid(),
        }
        sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
