"""What the records that people look at say: one sheet for each file, each record once."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from matching.engine.spec import Spec
from matching.engine.told import digests


class Sheets:
    """The sheets of one draw, written while it goes on."""

    def __init__(self, tables: Mapping[str, pa.Table], spec: Spec) -> None:
        """Begin with empty ones."""
        self._tables, self._spec = tables, spec
        self._written = {name: bytearray() for name in spec.files}
        self._places: dict[tuple[str, int], list[int]] = {}

    def add(self, name: str, row: int) -> list[int]:
        """Write a record down, and return from where to where it stands."""
        if (name, row) not in self._places:
            columns = self._spec.files[name].columns
            said = {field: self._tables[name][column][row].as_py() for field, column in columns.items()}
            sheet = self._written[name]
            start = len(sheet)
            sheet += json.dumps(said, ensure_ascii=False).encode() + b"\n"
            self._places[name, row] = [start, len(sheet)]
        return self._places[name, row]

    def digest(self, name: str, row: int, salt: str) -> str:
        """Return by what a record is found again."""
        return str(digests(self._tables[name], self._spec.files[name], np.array([row]), salt=salt)[0])

    def contents(self) -> dict[str, bytes]:
        """Return the sheets that hold anything."""
        return {name: bytes(sheet) for name, sheet in self._written.items() if sheet}
