"""What else could be published: the same tables told more coarsely, each protected and attacked anew.

Recoding before suppressing loses less (Hundepool et al., Statistical Disclosure Control, 2012, ch. 4). Put
together are two categories, or the last of an ordered list (top-coding); left out are a dimension, or the
totals over one. What does not end safe, or withholds no less, is not offered.
"""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Final

from openpyxl import Workbook

from disclosure.engine.codes import TOTAL, Hierarchy, read_hierarchy
from disclosure.engine.errors import BadTable, NoSafePattern, SolverFailed, Stopped
from disclosure.engine.longform import Row, Table, table_from, write
from disclosure.engine.policy import CellPolicy
from disclosure.engine.populations import Among
from disclosure.engine.protect import Protection
from disclosure.engine.release import Outside, protect_and_audit

COLLAPSE, TOP_CODE, NO_MARGIN, NO_DIMENSION = "collapse", "top code", "no totals", "no dimension"
MOST_TRIED: Final = 24
MOST_OFFERED: Final = 8
_ORDERED: Final = re.compile(r"\D{0,3}\d.*")
_FOR_TOP_CODE: Final = 5  # categories a list must have for its last three to become one
_WORST: Final = 3  # categories of a dimension whose neighbours are tried

Tables = tuple[Table, ...]


class _NotPossible(Exception):
    """This change cannot be made of these tables."""


@dataclass(frozen=True)
class Price:
    """What a release costs its readers."""

    numbers: int  # that the tables ask for
    withheld: int
    share: float  # of the people in the finest cells, those in withheld ones


@dataclass(frozen=True)
class Alternative:
    """One way to tell less, safe as it stands."""

    kind: str
    what: str
    tables: Tables
    price: Price

    def file(self) -> tuple[str, bytes]:
        """Return the tables with their true counts as one file to submit, and how its name ends."""
        if len(self.tables) == 1:
            return ".csv", _csv(self.tables[0])
        book = Workbook()
        book.remove(book.worksheets[0])
        for number, table in enumerate(self.tables, start=1):
            sheet = book.create_sheet(f"Table {number}")
            for line in (table.columns, *(row.cells for row in table.rows)):
                sheet.append(list(line))
        out = io.BytesIO()
        book.save(out)
        return ".xlsx", out.getvalue()


def price_of(found: Protection) -> Price:
    """Say what a protected release costs."""
    people = hidden = withheld = numbers = 0
    for table in found.tables:
        rows = list(zip(table.table.rows, table.shown, strict=True))
        numbers += len(rows)
        withheld += sum(not shown for _, shown in rows)
        finest = [(row, shown) for row, shown in rows if TOTAL not in row.codes.values()] or rows
        people += sum(row.count or 0 for row, _ in finest)
        hidden += sum(row.count or 0 for row, shown in finest if not shown)
    return Price(numbers, withheld, hidden / people if people else 0.0)


