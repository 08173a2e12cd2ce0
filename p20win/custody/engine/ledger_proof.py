"""The proof that one line is in the ledger: the line, its way up the tree, and a signed checkpoint."""

import base64
import binascii
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from p20win.custody.engine.errors import Broken, Unreadable
from p20win.custody.engine.merkle import leaf_hash
from p20win.custody.engine.notes import Checkpoint, read_checkpoint, verify_checkpoint
from p20win.custody.engine.proofs import root_by_inclusion

FORMAT = "p20win/ledger-proof/1"
_FIELDS = {"format", "line", "index", "path", "checkpoint"}
_LONGEST = 64


@dataclass(frozen=True)
class Proven:
    """A line that is in the ledger."""

    seq: int
    line: list[Any]
    checkpoint: Checkpoint


def make(*, canonical: str, index: int, path: Sequence[bytes], note: str) -> dict[str, Any]:
    """This will write a proof down as a document."""
    spelt = [base64.b64encode(each).decode() for each in path]
    return {"format": FORMAT, "line": canonical, "index": index, "path": spelt, "checkpoint": note}


def verify(document: dict[str, Any], keys: Collection[str] | None) -> Proven:
    """This will check a proof; without keys, whose checkpoint it is stays unchecked.

    :raises Unreadable: if it is none
    :raises Broken: if it does not lead to the root that was signed, or no key of these signed it
    """
    canonical, index, note = document.get("line"), document.get("index"), document.get("checkpoint")
    if document.get("format") != FORMAT or set(document) != _FIELDS:
        raise Unreadable("This is not a proof of a line of the ledger.")
    if not isinstance(canonical, str) or type(index) is not int or not isinstance(note, str):
        raise Unreadable("This is not a proof of a line of the ledger.")
    path = _path(document["path"])
    checkpoint = read_checkpoint(note) if keys is None else verify_checkpoint(note, keys)
    root = root_by_inclusion(leaf_hash(canonical.encode()), index=index, size=checkpoint.size, path=path)
    if root != checkpoint.root:
        raise Broken(
            "The line is not in the ledger that the checkpoint was signed for, or not as it stands here."
        )
    line = _line(canonical)
    if line[0] != index + 1:
        raise Broken("The line's number is not its place in the ledger.")
    return Proven(index + 1, line, checkpoint)


def _path(spelt: object) -> list[bytes]:
    if not isinstance(spelt, list) or len(spelt) > _LONGEST:
        raise Unreadable("The proof's way up the tree is not readable.")
    try:
        path = [base64.b64decode(each, validate=True) for each in spelt]
    except (binascii.Error, ValueError, TypeError):
        raise Unreadable("The proof's way up the tree is not readable.") from None
    if any(len(each) != len(leaf_hash(b"")) for each in path):
        raise Unreadable("The proof's way up the tree is not readable.")
    return path


def _line(canonical: str) -> list[Any]:
    try:
        line = json.loads(canonical)
    except ValueError:
        line = None
    if not isinstance(line, list) or len(line) != 11:
        raise Unreadable("The line in the proof is not readable.")
    return line
