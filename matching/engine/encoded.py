"""Files that came encoded: how they are told, that they belong together, and what is said about them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from matching.engine.errors import BadInput
from matching.engine.rules import BY_FIELD, CLK_FIELD, LABEL, MARK, MARK_FIELD
from matching.engine.spec import File, Spec

ENGINES: Final = ("clk", "tokens")
NO_REVIEW: Final = (
    "Clerical review is impossible here: the files are encoded, and nobody at the hub sees what they hold."
)
_MARK: Final = re.compile(r"P20-([0-9]+)\.([A-Z]{2,6}-[0-9]{3,6})\.([0-9a-f]{16})")


def is_encoded(file: File) -> bool:
    """Tell whether a file holds tokens in place of identifiers."""
    return any(field in BY_FIELD for field in file.columns)


def engine_of(spec: Spec) -> str | None:
    """Return the engine for encoded files, with Bloom filters where two of them have any; None for others."""
    if not any(is_encoded(file) for file in spec.files.values()):
        return None
    filters = sum(CLK_FIELD in file.columns for file in spec.files.values())
    return "clk" if filters >= min(2, len(spec.files)) else "tokens"


def check(tables: Mapping[str, pa.Table], spec: Spec) -> dict[str, str] | None:
    """Return under what the files are encoded; None if they are not.

    :raises BadInput: if some are and some are not, if they are not under one key, or the engine cannot
    """
    tokens = {name for name, file in spec.files.items() if is_encoded(file)}
    if not tokens:
        if spec.engine in ENGINES:
            raise BadInput(f"The engine “{spec.engine}” links encoded files; these hold identifiers.")
        return None
    if plain := sorted(set(spec.files) - tokens):
        raise BadInput(
            f"Not encoded: {', '.join(plain)}. Tokens cannot be compared with identifiers; all files or none."
        )
    if spec.engine not in ENGINES:
        raise BadInput(f"Encoded files are linked by {' or '.join(ENGINES)}, not by “{spec.engine}”.")
    for name, file in spec.files.items():
        if mixed := sorted(set(file.columns) - set(BY_FIELD) - {CLK_FIELD, MARK_FIELD}):
            raise BadInput(f"{name}: holds tokens and identifiers ({', '.join(mixed)}); send one of them.")
    marks = {n: _mark(tables[n], file, n) for n, file in spec.files.items() if tables[n].num_rows}
    return _one(marks)


def _mark(table: pa.Table, file: File, name: str) -> tuple[str, str, str]:
    column = file.columns.get(MARK_FIELD)
    held = pc.unique(table[column]).to_pylist() if column in table.column_names else []
    found = _MARK.fullmatch(held[0] or "") if len(held) == 1 else None
    if found is None:
        raise BadInput(f"{name}: the column {MARK} must name one version, project and key in every row.")
    return found.group(1), found.group(2), found.group(3)


def _one(marks: Mapping[str, tuple[str, str, str]]) -> dict[str, str]:
    for place, what in ((1, "projects"), (0, "versions"), (2, "keys")):
        said = {name: mark[place] for name, mark in marks.items()}
        if len(set(said.values())) > 1:
            named = ", ".join(f"{name} {value}" for name, value in said.items())
            raise BadInput(
                f"The files are encoded under different {what} ({named}). Nothing can be linked."
                " The agencies compare the fingerprint of their key files and encode again."
            )
    version, project, fingerprint = next(iter(marks.values()), ("", "", ""))
    return {"version": version, "project": project, "key_fingerprint": fingerprint, "label": LABEL}


def told(found: Mapping[str, str] | None) -> dict[str, Any]:
    """Return what a report says of encoded files; nothing for others."""
    return {"encoded": {**found, "review": NO_REVIEW}} if found else {}
