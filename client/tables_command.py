"""`p20 tables`: the check that the vault makes of an output, on the researcher's own machine (O-78, O-81)."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from client.failure import Failure
from disclosure.engine.alternatives import Alternative, alternatives
from disclosure.engine.cli import DEFAULTS
from disclosure.engine.documents.mapping import Mapped
from disclosure.engine.errors import BadTable
from disclosure.engine.examine import IN_TEXT, NO_PATTERN, NOT_SETTLED, SAFE, Beside, Examination, examine
from disclosure.engine.policy import CellPolicy, from_toml
from disclosure.engine.workbook import suppressed

_EXIT = {SAFE: 0, NO_PATTERN: 1, NOT_SETTLED: 1, IN_TEXT: 1}
_VERDICTS = {
    SAFE: "No withheld cell can be worked out.",
    NO_PATTERN: "Whatever is withheld, a small count could be worked out.",
    IN_TEXT: "Its text says numbers of people that may not be said.",
    NOT_SETTLED: "It could not be settled whether the tables are safe.",
}


def add_command(commands: Any) -> None:
    """This will add the command."""
    parser = commands.add_parser(
        "tables", help="check a file of tables as the portal will when it is submitted, and protect them"
    )
    parser.add_argument("file", type=Path, help="CSV, XLSX, DOCX, PPTX or PDF")
    parser.add_argument(
        "--released",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="what the project released before about the same people, from its packages",
    )
    parser.add_argument("--policy", type=Path, metavar="FILE.toml", help="stricter rules, if there are any")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to look for fewer cells")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write the protected tables")
    parser.add_argument(
        "--alternatives",
        type=Path,
        metavar="FOLDER",
        help="say what else could be done, and write each way here as a file to submit, true counts and all",
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    parser.set_defaults(run=_run)


def _run(called: argparse.Namespace) -> int:
    for folder, option in ((called.out, "--out"), (called.alternatives, "--alternatives")):
        if folder and folder.exists() and any(folder.iterdir()):
            raise Failure(f"{folder} is not empty. Name a new folder with {option}.", code=2)
    policy = _policy(called.policy)
    beside = Beside(released=[(str(path), path.read_bytes()) for path in called.released])
    found = examine(called.file.name, called.file.read_bytes(), beside, policy=policy, seconds=called.seconds)
    if called.out and found.verdict == SAFE:
        called.out.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(found.released(), start=1):
            (called.out / f"table-{number}.csv").write_bytes(content)
        if called.file.suffix.lower() == ".xlsx" and found.protection:
            marked = suppressed(called.file.name, called.file.read_bytes(), found.protection.tables)
            (called.out / "tables.xlsx").write_bytes(marked)
    _show(found, _written(_others(found, beside, policy, called), called), called)
    return _EXIT.get(found.verdict, 2)


def _policy(path: Path | None) -> CellPolicy:
    if path is None:
        return DEFAULTS
    try:
        return from_toml(path.read_text("utf-8"), defaults=DEFAULTS)
    except (BadTable, UnicodeDecodeError) as problem:
        raise Failure(str(problem), code=2) from problem


def _others(
    found: Examination, beside: Beside, policy: CellPolicy, called: argparse.Namespace
) -> list[Alternative]:
    """Return what else could be done; nothing if it was not asked for, or if nothing is withheld."""
    if not called.alternatives or found.verdict not in (SAFE, NO_PATTERN, NOT_SETTLED):
        return []
    return alternatives(
        found.tables, beside.outside(), found.protection, policy=policy, seconds=called.seconds / 10
    )


def _written(others: list[Alternative], called: argparse.Namespace) -> list[dict[str, Any]]:
    """Write each way as a file to submit, and tell of it."""
    told = []
    for number, other in enumerate(others, start=1):
        ending, content = other.file()
        called.alternatives.mkdir(parents=True, exist_ok=True)
        path = called.alternatives / f"alternative-{number}{ending}"
        path.write_bytes(content)
        price = {"numbers": other.price.numbers, "withheld": other.price.withheld}
        told.append(
            {"what": other.what, **price, "share_of_people": round(other.price.share, 4), "file": str(path)}
        )
    return told


def _show(found: Examination, others: list[dict[str, Any]], called: argparse.Namespace) -> None:
    tables = list(_tables(found))
    if called.json:
        told = {
            "verdict": found.verdict,
            "message": found.message,
            "facts": list(found.facts),
            "beside": found.aside.as_json() if found.aside else None,
            "tables": tables,
            "alternatives": others,
        }
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    if found.message:
        print(found.message)
    for fact in found.facts:
        print(f"  in the way: {fact}")
    if found.aside:
        _show_beside(found.aside)
    for number, table in enumerate(tables, start=1):
        withheld = table["withheld"]
        print(f"Table {number}, {table['name']}: {len(withheld)} of {table['cells']} cells are withheld.")
        for cell in withheld:
            print(f"  {cell['people']}: {cell['reason']}")
    if found.verdict in _VERDICTS:
        print(_VERDICTS[found.verdict])
    if called.alternatives:
        _show_others(others)
    if called.out and found.verdict == SAFE:
        print(
            f"The protected tables are in {called.out}. Submit the file itself; the portal protects it again."
        )


def _show_others(others: list[dict[str, Any]]) -> None:
    """Tell what else could be done, and what it costs."""
    if not others:
        print("No other way was found that withholds less.")
    for number, other in enumerate(others, start=1):
        print(
            f"Or {number}: {other['what']}. Then {other['withheld']} of {other['numbers']} numbers are "
            f"withheld, {other['share_of_people']:.1%} of the people. Submit {other['file']} instead."
        )


def _show_beside(beside: Mapped) -> None:
    """Tell what a document holds beside its tables."""
    for hurdle in beside.hurdles[1:]:
        print(hurdle)
    for finding in beside.findings:
        print(f"  {finding.place}: {finding.quote}")
    for place in beside.for_eyes:
        print(f"  look at it yourself: {place}")


def _tables(found: Examination) -> Iterator[dict[str, Any]]:
    """Give, for each protected table, what is withheld and why; no counts."""
    for table in found.protection.tables if found.protection else ():
        rows = zip(table.table.rows, table.shown, table.reasons, strict=True)
        yield {
            "name": table.table.name,
            "cells": len(table.table.rows),
            "withheld": [
                {
                    "people": ", ".join(f"{dim} {row.codes[dim]}" for dim in table.table.dimensions),
                    "reason": why,
                }
                for row, shown, why in rows
                if not shown
            ],
        }
