"""Keys of records, in SQL: one number for a combination of columns, null where one of them is not known."""

from __future__ import annotations

from collections.abc import Sequence


def key(on: Sequence[str]) -> str:
    """Return the SQL that gives a record's key; NULL never equals NULL."""
    return f"CASE WHEN {held(on)} THEN hash({', '.join(on)}) END"


def held(on: Sequence[str]) -> str:
    """Return the SQL that tells whether a record has all these columns."""
    return " AND ".join(f"{column} IS NOT NULL" for column in on)
