"""What one page, or one decision on access, would ask the database again and again is read once.

Nothing is remembered outside `one_reading()`, nothing beyond its end, and nothing once something was written:
an act asks anew. A page that is only shown may tell all of one moment, and so may one decision.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_read: Final[ContextVar[dict[Any, Any] | None]] = ContextVar("read", default=None)


@contextmanager
def one_reading() -> Iterator[None]:
    """Remember what is asked `once` until the end; a reading within another is part of it."""
    if _read.get() is not None:
        yield
        return
    token = _read.set({})
    try:
        yield
    finally:
        _read.reset(token)


def once(ask: Callable[P, R]) -> Callable[P, R]:
    """Mark a question that has one answer within a reading. Its arguments are rows, or plain and fixed."""

    @wraps(ask)
    def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        read = _read.get()
        if read is None:
            return ask(*args, **kwargs)
        key = (ask, args, tuple(sorted(kwargs.items())))
        if key not in read:
            read[key] = ask(*args, **kwargs)
        answer: R = read[key]
        return answer

    return asked


def forget() -> None:
    """Let everything be asked anew: something was written."""
    if (read := _read.get()) is not None:
        read.clear()
