"""How fast a running demo takes a file in and seals it, against a server that throws the same bytes away.

A third server writes what comes to the same disk as it is and waits until the disk has it: what lies between
the two peers is the disk's share, which no sealing can win back.

python -m bench.upload http://localhost:8000 [--mib 1024] [--runs N] [--write]

Both servers are gunicorn with the portal's own settings (gthread, two workers of eight threads), on the same
machine as this sender, in the same run. The upload goes to a file that the demo still waits for, in parts of
three sizes, and is given up afterwards. Goals: 60 % of the peer, and 300 MB/s.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench import report

MIB = 1 << 20
CHUNK = os.urandom(MIB)
FILE = "P20_DR0002_SDE_match_v1.txt"
PEER = """
import os, tempfile
def application(environ, start_response):
    body = environ["wsgi.input"]
    if environ["PATH_INFO"] == "/keep":
        with tempfile.TemporaryFile(dir=os.getcwd(), buffering=0) as kept:
            while chunk := body.read(1 << 20):
                kept.write(chunk)
            os.fsync(kept.fileno())
    else:
        while body.read(1 << 20):
            pass
    start_response("204 No Content", [])
    return []
"""


def found(pattern: str, text: str, what: str) -> str:
    """Return what a pattern finds in a page, or stop and say what is not there."""
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"{what} is not on the page. Is this a fresh demo?")
    return match[1]


def body(size: int) -> Iterator[bytes]:
    """Give so many random bytes."""
    for _ in range(size // MIB):
        yield CHUNK


class Demo:
    """A data steward of the demo, at the page of a file that is still waited for."""

    def __init__(self, address: str) -> None:
        """Sign in and find the file."""
        self._client = httpx.Client(base_url=address, follow_redirects=True, timeout=300)
        people = self._client.get("/demo/").text
        cards = re.split("p20-card", people[people.index("Data steward</h2>") :])
        card = next(card for card in cards if "SDE" in card and "sign-in" in card)
        token = found('csrfmiddlewaretoken" value="([^"]+)"', card, "The form")
        sign_in = found('action="(/demo/sign-in/[^"]+)"', card, "The way to sign in")
        self._client.post(sign_in, data={"csrfmiddlewaretoken": token}, headers={"Referer": address})
        listed = self._client.get("/files/?status=open&q=DR-0002").text
        self._slot = found(r"/files/slots/([0-9a-f-]{36})/[^>]*>\s*Matching file, SDE", listed, "The file")
        page = self._client.get(f"/files/slots/{self._slot}/").text
        token = found('csrfmiddlewaretoken" value="([^"]+)"', page, "The form")
        self._headers = {"Tus-Resumable": "1.0.0", "X-CSRFToken": token, "Referer": address}

    def send(self, size: int, part: int) -> float:
        """Send so many bytes in parts of this size; return megabytes a second."""
        name = base64.b64encode(FILE.encode()).decode()
        asked = {"Upload-Length": str(size + 1), "Upload-Metadata": f"filename {name}"}
        begun = self._client.post(f"/files/slots/{self._slot}/uploads/", headers=self._headers | asked)
        begun.raise_for_status()
        upload, start = begun.headers["Location"], time.perf_counter()
        for offset in range(0, size, part):
            more = {
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(part),
            }
            self._client.patch(upload, headers=self._headers | more, content=body(part)).raise_for_status()
        seconds = time.perf_counter() - start
        self._client.delete(upload, headers=self._headers).raise_for_status()
        return size / seconds / 1e6


@contextmanager
def peer(disk: Path) -> Iterator[str]:
    """Run a server that reads what is sent and forgets it, or under `keep` writes it to this disk first."""
    with tempfile.TemporaryDirectory(dir=disk) as folder, socket.socket() as free:
        Path(folder, "forget.py").write_text(PEER, encoding="utf-8")
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        free.close()
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "forget:application", f"--bind={address}",
             "--worker-class=gthread", "--workers=2", "--threads=8", "--log-level=warning"],
            cwd=folder,
        )  # fmt: skip
        try:
            time.sleep(2)
            yield f"http://{address}/"
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def forget(client: httpx.Client, address: str, size: int, part: int) -> float:
    """Send so many bytes to the peer; return megabytes a second."""
    start = time.perf_counter()
    for _ in range(0, size, part):
        client.patch(address, headers={"Content-Length": str(part)}, content=body(part)).raise_for_status()
    return size / (time.perf_counter() - start) / 1e6


def main() -> None:
    """Measure, print, and write the results down if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--disk", type=Path, default=Path.home(), help="a folder on the demo's own disk")
    parser.add_argument("--write", action="store_true", help="write bench/results/upload.json")
    asked = parser.parse_args()
    around, figures = report.circumstances(), {}
    demo, size = Demo(asked.address.rstrip("/")), asked.mib * MIB
    with peer(asked.disk) as address, httpx.Client(timeout=300) as client:
        for part in (16 * MIB, 64 * MIB, size):
            rounds = [
                (
                    forget(client, address, size, part),
                    forget(client, f"{address}keep", size, part),
                    demo.send(size, part),
                )
                for _ in range(asked.runs)
            ]
            figures[f"parts of {part // MIB} MiB"] = {
                "thrown away, MB/s": report.spread([thrown for thrown, _, _ in rounds]),
                "kept as it is, MB/s": report.spread([kept for _, kept, _ in rounds]),
                "sealed, MB/s": report.spread([sealed for _, _, sealed in rounds]),
                "sealed to thrown away": report.spread([sealed / thrown for thrown, _, sealed in rounds]),
                "sealed to kept as it is": report.spread([sealed / kept for _, kept, sealed in rounds]),
            }
    for title, values in figures.items():
        print(title)
        for name, value in values.items():
            print(f"  {name:<24} {value}")
    if asked.write:
        print(report.write("upload", around, figures))


if __name__ == "__main__":
    main()
