"""The list of the hub's public keys, signed with its long-term key: what to seal for, and until when.

Whoever serves the list is not believed. It must be signed by the key that the reader pinned, or by one to
which the pinned key led: a new signing key of the hub is named by the one before it, and for a time both do.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from p20win.custody.engine import signing
from p20win.custody.engine.encoding import canonical, from_text
from p20win.custody.engine.errors import Broken, CustodyError, Unreadable

FORMAT: Final = "p20win/hub-keys/1"
SUCCESSION: Final = "p20win/hub-key-succession/1"
SIGN, SEAL, AGE = "sign", "seal", "age"
SKEW: Final = dt.timedelta(minutes=10)  # by which two clocks may differ
_FIELDS: Final = {"format", "version", "made", "expires", "keys", "successions"}
_SUCCESSION_FIELDS: Final = {"format", "version", "key", "follows", "made", "until"}
_AGE: Final = re.compile(r"age1[02-9ac-hj-np-z]{58}")


class NotOfTheHub(Broken):
    """The list is not signed by the pinned key, or by one that it led to."""


class OutOfTime(CustodyError):
    """The list holds no longer, or not yet."""


class RolledBack(CustodyError):
    """The list is older than one that was seen before, or another under the same number."""


@dataclass(frozen=True)
class HubKey:
    """One public key of the hub: what for, and from when until when; an empty end is open."""

    purpose: str
    version: int
    key: str
    begins: str
    ends: str = ""

    def holds(self, at: dt.datetime) -> bool:
        """This will say whether it may be used at this moment."""
        return _time(self.begins) <= at + SKEW and (not self.ends or at < _time(self.ends))


@dataclass(frozen=True)
class Seen:
    """Which list was seen last."""

    version: int
    digest: str


@dataclass(frozen=True)
class HubKeys:
    """A list that was found good."""

    version: int
    digest: str
    signer: str  # the hub's key that signed it: the one to pin from now on
    expires: dt.datetime
    keys: tuple[HubKey, ...]

    def current(self, purpose: str, at: dt.datetime) -> HubKey:
        """This will give the newest key for a purpose. :raises OutOfTime: if the list names none for now"""
        found = [key for key in self.keys if key.purpose == purpose and key.holds(at)]
        if not found:
            raise OutOfTime("The hub's list names no key for this that holds now.")
        return max(found, key=lambda key: key.version)

    def names(self, purpose: str, key: str, at: dt.datetime) -> bool:
        """This will say whether the hub names this very key for this purpose and moment."""
        return any((each.purpose, each.key) == (purpose, key) and each.holds(at) for each in self.keys)

    def seen(self) -> Seen:
        """This will give what to remember of it."""
        return Seen(self.version, self.digest)


def fingerprint(key: str) -> str:
    """This will give the SHA-256 of a signing key, in hex: what people compare over another channel."""
    return hashlib.sha256(from_text(key, length=32)).hexdigest()


def in_groups(mark: str) -> str:
    """This will spell a fingerprint so that it can be read out."""
    return " ".join(mark[at : at + 4] for at in range(0, len(mark), 4))


def is_fingerprint_of(told: str, key: str) -> bool:
    """This will say whether what somebody was told is the whole fingerprint of this key, however spelt."""
    return re.sub(r"[\s:-]", "", told).casefold() == fingerprint(key)


# --- made by the vault


def sign_list(
    keys: Sequence[HubKey],
    *,
    key: Ed25519PrivateKey,
    version: int,
    made: dt.datetime,
    expires: dt.datetime,
    successions: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """This will write the list down and sign it as the hub."""
    document = {
        "format": FORMAT,
        "version": version,
        "made": made.isoformat(),
        "expires": expires.isoformat(),
        "keys": [asdict(each) for each in keys],
        "successions": list(successions),
    }
    return signing.sign(document, key=key, role=signing.HUB, at=made.isoformat())


def sign_succession(
    new: str, *, version: int, former: Ed25519PrivateKey, made: dt.datetime, until: dt.datetime
) -> dict[str, Any]:
    """This will have the hub's former key name the next one, to be followed until the overlap ends."""
    document = {
        "format": SUCCESSION,
        "version": version,
        "key": new,
        "follows": signing.public_text(former.public_key()),
        "made": made.isoformat(),
        "until": until.isoformat(),
    }
    return signing.sign(document, key=former, role=signing.HUB, at=made.isoformat())


# --- read by whoever seals, or checks a receipt


