"""Small files of forms: held in memory, never on a disk, and told in words when they are too large (C21).

Files of agencies go another way, sealed as they arrive (`p20win.custody`).
"""

from io import BytesIO
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler

LARGEST: Final = 5 * 1024 * 1024


class InMemory(FileUploadHandler):
    """Keeps the files of a request in memory: one byte more than may be, and drops what follows.

    Django's own handler drops a file that is too large as if none had been chosen.
    """

    def __init__(self, request: Any = None) -> None:
        """Keep nothing yet."""
        super().__init__(request)
        self._room = LARGEST + 1
        self._kept = BytesIO()

    def new_file(self, *args: Any, **options: Any) -> None:
        """Begin a file."""
        super().new_file(*args, **options)
        self._kept = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep what there is room for, and hand nothing on."""
        self._room -= self._kept.write(raw_data[: self._room])

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """Give what was kept."""
        size = self._kept.seek(0, 2)
        self._kept.seek(0)
        return InMemoryUploadedFile(
            file=self._kept,
            field_name=self.field_name,
            name=self.file_name or "",
            content_type=self.content_type or "",
            size=size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )


def small(file: Any) -> None:
    """Accept a form's file. :raises ValidationError: if it is larger than may be"""
    if file.size > LARGEST:
        raise ValidationError("The file is larger than 5 MB.")
