"""A cross table counted from the files of a delivery: each person once, in one category of each dimension.

Every table of an extract counts the same people, those of one file, and tells them apart by the same
categories: whatever several tables say adds up, so the ledger of what was told knows how they hang together.
A condition is a dimension of two categories, never a narrower population. Of a file whose people are not
those counted only one element is told: by a second, everybody would know which crossings are empty.
"""

import csv
import io
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise, product
from typing import Final

import numpy as np

from disclosure.engine.codes import TOTAL
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import RESERVED, reads_like_a_total, write
from disclosure.engine.reading import is_total

LINK_ID: Final = "link_id"
EMPTY: Final = "Not recorded"
SEVERAL: Final = "Several values"
PRESENT: Final = "Yes"
MOST_AXES: Final = 4
MOST_CATEGORIES: Final = 60
MOST_CELLS: Final = 2_000
MOST_PEOPLE: Final = 4_000_000
_PLAIN_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_ABSENT, _SEVERAL, _EMPTY, _FIRST = 0, 1, 2, 3

Open = Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Axis:
    """One dimension: an element of a file, or whether a person is in the file at all (no element).

    `codes` are told apart from all the rest; without any, each value stands by itself. `bands` are the lower
    bounds of bands of numbers, rising: then each band is a value, also one that nobody has. Who is not in the
    file is `absent`, a name of the file's own.
    """

    name: str
    file: str
    element: str = ""
    codes: tuple[str, ...] = ()
    absent: str = ""
    bands: tuple[int, ...] = ()


