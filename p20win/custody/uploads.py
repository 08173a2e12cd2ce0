"""Uploads that can be resumed: begun, continued from where they stopped, ended.

Each piece is sealed for the vault while it arrives and counts once it lies on the disk; what a cut connection
delivered is kept. Two senders at once cannot harm each other: only the one who continues at the present end
is believed.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import F, Q

from p20win.accounts.public import system_user
from p20win.audit.public import first_in_line
from p20win.custody import checks, lifecycle, places, room
from p20win.custody.engine.pieces import Place
from p20win.custody.models import (
    FileStatus,
    SealedFile,
    SlotStatus,
    Upload,
    UploadSlot,
    UploadTicket,
    Wrapping,
)
from p20win.custody.reception import (
    LARGEST,
    Piece,
    announced_arrive,
    arrive,
    stored_name,
    wrapping_of,
)
from p20win.refusal import Blocked
from p20win.workflow import take

if TYPE_CHECKING:
    from p20win.accounts.models import User

KEPT_FOR: Final = dt.timedelta(days=2)  # an upload that nobody continues
PIECE: Final = 64 << 20  # bytes after which what came counts, should this process be killed


class Conflict(Exception):
    """The upload does not stand where the sender thinks; its present offset tells."""


class Damaged(Exception):
    """A part is not as its sender signed it. Nothing of that part was kept; it can be sent again."""


def begin(
    slot: UploadSlot,
    *,
    name: str,
    length: int,
    by: "User",
    at: dt.datetime,
    now: dt.datetime,
    is_sealed: bool = False,
    ticket: UploadTicket | None = None,
) -> Upload:
    """Begin an upload. What the same person began before for the same slot is given up.

    `at` is the portal's time, by which the slot is open; `now` the real one, by which the upload lapses.

    :raises Blocked: if this person cannot send a file of this name and size there now
    :raises NoRoom: if the disk could not hold it, or it is more than its organisation may keep here
    """
    wrapping = wrapping_of(name, is_sealed=is_sealed)
    if reasons := (
        checks.why_not_send(slot, by, at)
        or checks.why_not_named(slot, name)
        or checks.why_not_wrapped(slot, wrapping)
    ):
        raise Blocked(reasons)
    _make_room(slot, length, wrapping)
    row = Upload(slot=slot, sent_by=by, name=stored_name(slot, name), wrapping=wrapping, ticket=ticket)
    return _put_down(row, length, at=at, now=now)


def begin_announced(
    file: SealedFile, slot: UploadSlot, *, length: int, at: dt.datetime, now: dt.datetime
) -> Upload:
    """Begin the upload of a file that an agency's machine announced and sealed; its id is the file's.

    :raises Blocked: if it is larger than agreed
    :raises NoRoom: if the disk could not hold it, or it is more than its organisation may keep here
    """
    _make_room(slot, length, Wrapping.SEALED)
    return _put_down(_of(file, slot), length, at=at, now=now)


def begin_unmeasured(file: SealedFile, slot: UploadSlot, *, at: dt.datetime, now: dt.datetime) -> Upload:
    """Begin the upload of an announced file whose sender does not say how long it is; its id is the file's.

    It may be as long as agreed; `measure` tells its length when the sender says that it is whole. Until then
    each piece takes of its organisation's room what it needs.

    :raises NoRoom: if the disk is too full, or nothing is left of what its organisation may keep here
    """
    make_room_for_piece(0)
    row = _of(file, slot)
    row.is_measured = False
    return _put_down(row, _longest(slot, file.wrapping), at=at, now=now)


def measure(upload: Upload) -> Upload:
    """Let what is there be all of it.

    :raises Blocked: if nothing is there
    :raises Conflict: if somebody continued it meanwhile
    """
    if not upload.offset:
        raise Blocked("The file is empty.")
    same = Upload.objects.filter(pk=upload.pk, offset=upload.offset, pieces=upload.pieces)
    if not same.update(length=upload.offset, is_measured=True):
        raise Conflict
    upload.length, upload.is_measured = upload.offset, True
    return upload


def _of(file: SealedFile, slot: UploadSlot) -> Upload:
    return Upload(pk=file.pk, slot=slot, sent_by=file.sent_by, name=file.name, wrapping=file.wrapping)


@transaction.atomic
def _put_down(row: Upload, length: int, *, at: dt.datetime, now: dt.datetime) -> Upload:
    """Begin an upload in the room of its organisation; what its sender began before for the slot goes."""
    first_in_line()
    for earlier in row.slot.uploads.filter(sent_by=row.sent_by):
        if earlier.pk == row.pk:
            leave_nothing(earlier)  # the file is sent anew
        else:
            give_up(earlier, by=row.sent_by, at=at)
    room.claim(row.slot.supplier, length if row.is_measured else 1)
    row.length, row.begun_at, row.expires_at = length, now, now + KEPT_FOR
    row.save(force_insert=True)
    return row


def _make_room(slot: UploadSlot, length: int, wrapping: str) -> None:
    if not 0 < length <= _longest(slot, wrapping):
        raise Blocked(f"The file is empty, or larger than agreed: at most {_agreed(slot)} bytes.")
    room.on_disk(int(room.FOR_EACH * length))


def make_room_for_piece(offset: int) -> None:
    """Make sure that the disk can hold one more piece, and the container of all that there is then.

    :raises NoRoom: if it cannot
    """
    room.on_disk(int(room.FOR_EACH * (offset + PIECE)) - offset)


def _agreed(slot: UploadSlot) -> int:
    return int(slot.spec.get("largest") or LARGEST)


def _longest(slot: UploadSlot, wrapping: str) -> int:
    largest = _agreed(slot)
    return largest if wrapping == Wrapping.PLAIN else largest + largest // 1000 + 4096  # heads and tags


def append(
    upload: Upload, chunks: Iterable[bytes], *, offset: int, at: dt.datetime, now: dt.datetime
) -> Upload:
    """Take in what comes, from this offset on, and keep also what came before a connection was cut.

    :raises Conflict: if the upload does not end at this offset, or somebody continued it meanwhile
    :raises Blocked: if the sender may no longer send, or sends more than was announced
    """
    if upload.offset != offset:
        raise Conflict
    rest = iter(chunks)
    while not upload.expires_at <= now:
        if reasons := why_not_continue(upload, at=at, now=now):
            raise Blocked(reasons)
        before = upload.offset
        if not _take_piece(upload, rest, now=now):
            return upload
        if upload.offset == before:
            return upload
    raise Blocked("This upload has lapsed. Begin again.")


def why_not_continue(upload: Upload, *, at: dt.datetime, now: dt.datetime) -> list[str]:
    """Say why the sender of an upload may not go on."""
    reasons = checks.why_not_send(upload.slot, upload.sent_by, at)
    if not reasons and upload.ticket_id:
        reasons = checks.why_not_ticket(UploadTicket.objects.get(pk=upload.ticket_id), now)
    return reasons or checks.why_not_wrapped(upload.slot, upload.wrapping)


class NextPiece:
    """The next piece of an upload: `write` what comes, then `keep` or `abandon`."""

    def __init__(self, upload: Upload) -> None:
        """Open it, where the upload ends."""
        self._upload, self.taken = upload, 0
        place = Place(str(upload.slot_id), str(upload.pk), len(upload.pieces))
        self._piece = Piece(places.new_piece(upload.pk), place)

    @property
    def is_full(self) -> bool:
        """Say whether it should be kept now, and another begun."""
        return self.taken >= PIECE

    def write(self, chunk: bytes) -> None:
        """Seal the next plaintext. :raises Blocked: if more comes than was announced, or the disk is full"""
        self.taken += len(chunk)
        if self._upload.offset + self.taken > self._upload.length:
            raise Blocked("More arrived than was announced. Begin again.")
        self._piece.write(chunk)

    def keep(self, *, now: dt.datetime) -> None:
        """Let what came count, if anything did.

        :raises Conflict: if somebody continued it meanwhile
        :raises NoRoom: if its length was not announced, and its organisation may keep no more here
        """
        if not self.taken:
            self._piece.abandon()
            return
        self._piece.keep()
        _advance(self._upload, self._piece.name, self.taken, now=now)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._piece.abandon()


def _take_piece(upload: Upload, chunks: Iterator[bytes], *, now: dt.datetime) -> bool:
    """Seal one piece; say whether more may come."""
    piece, cut = NextPiece(upload), False
    try:
        try:
            for chunk in chunks:
                piece.write(chunk)
                if piece.is_full:
                    break
        except (ConnectionError, EOFError, ValueError):  # the sender is gone; what came is whole
            cut = True
        piece.keep(now=now)
    except BaseException:
        piece.abandon()
        raise
    return piece.is_full and not cut


@transaction.atomic
def _advance(upload: Upload, piece: str, taken: int, *, now: dt.datetime) -> None:
    """Let a piece count, if the upload still ends where it began.

    :raises Conflict: if it does not
    :raises NoRoom: if there is no room that was not claimed when the upload began
    """
    if not upload.is_measured:
        room.claim(upload.slot.supplier, taken)
    pieces, expires = [*upload.pieces, piece], now + KEPT_FOR
    moved = Upload.objects.filter(pk=upload.pk, offset=upload.offset, pieces=upload.pieces).update(
        offset=F("offset") + taken, pieces=pieces, expires_at=expires
    )
    if not moved:
        raise Conflict
    upload.offset, upload.pieces, upload.expires_at = upload.offset + taken, pieces, expires


def complete(upload: Upload, *, at: dt.datetime, sha256: str = "") -> SealedFile:
    """Make a file of an upload that is all there, and have the vault check it, with the hash that came along.

    :raises Blocked: if something changed meanwhile, such as another file having come first
    :raises Conflict: if the upload was given up meanwhile, or went on
    """
    try:
        return _complete(upload, at=at, sha256=sha256)
    except Blocked:
        give_up(upload, by=system_user(), at=at)
        raise


@transaction.atomic
def _complete(upload: Upload, *, at: dt.datetime, sha256: str) -> SealedFile:
    first_in_line()
    row = _locked(upload)
    if row is None or row.pieces != upload.pieces:
        raise Conflict
    received = {"received": upload.length, "pieces": upload.pieces, "by": upload.sent_by, "at": at}
    if announced := SealedFile.objects.filter(pk=upload.pk).first():
        file = announced_arrive(announced, sha256=sha256, **received)
    else:
        file = arrive(upload.slot, file_id=upload.pk, name=upload.name, wrapping=upload.wrapping, **received)
    row.delete()
    return file


@transaction.atomic
def give_up(upload: Upload, *, by: "User", at: dt.datetime) -> None:
    """Leave nothing of an upload; the file that was announced for it does not come any more."""
    first_in_line()
    announced = SealedFile.objects.filter(pk=upload.pk, status=FileStatus.ANNOUNCED).first()
    if announced is not None:
        take(lifecycle.GIVE_UP, announced, by=by, at=at)
    leave_nothing(upload)


def leave_nothing(upload: Upload) -> None:
    """Delete an upload and, once that is certain, the sealed pieces of it.

    If it is gone it became a file meanwhile, whose pieces these are now, or somebody else gave it up.
    """
    with transaction.atomic():
        row = _locked(upload)
        if row is not None:
            row.delete()
            transaction.on_commit(lambda: places.erase_pieces(row.pieces))


def _locked(upload: Upload) -> Upload | None:
    return Upload.objects.select_for_update().filter(pk=upload.pk).first()


def give_up_all(slot: UploadSlot, *, at: dt.datetime) -> None:
    """Leave nothing of what was on its way to a slot that takes nothing any more."""
    for upload in slot.uploads.all():
        give_up(upload, by=system_user(), at=at)


def lapse(*, at: dt.datetime, now: dt.datetime) -> int:
    """Give up the uploads that nobody continued, or whose slot takes nothing any more, and say how many.

    `at` is the portal's time, by which slots close; `now` the real one, by which uploads lapse.
    """
    is_over = ~Q(slot__status=SlotStatus.OPEN) | Q(slot__closes_at__lte=at)
    lapsed = list(Upload.objects.filter(Q(expires_at__lte=now) | is_over))
    for upload in lapsed:
        give_up(upload, by=system_user(), at=at)
    return len(lapsed)


def unfinished(slot: UploadSlot, by: "User", pk: uuid.UUID | None = None) -> Upload | None:
    """Return the upload that this person began for this slot and can continue."""
    rows = slot.uploads.filter(sent_by=by).select_related("slot__project", "slot__supplier", "sent_by")
    return (rows.filter(pk=pk) if pk else rows).first()
