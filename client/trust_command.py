"""`p20 trust` and `p20 keys`: pinning the hub's key by hand, and showing the keys it signed."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from client import config, trust
from client.failure import Failure
from client.portal import Portal
from client.trust import Pin, Untrusted
from p20win.custody.engine import hubkeys
from p20win.custody.engine.errors import CustodyError
from p20win.custody.engine.trust import read_trust


def add_commands(commands: Any) -> None:
    """This will add both commands to the parser."""
    pin = commands.add_parser("trust", help="pin the hub's key: what this machine seals by from then on")
    pin.add_argument("portal", nargs="?", help="address of the portal; remembered if none is yet")
    pin.add_argument("--fingerprint", help="of the hub's key, as the hub told you; without it you are asked")
    pin.add_argument("--trust", type=Path, metavar="PEM", help="the hub's public key, as the hub gave it you")
    pin.set_defaults(run=_trust, json=False)

    keys = commands.add_parser("keys", help="show the hub's keys, once they were found good")
    keys.add_argument("--age", action="store_true", help="print whom to encrypt for with age, and that alone")
    keys.add_argument("--json", action="store_true", help="answer as JSON")
    keys.set_defaults(run=_keys)


def _trust(called: argparse.Namespace) -> int:
    known = config.read_config().portal
    address = (called.portal or known).rstrip("/")
    with Portal(address, None) as portal:
        signed = trust.fetched(portal)
    key = _confirmed(signed, called)
    pin = trust.pin_key(key)
    keys = trust.believed(signed, pin)
    if not known:
        config.write_config(config.Config(portal=address))
    print(f"Pinned in {trust.path()}. From now on only keys are used that this one signed.")
    print(f"The list of keys has number {keys.version} and holds until {keys.expires:%d %B %Y, %H:%M} UTC.")
    return 0


def _confirmed(signed: dict[str, Any], called: argparse.Namespace) -> str:
    """Return the key that signed the list, if the person's own knowledge confirms it."""
    try:
        signers = hubkeys.signers_of(signed)
    except CustodyError as problem:
        raise Untrusted(f"The portal's list of keys does not hold: {problem} Nothing is pinned.") from problem
    if called.trust:
        trusted = _keys_in(called.trust)
        return _one(signers, lambda key: key in trusted, f"None of the keys in {called.trust} signed it.")
    for key in signers:
        print(f"The portal's list is signed by the key {hubkeys.in_groups(hubkeys.fingerprint(key))}")
    told = called.fingerprint or _asked()
    return _one(signers, lambda key: hubkeys.is_fingerprint_of(told, key), "That is another fingerprint.")


def _one(signers: list[str], fits: Any, otherwise: str) -> str:
    for key in signers:
        if fits(key):
            return key
    raise Untrusted(f"{otherwise} Nothing is pinned. Ask the hub; somebody else may answer in its place.")


def _asked() -> str:
    if not sys.stdin.isatty():
        raise Untrusted("Nothing is pinned: give the fingerprint that the hub told you with --fingerprint.")
    print("Compare it with what the hub told you by telephone or letter, never with a page of the portal.")
    return input("Fingerprint as the hub told it: ")


def _keys_in(path: Path) -> frozenset[str]:
    try:
        return read_trust(path).keys
    except CustodyError as problem:
        raise Failure(str(problem), code=2) from problem


def _keys(called: argparse.Namespace) -> int:
    with Portal(config.read_config().portal, None) as portal:
        keys = trust.hub_keys(portal)
    if called.age:
        print(_age_recipient(keys))
        return 0
    pin = trust.read_pin()
    if called.json:
        print(json.dumps({"version": keys.version, "keys": [asdict(each) for each in keys.keys]}, indent=2))
        return 0
    print(f"Pinned: {_mark(pin)}. List {keys.version}, until {keys.expires:%d %B %Y, %H:%M} UTC.")
    for each in keys.keys:
        until = f" until {each.ends[:10]}" if each.ends else ""
        print(f"  {each.purpose}  v{each.version}  from {each.begins[:10]}{until}  {each.key}")
    return 0


def _age_recipient(keys: hubkeys.HubKeys) -> str:
    try:
        return keys.current(hubkeys.AGE, trust.now()).key
    except CustodyError as problem:
        raise Untrusted(f"{problem} Tell the hub.") from problem


def _mark(pin: Pin | None) -> str:
    return hubkeys.in_groups(hubkeys.fingerprint(pin.key)) if pin else "nothing"
