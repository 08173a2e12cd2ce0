"""Tokens in place of identifiers: made by the agencies under a key that the hub never has (O-72).

A token is HMAC-SHA-256 over one combination of identifiers in their normal form, under a key derived for the
project, the version and the rule, so that no token can be compared with one of another project, rule or
version. It is cut to 128 bits, and 16 more tell whether it belongs to the file's mark. Where a part is
missing or worthless (a default birthday, a filler for an SSN), there is no token: not knowing is never alike.
`tests/engines/matching/token_vectors.json` fixes all of it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from matching.engine import bloom, normalise
from matching.engine.errors import BadInput
from matching.engine.rules import CLK, FIELD_OF_PART, MARK, VERSION, Rule, rules_for

KEY_BYTES: Final = 32
_TAG_BYTES: Final = 16
_FINGERPRINT: Final = 16  # hexadecimal digits
_PROJECT: Final = re.compile(r"[A-Z]{2,6}-\d{3,6}")
_HEADING: Final = "P20 WIN encoding key, version 1"
_DEFAULT_BIRTHDAYS: Final = frozenset(
    "18500101 18991230 18991231 19000101 19000102 19010101 19110101 19111111 19700101".split()
)
"""Dates that programs and people fill in where none is known. Real people born on them match otherwise."""

_MADE: Final[dict[str, Callable[[str], str | None]]] = {
    "ssn5": lambda ssn: ssn[:5],
    "ssn4": lambda ssn: ssn[-4:],
    "nick": normalise.canonical,
    "first_sound": lambda first: normalise.soundex(normalise.canonical(first) or first),
    "initial": lambda first: first[0],
    "last_a": normalise.first_word,
    "last_b": normalise.last_word,
    "last_sound": normalise.soundex,
    "dob": lambda date: None if date in _DEFAULT_BIRTHDAYS else date,
    "dob_either_way": lambda date: None if date in _DEFAULT_BIRTHDAYS else date[:4] + _sorted(date[4:]),
    "year": lambda date: None if date in _DEFAULT_BIRTHDAYS else date[:4],
}


def _sorted(month_day: str) -> str:
    return "".join(sorted((month_day[:2], month_day[2:])))


@dataclass(frozen=True)
class Key:
    """The key of one project, as the agencies hold it."""

    project: str
    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Return by what people and the hub tell two keys apart; nobody finds the key from it."""
        said = f"P20 fingerprint {VERSION}|{self.project}".encode()
        return hmac.digest(self.secret, said, "sha256").hex()[:_FINGERPRINT]

    @property
    def mark(self) -> str:
        """Return what stands in the mark column of every row."""
        return f"P20-{VERSION}.{self.project}.{self.fingerprint}"

    def derive(self, purpose: str) -> bytes:
        """Return the key for one purpose within the project."""
        return hmac.digest(self.secret, f"P20 token {VERSION}|{self.project}|{purpose}".encode(), "sha256")


def new_key(project: str) -> Key:
    """Draw a key for a project. :raises BadInput: if that is no number of a project"""
    return Key(_project(project), secrets.token_bytes(KEY_BYTES))


def key_text(key: Key) -> str:
    """Return a key as its file holds it."""
    secret = base64.urlsafe_b64encode(key.secret).decode().rstrip("=")
    return f"{_HEADING}\nproject: {key.project}\nkey: {secret}\nfingerprint: {key.fingerprint}\n"


def read_key(text: str, *, project: str) -> Key:
    """Read a key file of a project.

    :raises BadInput: if it is none, was altered, or is of another project
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = dict(line.partition(":")[::2] for line in lines[1:])
    if lines[:1] != [_HEADING] or set(said) != {"project", "key", "fingerprint"}:
        raise BadInput("This is no key file. Make one with “p20 encode --new-key”.")
    try:
        secret = base64.b64decode(said["key"].strip() + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    key = Key(said["project"].strip(), secret)
    worthless = len(secret) != KEY_BYTES or len(set(secret)) < KEY_BYTES // 4
    if worthless or key.fingerprint != said["fingerprint"].strip():
        raise BadInput("The key file was altered: its key and its fingerprint do not belong together.")
    if key.project != _project(project):
        raise BadInput(f"The key is of {key.project}, not of {project}. Every project has a key of its own.")
    return key


def _project(number: str) -> str:
    if not _PROJECT.fullmatch(number):
        raise BadInput("The project is named by its number, such as DR-0034.")
    return number


class Encoder:
    """Encodes the records of one file, batch by batch."""

    def __init__(
        self, key: Key, fields: Iterable[str], *, clk: bool = False, only: Collection[str] | None = None
    ) -> None:
        """Encode what these fields give, or the columns in `only` among it.

        :raises BadInput: if that is nothing
        """
        held = set(fields)
        wanted = None if only is None else set(only)
        self._rules = [r for r in rules_for(held, clk=clk) if wanted is None or r.column in wanted]
        self._keys = [key.derive(rule.column) for rule in self._rules]
        self._mark = key.mark
        self._fields = held & ({FIELD_OF_PART[part] for rule in self._rules for part in rule.parts})
        filtered = clk and held >= bloom.NEEDED and (wanted is None or CLK in wanted)
        self._bloom = bloom.Filter(key.derive(CLK)) if filtered else None
        self._bloom_fields = held & bloom.FIELDS if self._bloom else set()
        if not self._rules:
            raise BadInput(
                "Nothing can be encoded: no combination of the rules is whole in the columns of this file."
            )

    @property
    def fields(self) -> frozenset[str]:
        """Return the fields that something is made from."""
        return frozenset(self._fields | self._bloom_fields)

    @property
    def columns(self) -> list[str]:
        """Return the columns that are made."""
        return [MARK, *(rule.column for rule in self._rules), *([CLK] if self._bloom else [])]

    def encode(self, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """Return the columns of the encoded records, an empty cell where nothing can be said."""
        normal = {
            field: normalise.column(columns[field], field) for field in self._fields | self._bloom_fields
        }
        parts = {part: _part(normal, part) for rule in self._rules for part in rule.parts}
        rows = len(next(iter(columns.values())))
        made = {MARK: pa.array([self._mark] * rows, pa.string())}
        for rule, key in zip(self._rules, self._keys, strict=True):
            made[rule.column] = self._tokens(rule, key, [parts[part] for part in rule.parts])
        if self._bloom:
            made[CLK] = self._bloom.encode({field: normal[field] for field in self._bloom_fields})
        return made

    def _tokens(self, rule: Rule, key: bytes, parts: list[list[str | None]]) -> pa.Array:
        start = check_start(self._mark, rule.column)
        made: list[str | None] = []
        for values in zip(*parts, strict=True):
            if None in values:
                made.append(None)
            else:
                tag = hmac.digest(key, "|".join(values).encode(), "sha256")[:_TAG_BYTES]
                made.append(_written(tag, start))
        return pa.array(made, pa.string())


def _part(normal: Mapping[str, pa.Array], part: str) -> list[str | None]:
    values = normal[FIELD_OF_PART[part]]
    changed = normalise.over_distinct(values, _MADE[part]) if part in _MADE else values
    return changed.to_pylist()


def check_start(mark: str, column: str) -> int:
    """Return where the check of a column's tokens begins: it ties them to the file's mark."""
    return binascii.crc_hqx(f"{mark}|{column}".encode(), 0)


def _written(tag: bytes, start: int) -> str:
    check = binascii.crc_hqx(tag, start).to_bytes(2, "big")
    return base64.urlsafe_b64encode(tag + check).decode()
