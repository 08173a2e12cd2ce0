"""Is an encoded file what it says it is: tokens under one key of this project, and no hash without a key?

The hub has no key and cannot make a token. What it can see: each token ends in a check that ties it to the
file's mark and its column, so an unkeyed hash, a token of another key or one in the wrong column does not
pass; the key is none that everybody would try; and no token comes up as often as a missing value would.
Somebody who imitates the form on purpose, check and all, deceives the agencies and not this check alone.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Final

from p20win.custody.engine.cells import ENCODED_WITH
from p20win.custody.engine.report import Report
from p20win.custody.engine.rules import FileRule

_TAG: Final = 16  # bytes of a token before its check
_KEY: Final = 32
_VERSION: Final = "1"
_BLOCK: Final = "B_"  # columns of looser combinations, which many people share
_REMEMBERED: Final = 256
_MANY: Final = 25
_SHARE: Final = 0.01
_KEYS_TO_TRY: Final = (
    "",
    "secret",
    "password",
    "test",
    "key",
    "changeme",
    "p20",
    "p20win",
    "P20 WIN",
    "salt",
)


class TokenCheck:
    """Looks at the tokens of every row."""

    def __init__(self, report: Report, rule: FileRule, place: Mapping[str, int]) -> None:
        self._report, self._rule = report, rule
        forms = {column.name: column.form for column in rule.columns}
        named = [name for name in place if forms[name] == "encoded_with"]
        self._mark_column = named[0] if named else ""
        self._mark_at = place[named[0]] if named else 0
        self._at = {name: place[name] for name in place if forms[name] == "token"}
        self._mark = ""
        self._starts: dict[str, int] = {}
        self._often = {name: _Often() for name in self._at if not name.startswith(_BLOCK)}

    def look(self, row: int, cells: list[str]) -> None:
        """This will check one row's mark and tokens."""
        if not self._mark_column:
            return
        mark = cells[self._mark_at]
        if not self._mark:
            self._begin(row, mark)
        elif mark != self._mark:
            self._wrong(row, "Rows of one file were encoded under different keys.")
        for name, at in self._at.items():
            if token := cells[at]:
                if not _belongs(token, self._starts[name]):
                    self._report.add("token_check", row=row, column=name)
                if often := self._often.get(name):
                    often.look(token)

    def _begin(self, row: int, mark: str) -> None:
        self._mark = mark
        self._starts = {name: binascii.crc_hqx(f"{mark}|{name}".encode(), 0) for name in self._at}
        found = ENCODED_WITH.fullmatch(mark)
        if found is None:
            return  # told as a cell without its form
        version, project, fingerprint = found.groups()
        if version != _VERSION:
            self._wrong(row, f"Use a “p20” that encodes by version {_VERSION}.")
        if project != self._rule.number:
            self._wrong(row, f"Encoded for another project than {self._rule.number}.")
        words = (*_KEYS_TO_TRY, self._rule.number, *self._rule.agencies)
        if fingerprint in {_fingerprint(secret, project) for secret in _secrets(words)}:
            self._wrong(row, "The key is one that anybody would try. Draw one with “p20 encode --new-key”.")

    def _wrong(self, row: int, hint: str) -> None:
        self._report.add("encoded_with", row=row, column=self._mark_column, hint=hint)

    def finish(self) -> None:
        """This will judge what only many rows together can show."""
        for name, often in self._often.items():
            if (most := often.most()) >= max(_MANY, self._report.rows * _SHARE):
                hint = (
                    f"One token stands in {most} rows or more. Where nothing is known, leave the cell empty."
                )
                self._report.add("token_repeated", column=name, hint=hint)


class _Often:
    """How often the commonest value occurs, at least; in memory that does not grow (Misra and Gries)."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def look(self, value: str) -> None:
        if value in self._counts or len(self._counts) < _REMEMBERED:
            self._counts[value] = self._counts.get(value, 0) + 1
        else:
            self._counts = {held: count - 1 for held, count in self._counts.items() if count > 1}

    def most(self) -> int:
        return max(self._counts.values(), default=0)


def _belongs(token: str, start: int) -> bool:
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(raw) == _TAG + 2 and binascii.crc_hqx(raw[:_TAG], start) == int.from_bytes(raw[_TAG:], "big")


def _secrets(words: tuple[str, ...]) -> Iterator[bytes]:
    """Keys that people make without chance: one byte over and over, a word, filled up or hashed."""
    yield from (bytes([byte]) * _KEY for byte in range(256))
    forms = {form for word in words for form in (word, word.upper(), word.lower())}
    for raw in (form.encode() for form in forms):
        yield raw
        yield raw[:_KEY].ljust(_KEY, b"\0")
        yield hashlib.sha256(raw).digest()


def _fingerprint(secret: bytes, project: str) -> str:
    return hmac.digest(secret, f"P20 fingerprint {_VERSION}|{project}".encode(), "sha256").hex()[:16]
