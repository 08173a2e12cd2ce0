"""What else could be published: the same tables told more coarsely, each protected and attacked anew.

Recoding before suppressing loses less (Hundepool et al., Statistical Disclosure Control, 2012, ch. 4). Put
together are two categories, the last of an ordered list (top-coding), years, or all that one group of a
hierarchy holds; left out are a dimension, or the totals over one; told less exactly are counts, or
percentages. What does not end safe, or withholds no less, is not offered.
"""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from openpyxl import Workbook

from disclosure.engine.blurred import in_ranges, is_asked, plain, rounded
from disclosure.engine.codes import TOTAL, Hierarchy, read_hierarchy
from disclosure.engine.errors import BadTable, NoSafePattern, SolverFailed, Stopped
from disclosure.engine.longform import Table, write
from disclosure.engine.policy import CellPolicy
from disclosure.engine.populations import Among
from disclosure.engine.protect import Protection
from disclosure.engine.reading import YEARS
from disclosure.engine.recoding import (
    NotPossible,
    Tables,
    collapsed,
    grouped,
    lowest_groups,
    one_level_up,
    without,
    without_totals,
)
from disclosure.engine.release import Outside, protect_and_audit

COLLAPSE, TOP_CODE, NO_MARGIN, NO_DIMENSION = "collapse", "top code", "no totals", "no dimension"
LEVEL_UP, PERIODS, ROUND, RANGES = "level up", "periods", "round", "ranges"
MOST_TRIED: Final = 24
MOST_OFFERED: Final = 8
_ORDERED: Final = re.compile(r"\D{0,3}\d.*")
_YEAR: Final = re.compile(r"(?<!\d)\d{4}(?!\d)")
_FOR_TOP_CODE: Final = 5  # categories a list must have for its last three to become one
_MOST_ALONE: Final = 6  # tables of a file that are also told less exactly one by one
_WORST: Final = 3  # categories of a dimension whose neighbours are tried


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
        if len(self.tables) == 1 and not is_asked(self.tables):
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
    exact = tuple(plain(table) for table in tables)
    changes = [*_blurred(exact, policy), *_changes(exact, now, known)][:MOST_TRIED]
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
        except (NotPossible, BadTable, NoSafePattern, Stopped, SolverFailed):
            continue
        price = price_of(found)
        if report.passed and (before is None or price.withheld < before):
            offered.append(Alternative(kind, what, changed, price))
    offered.sort(key=lambda each: (each.price.withheld, -each.price.numbers, each.price.share, each.what))
    return offered[:MOST_OFFERED]


# --- the changes that are tried


def _blurred(tables: Tables, policy: CellPolicy) -> list[tuple[str, str, Callable[[], Tables]]]:
    """List what keeps every line and tells its numbers less exactly: of all tables, and of each alone."""
    each = [(n,) for n in range(len(tables))] if 1 < len(tables) <= _MOST_ALONE else []
    found: list[tuple[str, str, Callable[[], Tables]]] = []
    for some in [tuple(range(len(tables))), *each]:
        of = "" if len(some) == len(tables) else f" of “{tables[some[0]].name}”"
        with_percentages = any(row.percentage for n in some for row in tables[n].rows)
        if with_percentages:
            what = f"Tell the percentages{of} as ranges, wider where the base is small"
            found.append((RANGES, what, _later(_each, tables, some, in_ranges, policy)))
        else:
            found.append((ROUND, f"Round the counts{of} to 5", _later(_each, tables, some, rounded, policy)))
    return found


def _each(
    tables: Tables, some: Sequence[int], change: Callable[[Table, CellPolicy], Table], policy: CellPolicy
) -> Tables:
    return tuple(change(table, policy) if n in some else table for n, table in enumerate(tables))


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
            found.append((weight, COLLAPSE, what, _later(collapsed, tables, dim, pair)))
        if len(codes) >= _FOR_TOP_CODE and all(_ORDERED.match(code) for code in codes):
            last = tuple(codes[-3:])
            weight = sum(dark.get(code, 0) for code in last)
            what = f"Make one category of the last three of “{dim}”: {_listed(last)}"
            found.append((weight, TOP_CODE, what, _later(collapsed, tables, dim, last)))
        found += _wider_categories(tables, dim, codes, dark, known.get(dim))
        weight = sum(dark.values())
        found.append((weight, NO_DIMENSION, f"Leave out “{dim}”", _later(without, tables, dim)))
        what = f"Leave out the totals over “{dim}”"
        found.append((dark.get(TOTAL, 0), NO_MARGIN, what, _later(without_totals, tables, dim)))
    found.sort(key=lambda each: -each[0])
    return [(kind, what, change) for _, kind, what, change in found]


def _wider_categories(
    tables: Tables, dim: str, codes: Sequence[str], dark: Mapping[str, int], known: Hierarchy | None
) -> list[tuple[int, str, str, Callable[[], Tables]]]:
    """Return what makes all categories of a dimension wider: groups of its hierarchy, longer periods."""
    weight = sum(dark.get(code, 0) for code in codes)
    found: list[tuple[int, str, str, Callable[[], Tables]]] = []
    inside = {code for group in lowest_groups(known) for code in known.children[group]} if known else set()
    if known and not inside.isdisjoint(codes):
        what = f"Tell “{dim}” one level up: {_listed(lowest_groups(known))} in place of what is in them"
        found.append((weight, LEVEL_UP, what, _later(one_level_up, tables, dim, known)))
    if groups := _periods(codes):
        what = f"Merge periods of “{dim}”: {'; '.join(_listed(group) for group in groups)}"
        found.append((weight, PERIODS, what, _later(grouped, tables, dim, groups)))
    return found


def _periods(codes: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the periods to merge: those of one year, or years in twos, the first three where one is over."""
    by_year: dict[int, list[str]] = {}
    for code in codes:
        year = _YEAR.search(code)
        if year is None or int(year[0]) not in YEARS:
            return []
        by_year.setdefault(int(year[0]), []).append(code)
    years = [by_year[year] for year in sorted(by_year)]
    if len(years) > 1 and len(codes) > len(years):
        return [tuple(inside) for inside in years if len(inside) > 1]
    if len(years) < 4:
        return []  # two of three are put together as any two categories are
    flat = [inside[0] for inside in years]
    start = len(flat) % 2
    groups = [tuple(flat[n : n + 2]) for n in range(start, len(flat), 2)]
    return [(*flat[:start], *groups[0]), *groups[1:]]


def _later(change: Callable[..., Tables], *arguments: object) -> Callable[[], Tables]:
    return lambda: change(*arguments)


def _listed(codes: Sequence[str]) -> str:
    said = [f"“{code}”" for code in codes]
    return f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else "".join(said)


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


def _csv(table: Table) -> bytes:
    return write(table.columns, [row.cells for row in table.rows])
