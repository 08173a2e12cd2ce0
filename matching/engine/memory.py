"""How much memory a linkage needs, told before it starts from the sizes of its files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from matching.engine.errors import BadInput, NeedsMoreMemory

_BASE: Final = 300 * 2**20  # Python and the libraries, with the working buffers of the database
_PER_ROW: Final = {"hybrid": 520, "cascade": 520}  # candidates, scores and normal forms of one record
_PER_ROW_OF_OTHERS: Final = 1_600
_PER_BYTE: Final = 3  # raw text, as read and as a table
_UNITS: Final = {"": 1, "B": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_OUTSIDE: Final = 0.45
"""Share of the limit that is not DuckDB's: tables in Arrow, scores, the program itself."""


def parse(text: str) -> int:
    """Return bytes from a size such as 2GB or 800MB.

    :raises BadInput: if it is no size
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?\s*", text.upper())
    if not found:
        raise BadInput(f"“{text}” is no amount of memory; write for example 2GB.")
    return int(float(found.group(1)) * _UNITS[found.group(2)])


def words(amount: int) -> str:
    """Return an amount of memory in words."""
    return f"{amount / 2**30:.1f} GB" if amount >= 2**30 else f"{amount / 2**20:.0f} MB"


def need(rows: Mapping[str, int], size: int, *, engine: str = "") -> int:
    """Return the bytes that a linkage of files of so many rows and bytes is expected to need."""
    return _BASE + _PER_ROW.get(engine, _PER_ROW_OF_OTHERS) * sum(rows.values()) + _PER_BYTE * size


def check(rows: Mapping[str, int], size: int, *, limit: int, engine: str = "") -> None:
    """Pass if the need lies within the limit.

    :raises NeedsMoreMemory: naming the need
    """
    if (wanted := need(rows, size, engine=engine)) > limit:
        raise NeedsMoreMemory(f"The link needs about {words(wanted)} of memory; the limit is {words(limit)}.")


def for_database(limit: int) -> int:
    """Return the part of the limit that the database may use."""
    return int(limit * (1 - _OUTSIDE))
