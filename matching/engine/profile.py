"""What a file holds, in numbers: how full, how varied, how valid each field is. No value leaves."""

from __future__ import annotations

from typing import Any

from matching.engine.coded import Records
from matching.engine.spec import File


def profile(records: Records, file: File) -> dict[str, Any]:
    """Return the numbers of a file, before and after it was brought into its normal form."""
    fields = [_field(records, name) for name in file.columns]
    return {"rows": records.num_rows, "one_row_per_person": file.unique, "fields": fields}


def _field(records: Records, name: str) -> dict[str, Any]:
    """Return for one field: rows filled, usable and lost, different values, rows of the commonest."""
    filled = records.coding.filled(name, records.place)
    held = records.coding.column(name).held(records.place)
    usable = int(held.sum())
    return {
        "field": name,
        "filled": {"count": filled, "of": records.num_rows},
        "usable": {"count": usable, "of": records.num_rows},
        "lost": {"count": max(filled - usable, 0)},
        "distinct": {"count": int((held > 0).sum())},
        "commonest": {"count": int(held.max(initial=0))},
    }
