"""What may be opened just now: for a capability, files of its own project and class alone.

The vault sets the bounds before it asks a desk for what a capability opens, and desks set them in jobs whose
result leaves. Rows that lead to a file can be written by the web process; the file's own project and class
cannot, and stand in its signed manifest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from p20win.custody.engine.errors import CustodyError

if TYPE_CHECKING:
    from p20win.custody.models import SealedFile


class OutOfBounds(CustodyError):
    """The file belongs to another project, or is of another class, than what the capability is for."""


@dataclass(frozen=True)
class _Bounds:
    project_id: Any
    data_class: str


_now: Final[ContextVar[_Bounds | None]] = ContextVar("bounds", default=None)


@contextmanager
def only(project_id: Any, data_class: str) -> Iterator[None]:
    """Let nothing but files of this project and class be opened meanwhile, in this thread."""
    mark = _now.set(_Bounds(project_id, data_class))
    try:
        yield
    finally:
        _now.reset(mark)


def expect(file: "SealedFile") -> None:
    """Make sure that this file may be opened now. :raises OutOfBounds: if it is another's"""
    bounds = _now.get()
    if bounds is not None and (file.project_id, file.access_class) != (bounds.project_id, bounds.data_class):
        raise OutOfBounds(f"File {file.pk} is not of the project and class that the capability names.")
