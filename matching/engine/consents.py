"""Consents of individuals, where an agency relies on them: who has none that holds is left out.

A list names generic ids alone. What was shared before a revocation stays shared; the list is read anew for
every run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from matching.engine import normalise
from matching.engine.errors import BadInput
from matching.engine.spec import Spec

STATUS: Final = "ConsentStatus"
VALID_UNTIL: Final = "ValidUntil"
REVOKED_ON: Final = "RevokedOn"
GIVEN: Final = "given"
INCOMPLETE: Final = "incomplete"
CONDITIONED: Final = "conditioned"
FALSE: Final = "false"
REVOKED: Final = "revoked"
STATUSES: Final = (GIVEN, INCOMPLETE, CONDITIONED, FALSE, REVOKED)
NOT_LISTED: Final = "no consent on the list"
EXPIRED: Final = "expired"
REASONS: Final = {
    REVOKED: "revoked",
    FALSE: "known to be false",
    INCOMPLETE: "incomplete",
    CONDITIONED: "given under a condition",
}


@dataclass(frozen=True)
class Consents:
    """One list: the file of the agency whose people it is about, and the day on which it must hold."""

    name: str
    file: str
    on: str  # YYYYMMDD


def apply(
    lists: Sequence[Consents], tables: Mapping[str, pa.Table], spec: Spec
) -> tuple[dict[str, pa.Table], list[dict[str, Any]]]:
    """Return the tables without the people who have no consent that holds, and how many were left out why.

    :raises BadInput: if a list lacks a column, or says something else than is known
    """
    kept, told = dict(tables), []
    for entry in lists:
        table = kept[entry.file]
        why = _why_not(table, tables[entry.name], spec.files[entry.file].id_column, entry)
        stays = pc.is_null(why)
        kept[entry.file] = table.filter(stays)
        counted = pc.value_counts(why.drop_null()).to_pylist()
        reasons = sorted((row["values"], row["counts"]) for row in counted)
        told.append(
            {
                "file": entry.file,
                "left_out": [{"reason": reason, "count": count} for reason, count in reasons],
            }
        )
    return kept, told


def _why_not(table: pa.Table, listed: pa.Table, id_column: str, entry: Consents) -> pa.Array:
    """Return for each row why its person's consent does not hold, or null if it does."""
    for column in (id_column, STATUS, VALID_UNTIL, REVOKED_ON):
        if column not in listed.column_names:
            raise BadInput(f"{entry.name}: there is no column “{column}”.")
    listed = pa.table({name: listed[name].cast(pa.string()) for name in listed.column_names})
    status = pc.utf8_lower(pc.utf8_trim_whitespace(pc.fill_null(listed[STATUS], ""))).combine_chunks()
    if unknown := pc.invert(pc.is_in(status, pa.array(STATUSES))).true_count:
        raise BadInput(f"{entry.name}: {unknown} rows have a status that is none of {', '.join(STATUSES)}.")
    until, revoked = (_dates(listed[column], entry) for column in (VALID_UNTIL, REVOKED_ON))
    reason = pc.if_else(
        pc.equal(status, GIVEN),
        pa.scalar(None, pa.string()),
        pa.array([REASONS.get(each) for each in status.to_pylist()], pa.string()),
    )
    past = pc.fill_null(pc.less(until, entry.on), False)
    reason = pc.if_else(pc.and_(pc.is_null(reason), past), EXPIRED, reason)
    withdrawn = pc.fill_null(pc.less_equal(revoked, entry.on), False)
    reason = pc.if_else(withdrawn, REASONS[REVOKED], reason)
    at = pc.index_in(table[id_column].combine_chunks(), value_set=listed[id_column].combine_chunks())
    return pc.if_else(pc.is_null(at), NOT_LISTED, reason.take(at))


def _dates(column: pa.ChunkedArray, entry: Consents) -> pa.Array:
    """Return dates as YYYYMMDD.

    :raises BadInput: if a cell holds something that is no date; a consent would seem to last for ever
    """
    dates = normalise.column(column, "birth_date")
    held = pc.fill_null(pc.utf8_trim_whitespace(column), "").combine_chunks()
    if unreadable := pc.and_(pc.not_equal(held, ""), pc.is_null(dates)).true_count:
        raise BadInput(f"{entry.name}: {unreadable} cells hold no date that can be read.")
    return dates.combine_chunks() if isinstance(dates, pa.ChunkedArray) else dates
