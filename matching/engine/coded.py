"""The files of a run as numbers: each distinct value is looked at once, and what agrees has one number.

A column is brought into its normal form value by value, not row by row, over all files together. From then on
records are compared by numbers; the text is read again only where likeness counts.
"""

from __future__ import annotations

import dataclasses as dc
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matching.engine import defaults, normalise, prepare
from matching.engine.spec import File

UNKNOWN: Final = -1
"""The number of a value that is not known; it agrees with nothing."""
_NO_TEXT: Final = pa.nulls(0, pa.string())


@dc.dataclass(frozen=True)
class Column:
    """One column over all files: for each file the number of every record's value, and the values."""

    codes: tuple[np.ndarray, ...]
    values: pa.Array
    _held: dict[int, np.ndarray] = dc.field(default_factory=dict, repr=False)

    def held(self, place: int) -> np.ndarray:
        """Return how often one file holds each value."""
        if place not in self._held:
            self._held[place] = np.bincount(self.codes[place] + 1, minlength=len(self.values) + 1)[1:]
        return self._held[place]


class Coding:
    """All files of a run, column by column as each is first asked for."""

    def __init__(self, tables: Sequence[pa.Table], files: Sequence[File] | None) -> None:
        """Take files as agencies sent them, or, without a description, tables in their normal form."""
        self._tables, self._files = tables, files
        self._columns: dict[str, Column] = {}
        self._filled: dict[str, list[int]] = {}

    def records(self, threads: int = 1) -> list[Records]:
        """Return the files, their fields coded, several fields at a time."""
        fields = sorted({field for file in self._files or () for field in file.columns} - defaults.TOKENS)
        # What varies most takes longest, and goes first.
        self.ready(sorted(fields, key=lambda field: field not in normalise.VARIED), threads)
        return [Records(self, place) for place in range(len(self._tables))]

    def ready(self, names: Iterable[str], threads: int) -> None:
        """Make some columns at once that will be asked for."""
        with ThreadPoolExecutor(max(1, threads)) as pool:
            list(pool.map(self.parts, names))

    def rows(self, place: int) -> int:
        """Return how many records a file has."""
        return int(self._tables[place].num_rows)

    def filled(self, field: str, place: int) -> int:
        """Return in how many records of a file a field is not blank, usable or not."""
        self.column(field)
        return self._filled[field][place]

    def column(self, name: str) -> Column:
        """Return a column that holds one value."""
        if name not in self._columns:
            self._columns.setdefault(name, self._made(name))
        return self._columns[name]

    def parts(self, name: str) -> list[Column]:
        """Return the columns that must agree, one by one, for this one to agree.

        That is the column itself, or of both names in either order the smaller and the greater.
        """
        if name != "names" or self._stands(name):
            return [self.column(name)]
        if "names high" not in self._columns:
            first, last = self.column("first_name"), self.column("last_name")
            other = self.same("last_name", "first_name", new=True)
            values = pa.nulls(int(max(len(first.values), other.max(initial=-1) + 1)), pa.string())
            low, high = [], []
            for one, two in zip(first.codes, last.codes, strict=True):
                two = np.append(other, np.int32(UNKNOWN))[two]
                known = (one >= 0) & (two >= 0)
                low.append(np.where(known, np.minimum(one, two), UNKNOWN))
                high.append(np.where(known, np.maximum(one, two), UNKNOWN))
            self._columns.setdefault("names low", Column(tuple(low), values))
            self._columns.setdefault("names high", Column(tuple(high), values))
        return [self._columns["names low"], self._columns["names high"]]

    def same(self, one: str, other: str, *, new: bool = False) -> np.ndarray:
        """Return for each value of one column its number in another, if none there then a new one or none."""
        ours, theirs = self.column(one).values, self.column(other).values
        found = pc.index_in(ours, value_set=theirs) if len(theirs) else pa.nulls(len(ours), pa.int32())
        place = _numbers(found)
        if new:
            absent = place < 0
            place[absent] = len(theirs) + np.arange(int(absent.sum()), dtype=np.int32)
        return place

    def _stands(self, name: str) -> bool:
        return self._files is None and any(name in table.column_names for table in self._tables)

    def _made(self, name: str) -> Column:
        field = defaults.COLUMNS[name]
        if name == field or self._stands(name):
            return self._field(name)
        base = self.column(field)
        rule = prepare.SLICES.get(name) or prepare.MADE[name]
        return _mapped(base.codes, rule(base.values) if len(base.values) else _NO_TEXT)

    def _field(self, name: str) -> Column:
        """Return a column as it stands in the files, in its normal form."""
        columns = [self.text(place, name) for place in range(len(self._tables))]
        encoded = pa.chunked_array([c for column in columns for c in column.chunks], pa.string())
        encoded = encoded.dictionary_encode()
        raw = encoded.chunk(0).dictionary if encoded.num_chunks else _NO_TEXT
        numbers = _split([_numbers(chunk.indices) for chunk in encoded.chunks], [len(c) for c in columns])
        self._filled[name] = _filled(raw, numbers)
        if self._files is None or name in defaults.TOKENS:
            return Column(tuple(numbers), raw)
        made = normalise.values(raw, name)
        column = _as_it_was(numbers, raw, made) or _mapped(numbers, made)
        return self._of_one_person(column) if name in prepare.NUMBERS else column

    def has(self, place: int, field: str) -> bool:
        """Tell whether a file has a field."""
        return field in (self._files[place].columns if self._files else self._tables[place].column_names)

    def text(self, place: int, name: str) -> pa.ChunkedArray:
        """Return a field of a file as it stands there; null where the file does not have it."""
        table = self._tables[place]
        held = self._files[place].columns.get(name) if self._files is not None else name
        if held is None or held not in table.column_names:
            return pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
        return table[held].cast(pa.string())

    def _of_one_person(self, column: Column) -> Column:
        """Return the numbers without those that more rows of a file hold than one person's can: fillers."""
        codes = []
        for place, own in enumerate(column.codes):
            filler = column.held(place) > prepare.most_rows((self._files or ())[place])
            codes.append(np.where(np.append(filler, False)[own], UNKNOWN, own) if filler.any() else own)
        return Column(tuple(codes), column.values)


