"""Identifier lists of third parties: whom of an agency's file they name, as flag columns by generic id.

The recipient gets the flags and never the identifiers. Identifiers that the agency does not know are counted,
and that count goes beside the report, not into it: hub and supplier alone are told (O-126).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from matching.engine import normalise
from matching.engine.errors import BadInput

MEMBER: Final = "member:"
"""Before a list's name: the column of whom that one list flags. It is kept with the flags, never delivered.

Several populations may share a flag's name, as schools of one year do; who is in which is told by the list.
"""


@dataclass(frozen=True)
class List:
    """One list: the agency file it belongs to, its column of identifiers, its flag columns.

    Who has `value` in a flag column is flagged, and nobody else. `places` are the schools whose people it is
    about; without them it is about everybody in the file.
    """

    name: str
    file: str
    identifier: str
    flags: tuple[str, ...]
    value: str
    field: str = "sasid"
    places: tuple[str, ...] = ()


def join(
    lists: Sequence[List],
    tables: Mapping[str, pa.Table],
    prepared: Mapping[str, pa.Table],
    ids: Mapping[str, pa.Array],
) -> tuple[pa.Table, list[dict[str, Any]]]:
    """Return `file, id` with one column a flag and one a list, and how many each names and no agency knows.

    Of a list's own column: 1 for whom it flags, else empty. Of a flag's:
    1: named by a list; 0: of its place and not named; empty: no list came in for them (O-178).

    :raises BadInput: if a list lacks a column, or its agency's file holds no such identifier
    """
    parts, counts = [], []
    for file in dict.fromkeys(entry.file for entry in lists):
        own = [entry for entry in lists if entry.file == file]
        flags: dict[str, pa.Array] = {}
        for entry in own:
            held = _held(prepared, entry)
            named = _named(tables[entry.name], entry)
            counts.append(
                {
                    "list": entry.name,
                    "named": {"count": len(named)},
                    "unknown": {
                        "count": pc.sum(pc.invert(pc.is_in(named, held))).as_py() or 0,
                        "of": len(named),
                    },
                }
            )
            flagged = {flag: _flagged(tables[entry.name], entry, flag) for flag in entry.flags}
            members = pa.chunked_array([pa.array([], pa.string()), *flagged.values()]).combine_chunks()
            flags[f"{MEMBER}{entry.name}"] = pc.if_else(
                pc.is_in(held, members), pa.scalar(1, pa.int8()), pa.scalar(None, pa.int8())
            )
            for flag, on in flagged.items():
                value = _value(prepared[file], held, on, entry)
                flags[flag] = pc.max_element_wise(flags[flag], value) if flag in flags else value
        names = pa.array([file] * len(ids[file]), pa.string())
        parts.append(pa.table({"file": names, "id": ids[file], **flags}))
    if not parts:
        return pa.table({"file": pa.array([], pa.string()), "id": pa.array([], pa.string())}), []
    return pa.concat_tables(parts, promote_options="default"), counts


def _value(prepared: pa.Table, held: pa.Array, named: pa.Array, entry: List) -> pa.Array:
    """Return 1 for those who are named, 0 for the others of the list's place, null for all else."""
    places = pa.array([normalise.code(place) for place in entry.places], pa.string()).drop_null()
    schools = prepared["high_school"].combine_chunks()
    everybody = not len(places) or schools.null_count == len(schools)
    about = pa.array([True] * len(held)) if everybody else pc.is_in(schools, places)
    return pc.if_else(
        pc.is_in(held, named), pa.scalar(1, pa.int8()), pc.if_else(about, pa.scalar(0, pa.int8()), None)
    )


def _held(prepared: Mapping[str, pa.Table], entry: List) -> pa.Array:
    """Return the identifiers of the agency's file, with a mark where it holds none, so that none equals none.

    :raises BadInput: if the file holds none at all
    """
    held = prepared[entry.file][entry.field].combine_chunks()
    if held.null_count == len(held) and len(held):
        raise BadInput(
            f"{entry.name}: the file {entry.file} holds no {entry.field} that this list could be joined to."
        )
    return pc.fill_null(held, "")


def _named(table: pa.Table, entry: List) -> pa.Array:
    for column in (entry.identifier, *entry.flags):
        if column not in table.column_names:
            raise BadInput(f"{entry.name}: there is no column “{column}”.")
    return pc.unique(normalise.column(table[entry.identifier], entry.field).drop_null())


def _flagged(table: pa.Table, entry: List, flag: str) -> pa.Array:
    text = pc.utf8_trim_whitespace(table[flag].cast(pa.string()))
    on = pc.fill_null(pc.equal(text, entry.value), False)
    return normalise.column(table.filter(on)[entry.identifier], entry.field).drop_null()
