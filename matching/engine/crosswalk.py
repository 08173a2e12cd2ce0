"""The key: each person's new id beside the generic ids of the files. The id comes from chance alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matching.engine.errors import LinkageError

SCHEMA = pa.schema([("link_id", pa.string()), ("file", pa.string()), ("id", pa.string())])
_TRIES = 5
_AT_ONCE = 4096


def tokens() -> Callable[[], str]:
    """Return a source of new ids: 128 bits of chance each, drawn many at a time."""

    def drawn() -> Iterator[str]:
        while True:
            text = secrets.token_hex(16 * _AT_ONCE)
            yield from (text[at : at + 32] for at in range(0, len(text), 32))

    return drawn().__next__


def draw(
    cluster: np.ndarray, names: Sequence[str], ids: Sequence[pa.Array], *, token: Callable[[], str]
) -> pa.Table:
    """Give every cluster a new id from the token source; return `link_id, file, id` in the order of the ids.

    Sorting by an id that is chance takes away the order of the files as well.

    :raises LinkageError: if the token source repeats itself
    """
    people, person = np.unique(cluster, return_inverse=True)
    tokens = pa.array(_tokens(len(people), token), pa.string())
    by_token = _sorted(tokens)
    place = np.empty(len(people), dtype=np.int64)
    place[by_token] = np.arange(len(people))
    name_order = np.argsort(np.argsort(np.array(names, dtype=object)))
    file = np.repeat(np.arange(len(names)), [len(own) for own in ids])
    held = pa.concat_arrays([own.cast(pa.string()) for own in ids])
    key = place[person] * len(names) + name_order[file]
    order = _by_id_within(np.argsort(key, kind="stable"), key, held)
    return pa.table(
        [
            tokens.take(pa.array(person[order])),
            pa.array(list(names), pa.string()).take(pa.array(file[order])),
            held.take(pa.array(order)),
        ],
        schema=SCHEMA,
    )


def _sorted(tokens: pa.Array) -> np.ndarray:
    """Return the order of the tokens; comparing their first sixteen letters as numbers nearly always does."""
    lengths = pc.binary_length(tokens)
    if len(tokens) and pc.min(lengths).as_py() == pc.max(lengths).as_py() >= 16:
        width = lengths[0].as_py()
        start = tokens.offset * width
        text = np.frombuffer(tokens.buffers()[2], np.uint8)[start : start + len(tokens) * width]
        first, second = text.reshape(-1, width)[:, :16].copy().view(">u8").astype(np.uint64).T
        order = np.lexsort((second, first))
        ranked = np.stack([first[order], second[order]])
        if (ranked[:, 1:] != ranked[:, :-1]).any(axis=0).all():
            return order
    return pc.sort_indices(tokens).to_numpy()


def _by_id_within(order: np.ndarray, key: np.ndarray, held: pa.Array) -> np.ndarray:
    """Return the order with rows of one person and file put in the order of their ids."""
    ranked = key[order]
    same = np.zeros(len(order), dtype=bool)
    same[1:] = ranked[1:] == ranked[:-1]
    same[:-1] |= same[1:]
    at = np.flatnonzero(same)
    if len(at):
        rows = order[at]
        rank = np.empty(len(rows), dtype=np.int64)
        rank[pc.sort_indices(held.take(pa.array(rows))).to_numpy()] = np.arange(len(rows))
        order[at] = rows[np.lexsort((rank, ranked[at]))]
    return order


def _tokens(count: int, token: Callable[[], str]) -> list[str]:
    drawn = dict.fromkeys(token() for _ in range(count))
    for _ in range(_TRIES):
        if len(drawn) == count:
            return list(drawn)
        drawn |= dict.fromkeys(token() for _ in range(count - len(drawn)))
    raise LinkageError("The source of new ids repeats itself; no crosswalk was made.")
