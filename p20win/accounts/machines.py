"""Requests of an agency's machine, signed with its enrolled Ed25519 key.

What is signed: `p20-request-v1`, method, path with query, time, nonce and the SHA-256 of the body, one a
line. The headers: P20-Key (fingerprint), P20-Time (ISO, UTC), P20-Nonce, P20-Content-SHA256, P20-Signature
(base64).
"""

import base64
import binascii
import datetime as dt
import hmac
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from p20win import clock
from p20win.accounts import checks
from p20win.accounts.models import MachineNonce, SigningKey, Standing

SKEW: Final = dt.timedelta(minutes=10)
SCHEME: Final = "p20-request-v1"


def signed_text(method: str, path: str, time: str, nonce: str, body_digest: str) -> bytes:
    """Return the bytes that a request's signature covers."""
    return "\n".join([SCHEME, method.upper(), path, time, nonce, body_digest]).encode()


def verified_key(request: HttpRequest, is_read_by_view: bool) -> SigningKey | None:
    """Return the enrolled key that signed this request just now, and remember its nonce; None if it did not.

    The body is compared with the signed digest here, but where the view reads and compares it: that is what
    the view says of itself, never the sender.
    """
    read = request.headers.get
    time, nonce, digest = read("P20-Time", ""), read("P20-Nonce", ""), read("P20-Content-SHA256", "")
    key = SigningKey.objects.select_related("organisation").filter(fingerprint=read("P20-Key", "")).first()
    if (
        key is None
        or checks.why_not_key(key, clock.now())
        or key.organisation.standing != Standing.ACTIVE
        or not 16 <= len(nonce) <= 64
    ):
        return None
    try:
        sent = dt.datetime.fromisoformat(time)
        signature = base64.b64decode(read("P20-Signature", ""), validate=True)
        text = signed_text(request.method or "", request.get_full_path(), time, nonce, digest)
        Ed25519PublicKey.from_public_bytes(bytes(key.public_key)).verify(signature, text)
    except (ValueError, binascii.Error, InvalidSignature):
        return None
    if sent.tzinfo is None or abs(clock.real_now() - sent) > SKEW:
        return None
    if not is_read_by_view and not hmac.compare_digest(sha256(request.body).hexdigest(), digest):
        return None
    try:
        with transaction.atomic():
            MachineNonce.objects.create(key=key, nonce=nonce, seen_at=clock.real_now())
    except IntegrityError:
        return None
    return key
