"""Talking to the portal: every request is signed with the agency's enrolled key.

Signed are the scheme's name, method, path with query, time, nonce and the SHA-256 of the body, one a line.
The parts of a file go by the protocol tus 1.0; a part's offset stands in its query, too, and so is signed.
The headers are P20-Key (fingerprint), P20-Time, P20-Nonce, P20-Content-SHA256 and P20-Signature.
"""

import base64
import datetime as dt
import hashlib
import secrets
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from client.failure import Failure

SCHEME = "p20-request-v1"
PART_TYPE = "application/offset+octet-stream"
_TUS = {"Tus-Resumable": "1.0.0"}
_EMPTY = hashlib.sha256(b"").hexdigest()
_GONE, _FULL, _OUT_OF_ORDER = 404, 507, 500
_AGAIN = (409, 460)  # it ends elsewhere; it was damaged on the way


class Lost(Failure):
    """The portal was not reached, or is out of order; the same may work in a moment."""


class Portal:
    """The portal's door for machines."""

    def __init__(
        self, address: str, key: Ed25519PrivateKey | None, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Keep address and key; without a key only what is public can be had.

        :raises Failure: if the address is none, or plain HTTP to another machine
        """
        parts = urlsplit(address)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme != "https" and not (parts.scheme == "http" and local):
            raise Failure("Set the portal's address first: p20 keygen --portal https://… or P20_PORTAL.")
        self._key = key
        self._client = httpx.Client(
            base_url=address, timeout=httpx.Timeout(60, read=600), transport=transport
        )

    def __enter__(self) -> "Portal":
        """This will keep one connection open for all requests."""
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str) -> dict[str, Any]:
        """This will ask for a document. :raises Failure: if the portal refuses, or is not reached"""
        return self._answer("GET", path, digest=_EMPTY)

    def post(self, path: str, body: bytes) -> dict[str, Any]:
        """This will send a document. :raises Failure: if the portal refuses, or is not reached"""
        digest = hashlib.sha256(body).hexdigest()
        return self._answer("POST", path, digest=digest, content=body, content_type="application/json")

    def offset(self, path: str) -> int | None:
        """This will ask how much of an upload is there; None if there is no such upload any more.

        :raises Lost: if the portal is not reached
        :raises Failure: if it refuses
        """
        response = self._ask("HEAD", path, digest=_EMPTY, headers=_TUS)
        if response.status_code == _GONE:
            return None
        _refuse(response)
        return int(response.headers["Upload-Offset"])

    def send_part(self, path: str, part: bytes, *, offset: int) -> bool:
        """This will send the part that follows; False if the portal did not take it and wants it again.

        :raises Lost: if the connection broke, or the portal is out of order for now
        :raises Failure: if it refuses
        """
        headers = _TUS | {"Upload-Offset": str(offset), "Content-Type": PART_TYPE}
        digest = hashlib.sha256(part).hexdigest()
        response = self._ask("PATCH", f"{path}?offset={offset}", digest=digest, headers=headers, content=part)
        if response.status_code in _AGAIN:
            return False
        _refuse(response)
        return True

    def _answer(
        self, method: str, path: str, *, digest: str, content: bytes | None = None, content_type: str = ""
    ) -> dict[str, Any]:
        headers = {"Content-Type": content_type} if content_type else {}
        return _read_answer(self._ask(method, path, digest=digest, headers=headers, content=content))

    def _ask(
        self, method: str, path: str, *, digest: str, headers: dict[str, str], content: bytes | None = None
    ) -> httpx.Response:
        signed = headers | (signature_headers(self._key, method, path, digest) if self._key else {})
        try:
            return self._client.request(method, path, headers=signed, content=content)
        except httpx.HTTPError as problem:
            kind = type(problem).__name__
            raise Lost(f"The portal was not reached ({kind}). Try again later.") from problem


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


def _refuse(response: httpx.Response) -> None:
    """Give up if an answer in words is a refusal. :raises Lost: if the portal is only out of order for now"""
    if response.status_code >= _OUT_OF_ORDER and response.status_code != _FULL:
        raise Lost(f"The portal is out of order ({response.status_code}). Try again later.")
    if response.is_error:
        is_words = response.headers.get("Content-Type", "").startswith("text/plain")
        said = response.text.strip() if is_words else ""
        raise Failure(said or f"The portal answered {response.status_code}.")


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
