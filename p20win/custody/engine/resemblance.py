"""A generic id must tell nothing about the person (O-60, O-106): not contained, not alike, not computed."""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from p20win.custody.engine.cells import is_date
from p20win.custody.engine.report import Report

_NOT_ALNUM = re.compile(r"[^a-z0-9]")
_HEX = re.compile(r"[0-9a-f]{8,}")
_HASHES = ("md5", "sha1", "sha256", "sha512")
_HASHED_ROWS = 500  # a way of computing ids is a habit: the first rows show it
_HASH_PREFIX = 8
_LONG_NAME = 5  # shorter ones turn up in random ids by chance
_MANY = 3  # this many chance-like hits, and this share of rows, are no longer chance
_SHARE = 0.02


def plain(value: str) -> str:
    """This will reduce a value to its letters and digits, in lower case."""
    return _NOT_ALNUM.sub("", value.casefold())


@dataclass
class IdCheck:
    """Compares the id of every row with the identifiers in the same row."""

    report: Report
    id_column: str
    prefix: str
    identifiers: Sequence[str]
    _rows: int = 0
    _weak: Counter[str] = field(default_factory=Counter)
    _derived: Counter[str] = field(default_factory=Counter)

    def look(self, row: int, synthetic_id: str, values: Sequence[str]) -> None:
        """This will compare one row's id with that row's identifiers."""
        self._rows += 1
        if self.prefix and not synthetic_id.startswith(self.prefix):
            self.report.add("id_names_agency", row=row, column=self.id_column)
        bare = plain(synthetic_id.removeprefix(self.prefix))
        backwards = bare[::-1]
        reduced = [plain(value) for value in values]
        for column, value in zip(self.identifiers, reduced, strict=True):
            for pattern in _strong(value):
                if pattern in bare or pattern in backwards:
                    self.report.add("id_contains", row=row, column=column)
                    break
            else:
                if any(pattern in bare or pattern in backwards for pattern in _weak(value)):
                    self._weak[column] += 1
        if self._rows <= _HASHED_ROWS:
            self._look_for_hash(synthetic_id.removeprefix(self.prefix), values, reduced)

    def finish(self) -> None:
        """This will judge what only many rows together can show."""
        for column, hits in self._weak.items():
            if hits >= _MANY and hits >= self._rows * _SHARE:
                self.report.add("id_resembles", column=column, hint=f"Seen in {hits} rows.")
        for column, hits in self._derived.items():
            self.report.add("id_derived", column=column or None, hint=f"Seen in {hits} of the first rows.")

    def _look_for_hash(self, bare: str, values: Sequence[str], reduced: Sequence[str]) -> None:
        lowered = bare.casefold()
        if not _HEX.fullmatch(lowered) and len(bare) < 16:
            return
        named = list(zip(self.identifiers, values, strict=True)) + list(
            zip(self.identifiers, reduced, strict=True)
        )
        for glue in ("", "|", "-", " "):
            named.append(("", glue.join(values)))
        named.append(("", "".join(reduced)))
        for column, value in named:
            if value and any(_is_hash_of(lowered, bare, form) for form in (value, value.upper())):
                self._derived[column] += 1
                return


def _is_hash_of(lowered: str, bare: str, value: str) -> bool:
    for name in _HASHES:
        digest = hashlib.new(name, value.encode(), usedforsecurity=False).digest()
        if _HEX.fullmatch(lowered) and (
            lowered in digest.hex() or digest.hex()[:_HASH_PREFIX] == lowered[:_HASH_PREFIX]
        ):
            return True
        if len(bare) >= 16 and base64.urlsafe_b64encode(digest).decode().startswith(bare[:16]):
            return True
    return False


def _strong(value: str) -> Iterator[str]:
    """The forms of an identifier that no random id contains by chance."""
    if is_date(value):
        year, month, day = value[:4], value[4:6], value[6:]
        yield from (value, month + day + year, day + month + year)
    elif value.isdigit():
        if len(value) >= 8:
            yield value
    elif len(value) >= _LONG_NAME:
        yield value


def _weak(value: str) -> Iterator[str]:
    """The forms that chance produces now and then, but not row after row."""
    if is_date(value):
        yield from (value[2:], value[4:] + value[2:4], value[4:] + value[:4][2:])
    elif value.isdigit():
        if len(value) >= 8:
            yield from (value[-4:], value[:5])
        elif len(value) >= 4:
            yield value
    elif len(value) in (3, 4):
        yield value
