"""The upload handler: what a browser sends is sealed for the vault as it arrives, and written nowhere else.

It must be the only handler of its request: any handler after it would keep the plaintext.
"""

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

from p20win import clock
from p20win.access import SignedInRequest
from p20win.custody.models import SealedFile, UploadSlot
from p20win.custody.reception import Reception
from p20win.refusal import Blocked

FIELD = "file"


class SealedUpload(UploadedFile):
    """What the form gets: a name and a size, no contents."""

    def __init__(self, reception: Reception, name: str) -> None:
        """Tell what was taken in."""
        super().__init__(file=None, name=name, size=reception.received)


class SealingHandler(FileUploadHandler):
    """Takes one file in for one slot; what is against it is kept in `refusal`."""

    chunk_size = 1 << 20

    def __init__(self, request: HttpRequest, slot: UploadSlot) -> None:
        """Take in for this slot."""
        super().__init__(request)
        self._sender: Any = request.user
        self._slot = slot
        self._length = int(request.META.get("CONTENT_LENGTH") or 0)
        self._reception: Reception | None = None
        self.refusal: list[str] = []

    def new_file(self, *args: Any, **options: Any) -> None:
        """Begin a file. :raises SkipFile: if it is not the expected one; its bytes are dropped"""
        super().new_file(*args, **options)
        if self.field_name != FIELD or self._reception is not None or self.refusal:
            raise SkipFile
        try:
            self._reception = Reception(
                self._slot,
                by=self._sender,
                name=self.file_name or "",
                at=clock.now(),
                expected=self._length,
            )
        except Blocked as refusal:
            self.refusal = refusal.reasons
            raise SkipFile from None

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Seal the next chunk, and give nothing to any other handler."""
        if self._reception is None:
            return
        try:
            self._reception.write(raw_data)
        except Blocked as refusal:
            self.refusal = refusal.reasons
            self.drop()

    def file_complete(self, file_size: int) -> SealedUpload | None:
        """Hand the reception over."""
        if self._reception is None:
            return None
        return SealedUpload(self._reception, self.file_name or "")

    def upload_interrupted(self) -> None:
        """Leave nothing of a file that was cut."""
        self.drop()

    def keep(self) -> SealedFile:
        """Keep what was taken in. :raises Blocked: if there is nothing, or something changed meanwhile"""
        reception, self._reception = self._reception, None
        if reception is None:
            raise Blocked("Choose the file first.")
        return reception.keep(at=clock.now())

    def drop(self) -> None:
        """Leave nothing of what came so far and was not kept."""
        if self._reception is not None:
            self._reception.abandon()
            self._reception = None


def keep(request: SignedInRequest, handler: SealingHandler) -> SealedFile:
    """Read the request to its end and keep its file.

    :raises Blocked: if there is none, or it cannot be taken
    """
    upload: Any = request.FILES.get(FIELD)
    if handler.refusal:
        raise Blocked(handler.refusal)
    if not isinstance(upload, SealedUpload):
        raise Blocked("Choose the file first.")
    return handler.keep()
