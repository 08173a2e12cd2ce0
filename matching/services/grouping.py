"""Match rates by groups that the agencies' analytical files tell, such as race and ethnicity (O-113)."""

from collections.abc import Mapping
from typing import Any

from matching import layouts, standing
from matching.engine import extract, key_groups, subgroups
from matching.engine import spec as specs
from matching.models import Match
from p20win.custody import public as custody
from requests_app import public as requests


def with_groups(report: Mapping[str, Any], match: Match, crosswalk: bytes) -> dict[str, Any]:
    """Return a run's report with these groups, before small counts are hidden. In the vault alone.

    Analytical files never come near the process that links: they are read here, by generic id and key.
    """
    found = []
    key = extract.read_key(crosswalk)
    for row, file in standing.accepted(match, custody.DataClass.ANALYTICAL):
        elements = requests.approved_elements(match.project, row.agency)
        if not (columns := specs.groups_of(layouts.delivered_columns(elements))):
            continue
        part = extract.Part(
            file=layouts.file_name(row.agency),
            name=row.slot.title,
            id_column=layouts.ID_COLUMN,
            columns=columns,
            pieces=lambda file=file: custody.open_bytes(file),  # type: ignore[misc]
        )
        rows = extract.batches(part)
        found += key_groups.of_file(part.file, key, columns, rows, id_column=part.id_column)
    every = [*report["subgroups"], *found]
    return {**report, "subgroups": every, "behind": subgroups.behind(every)}
