"""What sends files to a running server: real curl, and a line that is cut again and again."""

import base64
import re
import socket
import struct
import subprocess
import threading
from contextlib import suppress

from client import config, portal, trust
from p20win.custody.engine import hubkeys


def pinned():
    """Let this machine have the hub's key pinned, as if a person had confirmed it; return the key."""
    with portal.Portal(config.read_config().portal, None) as door:
        (key,) = hubkeys.signers_of(trust.fetched(door))
    trust.write_pin(trust.Pin(key, "2026-03-02T15:00:00+00:00"))
    return key


class Cutting:
    """Stands before a server and cuts its first connections after so many bytes each."""

    def __init__(self, server, cuts, *, harsh):
        self._harsh = harsh  # a reset also throws away what the server has not read yet
        host, _, port = server.removeprefix("http://").rpartition(":")
        self._server, self._cuts = (host, int(port)), list(cuts)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self.done = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            after = self._cuts.pop(0) if self._cuts else None
            threading.Thread(target=self._carry, args=(client, after), daemon=True).start()

    def _carry(self, client, after):
        server = socket.create_connection(self._server)
        threading.Thread(target=self._back, args=(server, client), daemon=True).start()
        while True:
            try:
                block = client.recv(min(8192, after) if after else 8192)
                server.sendall(block)
            except OSError:
                block = b""
            if after is not None:
                after -= len(block)
            if not block or after == 0:
                break
        if after == 0:
            self.done += 1
        for end in (client, server):
            if after == 0 and self._harsh:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _back(self, server, client):
        try:
            while block := server.recv(8192):
                client.sendall(block)
        except OSError:
            pass

    def close(self):
        self._door.close()


class Curl:
    """Real curl, with the lines that the ticket's page shows."""

    def __init__(self, folder, server, token):
        self.server, self._config = server, folder / "ticket.curl"
        self._config.write_text(f'header = "Authorization: Bearer {token}"\n')

    def __call__(self, *argv):
        done = subprocess.run(
            ["curl", "--config", self._config, "-s", *map(str, argv)], capture_output=True, timeout=60
        )
        return done.stdout.decode()

    def begin(self, path):
        told = base64.b64encode(path.name.encode()).decode()
        return self(
            "-i", "-X", "POST", "-H", "Tus-Resumable: 1.0.0", "-H", f"Upload-Length: {path.stat().st_size}",
            "-H", f"Upload-Metadata: filename {told}", f"{self.server}/files/by-ticket/uploads/",
        )  # fmt: skip

    def place(self, path):
        return self.server + re.search(r"(?im)^location: (\S+)", self.begin(path))[1]

    def send(self, path, where, offset=0, *more):
        from_there = ["-C", offset] if offset else []
        return self(
            "-i", "-X", "PATCH", "-H", "Tus-Resumable: 1.0.0", "-H", f"Upload-Offset: {offset}",
            "-H", "Content-Type: application/offset+octet-stream", *from_there, "-T", path, *more, where,
        )  # fmt: skip

    def offset(self, where):
        answer = self("-I", "-H", "Tus-Resumable: 1.0.0", where)
        found = re.search(r"(?im)^upload-offset: (\d+)", answer)
        return int(found[1]) if found else answer.split("\r\n", 1)[0]
