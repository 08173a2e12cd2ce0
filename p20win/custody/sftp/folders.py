"""What a machine sees by SFTP: open slots as folders, its own unfinished file, the hub's answers."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from uuid import UUID

from p20win import clock
from p20win.custody import uploads
from p20win.custody.models import SlotStatus, UploadSlot
from p20win.custody.sftp import arriving, logins, names
from p20win.custody.sftp.names import RECEIPT, REPORT, SUM
from p20win.custody.sftp.protocol import (
    FAILURE,
    NO_SUCH_FILE,
    PERMISSION_DENIED,
    Entry,
    Handle,
    Refused,
    Wanted,
)

if TYPE_CHECKING:
    from p20win.accounts.models import SigningKey

LONGEST_NAME: Final = 120
_NOTHING: Final = "There is nothing of that name."


class Answer:
    """One of the hub's answers, open for reading."""

    def __init__(self, name: str, content: bytes, at: int) -> None:
        """Give this content, of this moment."""
        self._name, self._content, self._at = name, content, at

    def entry(self) -> Entry:
        """Say how long it is."""
        return Entry(self._name, is_folder=False, size=len(self._content), at=self._at)

    def read(self, offset: int, size: int) -> bytes:
        """Give what stands there."""
        return self._content[offset : offset + size]

    def write(self, offset: int, content: bytes) -> None:
        """Refuse. :raises Refused: always"""
        raise Refused(PERMISSION_DENIED, "What the hub answers cannot be changed.")

    def close(self) -> str:
        """Say nothing."""
        return ""

    def leave(self) -> None:
        """Do nothing."""

    drop = leave


class AgencyFolders:
    """The folders of the agency whose key logged in. Every act reads the key anew: it may be revoked."""

    def __init__(self, key: UUID) -> None:
        """Show what this key's agency is to send."""
        self._pk = key
        self._sums: dict[
            str, arriving.Sum
        ] = {}  # sent in this session: some clients look whether they are there

    def look(self, path: str) -> Entry:
        """Say what stands there. :raises Refused: if nothing does"""
        folder, name = _parts(path)
        if not folder:
            return Entry("/", is_folder=True)
        key = self._key()
        slot = _slot(key, folder)
        if not name:
            return _as_folder(folder, slot)
        if found := _begun(slot, key, name):
            return found
        if hashed := self._sums.get(path):
            return hashed.entry()
        if answer := _answer(slot, name):
            return answer.entry()
        raise Refused(NO_SUCH_FILE, _NOTHING)

    def names(self, path: str) -> list[Entry]:
        """Return what stands in a folder: open slots, or the hub's answers. :raises Refused: if it is none"""
        folder, name = _parts(path)
        if name:
            raise Refused(NO_SUCH_FILE, _NOTHING)
        key = self._key()
        if folder:
            said = names.answers(_slot(key, folder))
            return [Answer(each, *told).entry() for each, told in sorted(said.items())]
        now, all_of = clock.now(), names.folders_of(key)
        return [
            _as_folder(each, slot)
            for each, slot in all_of.items()
            if slot.status == SlotStatus.OPEN and slot.opens_at <= now < slot.closes_at
        ]

    def open(self, path: str, wanted: Wanted) -> Handle:
        """Open a file for sending, or an answer for reading. :raises Refused: if neither can be"""
        folder, name = _parts(path)
        key = self._key()
        if folder and not name and wanted.write and folder not in names.folders_of(key):
            raise Refused(PERMISSION_DENIED, "Put the file into one of the folders.")
        slot = _slot(key, folder)
        if not name:
            raise Refused(FAILURE, "That is a folder.")
        if not wanted.write:
            return _to_read(slot, key, name)
        if name.endswith((RECEIPT, REPORT)):
            raise Refused(PERMISSION_DENIED, "What the hub answers cannot be changed.")
        if name.endswith(SUM):
            self._sums.clear()
            name = name.removesuffix(SUM)
            return arriving.Sum(slot, name=name, still=self._key, sent=self._sent_at(path))
        return self._to_send(slot, key, name, wanted)

    def _to_send(self, slot: UploadSlot, key: "SigningKey", name: str, wanted: Wanted) -> arriving.Arriving:
        upload = arriving.unfinished(slot, key=key, name=name)
        if upload and wanted.exclusive:
            raise Refused(FAILURE, "This file was begun before.")
        if upload is None or wanted.truncate:
            upload = arriving.begin(slot, key=key, name=name, at=clock.now(), now=clock.real_now())
        return arriving.Arriving(upload, name=name, still=self._key)

    def remove(self, path: str) -> None:
        """Give up what this key began to send. :raises Refused: if there is no such thing"""
        folder, name = _parts(path)
        key = self._key()
        slot = _slot(key, folder)
        upload = arriving.unfinished(slot, key=key, name=name) if name else None
        if upload is None:
            raise Refused(PERMISSION_DENIED, "Only what you began to send can be removed.")
        uploads.give_up(upload, by=upload.sent_by, at=clock.now())

    def _sent_at(self, path: str) -> Callable[[arriving.Sum], None]:
        def sent(hashed: arriving.Sum) -> None:
            self._sums[path] = hashed

        return sent

    def _key(self) -> "SigningKey":
        key = logins.fresh(self._pk)
        if why := logins.why_not(key, clock.now()):
            raise Refused(PERMISSION_DENIED, why)
        return key


def _to_read(slot: UploadSlot, key: "SigningKey", name: str) -> Answer:
    if answer := _answer(slot, name):
        return answer
    if _begun(slot, key, name):
        raise Refused(PERMISSION_DENIED, "What was sent cannot be read here.")
    raise Refused(NO_SUCH_FILE, _NOTHING)


def _slot(key: "SigningKey", folder: str) -> UploadSlot:
    slot = names.folders_of(key).get(folder)
    if slot is None:
        raise Refused(NO_SUCH_FILE, _NOTHING)
    return slot


def _begun(slot: UploadSlot, key: "SigningKey", name: str) -> Entry | None:
    upload = arriving.unfinished(slot, key=key, name=name)
    if upload is None:
        return None
    at = int(upload.begun_at.timestamp())
    return Entry(name, is_folder=False, size=upload.offset, at=at, mode=0o200)


def _answer(slot: UploadSlot, name: str) -> Answer | None:
    told = names.answers(slot).get(names.answer_name(slot, name))
    return Answer(name, *told) if told else None


def _parts(path: str) -> tuple[str, str]:
    """Return folder and name of a path from the root. :raises Refused: if it goes deeper, or no name is so"""
    parts = path.strip("/").split("/")
    if len(parts) > 2:
        raise Refused(NO_SUCH_FILE, _NOTHING)
    if any(len(part) > LONGEST_NAME or not part.isprintable() for part in parts):
        raise Refused(NO_SUCH_FILE, "No name is that long, or has such characters.")
    return parts[0], parts[1] if len(parts) == 2 else ""


def _as_folder(name: str, slot: UploadSlot) -> Entry:
    return Entry(name, is_folder=True, at=int(slot.opens_at.timestamp()))
