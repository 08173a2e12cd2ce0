"""What of an agency's rows came out of the hub: all but those that the request does not want (O-125)."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixtures.generate import Project as Invented
from governance.scenario.telling import expect

_ALL_WANTED: Final = "SDE"  # every list wants what the schools know
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
    at, found = 0, []
    for row in theirs:
        while at < len(ours) and ours[at] != row:
            at += 1
        expect(at < len(ours), f"Row {len(found) + 1} that came out is none that went in.")
        found.append(at)
        at += 1
    return pa.array(found, pa.int64())


def left_out(invented: Invented, name: str, came_out: pa.Array) -> int:
    """Return how many rows did not come out: those of people of whom nobody wants them, and of them alone.

    :raises StepFailed: if other rows are missing, or more than linking gets wrong is there still
    """
    agency = invented.agencies[name]
    ids = agency.analytical.table["SyntheticID"]
    stayed = np.isin(np.arange(len(ids)), came_out.to_numpy())
    person = agency.people[np.asarray(pc.index_in(ids.combine_chunks(), value_set=agency.ids))]
    unwanted = np.isin(person, invented.school_only) & (name != _ALL_WANTED)
    missing, too_many = (len(set(person[rows])) for rows in (~stayed & ~unwanted, stayed & unwanted))
    most = max(2, int(_AMISS * len(set(person[unwanted]))))
    expect(missing <= most, f"{name}: rows of {missing} people are missing that are wanted.")
    expect(too_many <= most, f"{name}: rows of {too_many} people came out that nobody wants.")
    return int((~stayed).sum())
