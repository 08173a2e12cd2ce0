"""The key: each person's new id beside the generic ids of the files. The id comes from chance alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matching.engine.errors import LinkageError

SCHEMA = pa.schema([("link_id", pa.string()), ("file", pa.string()), ("id", pa.string())])
_TRIES: Final = 5
_BYTES: Final = 16
_SPARSE: Final = 4


class FreshIds:
    """The source of new ids: 128 bits of the system's chance each, one at a time or many at once."""

    def __call__(self) -> str:
        """Return one new id."""
        return secrets.token_hex(_BYTES)

    def many(self, count: int) -> tuple[pa.Array, np.ndarray]:
        """Return so many new ids, and their order."""
        chance = secrets.token_bytes(_BYTES * count)
        letters = pa.py_buffer(chance.hex().encode())
        offsets = pa.py_buffer(np.arange(count + 1, dtype=np.int64) * 2 * _BYTES)
        halves = np.frombuffer(chance, dtype=">u8").astype(np.uint64).reshape(count, 2)
        order = np.argsort(halves[:, 0])
        if (np.diff(halves[order, 0]) == 0).any():
            order = np.lexsort((halves[:, 1], halves[:, 0]))
        return pa.LargeStringArray.from_buffers(count, offsets, letters), order


def tokens() -> FreshIds:
    """Return a source of new ids."""
    return FreshIds()


def draw(
    cluster: np.ndarray, names: Sequence[str], ids: Sequence[pa.Array], *, token: Callable[[], str]
) -> pa.Table:
    """Give every cluster a new id from the token source; return `link_id, file, id` in the order of the ids.

    Sorting by an id that is chance takes away the order of the files as well.

    :raises LinkageError: if the token source repeats itself
    """
    people, person = _numbered(cluster)
    drawn, by_token = _tokens(people, token)
    rank = np.empty(people, np.int64)
    rank[by_token] = np.arange(people)
    file_of = np.repeat(np.arange(len(names)), [len(held) for held in ids])
    place = np.argsort(np.argsort(np.array(names, dtype=str)))
    every = pa.chunked_array([held.cast(pa.string()) for held in ids], pa.string()).combine_chunks()
    order = _order(rank[person] * len(names) + place[file_of], every)
    return pa.table(
        [
            pc.take(drawn, pa.array(person[order])).cast(pa.string()),
            pa.array(np.array(names, dtype=object), pa.string()).take(pa.array(file_of[order])),
            pc.take(every, pa.array(order)),
        ],
        schema=SCHEMA,
    )


def _order(key: np.ndarray, ids: pa.Array) -> np.ndarray:
    """Return the rows by person and file, and several rows of one person in one file by their ids."""
    most = int(key.max(initial=-1)) + 1
    if most <= _SPARSE * len(key):
        place = np.full(most, -1, np.int64)
        place[key] = np.arange(len(key))
        if np.count_nonzero(place >= 0) == len(key):  # each has a place of its own: nothing to sort
            return place[place >= 0]
    order = np.argsort(key, kind="stable")
    same = key[order][1:] == key[order][:-1]
    if not same.any():
        return order
    tied = np.zeros(len(order), bool)
    tied[1:] |= same
    tied[:-1] |= same
    rows = order[tied]
    by_id = pc.array_sort_indices(ids.take(pa.array(rows))).to_numpy()
    of_id = np.empty(len(rows), np.int64)
    of_id[by_id] = np.arange(len(rows))
    order[tied] = rows[np.lexsort((of_id, key[rows]))]
    return order


def _numbered(cluster: np.ndarray) -> tuple[int, np.ndarray]:
    """Return how many people there are, and each row's person from 0 on."""
    if not len(cluster):
        return 0, np.empty(0, np.int64)
    present = np.zeros(int(cluster.max()) + 1, bool)
    present[cluster] = True
    number = np.cumsum(present) - 1
    return int(number[-1]) + 1, number[cluster]


def _tokens(count: int, token: Callable[[], str]) -> tuple[pa.Array, np.ndarray]:
    """Return so many ids, each another, and their order.

    :raises LinkageError: if the source repeats itself
    """
    if isinstance(token, FreshIds):
        drawn, order = token.many(count)
        return drawn, order
    said = dict.fromkeys(token() for _ in range(count))
    for _ in range(_TRIES):
        if len(said) == count:
            ids = pa.array(list(said), pa.large_string())
            return ids, pc.array_sort_indices(ids).to_numpy()
        said |= dict.fromkeys(token() for _ in range(count - len(said)))
    raise LinkageError("The source of new ids repeats itself; no crosswalk was made.")
