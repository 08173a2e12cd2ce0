"""Tables told more coarsely: categories put together, dimensions and totals left out, with their sums."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from disclosure.engine.codes import TOTAL, Hierarchy
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import Row, Table, table_from

Tables = tuple[Table, ...]


class NotPossible(Exception):
    """This change cannot be made of these tables."""


def collapsed(tables: Tables, dim: str, codes: Sequence[str]) -> Tables:
    """Put some categories of a dimension together."""
    return tuple(_collapse(t, dim, codes, "|".join(codes)) if dim in t.dimensions else t for t in tables)


def grouped(tables: Tables, dim: str, groups: Sequence[Sequence[str]]) -> Tables:
    """Put the categories of a dimension together in several groups at once, such as years in twos."""
    for codes in groups:
        tables = collapsed(tables, dim, codes)
    return tables


def one_level_up(tables: Tables, dim: str, hierarchy: Hierarchy) -> Tables:
    """Tell the groups of a hierarchy in place of the categories directly inside them."""
    return tuple(_up(t, dim, hierarchy) if dim in t.dimensions else t for t in tables)


def _up(table: Table, dim: str, hierarchy: Hierarchy) -> Table:
    told = {row.codes[dim] for row in table.rows}
    for group in lowest_groups(hierarchy):
        inside = [code for code in hierarchy.children[group] if code in told]
        if inside and group not in told:
            if len(inside) < len(hierarchy.children[group]):
                raise NotPossible  # the sum of those that are listed is not the group
            table = _collapse(table, dim, inside, group)
    gone = {code for group in lowest_groups(hierarchy) for code in hierarchy.children[group]}
    kept = [row for row in table.rows if row.codes[dim] not in gone]
    if any(not gone.isdisjoint(row.codes[dim].split("|")) for row in kept):
        raise NotPossible  # a union holds on to one of them
    if not kept:
        raise NotPossible
    lines = [dict(zip(table.columns, row.cells, strict=True)) for row in kept]
    return replace(_made(table, table.columns, lines), ours=table.ours)


def lowest_groups(hierarchy: Hierarchy) -> list[str]:
    """Return the groups, Total left out, that hold no other group; none where one category is in two."""
    lowest = [
        group
        for group, inside in hierarchy.children.items()
        if group != TOTAL and hierarchy.children.keys().isdisjoint(inside)
    ]
    inside = [code for group in lowest for code in hierarchy.children[group]]
    return lowest if len(inside) == len(set(inside)) else []


def _collapse(table: Table, dim: str, codes: Sequence[str], union: str) -> Table:
    """Put the rows of some categories together; of a table that has none of them, nothing changes."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in table.rows:
        if row.codes[dim] in codes:
            groups.setdefault(_rest(row, dim), []).append(row)
        elif not set(row.codes[dim].split("|")).isdisjoint(codes):
            raise NotPossible  # a union holds on to one of them
    if any(sorted(row.codes[dim] for row in rows) != sorted(codes) for rows in groups.values()):
        raise NotPossible
    lines, done = [], set()
    for row in table.rows:
        if row.codes[dim] not in codes:
            lines.append(dict(zip(table.columns, row.cells, strict=True)))
        elif (rest := _rest(row, dim)) not in done:
            done.add(rest)
            lines.append(_sum(table, dim, union, groups[rest]))
    changed = _made(table, table.columns, lines)
    return replace(_with_percentages(changed, dim, union), ours=table.ours)


def _rest(row: Row, dim: str) -> tuple[str, ...]:
    """Say which rows go together: those alike in all other dimensions, and in the base of a percentage."""
    return *(code for name, code in row.codes.items() if name != dim), ";".join(sorted(row.base_of))


def _sum(table: Table, dim: str, union: str, rows: Sequence[Row]) -> dict[str, str]:
    counts = [row.count for row in rows]
    if any(count is None for count in counts) or len({(r.percentage is None) for r in rows}) > 1:
        raise NotPossible
    line = dict(zip(table.columns, rows[0].cells, strict=True))
    line |= {dim: union, "count": str(sum(count or 0 for count in counts))}
    if line.get("pct_n"):
        bases = [row.base or 0 for row in rows]
        line["pct_n"] = str(bases[0] if dim in rows[0].base_of else sum(bases))
    return line


def _made(table: Table, columns: Sequence[str], lines: Sequence[Mapping[str, str]]) -> Table:
    try:
        return table_from(table.name, columns, [[line[c] for c in columns] for line in lines])
    except BadTable:
        raise NotPossible from None


def _with_percentages(table: Table, dim: str, union: str) -> Table:
    """Work out anew the percentages of what was put together, to as many decimals as they had."""
    counts = {tuple(row.codes.values()): row.count for row in table.rows}
    lines = []
    for row in table.rows:
        line = dict(zip(table.columns, row.cells, strict=True))
        if row.codes[dim] == union and row.percentage is not None:
            base = counts.get(tuple(TOTAL if d in row.percentage.of else c for d, c in row.codes.items()))
            base = row.base if base is None else base
            if not base or row.count is None:
                raise NotPossible
            share = Decimal(100 * row.count) / Decimal(base)
            line["pct"] = str(share.quantize(row.percentage.value, rounding=ROUND_HALF_UP))
        lines.append(line)
    return _made(table, table.columns, lines)


def without(tables: Tables, dim: str) -> Tables:
    """Leave a dimension out: what is left is told for all its categories together."""
    return tuple(_flat(t, dim) if dim in t.dimensions else t for t in tables)


def _flat(table: Table, dim: str) -> Table:
    kept = [row for row in table.rows if row.codes[dim] == TOTAL]
    if len(table.dimensions) < 2 or not kept or any(_rests_on(row, dim) for row in kept):
        raise NotPossible
    columns = [column for column in table.columns if column != dim]
    return _made(table, columns, [dict(zip(table.columns, row.cells, strict=True)) for row in kept])


def without_totals(tables: Tables, dim: str) -> Tables:
    """Leave out the totals over one dimension, where what they add up stays."""
    changed = tuple(_open(t, dim) if dim in t.dimensions else t for t in tables)
    if changed == tables:
        raise NotPossible
    return changed


def _open(table: Table, dim: str) -> Table:
    kept = [row for row in table.rows if row.codes[dim] != TOTAL]
    if not kept or len(kept) == len(table.rows) or len(table.dimensions) < 2:
        return table
    if any(_rests_on(row, dim) for row in table.rows):
        raise NotPossible
    lines = [dict(zip(table.columns, row.cells, strict=True)) for row in kept]
    return _made(table, table.columns, lines)


def _rests_on(row: Row, dim: str) -> bool:
    return row.percentage is not None and dim in row.percentage.of
