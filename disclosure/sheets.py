"""The sheet of a check: what the engine says of single cells, and what was told of them before. Sealed."""

import json
from typing import TYPE_CHECKING, Any

from disclosure.examining import is_unsettled, people

if TYPE_CHECKING:
    from disclosure.examining import Found


def written(found: "Found", *, salt: str) -> bytes:
    """Write the sheet: true counts included, so only the vault holds it."""
    examination = found.examination
    said: dict[str, Any] = json.loads(examination.sheet(salt=salt))
    protected = examination.protection.tables if examination.protection else ()
    tables = [each.table for each in protected] or list(examination.tables)
    for told, table in zip(said["tables"], tables, strict=True):
        for row, of in zip(told["rows"], table.rows, strict=True):
            row["earlier"] = found.told_before.get(people(of), "")
    if examination.report:
        for leak, finding in zip(said["leaks"], examination.report.leaks, strict=True):
            leak["unsettled"] = is_unsettled(finding)
    said["children"] = {
        dim: {parent: list(kids) for parent, kids in known.children.items()}
        for dim, known in found.hierarchies.items()
    }
    return json.dumps(said, ensure_ascii=False, sort_keys=True).encode()
