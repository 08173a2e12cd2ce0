"""Tells what kind of file lies before it, and whether it is what it claims to be."""

import datetime as dt
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from p20win.custody.engine import (
    agencykeys,
    certificate,
    container,
    ledger,
    ledger_proof,
    manifest,
    notes,
    signing,
)
from p20win.custody.engine.encoding import parse
from p20win.custody.engine.errors import Broken, CustodyError, Unreadable
from p20win.custody.engine.streaming import HEADER_SIZE
from p20win.custody.engine.trust import Trust

VALID, BROKEN, UNKNOWN = "valid", "broken", "unknown"
MANIFEST_ENDING = ".manifest.json"
_LARGEST_DOCUMENT = 4 << 20
_SHOWN = (
    "file_id",
    "project_number",
    "source",
    "source_shown_by",
    "destination",
    "rows",
    "plain_bytes",
    "plain_sha256",
    "accepted",
)


@dataclass(frozen=True)
class Verdict:
    """What a file is, whether it holds, and what was seen."""

    kind: str
    state: str
    says: str
    details: dict[str, Any] = field(default_factory=dict)


def verify_file(path: Path, trust: Trust | None = None, proofs: Sequence[Path] = ()) -> Verdict:
    """This will tell a file's kind and check it; it raises nothing but what the disk raises.

    `proofs` are proofs from the ledger that belong to a certificate, besides those it carries.
    """
    with path.open("rb") as file:
        start = file.read(1024)
    kind = _kind_of(start, path)
    try:
        if kind == "document":
            says, details = _document(path, trust, proofs)
        elif proofs:
            raise Unreadable("Proofs from the ledger belong to a certificate, and this is none.")
        else:
            says, details = _CHECKS[kind](path, trust)
    except Unreadable as problem:
        return Verdict(kind, UNKNOWN, str(problem))
    except CustodyError as problem:
        return Verdict(kind, BROKEN, str(problem))
    return Verdict(str(details.pop("kind", kind)), VALID, says, details)


def _kind_of(start: bytes, path: Path) -> str:
    if start.startswith(b"%PDF-"):
        return "document"
    if start[:1] == bytes([HEADER_SIZE]) and _manifest_of(path).exists():
        return "sealed file"
    first_line = start.split(b"\n", 1)[0]
    if f'"{ledger.LEDGER_FORMAT}"'.encode() in first_line:
        return "ledger"
    if f'"{ledger_proof.FORMAT}"'.encode() in start:
        return "proof from the ledger"
    if notes.looks_like_checkpoint(start.decode("utf-8", "replace")):
        return "checkpoint"
    return "signed paper" if start.lstrip()[:1] == b"{" else "unknown"


def _manifest_of(path: Path) -> Path:
    return path.with_name(path.name + MANIFEST_ENDING)


def _document(path: Path, trust: Trust | None, proofs: Sequence[Path]) -> tuple[str, dict[str, Any]]:
    from p20win.custody.engine.documents import verify_document  # slow to load, and not needed for the rest

    with path.open("rb") as file:
        found = verify_document(file, trust)
    details = {
        "kind": found.kind,
        "seals": found.seals,
        "sealed_by": found.sealed_by,
        "sealed_at": found.sealed_at,
        "trusted": found.trusted,
    }
    said = found.attached.get(certificate.NAME)
    if said is None:
        if proofs:
            raise Unreadable("This document names no line of the ledger for programs to read.")
        return "The document is as it was when it was sealed.", details
    carried = [content for name, content in found.attached.items() if name.startswith(certificate.PROOFS)]
    keys = trust.keys if trust and trust.keys else None
    lines = certificate.check(said, [*carried, *map(_small, proofs)], keys)
    return _said_of_lines(lines), details | _told_of_lines(lines, trusted=keys is not None)


def _said_of_lines(lines: certificate.ProvenLines) -> str:
    sealed = "The document is as it was when it was sealed"
    if lines.unproven:
        return f"{sealed}. Not every line of the ledger that it names was proven; give the rest with --proof."
    return f"{sealed}, and every line of the ledger that it names is proven."


def _told_of_lines(lines: certificate.ProvenLines, *, trusted: bool) -> dict[str, Any]:
    checkpoint = lines.checkpoint
    return {
        "ledger_lines_proven": lines.proven,
        "ledger_lines_unproven": lines.unproven,
        "checkpoint_size": checkpoint.size if checkpoint else None,
        "checkpoint_time": _time(checkpoint) if checkpoint else None,
        "checkpoint_trusted": True if checkpoint and trusted else None,
    }


def _sealed_file(path: Path, trust: Trust | None) -> tuple[str, dict[str, Any]]:
    document, signers = _read_signed(_manifest_of(path))
    binding, root, size = manifest.read_manifest(document)
    trusted = _trusted(signers, trust, role=signing.HUB)
    with path.open("rb") as file:
        container.verify(file, root=root, sealed_bytes=size)
    judged = _check_inner(document.get("statement"), signers, trust)
    details = {
        "file_id": binding.file_id,
        "data_class": binding.data_class,
        "sealed_bytes": size,
        "signed_by": [signer.role for signer in signers],
        **judged,
        "trusted": trusted,
    }
    return "The sealed file is the one its manifest was signed for.", details


