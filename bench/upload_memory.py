"""What web process and vault take at most while a file comes in, is checked and sealed, above what they had.

python -m bench.upload_memory [--mib 64 512] [--write]

A portal of its own is started, as the fault tests start it. Each file comes in one part, the worst for the
process that reads it. A peak is the kernel's own (`VmHWM`, set back before), so none is missed between two
looks; of several processes the one that grew most counts. Goal: 64 MiB and two chunks of 1 MiB a thread.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench import report
from tests.faults.portal import Portal
from tests.faults.visitor import PART, Visitor

MIB: Final = 1 << 20
GOAL: Final = 64 + 2
WATCHED: Final = ("web", "vault")
_WIDE: Final = " ".join(itertools.islice(itertools.cycle(("quiet", "meadow", "seven", "lantern")), 9000))


def members(leader: int) -> list[int]:
    """Return the processes of a program: those of its session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(after_name[3]) == leader:
            found.append(int(stat.parent.name))
    return found


def told(pid: int, what: str) -> float:
    """Return what the kernel says of a process' memory, in MiB; of one that ended, nothing."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{what}:")), 0.0)


class Peaks:
    """The memory of some programs, from now on."""

    def __init__(self, leaders: dict[str, int]) -> None:
        """Note what each process has, and let its peak begin there."""
        self._leaders, self._before = leaders, {}
        for leader in leaders.values():
            for pid in members(leader):
                Path(f"/proc/{pid}/clear_refs").write_text("5")
                self._before[pid] = told(pid, "VmRSS")

    def grown(self) -> dict[str, dict[str, float]]:
        """Return of each program the process that grew most: what it had, and its peak above that."""
        found = {}
        for name, leader in self._leaders.items():
            grown = [
                (told(pid, "VmHWM") - self._before.get(pid, 0.0), self._before.get(pid, 0.0))
                for pid in members(leader)
            ]
            most, before = max(grown)
            found[name] = {"before, MiB": round(before, 1), "peak above it, MiB": round(most, 1)}
        return found


def write_file(path: Path, size: int) -> None:
    """Write an analytical file of about this many bytes, of wide rows."""
    with path.open("wb") as file:
        file.write(b"ID\tNOTE\n")
        for n in itertools.count():
            file.write(f"a{n * 7919 % 999_983:07d}b\t{_WIDE}\n".encode())
            if file.tell() >= size:
                return


def blocks(path: Path) -> Iterator[bytes]:
    """Give a file in blocks."""
    with path.open("rb") as file:
        while block := file.read(MIB):
            yield block


def send(portal: Portal, path: Path) -> None:
    """Send a file in one part, and wait until the vault has accepted it."""
    sent = portal.act("slots", count=1, kind="analytical", big=True)
    slot, size = sent["slots"][0], path.stat().st_size
    with Visitor(portal, sent["session"]) as visitor:
        visitor.timeout = 600
        where = visitor.begin(slot, size)
        headers = PART | {"Upload-Offset": "0", "Content-Length": str(size)}
        visitor.patch(where, content=blocks(path), headers=headers).raise_for_status()
    judged = portal.wait("files", _is_judged, patience=900, slots=[slot["pk"]])
    status = judged[slot["pk"]]["status"]
    if status != "accepted":
        raise SystemExit(f"The file was not accepted: {status}.")


def _is_judged(files: dict[str, dict[str, str]]) -> bool:
    return bool(files) and not {each["status"] for each in files.values()} & {"announced", "arrived"}


def measured(portal: Portal, sizes: list[int]) -> dict[str, dict[str, dict[str, float]]]:
    """Send a file of each size, in MiB, to a portal that waits for files; return what its programs took."""
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        for number, size in enumerate([1, *sizes]):
            write_file(path, size * MIB)
            peaks = Peaks({name: portal.crew.pids[name] for name in WATCHED})
            send(portal, path)
            if number:  # with the first one, everything is loaded that is ever needed
                figures[f"{size} MiB"] = peaks.grown()
    return figures


def main() -> None:
    """Measure, print, and write the results down if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mib", type=int, nargs="+", default=[64, 512])
    parser.add_argument("--write", action="store_true", help="write bench/results/upload_memory.json")
    asked = parser.parse_args()
    around = report.circumstances()
    with Portal(first=lambda portal: portal.act("a_match_that_waits_for_files")) as portal:
        figures = measured(portal, asked.mib)
    for size, programs in figures.items():
        for name, values in programs.items():
            print(f"{size:<10} {name:<6} {values}")
    if asked.write:
        print(report.write("upload_memory", around, figures))


if __name__ == "__main__":
    main()
