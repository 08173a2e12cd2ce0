"""A process that makes papers of hostile pages, for somebody who watches it from outside.

`python -m tests.faults.paper_maker FOLDER ADDRESS` asks for a file in the folder, for one of the system, and
for a server that would listen at the address. It says what it does next by looking at `/p20-next/NAME`, which
nobody has. At last it does what no paper may: so the watcher sees that it can see.
"""

import os
import socket
import sys
from contextlib import suppress

import django

NEXT = "/p20-next"
FORBIDDEN = "what no paper may do"
PLAIN = '<p>a</p><img src="data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22/%3E">'


def next_is(name: str) -> None:
    """Tell the watcher what comes next."""
    with suppress(OSError):
        os.stat(f"{NEXT}/{name}")


def main() -> None:
    """Make them all."""
    folder, address = sys.argv[1:]
    django.setup()
    from weasyprint.urls import URLFetchingError

    from agreements import papers
    from tests.faults.hostile_papers import HOSTILE, REFUSED, page

    def make(body, far):
        papers.render_to_string = lambda template, context: page(body, far)
        return papers.pdf("documents/base.html", {}, attachments=[("own.txt", b"its own", "Its own")])

    make(PLAIN, "data:,")  # loads fonts and libraries once
    fars = (
        f"file://{folder}/canary.svg",
        "file:///etc/hostname",
        f"http://{address}/x.svg",
        f"ftp://{address}/x",
    )
    for far in fars:
        for name, body in HOSTILE.items():
            next_is(f"{name} {far}")
            assert make(body, far).startswith(b"%PDF")
        next_is(f"refused {far}")
        with suppress(URLFetchingError):
            make(REFUSED, far)
            raise AssertionError(far)
    next_is(FORBIDDEN)
    os.close(os.open(f"{folder}/canary.svg", os.O_RDONLY))
    with socket.socket() as line:
        host, port = address.split(":")
        line.connect_ex((host, int(port)))


if __name__ == "__main__":
    main()
