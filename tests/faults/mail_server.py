"""A mail server that takes, delays or refuses mail, as the test wants."""

import socketserver
import threading
from email import message_from_bytes


class MailServer:
    """Listens on one port of this machine, and can be gone from it for a while."""

    def __init__(self) -> None:
        self.letters: list = []
        self.answer = b"250 taken"
        self.asked = 0
        self._server = None
        self.port = self.start()

    def start(self, port: int = 0) -> int:
        """Listen; the port is given back."""
        self._server = _Server(("127.0.0.1", port), _Conversation)
        self._server.owner = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self._server.server_address[1]

    def stop(self) -> None:
        """Be gone: connections are refused."""
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say(b"220 here")
        while line := self.rfile.readline():
            match line[:4].upper():
                case b"DATA":
                    self._say(b"354 go on")
                    self._take(b"".join(iter(self.rfile.readline, b".\r\n")))
                case b"QUIT":
                    return self._say(b"221 bye")
                case _:
                    self._say(b"250 fine")
        return None

    def _take(self, content: bytes) -> None:
        owner = self.server.owner
        owner.asked += 1
        if owner.answer.startswith(b"250"):
            owner.letters.append(message_from_bytes(content))
        self._say(owner.answer)

    def _say(self, words: bytes) -> None:
        self.wfile.write(words + b"\r\n")
