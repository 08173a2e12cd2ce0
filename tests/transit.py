"""The part of HashiCorp Vault's HTTP interface that the portal uses, as its documentation describes it.

Not the real server: what is refused, with which status and in which words, is written after the documentation
and the words of the open source. Transit keys are aes256-gcm96 with associated data.
"""

import base64
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "a-token-for-tests"


class Transit:
    """Its keys, and how it behaves at present."""

    def __init__(self):
        self.keys, self.oldest = {1: os.urandom(32)}, 1
        self.asked, self.delay, self.allowed, self.sealed = [], 0.0, True, False
        transit = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                return

            def _answer(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size) or b"{}")
                time.sleep(transit.delay)
                status, said = transit.answer(self.path, body, self.headers.get("X-Vault-Token"))
                raw = json.dumps(said).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(raw)))
                    self.send_header("Content-Type", "application/json")
                    self.end_headers()
                    self.wfile.write(raw)
                except BrokenPipeError:  # who asked has given up
                    self.close_connection = True

            do_GET = do_POST = do_PUT = _answer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path, body, token):
        self.asked.append(path)
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if token != TOKEN or not self.allowed:
            return 403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
        what, _, name = path.removeprefix("/v1/transit/").partition("/")
        if what == "keys":
            return self._about(name, body)
        if name != "p20win":
            return 400, {"errors": ["encryption key not found"]}
        if what == "encrypt":
            return self._encrypt(body)
        if what == "decrypt":
            return self._decrypt(body)
        return 404, {"errors": []}

    def _about(self, name, body):
        if name == "p20win/rotate":
            self.keys[max(self.keys) + 1] = os.urandom(32)
        elif name == "p20win/config":
            self.oldest = body["min_decryption_version"]
        elif name != "p20win":
            return 404, {"errors": []}
        living = {str(number): 1700000000 for number in self.keys if number >= self.oldest}
        return 200, {
            "data": {"latest_version": max(self.keys), "min_decryption_version": self.oldest, "keys": living}
        }

    def _encrypt(self, body):
        version, nonce = max(self.keys), os.urandom(12)
        plain, bound = (base64.b64decode(body[each]) for each in ("plaintext", "associated_data"))
        sealed = base64.b64encode(nonce + AESGCM(self.keys[version]).encrypt(nonce, plain, bound)).decode()
        return 200, {"data": {"ciphertext": f"vault:v{version}:{sealed}", "key_version": version}}

    def _decrypt(self, body):
        _, version, sealed = body["ciphertext"].split(":")
        number, raw = int(version[1:]), base64.b64decode(sealed)
        if number < self.oldest:
            words = "ciphertext or signature version is disallowed by policy (too old)"
            return 400, {"errors": [words]}
        try:
            bound = base64.b64decode(body.get("associated_data", ""))
            plain = AESGCM(self.keys[number]).decrypt(raw[:12], raw[12:], bound)
        except (InvalidTag, KeyError):
            return 400, {"errors": ["cipher: message authentication failed"]}
        return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}