@dataclass
class Reading:
    """What one dimension says of each person, filled row by row, in whatever order the rows come."""

    axis: Axis
    of: np.ndarray
    numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Number the bands: all are told, or it would be told that nobody is in one."""
        self.numbers |= {name: _FIRST + at for at, name in enumerate(band_names(self.axis.bands))}

    def hear(self, person: int, value: str) -> None:
        """Take in one row of a person."""
        code = self._number(value)
        held = self.of[person]
        if held in (_ABSENT, _EMPTY):
            self.of[person] = code
        elif code not in (held, _EMPTY):
            self.of[person] = _SEVERAL

    def finest(self) -> tuple[list[str], np.ndarray]:
        """Return all values, grouped or not, with those for who has none; and of each person the place."""
        return [self.axis.absent or EMPTY, SEVERAL, EMPTY, *self.numbers], self.of

    def _number(self, value: str) -> int:
        value = tidied(value)
        if not value:
            return _EMPTY
        if self.axis.bands:
            return _FIRST + bisect_right(self.axis.bands, self._amount(value))
        number = self.numbers.get(value)
        if number is None:
            _refuse_name(self.axis, value)
            number = self.numbers[value] = _FIRST + len(self.numbers)
            if len(self.numbers) > MOST_CATEGORIES:
                raise BadTable(
                    f"{self.axis.name}: more than {MOST_CATEGORIES} values, so a table by them comes close "
                    "to a list of people. Take another element."
                )
        return number

    def _amount(self, value: str) -> Decimal:
        if not _PLAIN_NUMBER.fullmatch(value):
            raise BadTable(
                f"{self.axis.name}: a value of it is no number, so it has no bands. Tell its values."
            )
        return Decimal(value)

    def categories(self) -> tuple[list[str], np.ndarray]:
        """Return the categories, and of each person the place in them."""
        names = {number: value for value, number in self.numbers.items()}
        names |= {_SEVERAL: SEVERAL, _EMPTY: EMPTY}
        held = {int(number) for number in np.unique(self.of)}
        leaves = {names[number] for number in held if number != _ABSENT}
        bands = band_names(self.axis.bands)
        leaves |= {*self.axis.codes, *bands}  # held or not: no refusal tells that somebody has a value
        named = bands or sorted(leaves - {SEVERAL, EMPTY})
        groups = _grouped(self.axis, named, [EMPTY, SEVERAL], leaves)
        place = {leaf: at for at, (_, parts) in enumerate(groups) for leaf in parts}
        told = [name for name, _ in groups] + ([self.axis.absent] if _ABSENT in held else [])
        lookup = np.zeros(max(names) + 1, dtype=np.int64)
        for number, name in names.items():
            lookup[number] = place.get(name, 0)
        lookup[_ABSENT] = len(groups)
        return told, lookup[self.of]


def _grouped(
    axis: Axis, values: Sequence[str], last: Sequence[str], leaves: set[str]
) -> list[tuple[str, list[str]]]:
    every = [*values, *(name for name in last if name in leaves)]
    if not axis.codes:
        return [(leaf, [leaf]) for leaf in every]
    chosen = [leaf for leaf in every if leaf in axis.codes]
    rest = [leaf for leaf in every if leaf not in axis.codes]
    if not rest:
        raise BadTable(f"{axis.name}: every value is chosen, so nobody is left out. Choose fewer, or none.")
    return [("|".join(parts), parts) for parts in (chosen, rest)]


def band_names(bands: Sequence[int]) -> list[str]:
    """Return what a table calls the bands above these lower bounds, and what lies below them all."""
    if not bands:
        return []
    between = [f"{low} to below {high}" for low, high in pairwise(bands)]
    return [f"Below {bands[0]}", *between, f"{bands[-1]} and more"]


def tidied(value: str) -> str:
    """Return a value as it is told: without spaces around it, or more than one within."""
    return " ".join(value.split())


def is_no_value(code: str) -> bool:
    """Say whether a table would take this for something else than a value."""
    return not code or "|" in code or is_total(code) or reads_like_a_total(code)


def _refuse_name(axis: Axis, value: str) -> None:
    """Refuse a value that would be taken for something else. It is not repeated: it is of a record."""
    if is_no_value(value) or value in (EMPTY, SEVERAL, axis.absent):
        raise BadTable(
            f"{axis.name}: a value of it holds “|”, or is called as the portal calls a total or who has no "
            "value. Ask the hub to have the element delivered with other values, or take another one."
        )


def check(axes: Sequence[Axis], *, counted: str, identifiers: Iterable[str]) -> None:
    """Make sure that these dimensions may be asked for at all.

    :raises BadTable: naming the dimension and what to do
    """
    if not 1 <= len(axes) <= MOST_AXES:
        raise BadTable(f"Choose one to {MOST_AXES} dimensions, conditions included.")
    names = [axis.name for axis in axes]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadTable(f"{twice[0]} is chosen twice. Choose each element once.")
    others = [axis.file for axis in axes if axis.file != counted]
    if twice := sorted({file for file in others if others.count(file) > 1}):
        raise BadTable(f"Of {twice[0]} only one dimension can be told: other people are in it. Choose one.")
    forbidden = {LINK_ID, *(name.casefold() for name in identifiers)}
    for axis in axes:
        _check_one(axis, forbidden)


def _check_one(axis: Axis, forbidden: Collection[str]) -> None:
    if axis.element.casefold() in forbidden:
        raise BadTable(f"{axis.name} tells people from each other, so no table is made by it.")
    if axis.name.casefold() in (*RESERVED, LINK_ID):
        raise BadTable(f"{axis.name} cannot be the name of a dimension.")
    if not axis.element and axis.codes:
        raise BadTable(f"{axis.name}: whether somebody is in a file has no values to choose from.")
    if axis.bands and (axis.codes or not axis.element):
        raise BadTable(f"{axis.name}: choose values or bands, not both.")
    if len(axis.bands) >= MOST_CATEGORIES or any(low >= high for low, high in pairwise(axis.bands)):
        raise BadTable(
            f"{axis.name}: lower bounds of bands rise, and there are fewer than {MOST_CATEGORIES}."
        )
    for code in axis.codes:
        if is_no_value(code):
            raise BadTable(f"{axis.name}: “{code}” is no value. Write values with commas between.")


def tabulate(
    counted: str,
    axes: Sequence[Axis],
    files: Mapping[str, Open],
    *,
    identifiers: Iterable[str],
    told: Callable[[int, str], None] = lambda percent, message: None,
) -> bytes:
    """Count the people of one file by these dimensions; return the whole table with its margins, as long CSV.

    Rows are read as they come: what is held is one number for each person and dimension.

    :raises BadTable: naming the dimension or the file and what to do; no value of a record
    """
    check(axes, counted=counted, identifiers=identifiers)
    told(10, "Finding who is counted.")
    people = people_of(counted, files)
    readings = read_dimensions(axes, files, people, told=told)
    told(75, "Counting.")
    told_apart = [reading.categories() for reading in readings]
    return _written(axes, [names for names, _ in told_apart], [places for _, places in told_apart])


def read_dimensions(
    axes: Iterable[Axis],
    files: Mapping[str, Open],
    people: Mapping[str, int],
    *,
    told: Callable[[int, str], None] = lambda percent, message: None,
) -> list[Reading]:
    """Return what each dimension says of each person.

    :raises BadTable: naming the dimension or the file and what to do
    """
    readings = [Reading(axis, np.zeros(len(people), dtype=np.int16)) for axis in axes]
    by_file: dict[str, list[Reading]] = {}
    for reading in readings:
        by_file.setdefault(reading.axis.file, []).append(reading)
    for at, (name, wanted) in enumerate(by_file.items()):
        told(20 + 50 * at // len(by_file), "Reading the files.")
        _read(name, files, people, wanted)
    return readings


def people_of(counted: str, files: Mapping[str, Open]) -> dict[str, int]:
    """Number the people of a file.

    :raises BadTable: if nobody is in it, or too many
    """
    people: dict[str, int] = {}
    for (link,) in rows_of_file(counted, files, [LINK_ID]):
        people.setdefault(link, len(people))
        if len(people) > MOST_PEOPLE:
            raise BadTable(f"{counted}: more than {MOST_PEOPLE:,} people. Count those of another file.")
    if not people:
        raise BadTable(f"{counted}: nobody is in it.")
    return people


def _read(name: str, files: Mapping[str, Open], people: Mapping[str, int], wanted: Sequence[Reading]) -> None:
    columns = [r.axis.element or LINK_ID for r in wanted]
    for link, *values in rows_of_file(name, files, [LINK_ID, *columns]):
        person = people.get(link)
        if person is None:
            continue
        for reading, value in zip(wanted, values, strict=True):
            reading.hear(person, value if reading.axis.element else PRESENT)


def rows_of_file(name: str, files: Mapping[str, Open], columns: Sequence[str]) -> Iterator[list[str]]:
    """Yield these columns of a file, row by row.

    :raises BadTable: if there is no such file or column, or a row is cut
    """
    if name not in files:
        raise BadTable(f"{name} is no file of the delivery. Define the table anew.")
    source = io.BufferedReader(_Pieces(files[name]()))  # type: ignore[type-var]
    text = io.TextIOWrapper(source, encoding="utf-8-sig", newline="")
    lines = csv.reader(text)
    header = next(lines, [])
    if missing := [column for column in columns if column not in header]:
        raise BadTable(f"{name}: there is no column “{missing[0]}”. Define the table anew.")
    at = [header.index(column) for column in columns]
    for line in lines:
        if len(line) != len(header):
            raise BadTable(f"{name}: a row has another number of values than the header. Tell the hub.")
        yield [line[place] for place in at]


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file to be read once."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces, self._rest = iter(pieces), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def _written(axes: Sequence[Axis], names: Sequence[list[str]], places: Sequence[np.ndarray]) -> bytes:
    shape = [len(each) for each in names]
    cells = int(np.prod([size + 1 for size in shape]))
    if cells > MOST_CELLS:
        raise BadTable(
            f"The table would have {cells:,} cells; at most {MOST_CELLS:,} are counted at once. Leave out a "
            "dimension, or name the values that matter."
        )
    flat = np.ravel_multi_index(tuple(places), shape)
    counts = np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)
    for d in range(len(shape)):
        counts = np.concatenate([counts, counts.sum(axis=d, keepdims=True)], axis=d)
    codes = product(*([*each, TOTAL] for each in names))
    rows = [[*each, str(count)] for each, count in zip(codes, counts.ravel(), strict=True)]
    return write([*(axis.name for axis in axes), "count"], rows)
