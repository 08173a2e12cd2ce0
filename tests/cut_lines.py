"""A line to a server that is really cut: after so many bytes of a file, wherever in a part that is."""

import itertools
import random
import re
import socket
import struct
import threading
import time
from contextlib import suppress

from tests import factories_custody as custody

BLOCK = 8192
SPEC = {
    "id_column": "ID",
    "one_row_per": [["ID"]],
    "columns": [{"name": "ID", "form": "synthetic_id", "required": True}, {"name": "NOTE", "form": "text"}],
}


def wide_rows(size, letter="a"):
    """Return an analytical file of at least this size, whose ids begin with this letter."""
    words = " ".join(itertools.islice(itertools.cycle(("quiet", "meadow", "seven", "lantern")), 9000))
    head, rows = b"ID\tNOTE\n", []
    for number in range(size // len(words) + 1):
        rows.append(f"{letter}{number * 7919 % 999_983:07d}b\t{words}\n".encode())
    return head + b"".join(rows)


def a_wide_slot(supplier=None):
    """Return a slot that takes such a file."""
    return custody.a_slot(supplier, kind="analytical", spec=SPEC, title="Analytical file")


class Part:
    """What went over the line of one part: where in the upload it begins, and how much of it passed."""

    def __init__(self, offset):
        self.offset, self.passed = offset, 0


class Line:
    """Stands before a server, passes requests on, and cuts the connection as bytes reach each mark."""

    def __init__(self, server, marks, *, harsh, silent=0.0):
        host, _, port = server.removeprefix("http://").rpartition(":")
        self._server, self._marks = (host, int(port)), sorted(marks)
        self._harsh, self._silent = harsh, silent  # a reset also throws away what the server has not read yet
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self.cuts, self.parts, self._passed = 0, [], 0
        threading.Thread(target=self._serve, daemon=True).start()

    def again(self):
        """Return how many bytes of each part had passed before."""
        furthest, found = 0, []
        for part in self.parts:
            found.append(max(0, min(furthest - part.offset, part.passed)))
            furthest = max(furthest, part.offset + part.passed)
        return found

    def close(self):
        """Let nobody in any more."""
        self._door.close()

    def _serve(self):
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client):
        server = socket.create_connection(self._server)
        threading.Thread(target=_back, args=(server, client), daemon=True).start()
        is_cut = False
        with suppress(OSError):
            while not is_cut and (head := _head(client)):
                server.sendall(head)
                is_cut = self._body(client, server, head)
        time.sleep(self._silent if is_cut else 0)
        for end in (client, server):
            if is_cut and self._harsh:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _body(self, client, server, head):
        """Pass a request's body on; say whether the line was cut meanwhile."""
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        left = int(length[1]) if length else 0
        part = None
        if head.startswith(b"PATCH"):
            part = Part(int(re.search(rb"(?im)^upload-offset: *(\d+)", head)[1]))
            self.parts.append(part)
        while left:
            until_cut = self._marks[0] - self._passed if part and self._marks else BLOCK
            block = client.recv(max(1, min(BLOCK, left, until_cut)))
            if not block:
                raise ConnectionResetError
            server.sendall(block)
            left -= len(block)
            if part:
                part.passed += len(block)
                self._passed += len(block)
                if self._marks and self._passed >= self._marks[0]:
                    self._marks.pop(0)
                    self.cuts += 1
                    return True
        return False


def _head(client):
    """Read a request up to the end of its head, byte by byte: what follows is counted."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if not (byte := client.recv(1)):
            return b""
        head += byte
    return head


def _back(server, client):
    with suppress(OSError):
        while block := server.recv(BLOCK):
            client.sendall(block)
        client.shutdown(socket.SHUT_WR)


def marks(seed, size, count):
    """Return so many places of a file where its line is cut, by chance."""
    return random.Random(seed).sample(range(1, size), count)
