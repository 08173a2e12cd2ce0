"""One way to write a document down, so that everyone signs and hashes the same bytes."""

import base64
import binascii
import json
from typing import Any

from p20win.custody.engine.errors import Unreadable


def canonical(document: Any) -> bytes:
    """This will write a document as JSON with sorted keys, no spaces and plain UTF-8.

    :raises Unreadable: if it holds something that has no single spelling (floats, bytes, NaN)
    """
    _refuse_ambiguous(document)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def _refuse_ambiguous(value: Any) -> None:
    if value is None or isinstance(value, (str, bool, int)):
        return
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise Unreadable("A signed document may only have text keys.")
        for inner in value.values():
            _refuse_ambiguous(inner)
        return
    if isinstance(value, (list, tuple)):
        for inner in value:
            _refuse_ambiguous(inner)
        return
    raise Unreadable(f"A signed document may not hold a {type(value).__name__}.")


def parse(raw: bytes) -> dict[str, Any]:
    """This will read a JSON object, refusing repeated keys and anything that is not an object.

    :raises Unreadable: if it is not one
    """
    try:
        document = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_repeats, parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as problem:
        raise Unreadable("This is not a readable JSON document.") from problem
    if not isinstance(document, dict):
        raise Unreadable("This JSON document is not an object.")
    return document


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated key")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not allowed")


def to_text(raw: bytes) -> str:
    """This will spell bytes in base64, URL-safe and without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_text(text: object, *, length: int | None = None) -> bytes:
    """This will read what `to_text` wrote.

    :raises Unreadable: if it is not base64 in that one spelling, or not of the length asked for
    """
    if not isinstance(text, str):
        raise Unreadable("Expected base64 text.")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as problem:
        raise Unreadable("This is not base64 text.") from problem
    if to_text(raw) != text or (length is not None and len(raw) != length):
        raise Unreadable("This base64 text has the wrong form or length.")
    return raw
