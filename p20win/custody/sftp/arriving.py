"""A file on its way in by SFTP: announced in the name of the key that sends it, continued, handed over.

It goes through the acts of every other way in. Its sender does not say beforehand how long it is, and closes
a file also when something went wrong at their end; so what came counts as whole only once its hash came, too.
"""

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import QuerySet

from p20win import clock
from p20win.accounts.public import hub
from p20win.custody import checks, uploads
from p20win.custody.models import FileStatus, SealedFile, Upload, UploadSlot
from p20win.custody.reception import stored_name, wrapping_of
from p20win.custody.sftp.names import LONGEST_SUM, REPORT, SUM, read_sum
from p20win.custody.sftp.protocol import FAILURE, PERMISSION_DENIED, Entry, Refused
from p20win.refusal import Blocked
from p20win.workflow import create

if TYPE_CHECKING:
    from p20win.accounts.models import SigningKey

BLOCK: Final = 1 << 20  # what is sealed at a time
_ELSEWHERE: Final = (
    "Another connection began or continued this file. See how far it is, and go on from there."
)
_NOT_KEPT: Final = "What came last was not kept. See how far the file is, and go on from there."
_WRITE_ONLY: Final = "What was sent cannot be read here."


def unfinished(slot: UploadSlot, *, key: "SigningKey", name: str) -> Upload | None:
    """Return what this key began to send to this slot under this name, and can continue."""
    rows = slot.uploads.filter(pk__in=_announced(slot, key, name).values("pk"))
    return rows.select_related("slot__project", "slot__supplier", "sent_by").first()


def _announced(slot: UploadSlot, key: "SigningKey", name: str) -> QuerySet[SealedFile]:
    return SealedFile.objects.filter(
        slot=slot,
        signing_key=key,
        status=FileStatus.ANNOUNCED,
        statement__isnull=True,
        name=stored_name(slot, name),
        wrapping=wrapping_of(name, is_sealed=False),
    )


@transaction.atomic
def begin(slot: UploadSlot, *, key: "SigningKey", name: str, at: dt.datetime, now: dt.datetime) -> Upload:
    """Write down that this key sends a file of this name, and begin it, anew if it was begun before.

    :raises Blocked: if its sender cannot send a file of this name there now
    :raises NoRoom: if the disk is too full
    """
    person, wrapping = key.enrolled_by, wrapping_of(name, is_sealed=False)
    if reasons := (
        checks.why_not_send(slot, person, at)
        or checks.why_not_named(slot, name)
        or checks.why_not_wrapped(slot, wrapping)
    ):
        raise Blocked(reasons)
    file = _announced(slot, key, name).first()
    if file is None:
        row = SealedFile(
            slot=slot,
            project=slot.project,
            owner=slot.supplier,
            destination=hub(),
            data_class=slot.data_class,
            name=stored_name(slot, name),
            status=FileStatus.ANNOUNCED,
            status_since=at,
            sent_by=person,
            signing_key=key,
            wrapping=wrapping,
        )
        told = {"key": key.fingerprint, "by": "sftp"}
        file = create("file.announced", row, by=person, at=at, details=told)
    return uploads.begin_unmeasured(file, slot, at=at, now=now)


def hand_over(slot: UploadSlot, *, key: "SigningKey", name: str, sha256: str, at: dt.datetime) -> SealedFile:
    """Let what came be the whole file, and have the vault check it against its hash.

    :raises Blocked: if nothing came, or something changed meanwhile, such as another file having come first
    """
    upload = unfinished(slot, key=key, name=name)
    if upload is None:
        raise Blocked("Send the file first, and its hash when all of it is there.")
    try:
        return uploads.complete(uploads.measure(upload), at=at, sha256=sha256)
    except uploads.Conflict:
        raise Blocked(_ELSEWHERE) from None