def signers_of(signed: dict[str, Any]) -> list[str]:
    """This will give the keys whose signatures as the hub are good, trusted or not: to show a fingerprint.

    :raises CustodyError: if it is no signed list
    """
    document, signers = signing.verify(signed)
    _expect_form(document)
    return [signer.key for signer in signers if signer.role == signing.HUB]


def read_list(signed: dict[str, Any], *, pinned: str, at: dt.datetime, seen: Seen | None) -> HubKeys:
    """This will read a list if it holds: by the pinned key, in time, and no older than the one seen last.

    :raises Unreadable: if it is none
    :raises NotOfTheHub: if a signature does not fit, or is by no key that the pinned one led to
    :raises OutOfTime: if it holds no longer, or not yet
    :raises RolledBack: if a newer one, or another of this number, was seen before
    """
    try:
        document, signers = signing.verify(signed)
    except Broken as problem:
        raise NotOfTheHub(str(problem)) from problem
    keys = _expect_form(document)
    trusted = followed(pinned, document["successions"], at)
    by = {signer.key for signer in signers if signer.role == signing.HUB}
    signer = next((key for key in reversed(trusted) if key in by), None)  # the last that the pin led to
    if signer is None:
        raise NotOfTheHub("The list of keys is not signed by the hub's key that is pinned here.")
    made, expires = _time(document["made"]), _time(document["expires"])
    if at + SKEW < made:
        raise OutOfTime(f"The list of keys is from {made:%d %B %Y, %H:%M} UTC, and that is yet to come here.")
    if at >= expires:
        raise OutOfTime(f"The list of keys held until {expires:%d %B %Y, %H:%M} UTC.")
    digest = hashlib.sha256(canonical(document)).hexdigest()
    if seen is not None:
        _expect_newer(document["version"], digest, seen)
    return HubKeys(document["version"], digest, signer, expires, keys)


def followed(pinned: str, successions: Collection[dict[str, Any]], at: dt.datetime) -> list[str]:
    """This will give the pinned key and those to which it led, one naming the next.

    A succession counts if its own signature holds and its overlap has not ended: a retired key names nobody.
    """
    chain = [pinned]
    while (following := _next(chain[-1], successions, at)) is not None and following not in chain:
        chain.append(following)
    return chain


def _next(key: str, successions: Collection[dict[str, Any]], at: dt.datetime) -> str | None:
    for signed in successions:
        try:
            document, signers = signing.verify(signed)
            signing.expect(signers, role=signing.HUB, keys=[key])
        except CustodyError:
            continue
        if set(document) != _SUCCESSION_FIELDS or document["format"] != SUCCESSION:
            continue
        if document["follows"] == key and at < _time(document["until"]):
            from_text(document["key"], length=32)
            return str(document["key"])
    return None


def _expect_newer(version: int, digest: str, seen: Seen) -> None:
    if version < seen.version:
        raise RolledBack(f"The list of keys has number {version}; number {seen.version} was seen before.")
    if version == seen.version and digest != seen.digest:
        raise RolledBack(f"There are two lists of keys with number {version}; the other was seen before.")


def _expect_form(document: dict[str, Any]) -> tuple[HubKey, ...]:
    if document.get("format") != FORMAT or set(document) != _FIELDS:
        raise Unreadable("This is not a list of the hub's keys.")
    version = document["version"]
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise Unreadable("The list of the hub's keys has no number.")
    for name in ("keys", "successions"):
        if not isinstance(document[name], list) or not all(isinstance(each, dict) for each in document[name]):
            raise Unreadable(f"The list of the hub's keys has no readable {name}.")
    _time(document["made"]), _time(document["expires"])
    return tuple(_read_key(each) for each in document["keys"])


def _read_key(told: dict[str, Any]) -> HubKey:
    try:
        key = HubKey(**told)
    except TypeError:
        raise Unreadable("A key in the hub's list has missing or unknown fields.") from None
    if not isinstance(key.version, int) or isinstance(key.version, bool) or not isinstance(key.purpose, str):
        raise Unreadable("A key in the hub's list has no readable version or purpose.")
    _time(key.begins)
    if key.ends != "":
        _time(key.ends)
    if key.purpose != AGE:
        from_text(key.key, length=32)
    elif not isinstance(key.key, str) or not _AGE.fullmatch(key.key):
        raise Unreadable("The recipient for age in the hub's list is not readable.")
    return key


def _time(text: object) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise Unreadable("A time in the hub's list of keys is not readable.") from None
    if moment.tzinfo is None:
        raise Unreadable("A time in the hub's list of keys has no zone.")
    return moment.astimezone(dt.UTC)
