"""The sheet of an examination: all that a reviewer may look at, true counts included."""

import json
from typing import Any, Final

from disclosure.engine import wishes
from disclosure.engine.audit.findings import Finding
from disclosure.engine.blurred import as_percentages, bases_shown
from disclosure.engine.byhand import MOST_COLUMNS, ByHand, plain, signature
from disclosure.engine.codes import TOTAL
from disclosure.engine.examine import Examination, is_unsettled, people
from disclosure.engine.longform import Row, Table
from disclosure.engine.names import headings_of
from disclosure.engine.reading import Grid, title_rows
from disclosure.engine.release import intervals
from disclosure.engine.said import as_json as sentences

_BEGINNING: Final = 8  # rows of a table on the page where one says how it is read; and the last ones
_END: Final = 3
_MOST_GRIDS: Final = 20


def written(found: Examination, *, salt: str = "") -> bytes:
    """Write the sheet as JSON. Whoever runs the portal holds it sealed.

    The salt keeps its digest from being guessed: few counts are unknown to those who see the rest.
    """
    told = {
        "salt": salt,
        "verdict": found.verdict,
        "message": found.message,
        "facts": list(found.facts),
        "leaks": [leak.as_json() | {"unsettled": is_unsettled(leak)} for leak in _leaks(found)],
        "averted": [each.as_json() for each in found.averted],
        "warnings": [warning.as_json() for warning in found.report.warnings] if found.report else [],
        "beside": found.aside.as_json() if found.aside else None,
        "tables": _protected(found) if found.protection else [_unprotected(found, t) for t in found.tables],
        "read_as": [list(each) for each in found.read_as],
        "choice": _choice(found),
        "grids": _grids(found),
        "sentences": sentences(found.aside.said, found.facts_said, found.tables) if found.aside else [],
        "cells": _cells(found),
        "wishes": wishes.as_json(found.wishes, found.protection),
        "children": {
            dim: {parent: list(kids) for parent, kids in known.children.items()}
            for dim, known in found.hierarchies.items()
        },
    }
    return json.dumps(told, ensure_ascii=False, sort_keys=True).encode()


def _choice(found: Examination) -> dict[str, Any]:
    """Tell which names the tables have, and which are known: what one may choose from."""
    shapes = {headings_of(table.dimensions): table for table in found.as_written}
    tables = [
        {
            "headings": headings,
            "dimensions": {
                dim: sorted({code for row in table.rows for code in row.codes[dim].split("|")} - {TOTAL})
                for dim in table.dimensions
            },
        }
        for headings, table in shapes.items()
    ]
    return {"tables": tables, "known": {dim: sorted(codes) for dim, codes in found.known.items()}}


def _cells(found: Examination) -> dict[str, list[str]]:
    """Tell which dimensions and categories its tables have, as they were read."""
    known: dict[str, set[str]] = {}
    for table in found.tables:
        for dim in table.dimensions:
            known.setdefault(dim, set()).update(row.codes[dim] for row in table.rows)
    return {dim: sorted(codes - {TOTAL}) for dim, codes in known.items()}


def _grids(found: Examination) -> list[dict[str, Any]]:
    """Tell how the tables begin that may be read by hand: one of each signature."""
    by_sign = {signature(grid): (place, grid) for place, grid in reversed(found.grids)}
    return [
        {
            "place": place,
            "signature": sign,
            "title": [cell for row in grid[: title_rows(grid)] for cell in row if cell],
            **_beginning([row[:MOST_COLUMNS] for row in grid[title_rows(grid) :]]),
            "width": len(grid[0]),
            "by_hand": _in_words(found.by_hand[sign]) if sign in found.by_hand else [],
        }
        for sign, (place, whole) in sorted(by_sign.items(), key=lambda each: each[1][0])[:_MOST_GRIDS]
        if (grid := plain(whole))
    ]


def _beginning(rows: Grid) -> dict[str, Any]:
    top, rest = rows[:_BEGINNING], rows[_BEGINNING:]
    end = rest[-_END:]
    return {"top": top, "between": len(rest) - len(end), "bottom": end, "height": len(rows)}


def _in_words(said: ByHand) -> list[str]:
    """Tell a reviewer how a table is read."""
    words = {"dimension": "tells groups apart", "count": "counts", "other": "counts nobody"}
    columns = [
        f"Column {number} {words.get(role, 'is a percentage')}"
        + (f": {called}" if (called := said.names.get(number) or said.codes.get(number)) else "")
        for number, role in enumerate(said.roles, start=1)
    ]
    above = [f"Row {row} of headings tells apart: {name}" for row, name in sorted(said.across.items())]
    totals = [f"All together: {', '.join(sorted(said.totals))}"] if said.totals else []
    return (
        columns + above + totals + ([f"Percentages are of all: {', '.join(said.base)}"] if said.base else [])
    )


def _leaks(found: Examination) -> tuple[Finding, ...]:
    return tuple(found.report.leaks) if found.report else ()


def _protected(found: Examination) -> list[dict[str, Any]]:
    if found.protection is None or found.report is None:
        return []
    said = []
    opens = intervals(found.protection, found.report)
    for table, ends in zip(found.protection.tables, opens, strict=True):
        bases = bases_shown(table)
        rows = zip(table.table.rows, table.shown, table.percentage_shown, table.reasons, ends, strict=True)
        told = [
            _row(found, table.table, row)
            | {
                "shown": shown,
                "told": row.told,
                "percentage_told": as_percentages(row, bases),
                "percentage": str(row.share().value) if row.percentage else None,
                "percentage_shown": percentage_shown,
                "reason": reason,
                "interval": interval.as_json() if interval else None,
            }
            for row, shown, percentage_shown, reason, interval in rows
        ]
        if found.money:  # a table with money stands alone
            told = [
                row | {"money": dict(money), "reason": money["reason"]}
                for row, money in zip(told, found.money, strict=True)
            ]
        said.append(_table(table.table, told))
    return said


def _unprotected(found: Examination, table: Table) -> dict[str, Any]:
    return _table(table, [_row(found, table, row) for row in table.rows])


def _table(table: Table, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": table.name, "dimensions": list(table.dimensions), "rows": rows}


def _row(found: Examination, table: Table, row: Row) -> dict[str, Any]:
    return {
        "codes": [row.codes[dim] for dim in table.dimensions],
        "count": row.count,
        "earlier": found.told_before.get(people(row), ""),
        "shown": False,
        "percentage": None,
        "percentage_shown": False,
        "reason": "",
        "interval": None,
    }
