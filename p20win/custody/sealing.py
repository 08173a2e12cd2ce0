"""In the vault alone: checking what arrived, and sealing it into its container."""

import datetime as dt
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from p20win import clock, policy
from p20win.custody import places, scanning, statements, vault_keys
from p20win.custody.engine import age, keys, manifest, pieces, signing
from p20win.custody.engine.container import Binding, Seal, Sealer
from p20win.custody.engine.encoding import canonical
from p20win.custody.engine.errors import CustodyError, Unreadable, WrongKey
from p20win.custody.engine.files import EagerFile, Joined, sync_directory, write_new
from p20win.custody.engine.intake import IntakeCheck
from p20win.custody.engine.report import Report
from p20win.custody.engine.rules import TABLE, FileRule, from_spec
from p20win.custody.engine.streaming import new_key
from p20win.custody.engine.tables import TableCheck
from p20win.custody.engine.usedonce import Ids
from p20win.custody.engine.verify import MANIFEST_ENDING
from p20win.custody.models import SealedFile, Wrapping
from p20win.ids import uuid7

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation
    from p20win.projects.models import Project

Progress = Callable[[int, str], None]


class NotOpenable(CustodyError):
    """The file was refused, destroyed, or never accepted; there is nothing to open."""


class AnotherHash(CustodyError):
    """What arrived is not what the sender took the hash of."""


@dataclass(frozen=True)
class Sealed:
    """A container on the disk that no row knows yet."""

    blob: str
    key_version: int
    wrapped_key: bytes
    manifest: dict[str, Any]
    seal: Seal

    def fields(self) -> dict[str, Any]:
        """Return what the file's row keeps of it."""
        return {
            "blob": self.blob,
            "key_version": self.key_version,
            "wrapped_key": self.wrapped_key,
            "manifest": self.manifest,
            "plain_bytes": self.seal.plain_bytes,
        }


class Container:
    """A container being written: `update` with plaintext, then `finish` or `abandon`."""

    def __init__(
        self,
        *,
        file_id: uuid.UUID,
        project: "Project",
        owner: "Organisation",
        destination: "Organisation",
        data_class: str,
    ) -> None:
        """Open the container under a fresh key of its own."""
        store = vault_keys.private_keys().store
        version, kek = store.current_or_new(
            str(project.pk), str(owner.pk), created=clock.real_now().isoformat(timespec="seconds")
        )
        self._binding = Binding(
            file_id=str(file_id),
            project=str(project.pk),
            source=str(owner.pk),
            destination=str(destination.pk),
            data_class=data_class,
            key_version=version,
        )
        key = new_key()
        self._wrapped = keys.wrap(key, under=kek, context=self._binding.associated_data())
        # A name of its own for each attempt: a worker that lost its lease cannot replace the winner's file.
        self._name = f"{file_id.hex[-2:]}/{file_id}.{secrets.token_hex(4)}.p20"
        path = places.blob(self._name)
        places.make_room(path)
        self._file = EagerFile(path)
        self._sealer = Sealer(key, self._binding, self._file)

    def update(self, plain: bytes) -> None:
        """Seal the next plaintext."""
        self._sealer.update(plain)

    @cached_property
    def seal(self) -> Seal:
        """Seal the end, and return what the whole file came to."""
        return self._sealer.finish()

    def finish(self, *, at: dt.datetime, statement: dict[str, Any] | None = None) -> Sealed:
        """Close the container, sign its manifest, and make both durable."""
        seal = self.seal
        self._file.keep()
        document = manifest.manifest(self._binding, seal, created=at.isoformat(), statement_signed=statement)
        signed = signing.sign(
            document, key=vault_keys.private_keys().hub, role=signing.HUB, at=at.isoformat()
        )
        path = places.blob(self._name)
        write_new(manifest_path(path), canonical(signed))
        sync_directory(path.parent)
        return Sealed(self._name, self._binding.key_version, self._wrapped, signed, seal)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._sealer.abandon()
        self._file.close()
        remove_blob(self._name)


def manifest_path(path: Path) -> Path:
    """Return where a container's manifest lies: beside it."""
    return path.with_name(path.name + MANIFEST_ENDING)


def remove_blob(name: str) -> None:
    """Remove a container and its manifest."""
    path = places.blob(name)
    path.unlink(missing_ok=True)
    manifest_path(path).unlink(missing_ok=True)


def seal_chunks(
    chunks: Iterable[bytes],
    *,
    project: "Project",
    owner: "Organisation",
    destination: "Organisation",
    data_class: str,
    at: dt.datetime,
) -> tuple[uuid.UUID, Sealed]:
    """Seal something that the hub made; the caller writes its row."""
    file_id = uuid7()
    target = Container(
        file_id=file_id, project=project, owner=owner, destination=destination, data_class=data_class
    )
    try:
        for chunk in chunks:
            target.update(chunk)
        return file_id, target.finish(at=at)
    except BaseException:
        target.abandon()
        raise


def check_and_seal(
    file: SealedFile, *, at: dt.datetime, progress: Progress, used: Ids | None = None
) -> tuple[Report, Sealed | None]:
    """Open what arrived, scan it, check it, and seal it again in one pass; a refused file leaves nothing.

    :raises MustWait: if the malware scanner is away; the file is left as it arrived
    """
    with closing(scanning.Scanning()) as scan:
        return _check_and_seal(file, scan, used, at=at, progress=progress)


