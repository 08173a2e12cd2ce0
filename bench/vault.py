"""What the process that checks and seals an upload takes of memory, measured on a running demo's own vault.

python -m bench.vault http://localhost:8000 [--mib 64 1024] [--row BYTES] [--folder DIR] [--write]

A file for the demo's request DR-0002 is made and sent. The vault's worker checks and seals every row and
refuses it at the very end, as the last row repeats the first, so the demo goes on waiting for the file. What
stands in /proc of the worker is read fifty times a second. Goal: 64 MiB above the idle process and two chunks
for each thread, whatever the size. The demo must run on this machine, as the same user.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench import report
from bench.upload import FILE, MIB, Demo, found

PART: Final = 64 * MIB
PATIENCE: Final = 3 * 3600.0
_LETTERS: Final = bytes.maketrans(bytes(range(256)), b"BCDFGHJKLMNPQRSTVWXZ" * 12 + b"BCDFGHJKLMNPQRST")
_COLUMN: Final = re.compile(r'<th scope="row">([^<]+)</th>')


def rows(columns: list[str], *, size: int, row: int) -> Iterator[bytes]:
    """Give a file of about this size, a row of so many bytes at least, that breaks a rule in its last row."""
    yield ("\t".join(columns) + "\n").encode()
    written, number, first = 0, 0, b""
    while written < size:
        cells = {
            "SyntheticID": b"SDE-" + os.urandom(14).translate(_LETTERS),
            "SASID": b"%d" % (1_000_000_000 + (number * 7_368_787) % 9_000_000_000),  # each once
            "LastName": b"Lindqvist",
            "FirstName": b"Ada",
            "DOB": b"%d%02d%02d" % (1990 + number % 20, 1 + number % 12, 1 + number % 28),
        }
        filled = sum(len(cells.get(name, b"")) + 1 for name in columns)
        cells["MiddleName"] = b"m" * max(0, row - filled)
        line = b"\t".join(cells.get(name, b"") for name in columns) + b"\n"
        yield line
        first, written, number = first or line, written + len(line), number + 1
    yield first


class Sender(Demo):
    """The same steward, who sends the whole of a file and waits for the verdict."""

    def columns(self) -> list[str]:
        """Return the columns that the file must have."""
        return _COLUMN.findall(self._page())

    def deliver(self, path: Path) -> None:
        """Send the file in parts."""
        name = base64.b64encode(FILE.encode()).decode()
        asked = {"Upload-Length": str(path.stat().st_size), "Upload-Metadata": f"filename {name}"}
        begun = self._client.post(f"/files/slots/{self._slot}/uploads/", headers=self._headers | asked)
        begun.raise_for_status()
        with path.open("rb") as file:
            while part := file.read(PART):
                offset = {"Upload-Offset": str(file.tell() - len(part))}
                more = offset | {"Content-Type": "application/offset+octet-stream"}
                answer = self._client.patch(
                    begun.headers["Location"], headers=self._headers | more, content=part
                )
                answer.raise_for_status()

    def wait(self) -> str:
        """Wait for the verdict; return the number of places to correct."""
        until = time.monotonic() + PATIENCE
        while "The vault is checking it" in (page := self._page()):
            if time.monotonic() > until:
                raise SystemExit("The vault came to no verdict.")
            time.sleep(1)
        return found(r"(\d+) places? to correct", page, "The verdict")

    def _page(self) -> str:
        return str(self._client.get(f"/files/slots/{self._slot}/").text)


class Watch:
    """Reads what the vault's workers have in memory, until told to stop."""

    def __init__(self) -> None:
        """Look once, at the idle workers."""
        self._idle = self._look("VmRSS")
        if not self._idle:
            raise SystemExit("No worker of a vault runs here under this user.")
        self.peak = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, float]:
        """Return idle, peak and what lies between, in MiB."""
        self._stopped.set()
        self._thread.join()
        idle = max(self._idle.values())
        figures = {"idle": idle, "peak": self.peak, "above_idle": self.peak - idle}
        return {name: round(kib / 1024, 1) for name, kib in figures.items()}

    def _run(self) -> None:
        while not self._stopped.wait(0.02):
            self.peak = max([self.peak, *self._look("VmHWM").values()])

    def _look(self, what: str) -> dict[int, int]:
        seen = {}
        for place in Path("/proc").iterdir():
            try:
                if not place.name.isdigit() or b"--queues=vault" not in (place / "cmdline").read_bytes():
                    continue
                told = re.search(rf"{what}:\s+(\d+)", (place / "status").read_text())
            except OSError:  # it has just ended
                continue
            if told:
                seen[int(place.name)] = int(told[1])
        return seen


def measure(sender: Sender, folder: Path, *, size: int, row: int) -> dict[str, Any]:
    """Send a file of this size and watch the vault check it."""
    columns, lines = sender.columns(), 0
    with tempfile.TemporaryDirectory(dir=folder) as made:
        path = Path(made, FILE)
        with path.open("wb", buffering=MIB) as target:
            for line in rows(columns, size=size, row=row):
                target.write(line)
                lines += 1
        watch, start = Watch(), time.perf_counter()
        sender.deliver(path)
        sent = time.perf_counter() - start
        wrong = sender.wait()
    figures = watch.stop() | {"rows": lines - 1, "places": int(wrong)}
    return figures | {"sending_s": round(sent, 1), "checking_s": round(time.perf_counter() - start - sent, 1)}


def main() -> None:
    """Measure, print, and write the results down if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--mib", type=int, nargs="+", default=[64, 1024])
    parser.add_argument("--row", type=int, default=100, metavar="BYTES", help="the length of a row, at least")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--write", action="store_true", help="write bench/results/vault.json")
    asked = parser.parse_args()
    around, figures = report.circumstances(), {}
    sender = Sender(asked.address.rstrip("/"))
    for mib in asked.mib:
        figures[f"{mib} MiB"] = measure(sender, asked.folder, size=mib * MIB, row=asked.row)
        print(f"{mib} MiB  {figures[f'{mib} MiB']}", flush=True)
    if asked.write:
        print(report.write("vault", around, figures), file=sys.stderr)


if __name__ == "__main__":
    main()