class Arriving:
    """A file that is open for sending: what comes must follow what is there."""

    def __init__(self, upload: Upload, *, name: str, still: Callable[[], object]) -> None:
        """Go on where the upload ends; `still` refuses when the key opens nothing any more."""
        self.upload, self._name, self._still = upload, name, still
        self._block = bytearray()
        self._piece: uploads.NextPiece | None = None
        self._refusal: Blocked | None = None

    @property
    def _end(self) -> int:
        return self.upload.offset + (self._piece.taken if self._piece else 0) + len(self._block)

    def entry(self) -> Entry:
        """Say how far it is."""
        return Entry(self._name, is_folder=False, size=self._end, mode=0o200)

    def read(self, offset: int, size: int) -> bytes:
        """Refuse. :raises Refused: always"""
        raise Refused(PERMISSION_DENIED, _WRITE_ONLY)

    def write(self, offset: int, content: bytes) -> None:
        """Take what follows.

        :raises Refused: if it follows something else
        :raises Blocked: if the sender may not go on, sends more than agreed, or the disk is full
        """
        if self._refusal:
            raise self._refusal
        if offset != self._end:
            raise Refused(FAILURE, f"Send in order: {self._end} bytes are here. Go on from there.")
        if offset + len(content) > self.upload.length:
            self.drop()
            self._refusal = Blocked(f"The file is larger than agreed: at most {self.upload.length} bytes.")
            raise self._refusal
        self._block += content
        if len(self._block) >= BLOCK:
            self._or_never(self._seal)

    def close(self) -> str:
        """Keep what came. :raises Blocked: if that cannot be"""
        if self._refusal:
            raise self._refusal
        self._or_never(self._keep)
        return (
            f"{self.upload.offset} bytes of {self._name} are here. "
            f"Send {self._name}{SUM} when that is all of it: sha256sum {self._name} > {self._name}{SUM}"
        )

    def leave(self) -> None:
        """Keep what came; its sender is gone."""
        if not self._refusal:
            self._or_never(self._keep)

    def drop(self) -> None:
        """Keep nothing that does not count yet."""
        self._block.clear()
        if self._piece:
            self._piece.abandon()
            self._piece = None

    def _seal(self) -> None:
        if self._piece is None:
            self._may_go_on()
            uploads.make_room_for_piece(self.upload.offset)
            self._piece = uploads.NextPiece(self.upload)
        block, self._block = bytes(self._block), bytearray()
        self._piece.write(block)
        if self._piece.is_full:
            self._count()

    def _keep(self) -> None:
        if self._block:
            self._seal()
        self._count()

    def _count(self) -> None:
        piece = self._piece
        if piece:
            self._may_go_on()
            piece.keep(now=clock.real_now())
            self._piece = None

    def _may_go_on(self) -> None:
        self._still()
        now = clock.real_now()
        if self.upload.expires_at <= now:
            raise Blocked("This upload has lapsed. Begin again.")
        if reasons := uploads.why_not_continue(self.upload, at=clock.now(), now=now):
            raise Blocked(reasons)

    def _or_never(self, act: Callable[[], None]) -> None:
        """Do it, or take nothing more and keep nothing that does not count yet."""
        try:
            act()
        except BaseException as problem:
            self.drop()
            self._refusal = problem if isinstance(problem, Blocked) else Blocked(_NOT_KEPT)
            if isinstance(problem, uploads.Conflict):
                self._refusal = Blocked(_ELSEWHERE)
                raise self._refusal from None
            raise


class Sum:
    """The hash of a file, being sent; once it is there, the file is handed over."""

    def __init__(
        self, slot: UploadSlot, *, name: str, still: Callable[[], "SigningKey"], sent: Callable[["Sum"], None]
    ) -> None:
        """Take the hash of the file of this name; `sent` hears when it was taken."""
        self._slot, self._name, self._still, self._sent = slot, name, still, sent
        self._content, self._is_done = bytearray(), False

    def entry(self) -> Entry:
        """Say how far it is."""
        return Entry(self._name + SUM, is_folder=False, size=len(self._content), mode=0o200)

    def read(self, offset: int, size: int) -> bytes:
        """Refuse. :raises Refused: always"""
        raise Refused(PERMISSION_DENIED, _WRITE_ONLY)

    def write(self, offset: int, content: bytes) -> None:
        """Take what follows; with the hash, hand the file over: not all clients see how closing went.

        :raises Refused: if it follows something else, or is too long
        :raises Blocked: if there is no file, or it cannot be taken
        """
        if offset != len(self._content) or offset + len(content) > LONGEST_SUM:
            raise Refused(FAILURE, "This is not what sha256sum writes.")
        self._content += content
        if not self._is_done and (sha256 := read_sum(bytes(self._content))):
            hand_over(self._slot, key=self._still(), name=self._name, sha256=sha256, at=clock.now())
            self._is_done = True
            self._sent(self)

    def close(self) -> str:
        """Say that it arrived. :raises Blocked: if there was no hash"""
        if not self._is_done:
            raise Blocked(
                f"{self._name}{SUM} holds no SHA-256, or several. Write into it what sha256sum says."
            )
        return f"{self._name} has arrived and is being checked. {self._name}{REPORT} will say what was found."

    def leave(self) -> None:
        """Forget it: its sender is gone."""

    drop = leave
