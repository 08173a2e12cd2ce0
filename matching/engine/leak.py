"""The last look before data leaves: no cell of a row holds an identifier of that row's own person.

Long numbers and dates are looked for in any cell, also inside a text, and one is enough to refuse. Names are
common words, too; they are refused where a column holds them row after row. Generic ids may stand nowhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from matching.engine.errors import BadInput

_LONG = 8  # digits from which on a number is nobody else's by chance
_MANY, _SHARE = 3, 0.02  # as at intake: so many rows, and such a share of them, are no chance


class Leak(BadInput):
    """Something that identifies people was about to leave."""


class Watch:
    """Looks at the rows of one file before they leave; it knows what the agency sent to match by."""

    def __init__(
        self, file: str, ids: pa.Array, identifiers: Mapping[str, pa.Array], *, is_key: bool = False
    ) -> None:
        self._file, self._ids = file, ids
        numbers: dict[str, pa.Array] = {}
        names: dict[str, pa.Array] = {}
        for column, values in identifiers.items():
            text = plain(values)
            longest = pc.max(pc.utf8_length(text)).as_py() or 0
            digits = pc.all(pc.match_substring_regex(text, "^[0-9]*$")).as_py()
            (numbers if digits and longest >= _LONG else names)[column] = text
        self._numbers, self._names = numbers, names
        self._rows = 0
        self._hits: Counter[tuple[str, str]] = Counter()
        self._generic = "" if is_key else _generic(ids)

    def look(self, ids: pa.Array, rows: pa.Table, *, free: Sequence[str] = ()) -> None:
        """This will look at some rows; `ids` are their generic ids. Columns in `free` are the hub's own.

        :raises Leak: naming file and column, never a value
        """
        self._rows += rows.num_rows
        place = pc.index_in(ids, value_set=self._ids)
        for column in rows.column_names:
            if column not in free:
                cells = pc.fill_null(rows[column].combine_chunks().cast(pa.string()), "")
                self._numbers_in(column, cells, place)
                self._names_in(column, cells, place)
                self._generic_ids_in(column, cells)

    def finish(self) -> None:
        """This will judge what only many rows together can show. :raises Leak: if a column holds names"""
        for (column, name), hits in self._hits.items():
            if hits >= _MANY and hits >= self._rows * _SHARE:
                raise Leak(f"{self._file}: the column “{column}” holds what {name} holds in {hits} rows.")

    def _numbers_in(self, column: str, cells: pa.Array, place: pa.Array) -> None:
        digits = pc.replace_substring_regex(cells, "[^0-9]", "")
        long = pc.and_(pc.greater_equal(pc.utf8_length(digits), _LONG), pc.is_valid(place))
        if not pc.any(long).as_py():
            return
        held = digits.filter(long).to_pylist()
        for name, values in self._numbers.items():
            own = values.take(place.filter(long)).to_pylist()
            if any(
                number and len(number) >= _LONG and number in cell
                for number, cell in zip(own, held, strict=True)
            ):
                raise Leak(f"{self._file}: the column “{column}” holds a {name}. Nothing was delivered.")

    def _names_in(self, column: str, cells: pa.Array, place: pa.Array) -> None:
        text = plain(cells)
        for name, values in self._names.items():
            own = values.take(place)
            same = pc.and_(pc.equal(text, own), pc.greater(pc.utf8_length(own), 2))
            if hits := pc.sum(pc.fill_null(same, False)).as_py():
                self._hits[column, name] += hits

    def _generic_ids_in(self, column: str, cells: pa.Array) -> None:
        if self._generic and pc.any(pc.match_substring_regex(cells, self._generic)).as_py():
            raise Leak(f"{self._file}: the column “{column}” holds a generic id. Nothing was delivered.")


def plain(values: pa.Array) -> pa.Array:
    """This will reduce values to letters and digits, in lower case; nothing where nothing stands."""
    text = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    reduced = pc.replace_substring_regex(
        pc.utf8_lower(pc.fill_null(text.cast(pa.string()), "")), r"[^\p{L}0-9]", ""
    )
    return pc.if_else(pc.equal(reduced, ""), None, reduced)


def _generic(ids: pa.Array) -> str:
    """Return the pattern of a file's generic ids, if they share what stands before the first dash."""
    heads = pc.unique(pc.list_element(pc.split_pattern(pc.drop_null(ids), "-", max_splits=1), 0)).to_pylist()
    lengths = pc.unique(pc.utf8_length(pc.drop_null(ids))).to_pylist()
    if len(heads) != 1 or len(heads[0]) == min(lengths, default=0):
        return ""
    shortest = min(lengths) - len(heads[0]) - 1
    return rf"(?:^|[^A-Za-z0-9]){re.escape(heads[0])}-[A-Za-z0-9_-]{{{max(shortest, 1)},}}"


def named_like(columns: Iterable[str], identifiers: Iterable[str]) -> list[str]:
    """This will return the columns that are called as an identifier is, whatever the case and underscores."""
    known = {re.sub(r"[\W_]", "", name.casefold()) for name in identifiers}
    return [column for column in columns if re.sub(r"[\W_]", "", column.casefold()) in known]
