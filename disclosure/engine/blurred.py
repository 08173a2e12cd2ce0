"""Counts told less exactly: rounded to five, or as the range that a range of percentages stands for.

A file that holds true counts says in its column `released` how each may be told: `~15`, or `28-42`. Both are
facts that the interchange form knows, so they bind every later release as they stand. What may be shown so is
found out by the audit alone: beginning with all that an exact release would withhold, cells are shown again
as long as the audit of those very bytes passes. A range that reaches from nobody past the smallest count
tells no more of a small count than that it is small.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Final

from disclosure.engine.audit.findings import Report
from disclosure.engine.codes import TOTAL
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import Row, Table, table_from
from disclosure.engine.policy import CellPolicy
from disclosure.engine.protect import COMPLEMENT, DOMINATED, SMALL, ProtectedTable, Protection
from disclosure.engine.recoding import NotPossible

STEP: Final = 5
WIDTHS: Final = (5, 10, 20, 50)  # of ranges of percentages, in points: wider where the base is small
MOST_AUDITS: Final = 24
NO_CLOSER: Final = "percentage told no closer than its count"

Judge = Callable[[Protection], Report]
_Place = tuple[int, int]  # table and row


# --- asking for it


def rounded(table: Table, policy: CellPolicy) -> Table:
    """Return the table with each count that may be shown told as the nearest multiple of five.

    :raises NotPossible: if it has percentages: beside one, a count is known better than that
    """
    if any(row.percentage or row.base is not None for row in table.rows):
        raise NotPossible
    large = [row.count if row.count and not policy.is_small(row.count) else 0 for row in table.rows]
    return _told(table, [_nearest(count) if count else "" for count in large])


def _nearest(count: int) -> str:
    return f"~{STEP * ((count + STEP // 2) // STEP)}"


def in_ranges(table: Table, policy: CellPolicy) -> Table:
    """Return the table with each percentage told as a range, and its count as what that range stands for.

    :raises NotPossible: if a base is not in the table, or a cell has several percentages, or none has one
    """
    counts = {tuple(row.codes.values()): row.count for row in table.rows}
    if len(counts) < len(table.rows):
        raise NotPossible
    told = []
    for row in table.rows:
        base = counts.get(_base(row))
        if row.percentage is None or _base(row) == tuple(row.codes.values()):
            told.append("")
            continue
        if base is None or row.count is None:
            raise NotPossible
        told.append(_range(row.count, base, policy))
    if not any(told):
        raise NotPossible
    return _told(table, told)


def _base(row: Row) -> tuple[str, ...]:
    return tuple(TOTAL if dim in row.base_of else code for dim, code in row.codes.items())


def _range(count: int, base: int, policy: CellPolicy) -> str:
    """Return which counts round to the same range of whole percentages; nothing if the base is too small."""
    fitting = [width for width in WIDTHS if width * base >= 200 * (policy.min_count - 1)]
    if base < policy.min_pct_base or count < policy.min_pct_count or not fitting:
        return ""
    width = fitting[0]
    starts = [0, *(_least(edge, base) for edge in range(width, 100, width)), base + 1]
    at = max(n for n, start in enumerate(starts) if start <= count)
    return f"{starts[at]}-{starts[at + 1] - 1}"


def _least(percent: int, base: int) -> int:
    """Return the least count that rounds to a whole percentage."""
    return ceil(Fraction((2 * percent - 1) * base, 200))


def _told(table: Table, told: Sequence[str]) -> Table:
    """Write how counts are told into the table, as a file would say it."""
    table = plain(table)
    lines = [[*row.cells, text] for row, text in zip(table.rows, told, strict=True)]
    made = table_from(table.name, [*table.columns, "released"], lines)
    return as_asked(replace(made, ours=table.ours))


def plain(table: Table) -> Table:
    """Return a table of true counts without what it says of their release."""
    kept = [n for n, column in enumerate(table.columns) if column not in ("released", "reason")]
    if not table.has("count") or len(kept) == len(table.columns):
        return table
    lines = [[row.cells[n] for n in kept] for row in table.rows]
    return replace(table_from(table.name, [table.columns[n] for n in kept], lines), ours=table.ours)


# --- hearing it


def as_asked(table: Table) -> Table:
    """Return the table with its counts told as its column `released` asks, rounded or as a range.

    :raises BadTable: if the count is not in the range, or not what was rounded to five
    """
    if not (table.has("count") and table.has("released")):
        return table
    at = table.columns.index("released")
    return replace(table, rows=tuple(_asked(table, row, row.cells[at].strip()) for row in table.rows))


def _asked(table: Table, row: Row, text: str) -> Row:
    if row.count is None or row.shown is None or row.shown[0] == row.shown[1] or text.startswith("<"):
        return row
    place = f"{table.name}, line {row.line}"
    if row.rounded is not None:
        if _nearest(row.count) != f"~{row.rounded}":
            raise BadTable(
                f"{place}: released is not the count rounded to {STEP}. Round it, or leave it blank."
            )
        return replace(row, told=f"~{row.rounded}")
    low, high = row.shown
    if high is None or not low <= row.count <= high:
        raise BadTable(f"{place}: the count is not in the range that released says. Correct one of them.")
    return replace(row, told=f"{low}-{high}")


def is_asked(tables: Sequence[Table]) -> bool:
    """Say whether any count of these tables is to be told less exactly."""
    return any(row.told for table in tables for row in table.rows)


def bases_shown(protected: ProtectedTable) -> dict[tuple[str, ...], int]:
    """Return the counts shown as they are; of any other a percentage beside a range would tell more."""
    return {
        tuple(row.codes.values()): row.count
        for row, shown in zip(protected.table.rows, protected.shown, strict=True)
        if shown and not row.told and row.count is not None
    }


def as_percentages(row: Row, bases: Mapping[tuple[str, ...], int]) -> str:
    """Return the range of percentages that a row's range of counts stands for; empty if it has none."""
    base = bases.get(_base(row))
    if row.percentage is None or not base or not row.told or row.rounded is not None or row.shown is None:
        return ""
    low, high = (round(Fraction(100 * (end or 0), base)) for end in row.shown)
    return f"{low} to {high} %"


