"""Who may log in by SFTP: a machine whose key its agency enrolled, in the agency's name. No passwords."""

import datetime as dt
import ipaddress
import threading
from collections import deque
from hashlib import sha256
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from p20win.accounts.public import SigningKey, Standing, why_not_key

FAILURES: Final = 8  # connections from one address that tried a key in vain
WITHIN: Final = 600.0  # seconds; for so long an address is not spoken to any more
ADDRESSES: Final = 4096  # remembered at once


def key_of(username: str, raw: bytes, *, at: dt.datetime) -> tuple[SigningKey | None, str]:
    """Return the key that logs in, or why it does not."""
    key = _keys().filter(fingerprint=sha256(raw).hexdigest()).first()
    if key is None:
        return None, "unknown key"
    if key.organisation.slug != username:
        return None, "another agency's name"
    why = why_not(key, at)
    return (None, why) if why else (key, "")


def why_not(key: SigningKey, at: dt.datetime) -> str:
    """Say why this key opens nothing now; empty if it does."""
    if key.organisation.standing != Standing.ACTIVE:
        return f"{key.organisation.short_name} does not take part at present."
    return why_not_key(key, at) or ""


def fresh(pk: UUID) -> SigningKey:
    """Read a key anew."""
    return _keys().get(pk=pk)


def ended(pks: set[UUID], at: dt.datetime) -> set[UUID]:
    """Return which of these keys open nothing any more."""
    good = {key.pk for key in _keys().filter(pk__in=pks) if not why_not(key, at)}
    return pks - good


def _keys() -> QuerySet[SigningKey]:
    return SigningKey.objects.select_related("organisation", "enrolled_by__organisation")


class Throttle:
    """Remembers from where keys were tried in vain, and for how long nobody listens there."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._failures: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def failed(self, address: str, *, now: float) -> None:
        """Remember that somebody tried in vain."""
        with self._lock:
            place = _network(address)
            moments = self._failures.pop(place, deque(maxlen=FAILURES))
            moments.append(now)
            self._failures[place] = moments  # the last to be forgotten
            while len(self._failures) > ADDRESSES:
                del self._failures[next(iter(self._failures))]

    def succeeded(self, address: str) -> None:
        """Forget what went wrong before."""
        with self._lock:
            self._failures.pop(_network(address), None)

    def turns_away(self, address: str, *, now: float) -> bool:
        """Say whether nobody is to be listened to from there now."""
        with self._lock:
            moments = self._failures.get(_network(address))
            return moments is not None and len(moments) == FAILURES and now - moments[0] < WITHIN


def _network(address: str) -> str:
    """Return whom an address stands for: of the newer kind a subscriber has many."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
