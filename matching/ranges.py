"""Which bytes a request asks for (RFC 9110, section 14): one range, or all. Pure."""

import re
from typing import Final

_ONE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class OutOfRange(ValueError):
    """The range lies outside what there is."""


def asked_for(header: str, *, size: int) -> tuple[int, int] | None:
    """Return the first byte and the one after the last, or None if all is asked for.

    What is not one range of bytes is no range, so that all is given, as the standard says.

    :raises OutOfRange: if no byte of it is there
    """
    found = _ONE.fullmatch(header.replace(" ", ""))
    if found is None or found.group(1, 2) == ("", ""):
        return None
    first, last = found.groups()
    if not first:  # the last so many bytes
        start, stop = max(size - int(last), 0), size
    else:
        start, stop = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size or start >= stop:
        raise OutOfRange("This range lies outside the file.")
    return start, stop
