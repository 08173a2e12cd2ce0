"""Match rates by what stands in another file of the same people, reckoned from the key alone.

Race and ethnicity mostly come in the analytical file, which is kept apart from every identifier. So they are
counted after the linkage, by generic id, where no identifier is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matching.engine import extract, subgroups

SEVERAL: Final = "more than one value"
_NONE: Final = -1


def of_file(
    name: str, crosswalk: pa.Table, columns: Sequence[str], rows: Iterable[pa.Table], *, id_column: str
) -> list[dict[str, Any]]:
    """Return the match rate of every group of one file's people, as `subgroups` tells them.

    Each person of the key counts once, however many rows there are of them. A column that is no short list of
    codes is left out.
    """
    mine = pc.equal(crosswalk["file"], name)
    people = crosswalk.filter(mine)
    others = crosswalk.filter(pc.invert(mine))
    if not people.num_rows or not others.num_rows:
        return []
    matched = pc.is_in(people[extract.LINK_ID], value_set=pc.unique(others[extract.LINK_ID]))
    hit = matched.to_numpy(zero_copy_only=False) if isinstance(matched, pa.Array) else matched.to_numpy()
    ids = people["id"].combine_chunks()
    seen = {column: _Seen(len(ids)) for column in columns}
    for batch in rows:
        place = pc.fill_null(pc.index_in(batch[id_column].combine_chunks(), value_set=ids), _NONE)
        for column, values in seen.items():
            values.add(place.to_numpy(zero_copy_only=False), batch[column])
    return [
        {"file": name, **subgroups.by(column, labels, np.asarray(hit))}
        for column, values in seen.items()
        if (labels := values.labels()) is not None
    ]


class _Seen:
    """Which codes of one column were seen of each person."""

    def __init__(self, people: int) -> None:
        self._codes: dict[str, int] = {}
        self._least = np.full(people, np.iinfo(np.int32).max, dtype=np.int32)
        self._most = np.full(people, _NONE, dtype=np.int32)
        self._is_code = True

    def add(self, place: np.ndarray, column: pa.ChunkedArray) -> None:
        """Take in some rows: whose each is (none: -1), and what stands there."""
        if not self._is_code:
            return
        labels = subgroups.labels_of(subgroups.filled(column))
        known = [*labels.names[:-1]]
        for code in known:
            self._codes.setdefault(code, len(self._codes))
        if not subgroups.are_codes(list(self._codes)):
            self._is_code, self._codes = False, {}
            return
        numbers = np.array([*(self._codes[code] for code in known), _NONE], dtype=np.int32)[labels.number]
        there = (place >= 0) & (numbers >= 0)
        np.minimum.at(self._least, place[there], numbers[there])
        np.maximum.at(self._most, place[there], numbers[there])

    def labels(self) -> subgroups.Labels | None:
        """Return each person's group, the rare ones together; None if these are no codes, or none."""
        if not self._is_code or not self._codes:
            return None
        several, unknown = len(self._codes), len(self._codes) + 1
        number = np.where(self._least == self._most, self._most, several)
        number = np.where(self._most == _NONE, unknown, number)
        return subgroups.without_rare(subgroups.Labels(number, [*self._codes, SEVERAL, subgroups.UNKNOWN]))
