"""Taking a file in: sealed for the vault while it streams, forgotten by this process when done."""

import datetime as dt
import errno
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction

from p20win.accounts.public import hub
from p20win.audit.public import first_in_line
from p20win.custody import checks, lifecycle, places, room, vault_keys
from p20win.custody.comparing import digest_of
from p20win.custody.engine.files import EagerFile, sync_directory
from p20win.custody.engine.names import read_name
from p20win.custody.engine.pieces import PieceSealer, Place
from p20win.custody.engine.pipeline import Lane
from p20win.custody.models import FileStatus, SealedFile, UploadSlot, Wrapping
from p20win.ids import uuid7
from p20win.jobs import public as jobs
from p20win.refusal import Blocked
from p20win.workflow import create, take

if TYPE_CHECKING:
    from p20win.accounts.models import User

LARGEST = 1 << 40
_ENDINGS = (".csv", ".xlsx", ".docx", ".pptx", ".pdf", ".txt", ".tsv", ".tab")


class Reception:
    """One file on its way in: `write` what comes, then `keep` or `abandon`. Plaintext is never kept."""

    def __init__(
        self, slot: UploadSlot, *, by: "User", name: str, at: dt.datetime, expected: int = 0
    ) -> None:
        """Open the piece, for about as many bytes as are expected, if that is known.

        :raises Blocked: if this person cannot send a file of this name there now
        :raises NoRoom: if there is no room for it
        """
        self._wrapping = wrapping_of(name, is_sealed=False)
        if reasons := (
            checks.why_not_send(slot, by, at)
            or checks.why_not_named(slot, name)
            or checks.why_not_wrapped(slot, self._wrapping)
        ):
            raise Blocked(reasons)
        room.on_disk(int(room.FOR_EACH * expected))
        self._room = room.of(slot.supplier)
        self._room.expect(1)
        self.slot, self.by = slot, by
        self.file_id = uuid7()
        self._name = stored_name(slot, name)
        self._largest = int(slot.spec.get("largest") or LARGEST)
        place = Place(str(slot.pk), str(self.file_id), 0)
        self._piece = Piece(places.new_piece(self.file_id), place)
        self.received = 0

    def write(self, chunk: bytes) -> None:
        """Seal the next plaintext.

        :raises Blocked: if the file is larger than agreed
        :raises NoRoom: if there is no room for it
        """
        self.received += len(chunk)
        if self.received > self._largest:
            raise Blocked(f"The file is larger than agreed: at most {self._largest} bytes.")
        self._room.expect(self.received)
        self._piece.write(chunk)

    def keep(self, *, at: dt.datetime) -> SealedFile:
        """Finish the piece, write the file down and have the vault check it.

        :raises Blocked: if something changed meanwhile, such as another file having come first
        :raises NoRoom: if others took the room meanwhile
        """
        try:
            self._piece.keep()
            with transaction.atomic():
                room.claim(self.slot.supplier, self.received)
                return arrive(
                    self.slot,
                    file_id=self.file_id,
                    name=self._name,
                    received=self.received,
                    pieces=[self._piece.name],
                    wrapping=self._wrapping,
                    by=self.by,
                    at=at,
                )
        except BaseException:
            self.abandon()
            raise

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._piece.abandon()


@transaction.atomic
def arrive(
    slot: UploadSlot,
    *,
    file_id: uuid.UUID,
    name: str,
    received: int,
    pieces: list[str],
    wrapping: str,
    by: "User",
    at: dt.datetime,
) -> SealedFile:
    """Write down a file whose pieces lie sealed, and have the vault check it.

    :raises Blocked: if something changed meanwhile, such as another file having come first
    """
    slot = _locked(slot)
    if reasons := checks.why_not_send(slot, by, at):
        raise Blocked(reasons)
    row = SealedFile(
        pk=file_id,
        slot=slot,
        project_id=slot.project_id,
        owner_id=slot.supplier_id,
        destination=hub(),
        data_class=slot.data_class,
        name=name,
        status=FileStatus.ARRIVED,
        status_since=at,
        sent_by=by,
        received_at=at,
        received_bytes=received,
        pieces=pieces,
        wrapping=wrapping,
    )
    create("file.arrived", row, by=by, at=at, details=described(row))
    _ask_for_check(row)
    return row


def receive(
    chunks: Iterable[bytes], slot: UploadSlot, *, by: "User", name: str, at: dt.datetime
) -> SealedFile:
    """Take a whole file in.

    :raises Blocked: if this person cannot send this file there now
    """
    reception = Reception(slot, by=by, name=name, at=at)
    try:
        for chunk in chunks:
            reception.write(chunk)
    except BaseException:
        reception.abandon()
        raise
    return reception.keep(at=at)


