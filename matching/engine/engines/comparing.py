"""The pattern of each pair, from the numbers of its values; text is read only where likeness counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matching.engine import adapter
from matching.engine.adapter import Connection
from matching.engine.coded import UNKNOWN, Records
from matching.engine.engines import digits, levels
from matching.engine.spec import Level

_AT_ONCE: Final = 2**20
"""So many pairs are compared at a time."""
_DATES: Final[Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    "swapped_day": digits.swapped_day,
    "first_of_january": digits.first_of_january,
    "two_of_three": digits.two_of_three,
}


@dataclass(frozen=True)
class Rows:
    """Pairs of records: the row of each on either side."""

    left: np.ndarray
    right: np.ndarray

    def some(self, chosen: np.ndarray | slice) -> Rows:
        """Return some of the pairs."""
        return Rows(self.left[chosen], self.right[chosen])

    def __len__(self) -> int:
        return len(self.left)


class Comparing:
    """Compares pairs of records of two files."""

    def __init__(self, connection: Connection, left: Records, right: Records, *, threads: int = 1) -> None:
        self._connection, self._threads = connection, threads
        self._asking = Lock()
        self._left, self._right, self._coding = left, right, left.coding
        self._kept: dict[tuple[str, ...], Any] = {}
        self._kinds = {
            "nickname": self._nickname,
            "shared_part": self._shared_part,
            "other_given_name": self._other_given_name,
            "swapped_names": self._swapped_names,
        }

    def patterns(
        self,
        scales: Sequence[Any],
        often: Mapping[str, np.ndarray],
        rows: Rows,
        *,
        done: Callable[[int], None] = lambda pairs: None,
    ) -> np.ndarray:
        """Return the pattern of each pair, in the order of the pairs; say how many are done by now."""
        found = np.zeros(len(rows), np.int64)
        with ThreadPoolExecutor(self._threads) as pool:
            for start in range(0, len(rows), _AT_ONCE):
                some = rows.some(slice(start, start + _AT_ONCE))
                for part in pool.map(lambda scale, some=some: self._part(scale, often, some), scales):
                    found[start : start + _AT_ONCE] += part
                done(start + len(some))
        return found

    def _part(self, scale: Any, often: Mapping[str, np.ndarray], rows: Rows) -> np.ndarray:
        """Return what one comparison adds to the pattern of each pair."""
        part: np.ndarray = self._states(scale, often[scale.comparison.field], rows) * scale.stride
        return part

    def _states(self, scale: Any, often: np.ndarray, rows: Rows) -> np.ndarray:
        """Return the state of one comparison for each pair."""
        field, exact = scale.comparison.field, scale.exact
        one, other = self._codes(field, rows)
        both = (one >= 0) & (other >= 0)
        same = (one == other) & both
        state = np.where(same, 1 + np.append(often, np.int8(0))[one], 0).astype(np.int64)
        undecided = np.flatnonzero(both & ~same)
        left = rows.some(undecided)
        alike: np.ndarray | None = None
        for number, level in enumerate(scale.comparison.levels[1:], start=1):
            if level.kind == "else":
                state[undecided] = exact + number
                break
            if level.kind == "jaro_winkler":
                alike = self._likeness(field, left) if alike is None else alike
                shows = alike >= level.at
            else:
                shows = self._shows(field, level, left)
            state[undecided[shows]] = exact + number
            undecided, left = undecided[~shows], left.some(~shows)
            alike = None if alike is None else alike[~shows]
        return state

    def _shows(self, field: str, level: Level, rows: Rows) -> np.ndarray:
        """Tell which pairs, of which both have the field and not the same, show a level."""
        kind = level.kind
        if kind == "exact" or not len(rows):
            return np.zeros(len(rows), dtype=bool)
        if kind in self._kinds:
            return self._kinds[kind](rows)
        if kind == "initial":
            return self._initial(field, rows)
        packed = self._packed(field)
        if packed is not None and (kind in _DATES if field == "birth_date" else False):
            return _DATES[kind](*(packed[codes] for codes in self._codes(field, rows)))
        if packed is not None and kind == "edits" and level.at == 1:
            return digits.slipped(*(packed[codes] for codes in self._codes(field, rows)))
        return self._asked(field, level, rows)

    def _codes(self, column: str, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        return self._left.codes(column)[rows.left], self._right.codes(column)[rows.right]

    def _packed(self, field: str) -> np.ndarray | None:
        if field not in digits.WIDTH:
            return None
        return self._once(
            ("packed", field), lambda: digits.packed(self._left.values(field), digits.WIDTH[field])
        )

    def _once(self, name: tuple[str, ...], make: Callable[[], Any]) -> Any:
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def _as(self, column: str, other: str, codes: np.ndarray, *, new: bool = False) -> np.ndarray:
        """Return the numbers of one column's values as another column numbers them."""
        made = self._once(
            ("as", column, other),
            lambda: np.append(self._coding.same(column, other, new=new), np.int32(UNKNOWN)),
        )
        return np.asarray(made[codes])

    def _nickname(self, rows: Rows) -> np.ndarray:
        return _agree(*self._codes("first_canonical", rows))

    def _shared_part(self, rows: Rows) -> np.ndarray:
        one_a, other_a = self._codes("last_a", rows)
        one_b, other_b = (self._as("last_b", "last_a", own, new=True) for own in self._codes("last_b", rows))
        return (
            _agree(one_a, other_a) | _agree(one_a, other_b) | _agree(one_b, other_a) | _agree(one_b, other_b)
        )

    def _other_given_name(self, rows: Rows) -> np.ndarray:
        one, other = self._codes("first_name", rows)
        mine, theirs = (
            self._as("middle_name", "first_name", own) for own in self._codes("middle_name", rows)
        )
        return _agree(one, theirs) | _agree(mine, other)

    def _swapped_names(self, rows: Rows) -> np.ndarray:
        one, other = self._codes("first_name", rows)
        mine, theirs = (self._as("last_name", "first_name", own) for own in self._codes("last_name", rows))
        return _agree(one, theirs) & _agree(mine, other)

    def _initial(self, field: str, rows: Rows) -> np.ndarray:
        """Tell where one of two values of a field is the first letter of the other."""

        def made() -> tuple[np.ndarray, np.ndarray]:
            values = self._left.values(field)
            letters = pc.utf8_slice_codeunits(values, 0, 1).dictionary_encode().indices
            return letters.to_numpy(), pc.equal(pc.utf8_length(values), 1).to_numpy(zero_copy_only=False)

        letter, short = self._once(("initial", field), made)
        one, other = self._codes(field, rows)
        return np.asarray((letter[one] == letter[other]) & (short[one] | short[other]))

    def _likeness(self, field: str, rows: Rows) -> np.ndarray:
        """Return how alike the values of each pair are, after Jaro and Winkler."""
        if not len(rows):
            return np.zeros(0)
        text = self._text([field], rows)
        made = self._over(text, f"jaro_winkler_similarity(l_{field}, r_{field}) AS alike")
        return np.asarray(made["alike"].to_numpy())

    def _asked(self, field: str, level: Level, rows: Rows) -> np.ndarray:
        """Tell which pairs show a level, by its condition in SQL."""
        told = levels.condition(field, level, "l_{}".format, "r_{}".format)
        text = self._text([field, *levels.MADE_FROM.get(level.kind, ())], rows)
        made = self._over(text, f"coalesce({told}, false) AS shows")
        return np.asarray(made["shows"].to_numpy(zero_copy_only=False)).astype(bool)

    def _over(self, text: pa.Table, columns: str) -> pa.Table:
        with self._asking:  # one query at a time, on as many threads as there are
            return adapter.over(self._connection, text, columns)

    def _text(self, columns: Sequence[str], rows: Rows) -> pa.Table:
        taken = {}
        for column in dict.fromkeys(columns):
            values = self._left.values(column)
            for side, codes in zip("lr", self._codes(column, rows), strict=True):
                taken[f"{side}_{column}"] = values.take(pa.array(codes, mask=codes < 0))
        return pa.table(taken)


def _agree(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (one == other) & (one >= 0)
