"""`p20 verify-ledger` and `p20 pin`: holding the portal to what its ledger said before."""

import argparse
import base64
import binascii
import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from client import config
from client.failure import Failure
from client.portal import Portal
from client.trust import NOT_CHECKED, given_or_asked, given_or_pinned
from p20win.custody.engine.errors import Broken, CustodyError, Unreadable
from p20win.custody.engine.ledger_check import HASH, Checked, check_ledger
from p20win.custody.engine.merkle import MerkleTree
from p20win.custody.engine.notes import LARGEST, Checkpoint, read_checkpoint, verify_checkpoint
from p20win.custody.engine.proofs import check_consistency
from p20win.custody.engine.trust import Trust

HASHES = "line-hashes.bin"
_FINDINGS_SHOWN = 50


def add_commands(commands: Any) -> None:
    """This will add both commands to the parser."""
    verify = commands.add_parser(
        "verify-ledger", help="check an exported ledger against checkpoints kept elsewhere"
    )
    verify.add_argument("file", type=Path, help="the export, as “manage.py export_ledger” wrote it")
    verify.add_argument(
        "--checkpoint",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a checkpoint that you kept; may be given often. Without one: those that “p20 pin” keeps here",
    )
    verify.add_argument(
        "--hashes", type=Path, metavar="FILE", help="the hashes of lines that you kept with a checkpoint"
    )
    verify.add_argument(
        "--trust",
        type=Path,
        metavar="PEM",
        help="public keys that you trust; without it the hub's keys as pinned here",
    )
    verify.add_argument("--json", action="store_true", help="answer as JSON")
    verify.set_defaults(run=_verify_ledger)

    pin = commands.add_parser("pin", help="keep the ledger's checkpoint and the hashes of its lines")
    pin.add_argument(
        "--trust", type=Path, metavar="PEM", help="public keys that you trust; without it the one pinned here"
    )
    pin.set_defaults(run=_pin, json=False)


# --- verify-ledger


def _verify_ledger(called: argparse.Namespace) -> int:
    trust = given_or_pinned(called.trust)
    files, hashes = called.checkpoint, called.hashes
    if not files:
        files = _kept_in(_home())
        hashes = hashes or (_home() / HASHES if files and (_home() / HASHES).exists() else None)
    try:
        checkpoints = [_checkpoint(file, trust) for file in files]
        checked = check_ledger(
            lambda: _lines(called.file),
            checkpoints,
            hashes=hashes.read_bytes() if hashes else b"",
            keys=trust.keys if trust else None,
        )
    except Unreadable as problem:
        raise Failure(str(problem), code=2) from problem
    except Broken as problem:
        raise Failure(str(problem)) from problem
    _show(checked, trusted=trust is not None, as_json=called.json)
    return 1 if checked.findings else 0


