"""The release package: exactly the audited bytes, their record, and the words every publication carries."""

import io
import json
import zipfile
from collections.abc import Sequence
from typing import Final

from disclosure import safe_pay, standing
from disclosure.models import CleanTable, CleanWorkbook, Output, OutputCheck
from p20win.clock import state_date
from p20win.projects import public as projects

ACKNOWLEDGEMENT: Final = (  # O-83, word for word
    "This work would not be possible without data provided by the P20 WIN participating agencies. "
    "The findings do not necessarily reflect the opinions of the State of Connecticut or the organizations "
    "and agencies contributing data."
)
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the same package has the same bytes whenever it is made


def build(
    output: Output,
    found: OutputCheck,
    tables: Sequence[tuple[CleanTable, bytes]],
    workbook: bytes | None = None,
) -> bytes:
    """Put the package together."""
    out, marked = io.BytesIO(), standing.workbook_of(found)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for table, content in tables:
            _add(archive, table.name, content)
        if workbook is not None:
            _add(archive, CleanWorkbook.name, workbook)
        _add(archive, "README.txt", readme(output, [table for table, _ in tables], marked).encode())
        _add(archive, "audit.json", audit_record(output, found, [table for table, _ in tables]))
    return out.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)


def name_of(output: Output) -> str:
    """Return the file name of the package."""
    return f"released-{output.project.number}-{str(output.pk)[-8:]}.zip"


def readme(output: Output, tables: Sequence[CleanTable], workbook: CleanWorkbook | None) -> str:
    """Write what the reader of the tables must know."""
    day = f"{state_date(output.released_at):%B %d, %Y}" if output.released_at else "not released"
    lines = [
        f"{output.project.number}: {output.title}",
        "",
        f"Population: {output.population}",
        f"Period: {output.period}",
        f"Data extracted: {output.extracted_on:%B %d, %Y}",
        f"Released: {day}",
        "",
        "An empty cell was withheld so that no small group of people can be recognised, in this table or",
        "together with others. Publish the tables as they are.",
        "",
        "Every public document made from these tables must carry this acknowledgement:",
        "",
        ACKNOWLEDGEMENT,
        "",
        "Suggested citation:",
        "",
        citation(output),
        "",
        "SHA-256 of each table:",
        *(f"{table.digest}  {table.name}" for table in tables),
        *_about_text(tables),
        *_about_workbook(workbook),
        *_about_pay(output),
    ]
    return "\n".join(lines) + "\n"


def citation(output: Output) -> str:
    """Return how a publication may cite the tables: who made them of whose data, and when they came out."""
    author, day = output.author, state_date(output.released_at) if output.released_at else None
    who = ", ".join(filter(None, (author.name, str(author.organisation or ""))))
    agencies = ", ".join(str(agency) for agency in projects.suppliers(output.project))
    out = f"released {day:%B} {day.day}, {day.year}" if day else "not released"
    return (
        f"{who} ({day.year if day else 'no date'}). {output.title}: {output.population}, {output.period}"
        f" [data tables]. Made from data of P20 WIN participating agencies ({agencies}), request"
        f" {output.project.number}, {out}."
    )


def _about_pay(output: Output) -> list[str]:
    if (pay := safe_pay.in_record(output)) is None:
        return []
    return ["", f"{pay['told']}: all rows of a person added up, who has none counted as nothing."]


def _about_text(tables: Sequence[CleanTable]) -> list[str]:
    names = [table.name for table in tables if table.of_text]
    return ["", f"What the text says, checked together with the tables: {', '.join(names)}"] if names else []


def _about_workbook(workbook: CleanWorkbook | None) -> list[str]:
    if workbook is None:
        return []
    if workbook.why_not:
        return ["", workbook.get_why_not_display()]
    said = "The workbook is the one that was submitted, with an asterisk for each number that was withheld:"
    return ["", said, f"{workbook.digest}  {workbook.name}"]


def audit_record(output: Output, found: OutputCheck, tables: Sequence[CleanTable]) -> bytes:
    """Write how the tables were checked, without any withheld number."""
    ruling = standing.ruling_on(found)
    record = {
        "project": output.project.number,
        "output": str(output.pk),
        "round": found.round,
        "checked_at": found.checked_at.isoformat(),
        "rules": found.policy,
        "cells": found.cells,
        "withheld": found.withheld,
        "percentages_withheld": found.percentages,
        "gap": found.gap,
        "stopped_by_clock": found.stopped_by_clock,
        "solver": found.solver,
        "audit": {
            "questions": found.questions,
            "leaks": found.leaks,
            "warnings": found.warnings,
            "unsettled": found.unsettled,
            "said_by_people": found.to_rule,
        },
        "ruled_on": ruling.confirmed_at.isoformat() if ruling and ruling.confirmed_at else None,
        "compared_with": found.compared_with,
        "people_held_together": found.held.get("groups", []),
        "known": [f"{row.get_kind_display()}: {row}" for row in standing.known_of(found)],
        "pay": safe_pay.in_record(output),
        "workbook": _workbook_record(standing.workbook_of(found)),
        "tables": [{"name": table.name, "sha256": table.digest, "rows": table.rows} for table in tables],
    }
    return json.dumps(record, indent=2, sort_keys=True).encode()


def _workbook_record(workbook: CleanWorkbook | None) -> dict[str, str] | None:
    if workbook is None:
        return None
    if workbook.why_not:
        return {"why_not": workbook.get_why_not_display()}
    return {"name": workbook.name, "sha256": workbook.digest}
