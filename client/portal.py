"""Talking to the portal: every request is signed with the agency's enrolled key.

Signed are the scheme's name, method, path with query, time, nonce and the SHA-256 of the body, one a line.
The headers are P20-Key (fingerprint), P20-Time, P20-Nonce, P20-Content-SHA256 and P20-Signature.
"""

import base64
import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from client.failure import Failure

SCHEME = "p20-request-v1"
SEALED_TYPE = "application/octet-stream"
_BLOCK = 1 << 20


class Portal:
    """The portal's door for machines."""

    def __init__(
        self, address: str, key: Ed25519PrivateKey, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Keep address and key. :raises Failure: if the address is none, or plain HTTP to another machine"""
        parts = urlsplit(address)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme != "https" and not (parts.scheme == "http" and local):
            raise Failure("Set the portal's address first: p20 keygen --portal https://… or P20_PORTAL.")
        self._key = key
        self._client = httpx.Client(
            base_url=address, timeout=httpx.Timeout(60, read=600), transport=transport
        )

    def get(self, path: str) -> dict[str, Any]:
        """This will ask for a document. :raises Failure: if the portal refuses, or is not reached"""
        return self._answer("GET", path, digest=hashlib.sha256(b"").hexdigest())

    def post(self, path: str, body: bytes) -> dict[str, Any]:
        """This will send a document. :raises Failure: if the portal refuses, or is not reached"""
        digest = hashlib.sha256(body).hexdigest()
        return self._answer("POST", path, digest=digest, content=body, content_type="application/json")

    def put_file(self, path: str, file: Path, *, digest: str, seen: Callable[[int], None]) -> dict[str, Any]:
        """This will stream a sealed file. :raises Failure: if the portal refuses, or is not reached"""
        size = file.stat().st_size
        return self._answer(
            "PUT", path, digest=digest, content=_read(file, seen), content_type=SEALED_TYPE, length=size
        )

    def _answer(
        self,
        method: str,
        path: str,
        *,
        digest: str,
        content: bytes | Iterator[bytes] | None = None,
        content_type: str = "",
        length: int | None = None,
    ) -> dict[str, Any]:
        headers = signature_headers(self._key, method, path, digest)
        if content_type:
            headers["Content-Type"] = content_type
        if length is not None:
            headers["Content-Length"] = str(length)
        try:
            response = self._client.request(method, path, headers=headers, content=content)
        except httpx.HTTPError as problem:
            raise Failure(
                f"The portal was not reached ({type(problem).__name__}). Try again later."
            ) from problem
        return _read_answer(response)


def signature_headers(key: Ed25519PrivateKey, method: str, path: str, digest: str) -> dict[str, str]:
    """This will sign one request, now."""
    time, nonce = dt.datetime.now(dt.UTC).isoformat(), secrets.token_hex(16)
    text = "\n".join([SCHEME, method.upper(), path, time, nonce, digest]).encode()
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {
        "P20-Key": hashlib.sha256(raw).hexdigest(),
        "P20-Time": time,
        "P20-Nonce": nonce,
        "P20-Content-SHA256": digest,
        "P20-Signature": base64.b64encode(key.sign(text)).decode(),
    }


def _read(file: Path, seen: Callable[[int], None]) -> Iterator[bytes]:
    with file.open("rb") as source:
        while block := source.read(_BLOCK):
            yield block
            seen(len(block))


def _read_answer(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    if response.status_code == 403 and not answer:
        raise Failure("The portal does not know this key. Has your steward enrolled it, a day ago at least?")
    if response.status_code == 404:
        raise Failure("The portal knows nothing under this id that is open to your agency.")
    if response.is_error:
        reasons = answer.get("reasons") or [f"The portal answered {response.status_code}."]
        raise Failure("\n".join(str(reason) for reason in reasons))
    return answer
