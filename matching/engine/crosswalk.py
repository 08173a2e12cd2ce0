"""The key: each person's new id beside the generic ids of the files. The id comes from chance alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matching.engine.errors import LinkageError

SCHEMA = pa.schema([("link_id", pa.string()), ("file", pa.string()), ("id", pa.string())])
_TRIES = 5


def draw(
    cluster: np.ndarray, names: Sequence[str], ids: Sequence[pa.Array], *, token: Callable[[], str]
) -> pa.Table:
    """Give every cluster a new id from the token source; return `link_id, file, id` in the order of the ids.

    Sorting by an id that is chance takes away the order of the files as well.

    :raises LinkageError: if the token source repeats itself
    """
    people, person = np.unique(cluster, return_inverse=True)
    tokens = _tokens(len(people), token)
    table = pa.table(
        [
            pc.take(pa.array(tokens, pa.string()), pa.array(person)),
            pa.concat_arrays([pa.array([n] * len(i), pa.string()) for n, i in zip(names, ids, strict=True)]),
            pa.concat_arrays([i.cast(pa.string()) for i in ids]),
        ],
        schema=SCHEMA,
    )
    return table.sort_by([("link_id", "ascending"), ("file", "ascending"), ("id", "ascending")])


def _tokens(count: int, token: Callable[[], str]) -> list[str]:
    drawn = dict.fromkeys(token() for _ in range(count))
    for _ in range(_TRIES):
        if len(drawn) == count:
            return list(drawn)
        drawn |= dict.fromkeys(token() for _ in range(count - len(drawn)))
    raise LinkageError("The source of new ids repeats itself; no crosswalk was made.")