@transaction.atomic
def announced_arrive(
    file: SealedFile, *, received: int, pieces: list[str], by: "User", at: dt.datetime, sha256: str = ""
) -> SealedFile:
    """Write down that a file which a machine announced is all there, and have the vault check it.

    What came must have this hash, if one is given.

    :raises Blocked: if something changed meanwhile, such as another file having come first
    """
    if file.slot is None:
        raise Blocked("This file was never announced.")
    slot = _locked(file.slot)
    if reasons := checks.why_not_send(slot, by, at):
        raise Blocked(reasons)
    file.received_bytes = received
    file = take(
        lifecycle.ARRIVE,
        file,
        by=by,
        at=at,
        details=described(file),
        received_at=at,
        received_bytes=received,
        pieces=pieces,
        meta=file.meta | ({"sha256": sha256} if sha256 else {}),
    )
    _ask_for_check(file)
    return file


def wrapping_of(name: str, *, is_sealed: bool) -> Wrapping:
    """Return how a file of this name comes; that it was sealed for the vault its sender says."""
    if is_sealed:
        return Wrapping.SEALED
    return Wrapping.AGE if name.casefold().endswith(checks.AGE_ENDING) else Wrapping.PLAIN


def stored_name(slot: UploadSlot, name: str) -> str:
    """Return the name a file is remembered by: its own if it follows the scheme, else a generic one."""
    name = checks.bare_name(name)
    if read_name(name):
        return name
    ending = os.path.splitext(name)[1].casefold()
    return f"{slot.data_class}{ending if ending in _ENDINGS else ''}"


def described(file: SealedFile) -> dict[str, Any]:
    """Return what the log of files must say (O-64): from, to, kind, request, destruction date, elements.

    The vault compares it every hour with what the row says: see `comparing`.
    """
    slot = file.slot
    return {
        "name": file.name,
        "sent_by": str(file.sent_by_id),
        "columns": digest_of(file.columns),
        "from": file.owner.slug,
        "to": file.destination.slug,
        "class": file.data_class,
        "request": file.project.number,
        "destroy_by": slot.destroy_by.isoformat() if slot and slot.destroy_by else None,
        "elements": [column["name"] for column in slot.spec.get("columns", ())]
        if slot
        else list(file.columns),
        "bytes": file.plain_bytes if file.plain_bytes is not None else file.received_bytes,
    }


def _locked(slot: UploadSlot) -> UploadSlot:
    first_in_line()
    return (
        UploadSlot.objects.select_for_update(of=("self",))
        .select_related("project", "supplier")
        .get(pk=slot.pk)
    )


def _ask_for_check(file: SealedFile) -> None:
    jobs.after_commit(
        "custody.check_file", project_id=file.project_id, asked_by_id=file.sent_by_id, file_id=file.pk
    )


@contextmanager
def _full_is_said() -> Iterator[None]:
    try:
        yield
    except OSError as trouble:
        if trouble.errno in (errno.ENOSPC, errno.EDQUOT):
            raise room.NoRoom from trouble
        raise


class Piece:
    """A piece on its way to the disk: sealed and written beside the reading, in the order it came."""

    def __init__(self, name: str, place: Place) -> None:
        """Open a new piece for this place."""
        path = places.incoming(name)
        places.make_room(path)
        self.name = name
        self._file = EagerFile(path)
        self._sealer = PieceSealer(vault_keys.vault_public(), place)
        self._sealing: Lane[bytes] = Lane()
        self._writing: Lane[None] = Lane()

    def write(self, chunk: bytes) -> None:
        """Seal the next plaintext. :raises NoRoom: if the disk is full"""
        with _full_is_said():
            for sealed in self._sealing.put(partial(self._sealer.update, chunk)):
                self._write(sealed)

    def keep(self) -> None:
        """Finish the piece and wait until the disk has all of it. :raises NoRoom: if the disk is full"""
        with _full_is_said():
            for sealed in self._sealing.rest():
                self._write(sealed)
            self._write(self._sealer.finish())
            for _ in self._writing.rest():
                pass
            make_durable(self._file)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._sealing.drop()
        self._writing.drop()
        self._file.close()
        places.erase_pieces([self.name])

    def _write(self, sealed: bytes) -> None:
        for _ in self._writing.put(partial(self._file.write, sealed)):
            pass


def make_durable(file: EagerFile) -> None:
    """Wait until the disk has all of a piece, and close it."""
    file.keep()
    sync_directory(places.incoming("x").parent)