def _lines(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        yield from (line for line in file if line.strip())


def _checkpoint(path: Path, trust: Trust | None) -> Checkpoint:
    try:
        note = path.read_bytes()[: LARGEST + 1].decode()
        return verify_checkpoint(note, trust.keys) if trust else read_checkpoint(note)
    except UnicodeDecodeError:
        raise Unreadable(f"{path.name}: this is not a checkpoint of a ledger.") from None
    except CustodyError as problem:
        raise type(problem)(f"{path.name}: {problem}") from problem


def _show(checked: Checked, *, trusted: bool, as_json: bool) -> None:
    state = "broken" if checked.findings else "valid"
    if as_json:
        shown = {
            "kind": "ledger",
            "state": state,
            "lines": checked.lines,
            "root": base64.b64encode(checked.root).decode(),
            "intact_until": checked.intact_until,
            "findings": [each.as_dict() for each in checked.findings],
            "checkpoints": [
                {"size": pin.size, "signed": _time(pin), "fits": fits} for pin, fits in checked.held
            ],
            "trusted": trusted or None,
        }
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    print(f"{state.upper()}: ledger of {checked.lines} lines.")
    for finding in checked.findings[:_FINDINGS_SHOWN]:
        print(f"  {finding.kind}: {finding.says}")
    if len(checked.findings) > _FINDINGS_SHOWN:
        print(f"  {len(checked.findings) - _FINDINGS_SHOWN} more are not listed; --json lists all.")
    if checked.findings and checked.intact_until:
        print(f"As they were written: lines 1 to {checked.intact_until}.")
    for pin, fits in checked.held:
        print(f"  checkpoint over {pin.size} lines{_signed(pin)}: {'fits' if fits else 'does not fit'}")
    if not checked.held:
        print("It was held against no checkpoint, so a chain written anew would not show. See “p20 pin”.")
    if not trusted:
        print(NOT_CHECKED)


def _time(pin: Checkpoint) -> str | None:
    return dt.datetime.fromtimestamp(pin.signed_at, dt.UTC).isoformat() if pin.signed_at else None


def _signed(pin: Checkpoint) -> str:
    return f", signed {_time(pin)}" if pin.signed_at else ""


# --- pin


def _home() -> Path:
    return config.home() / "ledger"


def _kept_in(home: Path) -> list[Path]:
    return sorted(home.glob("checkpoint-*.txt"))


def _pin(called: argparse.Namespace) -> int:
    trust = given_or_asked(called.trust)
    portal = Portal(config.read_config().portal, config.read_key())
    try:
        pinned = pin_checkpoint(portal, _home(), trust)
    except CustodyError as problem:
        raise Failure(f"Not pinned, and the hub should hear of it: {problem}") from problem
    print(f"Kept: checkpoint over {pinned.size} lines{_signed(pinned)}.")
    print("It begins with all that was kept before. Let it go into your own backups.")
    return 0


def pin_checkpoint(portal: Portal, home: Path, trust: Trust) -> Checkpoint:
    """This will fetch the latest checkpoint, check that it goes on from those kept, and keep it.

    :raises Broken: if it is not signed by a key that is trusted, or does not go on from what was kept
    :raises Failure: if the portal refuses, or is not reached
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    earlier = [verify_checkpoint(file.read_text("utf-8"), trust.keys) for file in _kept_in(home)]
    kept = max(earlier, key=lambda each: each.size, default=None)
    answer = portal.post("/ledger/machine/pin/", json.dumps({"since": kept.size if kept else 0}).encode())
    fresh = verify_checkpoint(str(answer.get("checkpoint", "")), trust.keys)
    if kept is not None:
        if kept.origin != fresh.origin:
            raise Broken("The checkpoint is of another ledger than those kept here.")
        check_consistency(
            old=kept.size,
            new=fresh.size,
            old_root=kept.root,
            new_root=fresh.root,
            path=_decoded(answer.get("consistency")),
        )
    _keep_hashes(portal, home / HASHES, fresh)
    name = f"checkpoint-{fresh.size:012d}-{fresh.signed_at or 0}.txt"
    (home / name).write_text(fresh.note, "utf-8")
    return fresh


def _decoded(path: object) -> list[bytes]:
    try:
        return [base64.b64decode(each, validate=True) for each in path]  # type: ignore[attr-defined]
    except (TypeError, ValueError, binascii.Error):
        raise Unreadable("The portal's proof that its ledger only grew is not readable.") from None


def _keep_hashes(portal: Portal, path: Path, fresh: Checkpoint) -> None:
    """Fetch the hashes of the lines that are not kept yet, and keep them if they lead to the checkpoint."""
    hashes = bytearray(path.read_bytes()) if path.exists() else bytearray()
    del hashes[fresh.size * HASH :]
    while len(hashes) < fresh.size * HASH:
        start = len(hashes) // HASH
        (more,) = _decoded([portal.get(f"/ledger/machine/hashes/{start}/").get("hashes")])
        if not more or len(more) % HASH:
            raise Unreadable("The portal's hashes of lines are not readable.")
        hashes += more[: fresh.size * HASH - len(hashes)]
    tree = MerkleTree()
    for at in range(0, len(hashes), HASH):
        tree.add_leaf(bytes(hashes[at : at + HASH]))
    if tree.root() != fresh.root:
        raise Broken("The hashes of lines do not lead to the signed checkpoint.")
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(hashes)
    draft.replace(path)
