"""What of an agency's rows came out of the hub: all but those that the request does not want (O-125)."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixtures.generate import Project as Invented
from governance.scenario.telling import expect

SCHOOLS: Final = "SDE"  # what they know, every list wants
_AMISS: Final = 0.02  # of people, who are linked wrongly or not at all


def rows_of(sent: pa.Table, delivered: pa.Table) -> pa.Array:
    """Return where each delivered row stood in the file: rows keep their order, and their values.

    :raises StepFailed: if a delivered row is none of the file's
    """
    both = [name for name in sent.column_names if name in delivered.column_names]
    ours, theirs = (
        list(zip(*(table[name].cast(pa.string()).fill_null("").to_pylist() for name in both), strict=True))
        for table in (sent, delivered)
    )
    at = 0
    found: list[int] = []
    for row in theirs:
        while at < len(ours) and ours[at] != row:
            at += 1
        expect(at < len(ours), f"Row {len(found) + 1} that came out is none that went in.")
        found.append(at)
        at += 1
    return pa.array(found, pa.int64())


def listed(invented: Invented, delivered: pa.Table, came_out: pa.Array) -> set[str]:
    """Return the link ids by which the hub knows who is on lists alone that want what the schools know."""
    person = _person_of_rows(invented, SCHOOLS)[came_out.to_numpy()]
    return set(delivered["link_id"].filter(pa.array(np.isin(person, invented.school_only))).to_pylist())


def left_out(invented: Invented, name: str, delivered: pa.Table, came_out: pa.Array, known: set[str]) -> int:
    """Return how many rows did not come out: those of people of whom nobody wants them, and of them alone.

    :raises StepFailed: if rows of more people are missing, or there under a known link id, than linking gets
        wrong
    """
    person = _person_of_rows(invented, name)
    stayed = np.isin(np.arange(len(person)), came_out.to_numpy())
    unwanted = np.isin(person, invented.school_only) & (name != SCHOOLS)
    is_known = np.isin(delivered["link_id"].to_pylist(), list(known)) & (name != SCHOOLS)
    missing, too_many = (
        len(set(people)) for people in (person[~stayed & ~unwanted], person[stayed][is_known])
    )
    most = max(2, int(_AMISS * len(set(person[unwanted]))))
    expect(missing <= most, f"{name}: rows of {missing} people are missing that are wanted.")
    expect(too_many <= most, f"{name}: rows of {too_many} people came out that nobody wants.")
    return int((~stayed).sum())


def _person_of_rows(invented: Invented, name: str) -> np.ndarray:
    """Return of whom each row of an agency's file is in truth."""
    agency = invented.agencies[name]
    ids = agency.analytical.table["SyntheticID"].combine_chunks()
    return agency.people[np.asarray(pc.index_in(ids, value_set=agency.ids))]
