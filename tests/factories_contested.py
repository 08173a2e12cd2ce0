"""A match over whose records a run is stopped or in doubt: families alike in name, birth date or number.

In the usual three files two rows of one file hardly ever meet, since wage records have no birth date and are
linked by SSN alone. Here they have one, as the request of this match asks for it.
"""

from functools import cache

import pyarrow as pa

from fixtures.formats import as_text
from tests import factories_matching as matches
from tests.starting_points import starting_point

_KNOWN = ("SASID", "LastName", "FirstName", "MiddleName", "DOB", "Gender")
_RECORDS = {
    "SDE": (
        _KNOWN,
        # sisters whose names are nearly alike
        ("8101010101", "Mabreeve", "Marta", "L", "20020314", "F"),
        ("8101010102", "Mabreeve", "Maria", "L", "20020314", "F"),
        # twins
        ("8101010104", "Tarrackson", "Owen", None, "20030102", "M"),
        ("8101010105", "Tarrackson", "Felix", None, "20030102", "M"),
    ),
    "CSCU": (
        _KNOWN,
        # the number of one sister, the name of the other
        ("8101010101", "Mabreeve", "Maria", "L", "20020314", "F"),
        ("8101010104", "Tarrackson", "Owen", "Felix", "20030102", "M"),
    ),
    "DOL": (
        ("LastName", "FirstName", "MiddleName", "DOB"),
        ("MABREEVE", "MARIA", "L", "20020314"),
        ("TARRACKSON", "FELIX", None, "20030102"),
    ),
}


@cache
def table(name):
    """Return an agency's matching file with these records in place of its first, and a birth date each."""
    held = matches.people().agencies[name]
    rows = held.matching.table.to_pylist()
    if name == "DOL":
        born = {}
        for other in ("CSCU", "SDE"):
            files = matches.people().agencies[other]
            born |= dict(zip(files.people.tolist(), files.matching.table["DOB"].to_pylist(), strict=True))
        rows = [row | {"DOB": born.get(who)} for row, who in zip(rows, held.people.tolist(), strict=True)]
    columns, *records = _RECORDS[name]
    for row, record in zip(rows, records, strict=False):
        row.update(dict.fromkeys(set(row) - {"SyntheticID"}), **dict(zip(columns, record, strict=True)))
    columns = [column for column in rows[0] if column != "SSN"]  # nothing needs it where a birth date is held
    return pa.table({column: pa.array([row[column] for row in rows], pa.string()) for column in columns})


@starting_point(matches.ANALYTICAL, _RECORDS)
def ready():
    """Return a match whose files hold these records."""
    match = matches.collecting(extra=("DOB",), extra_of=("DOL",))
    for name in matches.AGENCIES:
        by = matches.steward(name)
        for kind, content in (
            ("matching", as_text(table(name))),
            ("analytical", matches.contents(name, "analytical")),
        ):
            file = matches.send(match, name, kind, content, by=by)
            if file.status != "accepted":
                raise AssertionError(file.report)
    match.refresh_from_db()
    return match


@starting_point(matches.ANALYTICAL, _RECORDS)
def linked():
    """Return a match that was linked in earnest, with contested groups to look at."""
    return matches.finished(matches.started(ready())).match
