"""A generic id must tell nothing about the person (O-60, O-106): not contained, not alike, not computed.

Every id is compared with every identifier of its row, forwards and backwards, and with those of all other
rows (engine.elsewhere). Whether ids are computed is tried on the first rows and on one in 64 of the rest,
drawn by a key that nobody knows before (engine.derivation): a way of computing ids is a habit.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from p20win.custody.engine.cells import is_date, is_issued_ssn
from p20win.custody.engine.derivation import (
    STRONG,
    WEAK,
    Candidate,
    messages,
    more_messages,
    shifts,
)
from p20win.custody.engine.elsewhere import Elsewhere
from p20win.custody.engine.report import Report
from p20win.custody.engine.spill import IN_MEMORY, Digester

_NOT_ALNUM: Final = re.compile(r"[^a-z0-9]")
_PART: Final = re.compile(r"[^\W\d_]+")
_TRIED_ROWS: Final = 500
_TRIED_HARD: Final = 40
_ONE_IN: Final = 64
_ENOUGH_HITS: Final = 50  # the case is clear; trying on would only cost time
_LONG_PART: Final = 8  # of a token: that many alike are no chance
_LONG_NAME: Final = 5  # shorter ones turn up in random ids by chance
_MANY: Final = 3  # this many chance-like hits, and this share of rows, are no longer chance
_SHARE: Final = 0.02
_WEAK_SHARE: Final = 0.2
_PAIRS: Final = 50  # neighbouring rows compared before an order is believed
_IN_ORDER: Final = 0.95
_ALIKE: Final = 0.9  # of ids that look like social security numbers
_FEW_ROWS: Final = 20
_ORDERED_ROWS: Final = 4000


def plain(value: str) -> str:
    """This will reduce a value to its letters and digits, in lower case and without accents."""
    lowered = value.casefold()
    if not lowered.isascii():
        lowered = "".join(mark for mark in unicodedata.normalize("NFKD", lowered) if not mark.isspace())
    return _NOT_ALNUM.sub("", lowered)


@dataclass
class IdCheck:
    """Compares the id of every row with the identifiers of the file."""

    report: Report
    id_column: str
    prefix: str
    identifiers: Sequence[str]
    public: Sequence[str] = ()  # words that all know, and that are no key: agency, request
    folder: Path | None = None
    in_memory: int = IN_MEMORY
    encoded: bool = (
        False  # the identifiers are tokens: long, drawn from all letters, and only whole ones count
    )
    _rows: int = 0
    _tried: int = 0
    _like_ssn: int = 0
    _weak: Counter[str] = field(default_factory=Counter)
    _derived: Counter[tuple[str, int]] = field(default_factory=Counter)
    _shifts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _order: "list[_Order]" = field(default_factory=list)
    _digester: Digester = field(default_factory=Digester)

    def __post_init__(self) -> None:
        self._elsewhere = Elsewhere(self.identifiers, self.folder, in_memory=self.in_memory)
        self._order = [_Order() for _ in self.identifiers]

    def look(self, row: int, synthetic_id: str, values: Sequence[str]) -> None:
        """This will compare one row's id with that row's identifiers, and remember it for the others."""
        self._rows += 1
        if self.prefix and not synthetic_id.startswith(self.prefix):
            self.report.add("id_names_agency", row=row, column=self.id_column)
        own = synthetic_id.removeprefix(self.prefix)
        bare = plain(own)
        self._like_ssn += len(bare) == 9 and is_issued_ssn(bare)
        if not self.identifiers:
            return
        reduced = [plain(value) for value in values]
        self._look_inside(row, bare, values, reduced)
        self._elsewhere.look(row, bare, reduced)
        if self._rows <= _ORDERED_ROWS:
            for order, value in zip(self._order, reduced, strict=True):
                order.look(bare, value)
        if self._rows <= _TRIED_ROWS or self._digester.number(own) % _ONE_IN == 0:
            self._try_to_derive(own, bare, values, reduced)

    def _look_inside(self, row: int, bare: str, values: Sequence[str], reduced: Sequence[str]) -> None:
        backwards = bare[::-1]
        if self.encoded:
            return self._look_for_tokens(row, bare, reduced)
        for column, given, value in zip(self.identifiers, values, reduced, strict=True):
            for pattern in _strong(given, value):
                if pattern in bare or pattern in backwards:
                    self.report.add("id_contains", row=row, column=column)
                    break
            else:
                if any(pattern in bare or pattern in backwards for pattern in _weak(value)):
                    self._weak[column] += 1
        return None

    def _look_for_tokens(self, row: int, bare: str, reduced: Sequence[str]) -> None:
        """This will look for a token, or a good part of one, that was taken as the id."""
        for column, value in zip(self.identifiers, reduced, strict=True):
            if value and (value in bare or (len(bare) >= _LONG_PART and bare in value)):
                self.report.add("id_contains", row=row, column=column)

    def _try_to_derive(self, own: str, bare: str, values: Sequence[str], reduced: Sequence[str]) -> None:
        if sum(self._derived.values()) >= _ENOUGH_HITS:
            return
        self._tried += 1
        if self._tried <= _TRIED_ROWS:
            for column, value in zip(self.identifiers, reduced, strict=True):
                for shift in shifts(bare, value):
                    self._shifts[column, shift] += 1
        candidate = Candidate(own)
        encoded = [
            value and candidate.is_encoding_of(value, bare)
            for value, bare in zip(values, reduced, strict=True)
        ]
        if any(encoded):
            self._derived[self.identifiers[encoded.index(True)], STRONG] += 1
            return
        best, where = self._best_guess(candidate, values, reduced)
        if best:
            self._derived["" if where < 0 else self.identifiers[where], best] += 1

    def _best_guess(
        self, candidate: Candidate, values: Sequence[str], reduced: Sequence[str]
    ) -> tuple[int, int]:
        best, where = 0, -1
        for place, message in self._guesses(values, reduced):
            like = candidate.likeness(message)
            if like > best:
                best, where = like, place
            if best == STRONG:
                break
        return best, where

    def _guesses(self, values: Sequence[str], reduced: Sequence[str]) -> Iterator[tuple[int, str]]:
        yield from messages(values, reduced)
        if self._tried <= _TRIED_HARD:
            yield from more_messages(values, reduced, self.public)

    def finish(self) -> None:
        """This will judge what only many rows together can show."""
        add = self.report.add
        self._elsewhere.finish(self.report)
        for column, hits in self._weak.items():
            if hits >= _MANY and hits >= self._rows * _SHARE:
                add("id_resembles", column=column, hint=f"Seen in {hits} rows.")
        for (column, how), hits in self._derived.items():
            if how == STRONG or (how == WEAK and hits >= max(_MANY, self._tried * _WEAK_SHARE)):
                add("id_derived", column=column or None, hint=f"Seen in {hits} of {self._tried} rows tried.")
        tried = min(self._tried, _TRIED_ROWS)
        for column in dict.fromkeys(
            column for (column, _), hits in self._shifts.items() if hits >= max(_FEW_ROWS, tried / 2)
        ):
            add("id_derived", column=column, hint="The digits differ by the same amounts in many rows.")
        for column, order in zip(self.identifiers, self._order, strict=True):
            if order.is_kept:
                hint = "The ids stand in the same order. Give them in an order that chance decides."
                add("id_resembles", column=column, hint=hint)
        if self._like_ssn >= max(_FEW_ROWS, self._rows * _ALIKE):
            hint = "The ids look like social security numbers. Use another length."
            add("id_resembles", column=self.id_column, hint=hint)

    def close(self) -> None:
        """This will forget what was remembered of the rows."""
        self._elsewhere.close()


class _Order:
    """Whether ids rise, or fall, where a column's values do."""

    def __init__(self) -> None:
        self._before: tuple[tuple[int, str], str] | None = None
        self._pairs = self._rising = 0

    def look(self, bare: str, value: str) -> None:
        """This will compare a row with the one before."""
        here = (len(bare), bare), value
        if self._before and value and self._before[1] and value != self._before[1]:
            self._pairs += 1
            self._rising += (here[0] > self._before[0]) == (value > self._before[1])
        self._before = here

    @property
    def is_kept(self) -> bool:
        """Whether the order of the ids tells that of the values."""
        share = self._rising / self._pairs if self._pairs else 0.5
        return self._pairs >= _PAIRS and not 1 - _IN_ORDER < share < _IN_ORDER


def _strong(given: str, value: str) -> Iterator[str]:
    """The forms of an identifier that no random id contains by chance."""
    if is_date(value):
        year, month, day = value[:4], value[4:6], value[6:]
        yield from (value, month + day + year, day + month + year)
    elif value.isdigit():
        if len(value) >= 8:
            yield value
            if len(value.lstrip("0")) >= 8:
                yield value.lstrip("0")
    elif len(value) >= _LONG_NAME:
        yield value
        if not given.isalpha():  # a name of several parts
            yield from (part for part in map(plain, _PART.findall(given)) if len(part) >= _LONG_NAME)


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