def _paper(path: Path, trust: Trust | None) -> tuple[str, dict[str, Any]]:
    document, signers = _read_signed(path)
    form = document.get("format")
    kinds: dict[Any, tuple[str, str]] = {
        manifest.RECEIPT_FORMAT: ("receipt", signing.HUB),
        manifest.MANIFEST_FORMAT: ("manifest", signing.HUB),
        manifest.STATEMENT_FORMAT: ("statement", signing.SOURCE),
        manifest.DELIVERY_FORMAT: ("manifest of a delivery", signing.HUB),
    }
    if form not in kinds:
        raise Unreadable("This is a signed document, but of no kind known here.")
    kind, role = kinds[form]
    is_statement = form == manifest.STATEMENT_FORMAT
    judged = _check_inner(parse(_small(path)) if is_statement else document.get("statement"), signers, trust)
    # a statement judged by the list of agencies' keys needs no key of its agency among those trusted
    trusted = True if is_statement and judged else _trusted(signers, trust, role=role)
    shown = {name: document[name] for name in _SHOWN if name in document}
    signed_by = [signer.role for signer in signers]
    details = {"kind": kind, **shown, "signed_by": signed_by, **judged, "trusted": trusted}
    return f"The {kind} is as it was when it was signed.", details


def _ledger(path: Path, trust: Trust | None) -> tuple[str, dict[str, Any]]:
    with path.open("rb") as file:
        found = ledger.verify_export(line for line in file if line.strip())
    trusted = _trusted(found.signers, trust, role=signing.HUB)
    details = {"lines": found.lines, "last": found.last_seq, "head": found.head, "trusted": trusted}
    return "Every line of the ledger is as it was written, and none is missing between them.", details


def _proof(path: Path, trust: Trust | None) -> tuple[str, dict[str, Any]]:
    found = ledger_proof.verify(parse(_small(path)), _keys(trust))
    event, subject_type, subject_id = found.line[1:4]
    details = {
        "line": found.seq,
        "event": event,
        "about": f"{subject_type} {subject_id}",
        "at": found.line[7],
        "recorded_at": found.line[8],
        "checkpoint_size": found.checkpoint.size,
        "checkpoint_time": _time(found.checkpoint),
        "content": json.dumps(found.line, ensure_ascii=False),
        "trusted": found.checkpoint.trusted or None,
    }
    return "The line is in the ledger that the checkpoint was signed for, word for word.", details


def _checkpoint(path: Path, trust: Trust | None) -> tuple[str, dict[str, Any]]:
    note, keys = _small(path).decode("utf-8", "replace"), _keys(trust)
    found = notes.read_checkpoint(note) if keys is None else notes.verify_checkpoint(note, keys)
    details = {
        "ledger": found.origin,
        "lines": found.size,
        "root": found.root.hex(),
        "time": _time(found),
        "trusted": found.trusted or None,
    }
    said = "signed by a key you trust" if found.trusted else "in the form of one"
    return f"The checkpoint is {said}.", details


def _time(checkpoint: notes.Checkpoint) -> str | None:
    if checkpoint.signed_at is None:
        return None
    return dt.datetime.fromtimestamp(checkpoint.signed_at, dt.UTC).isoformat()


def _keys(trust: Trust | None) -> Collection[str] | None:
    if trust is not None and not trust.keys:
        raise Broken("The trust file holds no Ed25519 key to check this signature with.")
    return trust.keys if trust else None


def _unknown(path: Path, trust: Trust | None) -> tuple[str, dict[str, Any]]:
    raise Unreadable(
        "This is no kind of file known here. A sealed file needs its manifest beside it, "
        f"under the same name with “{MANIFEST_ENDING}” added."
    )


_CHECKS: dict[str, Callable[[Path, Trust | None], tuple[str, dict[str, Any]]]] = {
    "sealed file": _sealed_file,
    "signed paper": _paper,
    "ledger": _ledger,
    "proof from the ledger": _proof,
    "checkpoint": _checkpoint,
    "unknown": _unknown,
}


def _read_signed(path: Path) -> tuple[dict[str, Any], list[signing.Signer]]:
    return signing.verify(parse(_small(path)))


def _small(path: Path) -> bytes:
    if path.stat().st_size > _LARGEST_DOCUMENT:
        raise Unreadable("This document is too large to be a signed one.")
    return path.read_bytes()


def _check_inner(signed: Any, outer: Sequence[signing.Signer], trust: Trust | None) -> dict[str, Any]:
    """A sender's statement inside a receipt or manifest must hold by itself, too; say what its key was worth.

    :raises Broken: if it does not, or the key was not its agency's or not valid at that time
    :raises Unreadable: if that cannot be told
    """
    if signed is None:
        return {}
    if not isinstance(signed, dict):
        raise Unreadable("The sender's statement is not readable.")
    document, signers = signing.verify(signed)
    manifest.check_statement(document)
    if trust is None or trust.agencies is None:
        return {}
    source = next((signer for signer in signers if signer.role == signing.SOURCE), None)
    if source is None:
        raise Broken("The sender's statement carries no signature of a source.")
    vouching = (s.at for s in (*signers, *outer) if s.role == signing.HUB and s.key in trust.keys)
    judged = trust.agencies.judge(source, source=document["source"], hub_at=next(vouching, None))
    if judged.state in agencykeys.UNDECIDED:
        raise Unreadable(judged.says)
    if judged.state not in agencykeys.HOLDS:
        raise Broken(judged.says)
    return {
        "source_key": agencykeys.mark_of(source.key),
        "source_key_of": judged.name,
        "source_signature": judged.says,
        "source_signed_at": judged.at,
        "agency_keys_as_of": trust.agencies.made,
    }


def _trusted(signers: list[signing.Signer], trust: Trust | None, *, role: str) -> bool | None:
    keys = _keys(trust)
    if keys is None or (trust is not None and trust.of_hub_alone and role != signing.HUB):
        return None
    signing.expect(signers, role=role, keys=keys)
    return True