def alternatives(
    tables: Sequence[Table],
    outside: Outside,
    now: Protection | None,
    *,
    policy: CellPolicy,
    seconds: float,
    groups: Mapping[str, bytes] = MappingProxyType({}),
    among: Among | None = None,
    left: Callable[[], float] | None = None,
    told: Callable[[int, str], None] = lambda percent, message: None,
) -> list[Alternative]:
    """Return other ways to tell these tables, most cells saved first; each is protected and audited.

    :param now: what the tables as they are came to; None if they cannot be protected at all
    :param groups: the file of each hierarchy
    :param among: whom the tables count, where what is out counts others, too
    :param seconds: of solver work for each way that is tried
    :param left: seconds of wall time that are left for all; ways not tried by then are not offered
    """
    before = price_of(now).withheld if now else None
    offered = []
    known = {dim: read_hierarchy(dim, text.decode()) for dim, text in groups.items()}
    changes = _changes(tuple(tables), now, known)[:MOST_TRIED]
    if among is not None:
        known, groups = among.along(known, groups)
    for number, (kind, what, change) in enumerate(changes):
        if left is not None and left() <= 0:
            break
        told(100 * number // len(changes), "Trying other ways to tell the tables.")
        try:
            changed = change()
            found, report = protect_and_audit(
                among.entered(changed) if among else changed,
                outside,
                hierarchies=known,
                groups=groups,
                policy=policy,
                seconds=seconds,
                left=left,
            )
        except (_NotPossible, BadTable, NoSafePattern, Stopped, SolverFailed):
            continue
        price = price_of(found)
        if report.passed and (before is None or price.withheld < before):
            offered.append(Alternative(kind, what, changed, price))
    offered.sort(key=lambda each: (each.price.withheld, -each.price.numbers, each.what))
    return offered[:MOST_OFFERED]


# --- the changes that are tried


def _changes(
    tables: Tables, now: Protection | None, known: Mapping[str, Hierarchy]
) -> list[tuple[str, str, Callable[[], Tables]]]:
    """List the changes, those that touch the most withheld cells first."""
    found: list[tuple[int, str, str, Callable[[], Tables]]] = []
    for dim in dict.fromkeys(dim for table in tables for dim in table.dimensions):
        wide = known[dim].children if dim in known else {}
        codes = [code for code in _codes(tables, dim) if code not in wide]
        dark = _withheld_by_code(now, dim)
        for pair in _pairs(codes, dark):
            what = f"Put {_listed(pair)} of “{dim}” together"
            weight = sum(dark.get(code, 0) for code in pair)
            found.append((weight, COLLAPSE, what, _later(_collapsed, tables, dim, pair)))
        if len(codes) >= _FOR_TOP_CODE and all(_ORDERED.match(code) for code in codes):
            last = tuple(codes[-3:])
            weight = sum(dark.get(code, 0) for code in last)
            what = f"Make one category of the last three of “{dim}”: {_listed(last)}"
            found.append((weight, TOP_CODE, what, _later(_collapsed, tables, dim, last)))
        weight = sum(dark.values())
        found.append((weight, NO_DIMENSION, f"Leave out “{dim}”", _later(_without, tables, dim)))
        what = f"Leave out the totals over “{dim}”"
        found.append((dark.get(TOTAL, 0), NO_MARGIN, what, _later(_without_totals, tables, dim)))
    found.sort(key=lambda each: -each[0])
    return [(kind, what, change) for _, kind, what, change in found]


def _later(change: Callable[..., Tables], *arguments: object) -> Callable[[], Tables]:
    return lambda: change(*arguments)


def _listed(codes: Sequence[str]) -> str:
    said = [f"“{code}”" for code in codes]
    return f"{', '.join(said[:-1])} and {said[-1]}"


def _codes(tables: Tables, dim: str) -> list[str]:
    """Return the categories of a dimension in the order of the files; unions of several are none."""
    codes = (row.codes[dim] for table in tables if dim in table.dimensions for row in table.rows)
    return [code for code in dict.fromkeys(codes) if code != TOTAL and "|" not in code]


def _withheld_by_code(now: Protection | None, dim: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for table in now.tables if now else ():
        if dim in table.table.dimensions:
            for row, shown in zip(table.table.rows, table.shown, strict=True):
                found[row.codes[dim]] = found.get(row.codes[dim], 0) + (not shown)
    return found


def _pairs(codes: Sequence[str], dark: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return pairs to put together: the worst categories with their neighbours, and the two worst."""
    if len(codes) < 3:
        return []  # two of two are the total
    worst = sorted(codes, key=lambda code: -dark.get(code, 0))[:_WORST]
    place = {code: number for number, code in enumerate(codes)}
    first, second = sorted(worst[:2], key=place.__getitem__)
    pairs = [(first, second)]
    for code in worst:
        at = place[code]
        pairs += [(codes[n], codes[n + 1]) for n in (at - 1, at) if 0 <= n < len(codes) - 1]
    return list(dict.fromkeys(pairs))


# --- making them


def _collapsed(tables: Tables, dim: str, codes: Sequence[str]) -> Tables:
    return tuple(_collapse(t, dim, codes) if dim in t.dimensions else t for t in tables)


def _collapse(table: Table, dim: str, codes: Sequence[str]) -> Table:
    """Put the rows of some categories together; of a table that has none of them, nothing changes."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in table.rows:
        if row.codes[dim] in codes:
            groups.setdefault(_rest(row, dim), []).append(row)
        elif not set(row.codes[dim].split("|")).isdisjoint(codes):
            raise _NotPossible  # a union holds on to one of them
    if any(sorted(row.codes[dim] for row in rows) != sorted(codes) for rows in groups.values()):
        raise _NotPossible
    union, lines, done = "|".join(codes), [], set()
    for row in table.rows:
        if row.codes[dim] not in codes:
            lines.append(dict(zip(table.columns, row.cells, strict=True)))
        elif (rest := _rest(row, dim)) not in done:
            done.add(rest)
            lines.append(_sum(table, dim, union, groups[rest]))
    changed = _made(table, table.columns, lines)
    return replace(_with_percentages(changed, dim, union), ours=table.ours)


def _rest(row: Row, dim: str) -> tuple[str, ...]:
    return tuple(code for name, code in row.codes.items() if name != dim)


def _sum(table: Table, dim: str, union: str, rows: Sequence[Row]) -> dict[str, str]:
    counts = [row.count for row in rows]
    if any(count is None for count in counts) or len({(r.percentage is None) for r in rows}) > 1:
        raise _NotPossible
    line = dict(zip(table.columns, rows[0].cells, strict=True))
    line |= {dim: union, "count": str(sum(count or 0 for count in counts))}
    if line.get("pct_n"):
        of = rows[0].percentage.of if rows[0].percentage else ()
        bases = [row.base or 0 for row in rows]
        line["pct_n"] = str(bases[0] if dim in of else sum(bases))
    return line


def _made(table: Table, columns: Sequence[str], lines: Sequence[Mapping[str, str]]) -> Table:
    try:
        return table_from(table.name, columns, [[line[c] for c in columns] for line in lines])
    except BadTable:
        raise _NotPossible from None


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
                raise _NotPossible
            share = Decimal(100 * row.count) / Decimal(base)
            line["pct"] = str(share.quantize(row.percentage.value, rounding=ROUND_HALF_UP))
        lines.append(line)
    return _made(table, table.columns, lines)


def _without(tables: Tables, dim: str) -> Tables:
    """Leave a dimension out: what is left is told for all its categories together."""
    return tuple(_flat(t, dim) if dim in t.dimensions else t for t in tables)


def _flat(table: Table, dim: str) -> Table:
    kept = [row for row in table.rows if row.codes[dim] == TOTAL]
    if len(table.dimensions) < 2 or not kept or any(_rests_on(row, dim) for row in kept):
        raise _NotPossible
    columns = [column for column in table.columns if column != dim]
    return _made(table, columns, [dict(zip(table.columns, row.cells, strict=True)) for row in kept])


def _without_totals(tables: Tables, dim: str) -> Tables:
    """Leave out the totals over one dimension, where what they add up stays."""
    changed = tuple(_open(t, dim) if dim in t.dimensions else t for t in tables)
    if changed == tables:
        raise _NotPossible
    return changed


def _open(table: Table, dim: str) -> Table:
    kept = [row for row in table.rows if row.codes[dim] != TOTAL]
    if not kept or len(kept) == len(table.rows) or len(table.dimensions) < 2:
        return table
    if any(_rests_on(row, dim) for row in table.rows):
        raise _NotPossible
    lines = [dict(zip(table.columns, row.cells, strict=True)) for row in kept]
    return _made(table, table.columns, lines)


def _rests_on(row: Row, dim: str) -> bool:
    return row.percentage is not None and dim in row.percentage.of


def _csv(table: Table) -> bytes:
    return write(table.columns, [row.cells for row in table.rows])
