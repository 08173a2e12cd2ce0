"""Whom this machine believes: the hub's signing key, pinned once by hand, and the list of keys it signs.

The portal's web server only carries the list. Nothing is sealed for a key that stands in no such list.
"""

import datetime as dt
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from client import config
from client.failure import Failure
from client.portal import Lost, Portal
from p20win.custody.engine import hubkeys
from p20win.custody.engine.errors import CustodyError, Unreadable
from p20win.custody.engine.hubkeys import SIGN, HubKeys, NotOfTheHub, OutOfTime, RolledBack, Seen
from p20win.custody.engine.trust import Trust, read_trust

LIST: Final = "/files/hub-keys.json"
UNTRUSTED: Final = 3  # exit code: nothing was sent, because it is not certain for whom it would be sealed
NOTHING_PINNED: Final = (
    "This machine does not know the hub's key yet, so it cannot tell whom it deals with. Have the hub tell "
    "you the fingerprint by telephone or letter, and run: p20 trust"
)
NOT_CHECKED: Final = (
    "Whose signature it is was not checked: pin the hub's key (p20 trust), or name the keys you trust with "
    "--trust."
)
BY_THE_PIN: Final = (
    "It was held against the hub's keys as they are pinned here; “p20 keys” fetches the newest."
)
BEYOND_THE_PIN: Final = (
    "Whose seal or signature it is was not checked: the hub's keys pinned here do not tell. Name keys and "
    "certificates you trust with --trust; the portal has them at /files/trust.pem."
)
_CALL: Final = "Call the hub before you do anything else"
_TO_DO: Final[dict[type[CustodyError], str]] = {
    NotOfTheHub: f"{_CALL}: somebody else may answer in its place. Only if the hub itself tells you of a new "
    "key: p20 trust.",
    OutOfTime: "Check this machine's clock. If it is right, tell the hub: the portal shows an old list.",
    RolledBack: f"{_CALL}: the portal shows a list that was replaced.",
}


class Untrusted(Failure):
    """It is not certain that what answers speaks for the hub."""

    def __init__(self, message: str) -> None:
        """Keep the message; the exit code is this failure's own."""
        super().__init__(message, code=UNTRUSTED)


@dataclass(frozen=True)
class Pin:
    """The hub's signing key as a person confirmed it, or as it led on; and which list was seen last."""

    key: str
    pinned: str
    seen: Seen | None = None
    signs: tuple[str, ...] = ()  # every key that the list names as the hub's for signing, earlier ones too


def path() -> Path:
    """This will give the place of the pin."""
    return config.home() / "trust.json"


def read_pin() -> Pin | None:
    """This will read the pin; None if there is none yet. :raises Untrusted: if the file cannot be read"""
    try:
        stored = json.loads(path().read_text("utf-8"))
        seen = stored["seen"]
        signs = tuple(map(str, stored.get("signs", ())))
        pin = Pin(str(stored["key"]), str(stored["pinned"]), Seen(**seen) if seen else None, signs)
        for key in (pin.key, *pin.signs):
            hubkeys.fingerprint(key)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, CustodyError) as problem:
        raise Untrusted(
            f"{path()} is damaged. Remove it, and pin the hub's key anew: p20 trust."
        ) from problem
    return pin


def write_pin(pin: Pin) -> None:
    """This will keep the pin, whole or not at all."""
    config.home().mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path().with_name(f".trust.{os.getpid()}")
    draft.write_text(json.dumps(asdict(pin), indent=2) + "\n", "utf-8")
    draft.replace(path())


def fetched(portal: Portal) -> dict[str, Any]:
    """This will fetch the list, without believing it.

    :raises Lost: if the portal is not reached
    :raises Untrusted: if it gives none
    """
    try:
        return portal.get(LIST)
    except Lost:
        raise
    except Failure as refusal:
        raise Untrusted(
            f"The portal gives no list of the hub's keys, so nothing is done. {refusal}"
        ) from None


def hub_keys(portal: Portal) -> HubKeys:
    """This will fetch the list of the hub's keys and believe it if it holds; the pin follows it.

    :raises Untrusted: if no key is pinned, or the list does not hold
    :raises Lost: if the portal is not reached
    """
    pin = read_pin()
    if pin is None:
        raise Untrusted(NOTHING_PINNED)
    return believed(fetched(portal), pin)


def given_or_asked(file: Path | None) -> Trust:
    """This will give the keys of a trust file, or else of the hub's list as it is now, by the pin.

    :raises Untrusted: if there is neither, or the list does not hold
    :raises Failure: if the file is no trust file, or the portal is not reached
    """
    if file is not None:
        return _read(file)
    if read_pin() is None:
        raise Untrusted(f"{NOTHING_PINNED} Or name its key as a file: --trust PEM")
    with Portal(config.read_config().portal, None) as portal:
        keys = hub_keys(portal)
    return Trust(frozenset(each.key for each in keys.keys if each.purpose == SIGN), of_hub_alone=True)


def given_or_pinned(file: Path | None) -> Trust | None:
    """This will give the keys of a trust file, or else those pinned here, asking nobody; None without either.

    :raises Untrusted: if the pin is damaged
    :raises Failure: if the file is no trust file
    """
    if file is not None:
        return _read(file)
    pin = read_pin()
    return None if pin is None else Trust(frozenset({pin.key, *pin.signs}), of_hub_alone=True)


def _read(file: Path) -> Trust:
    try:
        return read_trust(file)
    except Unreadable as problem:
        raise Failure(str(problem), code=2) from problem


def believed(signed: dict[str, Any], pin: Pin) -> HubKeys:
    """This will read a list by the pin, and move the pin on with it.

    :raises Untrusted: if it does not hold
    """
    try:
        keys = hubkeys.read_list(signed, pinned=pin.key, at=now(), seen=pin.seen)
    except CustodyError as problem:
        raise Untrusted(f"{problem} {_TO_DO.get(type(problem), _TO_DO[NotOfTheHub])}") from problem
    signs = tuple(each.key for each in keys.keys if each.purpose == SIGN)
    write_pin(Pin(keys.signer, pin.pinned, keys.seen(), signs))
    return keys


def vault_key(keys: HubKeys, slot: dict[str, Any]) -> str:
    """This will give the key to seal for: the hub's own choice, never the web server's.

    :raises Untrusted: if the server names one that the hub does not, or the list names none
    """
    told = slot.get("vault_public_key")
    if not isinstance(told, str) or not keys.names(hubkeys.SEAL, told, now()):
        raise Untrusted(f"The portal names a key for the vault that the hub did not sign. {_CALL}.")
    try:
        return keys.current(hubkeys.SEAL, now()).key
    except CustodyError as problem:
        raise Untrusted(f"{problem} Nothing is sent. Tell the hub.") from problem


def pin_key(key: str) -> Pin:
    """This will give the pin of a key that a person confirmed: the one there is, if it is of this key."""
    pin = read_pin() if path().exists() else None
    return pin if pin is not None and pin.key == key else Pin(key, now().isoformat())


def now() -> dt.datetime:
    """This will read this machine's clock."""
    return dt.datetime.now(dt.UTC)
