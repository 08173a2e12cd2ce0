"""What a file holds, in numbers: how full, how varied, how valid each field is. No value leaves."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from matching.engine.spec import File


def profile(raw: pa.Table, prepared: pa.Table, file: File) -> dict[str, Any]:
    """Return the numbers of a file, before and after it was brought into its normal form."""
    fields = [_field(raw[column], prepared[name], name) for name, column in file.columns.items()]
    return {"rows": raw.num_rows, "one_row_per_person": file.unique, "fields": fields}


def _field(raw: pa.ChunkedArray, usable: pa.ChunkedArray, name: str) -> dict[str, Any]:
    """Return for one field: rows filled, usable and lost, different values, rows of the commonest."""
    text = raw.cast(pa.string())
    blank = pc.or_(pc.equal(text, ""), pc.utf8_is_space(text))
    filled = pc.sum(pc.fill_null(pc.invert(blank), False)).as_py() or 0
    counts = pc.value_counts(usable.drop_null().combine_chunks())
    commonest = pc.max(counts.field("counts")).as_py() if len(counts) else 0
    kept = len(usable) - usable.null_count
    return {
        "field": name,
        "filled": {"count": filled, "of": len(raw)},
        "usable": {"count": kept, "of": len(raw)},
        "lost": {"count": max(filled - kept, 0)},
        "distinct": {"count": len(counts)},
        "commonest": {"count": commonest},
    }
