"""`p20 encode` on the command line."""

import argparse
import json
from pathlib import Path
from typing import Any

from client.checking import read_spec
from client.encoding import encode_file, new_key, read_key
from client.failure import Failure
from matching.engine.rules import LABEL


def add_command(commands: Any) -> None:
    """This will add the command."""
    parser = commands.add_parser(
        "encode", help="put keyed tokens in place of identifiers, so that the hub matches without seeing them"
    )
    parser.add_argument("file", type=Path, nargs="?", help="the matching file with identifiers")
    parser.add_argument("--key", type=Path, required=True, help="the key file of the project")
    parser.add_argument("--project", required=True, metavar="DR-NNNN", help="number of the project")
    parser.add_argument("--out", type=Path, help="the encoded file to write")
    parser.add_argument("--new-key", action="store_true", help="draw a new key and write it to --key")
    parser.add_argument(
        "--rules", type=Path, help="the slot's rules, saved with “status --rules”: its columns alone are made"
    )
    parser.add_argument(
        "--clk", action="store_true", help="with Bloom filters, which show likeness, where agreed"
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    parser.set_defaults(run=_run)


def _run(called: argparse.Namespace) -> int:
    if called.new_key:
        return _new_key(called)
    if called.file is None or called.out is None:
        raise Failure("Name the file to encode, and with --out the file to write.", code=2)
    key = read_key(called.key, called.project)
    rules = read_spec(called.rules) if called.rules else None
    made = encode_file(called.file, called.out, key=key, clk=called.clk, rules=rules)
    if called.json:
        told = {"file": str(called.out), "label": LABEL, "project": key.project, **vars(made)}
        print(json.dumps(told, indent=2))
        return 0
    print(f"{called.out}: {made.rows} rows, {LABEL}. Check it with “p20 check” and send it as ever.")
    for name in made.columns:
        without = f", {made.empty[name]} rows without" if made.empty[name] else ""
        print(f"  {name}{without}")
    if made.left_out:
        print(f"Left out, for no token is made from them: {', '.join(made.left_out)}.")
    print(f"Fingerprint of the key: {made.fingerprint}. It must be the same at every agency.")
    return 0


def _new_key(called: argparse.Namespace) -> int:
    if called.file or called.out or called.rules:
        raise Failure("--new-key makes a key and nothing else; encode afterwards.", code=2)
    key = new_key(called.key, called.project)
    if called.json:
        print(json.dumps({"key": str(called.key), "project": key.project, "fingerprint": key.fingerprint}))
        return 0
    print(f"The key of {key.project} is in {called.key}. Only its owner can read it.")
    print(f"Fingerprint: {key.fingerprint}. Read it to the other agencies; it gives nothing away.")
    print("Give the file to the agencies of the project and to nobody else. The hub must never have it.")
    return 0