# --- finding out what may be told so


def without_exact_percentages(result: Protection) -> Protection:
    """Return it with the percentages blank whose counts are told less exactly."""
    tables = tuple(_without(table) for table in result.tables)
    withheld = sum(
        row.percentage is not None and not shown
        for table in tables
        for row, shown in zip(table.table.rows, table.percentage_shown, strict=True)
    )
    return replace(result, tables=tables, percentages_withheld=withheld)


def _without(table: ProtectedTable) -> ProtectedTable:
    shown, reasons = list(table.percentage_shown), list(table.reasons)
    for n, row in enumerate(table.table.rows):
        if row.told and row.percentage is not None:
            shown[n] = False
            kept = [part for part in reasons[n].split("; ") if part and not part.startswith("percentage")]
            reasons[n] = "; ".join([*kept, NO_CLOSER])
    return replace(table, percentage_shown=tuple(shown), reasons=tuple(reasons))


def nothing_shown(tables: Sequence[Table], policy: CellPolicy) -> Protection:
    """Return the tables with every count withheld: where to begin, if no exact release is safe."""
    protected = []
    for table in tables:
        small = [row.count is not None and policy.is_small(row.count) for row in table.rows]
        nothing = (False,) * len(table.rows)
        reasons = tuple(SMALL if each else COMPLEMENT for each in small)
        protected.append(ProtectedTable(table, nothing, nothing, reasons))
    everything = Protection(
        tables=tuple(protected),
        cells=0,
        primary=0,
        complementary=0,
        percentages_withheld=0,
        cost=0.0,
        gap=0.0,
        stopped_by_wall=False,
        solver="",
    )
    return _counted(without_exact_percentages(everything))


def revealed(
    result: Protection,
    report: Report,
    judge: Judge,
    *,
    policy: CellPolicy,
    left: Callable[[], float] | None = None,
) -> tuple[Protection, Report]:
    """Show withheld cells again, less exactly, as long as the audit passes; the largest counts first.

    Some are shown at once, and by halves where that leaks. Each step is an audit of the bytes; their number
    is the limit, so that the same file ends the same way.
    """
    waiting = [_hidden(result, policy)]
    audits = 0
    while waiting:
        some = waiting.pop()
        if not some or audits >= MOST_AUDITS:
            continue
        if left is not None and left() <= 0:
            return replace(result, stopped_by_wall=True), report
        audits += 1
        tried = _showing(result, some)
        if (found := judge(tried)).passed:
            result, report = tried, found
        elif len(some) > 1:
            middle = len(some) // 2
            waiting += [some[middle:], some[:middle]]  # the larger counts are asked next
    return result, report


def _hidden(result: Protection, policy: CellPolicy) -> list[list[_Place]]:
    """List the withheld cells that may be shown, with every place where each stands, largest first."""
    cells: dict[frozenset[tuple[str, str]], list[_Place]] = {}
    shut = set()
    for t, table in enumerate(result.tables):
        for n, (row, shown) in enumerate(zip(table.table.rows, table.shown, strict=True)):
            by_money = table.reasons[n].startswith(DOMINATED)
            who = frozenset((dim, code) for dim, code in row.codes.items() if code != TOTAL)
            if by_money or row.count is None or (policy.is_small(row.count) and not _hides(row, policy)):
                shut.add(who)  # nowhere told, then
            elif not shown:
                cells.setdefault(who, []).append((t, n))
    size = {who: result.tables[t].table.rows[n].count or 0 for who, ((t, n), *_) in cells.items()}
    order = sorted(cells, key=lambda who: (-size[who], cells[who]))
    return [cells[who] for who in order if who not in shut]


def _hides(row: Row, policy: CellPolicy) -> bool:
    """Say whether a row is told as a range that covers all small counts."""
    if not row.told or row.rounded is not None or row.shown is None:
        return False
    low, high = row.shown
    return low <= policy.smallest_hidden and high is not None and high >= policy.min_count - 1


def _showing(result: Protection, cells: Sequence[Sequence[_Place]]) -> Protection:
    shown = [list(table.shown) for table in result.tables]
    reasons = [list(table.reasons) for table in result.tables]
    for t, n in (place for places in cells for place in places):
        shown[t][n] = True
        kept = [part for part in reasons[t][n].split("; ") if part.startswith("percentage")]
        reasons[t][n] = "; ".join(kept)
    tables = tuple(
        replace(table, shown=tuple(shown[t]), reasons=tuple(reasons[t]))
        for t, table in enumerate(result.tables)
    )
    return _counted(replace(result, tables=tables))


def _counted(result: Protection) -> Protection:
    """Count anew what is withheld: each cell once, in however many tables it stands."""
    told: dict[frozenset[tuple[str, str]], str] = {}
    for table in result.tables:
        for row, shown, reason in zip(table.table.rows, table.shown, table.reasons, strict=True):
            who = frozenset((dim, code) for dim, code in row.codes.items() if code != TOTAL)
            told[who] = "" if shown else reason or told.get(who, "")
    primary = sum(reason.startswith((SMALL, DOMINATED)) for reason in told.values())
    withheld = sum(bool(reason) for reason in told.values())
    return replace(result, cells=len(told), primary=primary, complementary=withheld - primary)