class Records:
    """The records of one file, seen through the coding that it shares with the others."""

    def __init__(self, coding: Coding, place: int) -> None:
        self.coding, self.place = coding, place
        self.num_rows = coding.rows(place)

    def codes(self, name: str) -> np.ndarray:
        """Return the number of each record's value in a column, below 0 where it is not known."""
        return self.coding.column(name).codes[self.place]

    def values(self, name: str) -> pa.Array:
        """Return the values of a column, by their numbers."""
        return self.coding.column(name).values

    def known(self, name: str) -> np.ndarray:
        """Tell which records have a value in a column."""
        known: np.ndarray = self.codes(name) >= 0
        return known

    def text(self, name: str) -> pa.Array:
        """Return a column in words."""
        return self.values(name).take(pa.array(self.codes(name), mask=~self.known(name)))

    def agree(self, other: Records, name: str, ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        """Tell which pairs of these records and another file's agree on a column."""
        agree = np.ones(len(ours), dtype=bool)
        for part in self.coding.parts(name):
            one = part.codes[self.place][ours]
            agree &= (one == part.codes[other.place][theirs]) & (one >= 0)
        return agree

    @cached_property
    def table(self) -> pa.Table:
        """The records in words, with every column that an engine may ask for, as `prepare` makes it."""
        columns = {prepare.ROW: pa.array(np.arange(self.num_rows, dtype=np.int32))}
        for name, field in defaults.COLUMNS.items():
            if field in defaults.TOKENS:  # made by the agency in their one form
                if self.coding.has(self.place, field):
                    columns[name] = self.coding.text(self.place, field)
            elif name == "names":
                columns[name] = prepare.either_order(columns["first_name"], columns["last_name"])
            else:
                columns[name] = self.text(name)
        return pa.table(columns)


def together(*sides: Records | pa.Table) -> list[Records]:
    """Return files as they are coded together, or code tables that are in their normal form already."""
    records = [side for side in sides if isinstance(side, Records)]
    if len(records) == len(sides) and all(one.coding is records[0].coding for one in records):
        return records
    tables = [side.table if isinstance(side, Records) else side for side in sides]
    return Coding(tables, None).records()


def in_words(side: Records | pa.Table) -> pa.Table:
    """Return a file as a table of text."""
    return side.table if isinstance(side, Records) else side


def _numbers(indices: pa.Array) -> np.ndarray:
    filled = pc.fill_null(indices, UNKNOWN) if indices.null_count else indices
    return np.array(filled.to_numpy(zero_copy_only=False), dtype=np.int32)


def _split(parts: Sequence[np.ndarray], sizes: Sequence[int]) -> list[np.ndarray]:
    whole = np.concatenate([*parts, np.empty(0, np.int32)])
    ends = np.cumsum(sizes)
    return [whole[end - size : end] for end, size in zip(ends.tolist(), sizes, strict=True)]


def _filled(raw: pa.Array, numbers: Sequence[np.ndarray]) -> list[int]:
    blank = pc.or_(pc.equal(raw, ""), pc.utf8_is_space(raw)).to_numpy(zero_copy_only=False)
    if not blank.any():
        return [int(np.count_nonzero(own >= 0)) for own in numbers]
    filled = np.append(~blank, False)
    return [int(np.count_nonzero(filled[own])) for own in numbers]


def _as_it_was(codes: Sequence[np.ndarray], raw: pa.Array, made: pa.Array) -> Column | None:
    """Return a column whose values were in their normal form already, but for those that are none."""
    if not pc.all(pc.or_kleene(pc.is_null(made), pc.equal(made, raw))).as_py():
        return None
    if not made.null_count:
        return Column(tuple(codes), raw)
    none = np.append(pc.is_null(made).to_numpy(zero_copy_only=False), False)
    return Column(tuple(np.where(none[own], np.int32(UNKNOWN), own) for own in codes), raw)


def _mapped(codes: Sequence[np.ndarray], made: pa.Array) -> Column:
    """Return a column made from another, of whose values each gave one of these, or null."""
    encoded = made.dictionary_encode()
    if len(encoded.dictionary) == len(made):  # each value another, as before
        return Column(tuple(codes), encoded.dictionary)
    place = np.append(_numbers(encoded.indices), np.int32(UNKNOWN))
    return Column(tuple(place[own] for own in codes), encoded.dictionary)
