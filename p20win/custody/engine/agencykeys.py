"""The list of agencies' signing keys with their validity, signed by the hub; and what a signature was worth.

It travels in the trust file, as a block of its own beside the hub's keys. A key in it signs as a source and
as nothing else.
"""

import base64
import binascii
import datetime as dt
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from p20win.custody.engine import signing
from p20win.custody.engine.encoding import canonical, from_text, parse
from p20win.custody.engine.errors import Unreadable
from p20win.custody.engine.signing import Signer

FORMAT: Final = "p20win/agency-keys/1"
BLOCK: Final = "AGENCY KEYS"
VALID, REVOKED_LATER, ENDED_LATER = "valid", "revoked later", "replaced later"
UNKNOWN, NOT_YET, REVOKED_BEFORE, ENDED_BEFORE = "unknown", "not yet valid", "revoked before", "ended before"
OF_ANOTHER, UNPROVEN = "of another agency", "time unproven"
HOLDS: Final = frozenset({VALID, REVOKED_LATER, ENDED_LATER})
UNDECIDED: Final = frozenset({UNKNOWN, UNPROVEN})
_WORDS: Final = {
    VALID: "The key was its agency's and valid when it signed.",
    REVOKED_LATER: "The key was valid when it signed; it was revoked later.",
    ENDED_LATER: "The key was valid when it signed; another took its place later.",
    UNKNOWN: "The list of agencies' keys in the trust file does not have the key that signed as the source.",
    NOT_YET: "The key that signed as the source was not valid yet.",
    REVOKED_BEFORE: "The key that signed as the source was revoked before it signed.",
    ENDED_BEFORE: "The key that signed as the source had ended before it signed.",
    OF_ANOTHER: "The key that signed as the source is another agency's than the one named.",
    UNPROVEN: "The key has ended, and only its own word says that it signed before: no hub countersigned.",
}


@dataclass(frozen=True)
class AgencyKey:
    """One enrolled key: whose, and from when until when; an empty time has not come."""

    key: str
    organisation: str  # its id, as statements name the source
    name: str
    enrolled: str
    usable: str  # a day later: the other stewards have time to object
    ends: str = ""  # another took its place
    revoked: str = ""


@dataclass(frozen=True)
class Judged:
    """What the signature of a source was worth, and by whose word of the time."""

    state: str
    name: str = ""
    at: str = ""

    @property
    def says(self) -> str:
        """This will say it in a sentence."""
        return _WORDS[self.state]


@dataclass(frozen=True)
class AgencyKeys:
    """A list whose signature was found good, and when it was made."""

    made: str
    keys: tuple[AgencyKey, ...]

    def judge(self, signer: Signer, *, source: str, hub_at: str | None) -> Judged:
        """This will judge a source's signature at the time that the hub vouches for, or else its own word."""
        key = next((each for each in self.keys if each.key == signer.key), None)
        if key is None:
            return Judged(UNKNOWN, at=hub_at or signer.at)
        at = _time(hub_at or signer.at)
        state = OF_ANOTHER if key.organisation != source else _state(key, at, is_proven=hub_at is not None)
        return Judged(state, key.name, at.isoformat())


def _state(key: AgencyKey, at: dt.datetime, *, is_proven: bool) -> str:
    if at < _time(key.usable):
        return NOT_YET
    if key.revoked and _time(key.revoked) <= at:
        return REVOKED_BEFORE
    if key.ends and _time(key.ends) <= at:
        return ENDED_BEFORE
    if not key.revoked and not key.ends:
        return VALID
    if not is_proven:
        return UNPROVEN
    return REVOKED_LATER if key.revoked else ENDED_LATER


def mark_of(key: str) -> str:
    """This will give the fingerprint by which the portal's pages name an agency's key."""
    return hashlib.sha256(from_text(key, length=32)).hexdigest()


def sign_list(keys: Sequence[AgencyKey], *, key: Ed25519PrivateKey, made: dt.datetime) -> dict[str, Any]:
    """This will write the list down and sign it as the hub."""
    document = {"format": FORMAT, "made": made.isoformat(), "keys": [asdict(each) for each in keys]}
    return signing.sign(document, key=key, role=signing.HUB, at=made.isoformat())


def as_block(signed: dict[str, Any]) -> bytes:
    """This will spell a signed list as a block of the trust file."""
    text = base64.b64encode(canonical(signed)).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {BLOCK}-----", *lines, f"-----END {BLOCK}-----", ""]).encode()


def read_block(block: bytes) -> dict[str, Any]:
    """This will read what `as_block` wrote, without believing it. :raises Unreadable: if it is none"""
    try:
        raw = base64.b64decode(b"".join(block.strip().split(b"\n")[1:-1]), validate=True)
    except binascii.Error as problem:
        raise Unreadable("The list of agencies' keys in the trust file is damaged.") from problem
    return parse(raw)


def read_list(signed: dict[str, Any], *, hub: Collection[str]) -> AgencyKeys:
    """This will read a list that one of these keys of the hub signed.

    :raises Unreadable: if it is none
    :raises Broken: if it was changed, or another signed it
    """
    document, signers = signing.verify(signed)
    signing.expect(signers, role=signing.HUB, keys=hub)
    if document.get("format") != FORMAT or not isinstance(document.get("keys"), list):
        raise Unreadable("This is not a list of agencies' keys.")
    _time(document.get("made"))
    return AgencyKeys(document["made"], tuple(_read_key(each) for each in document["keys"]))


def _read_key(told: Any) -> AgencyKey:
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise Unreadable("A key in the list of agencies' keys is not readable.")
    try:
        key = AgencyKey(**told)
    except TypeError:
        raise Unreadable("A key in the list of agencies' keys has missing or unknown fields.") from None
    from_text(key.key, length=32)
    for moment in filter(None, (key.enrolled, key.usable, key.ends, key.revoked)):
        _time(moment)
    return key


def _time(text: object) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise Unreadable("A time in the list of agencies' keys, or of a signature, cannot be read.") from None
    if moment.tzinfo is None:
        raise Unreadable("A time in the list of agencies' keys, or of a signature, has no zone.")
    return moment.astimezone(dt.UTC)