def _check_and_seal(
    file: SealedFile, scan: scanning.Scanning, used: Ids | None, *, at: dt.datetime, progress: Progress
) -> tuple[Report, Sealed | None]:
    slot = file.slot
    if slot is None:
        raise NotOpenable("This file did not arrive through a slot.")
    rule = from_spec(slot.spec, demo_ssn=settings.P20WIN_MODE in ("demo", "test"))
    target = Container(
        file_id=file.pk,
        project=file.project,
        owner=file.owner,
        destination=file.destination,
        data_class=file.data_class,
    )
    try:
        check, seen = _checker(rule, file, used), 0
        for chunk in _plain(file):
            scan.update(chunk)
            check.update(chunk)
            seen += len(chunk)
            target.update(chunk)
            progress(min(95, seen * 100 // max(file.received_bytes, 1)), "Checking and sealing the file.")
        report = check.finish()
        if 0 < rule.largest < seen:  # what a sender wrapped shows its size here
            report.add("size", hint=f"At most {rule.largest} bytes.")
        scan.finish(report)
        _compare_with_statement(file, target.seal.plain_sha256.hex(), seen, report)
        if not report.accepted:
            target.abandon()
            return report, None
        return report, target.finish(at=at, statement=file.statement)
    except CustodyError as problem:
        target.abandon()
        report = Report()
        report.add("damaged", hint=_what_to_do(file, problem))
        report.altered = "" if _is_the_senders(file, problem) else str(problem)
        return report, None
    except BaseException:
        target.abandon()
        raise


def _plain(file: SealedFile) -> Iterator[bytes]:
    """Take off what the sender wrapped around the file."""
    keeper, arrived = vault_keys.private_keys(), _arrived(file)
    if file.wrapping == Wrapping.SEALED:
        place = pieces.Place(str(file.slot_id), str(file.pk), 0)
        return pieces.open_piece(Joined(arrived), vault=keeper.vaults, place=place)
    if file.wrapping == Wrapping.AGE:
        return age.open_file(Joined(arrived), identity=keeper.ages)
    return arrived


def _arrived(file: SealedFile) -> Iterator[bytes]:
    """Give what came as it came; if its hash came along, it must be that one. :raises Broken: if it is not"""
    chunks, told = _opened(file), file.meta.get("sha256")
    return _with_hash(chunks, told) if told else chunks


def _opened(file: SealedFile) -> Iterator[bytes]:
    vault = vault_keys.private_keys().vaults
    for number, piece in enumerate(file.pieces):
        place = pieces.Place(str(file.slot_id), str(file.pk), number)
        with places.incoming(piece).open("rb") as source:
            yield from pieces.open_piece(source, vault=vault, place=place)


def _with_hash(chunks: Iterator[bytes], told: str) -> Iterator[bytes]:
    seen = hashlib.sha256()
    for chunk in chunks:
        seen.update(chunk)
        yield chunk
    if not hmac.compare_digest(seen.hexdigest(), told):
        raise AnotherHash("What arrived has another SHA-256 than the one that came with it.")


def _checker(rule: FileRule, file: SealedFile, used: Ids | None) -> IntakeCheck | TableCheck:
    if rule.kind == TABLE or file.slot is None:
        return TableCheck(file.name)
    smallest = max(policy.MIN_CELL_COUNT, int(file.slot.spec.get("min_cell_count", 0)))
    return IntakeCheck(rule, spill=places.spill(), smallest=smallest, used=used)


def _is_the_senders(file: SealedFile, problem: CustodyError) -> bool:
    """Say whether this comes of how it was sent, as far as can be told, and not of what befell it since."""
    not_for_us = file.wrapping == Wrapping.AGE and isinstance(problem, WrongKey | Unreadable)
    return not_for_us or isinstance(problem, AnotherHash)


def _what_to_do(file: SealedFile, problem: CustodyError) -> str:
    if file.wrapping == Wrapping.AGE and isinstance(problem, WrongKey):
        return "It is encrypted for another recipient. Take the one that the page of this file shows."
    if file.wrapping == Wrapping.AGE and isinstance(problem, Unreadable):
        return f"{problem} Encrypt it with “age -r”, in the binary form, and send it again."
    if isinstance(problem, AnotherHash):
        return f"{problem} Send the file and its hash again."
    return "It was altered or cut on its way. Send it again."


def _compare_with_statement(file: SealedFile, digest: str, size: int, report: Report) -> None:
    try:
        statements.expect_its_senders(file)
    except statements.Refused as refusal:
        report.add(refusal.rule, hint=" ".join(refusal.reasons))
        return
    if file.statement is None:
        if file.wrapping == Wrapping.PLAIN and size != file.received_bytes:  # the others show their own end
            report.add("damaged", hint="Not all of it is there. Send it again.")
        return
    document = file.statement.get("document", {})
    if (document.get("plain_sha256"), document.get("plain_bytes")) != (digest, size):
        report.add("statement_body", hint="Its hash or size is another. Sign and send it again.")


def signed_by_the_hub(document: dict[str, Any], *, at: dt.datetime) -> dict[str, Any]:
    """Sign a paper of the hub, such as the manifest of a delivery. In the vault alone."""
    return signing.sign(document, key=vault_keys.private_keys().hub, role=signing.HUB, at=at.isoformat())
