"""A share of the rows on which a specification is tried: whole groups of like-sounding surnames.

Rows drawn one by one would tear people apart, and every match rate would be too low. Who sounds alike stays
together here; only people whose surname changed can be torn apart.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa

from matching.engine import normalise
from matching.engine.spec import Spec

MOST_ROWS = 20_000


def sample(
    tables: Mapping[str, pa.Table], spec: Spec, *, salt: str, most: int = MOST_ROWS
) -> dict[str, pa.Table]:
    """Return of every file the rows of a share of all surnames, so that no file has many more than `most`.

    Files that are small enough, or hold no surname or too few of them to draw by, come back whole.
    """
    largest = max((table.num_rows for table in tables.values()), default=0)
    by_name = [name for name in tables if "last_name" in spec.fields_of(name)]
    if largest <= most or len(by_name) < len(tables):
        return dict(tables)
    limit = int(most / largest * 2**64)
    drawn = {name: _drawn(table, spec, name, salt, limit) for name, table in tables.items()}
    # A file of very few surnames may come out empty; then there is no share to try on.
    return drawn if all(table.num_rows for table in drawn.values()) else dict(tables)


def _drawn(table: pa.Table, spec: Spec, name: str, salt: str, limit: int) -> pa.Table:
    surnames = normalise.column(table[spec.files[name].columns["last_name"]], "last_name")
    sounds = normalise.over_distinct(surnames, lambda text: normalise.soundex(text.split(" ")[0]))
    values = sounds.to_pandas().fillna("").to_numpy(dtype=object)
    return table.filter(pa.array(pd.util.hash_array(values, hash_key=salt) < limit))
