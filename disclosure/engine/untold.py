"""Find totals that are not called so: a category that is the sum of all others beside it."""

from collections.abc import Iterator

from disclosure.engine.codes import TOTAL
from disclosure.engine.longform import Table

_ENOUGH = 2  # lines: once, it may be chance


def untold_totals(table: Table) -> Iterator[tuple[str, str, bool]]:
    """Yield dimension and code of each, and whether more than one line says so."""
    for dim in table.dimensions:
        lines: dict[tuple[str, ...], dict[str, int]] = {}
        for row in table.rows:
            beside = tuple(code for each, code in row.codes.items() if each != dim)
            if row.codes[dim] != TOTAL and row.count is not None:
                lines.setdefault(beside, {})[row.codes[dim]] = row.count
        told = [line for line in lines.values() if len(line) > 2 and any(line.values())]
        for code in told[0] if told else ():
            if all(line.get(code, -1) * 2 == sum(line.values()) for line in told):
                yield dim, code, len(told) >= _ENOUGH
