"""Which link id of the last match is which of this one: by the generic ids that both keys hold.

A person who came out as two, or two as one, stand in several rows. Whose agency gave another generic id, is
not there.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from matching.engine.extract import LINK_ID

OLD: Final = "earlier_link_id"
NEW: Final = "link_id"


def between(before: pa.Table, after: pa.Table, delivered: pa.Array) -> pa.Table:
    """Return old and new link ids, once each, of those whose new one is delivered; in the order of the new.

    Link ids are chance, so their order tells nothing.
    """
    pairs = []
    for name in sorted(set(after["file"].to_pylist())):
        old = before.filter(pc.equal(before["file"], name))
        new = after.filter(pc.equal(after["file"], name))
        new = new.filter(pc.is_in(new[LINK_ID], value_set=delivered))
        at = pc.index_in(new["id"].combine_chunks(), value_set=old["id"].combine_chunks())
        known = pc.is_valid(at)
        pairs.append(
            pa.table(
                {
                    OLD: old[LINK_ID].combine_chunks().take(at.filter(known)),
                    NEW: new[LINK_ID].combine_chunks().filter(known),
                }
            )
        )
    every = (
        pa.concat_tables(pairs)
        if pairs
        else pa.table({OLD: pa.array([], pa.string()), NEW: pa.array([], pa.string())})
    )
    found = every.group_by([OLD, NEW]).aggregate([])
    return found.select([OLD, NEW]).sort_by([(NEW, "ascending"), (OLD, "ascending")])
