"""What the pages of this desk show, gathered for one person."""

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final

from disclosure import checks, documents, lifecycle, standing
from disclosure.models import Output, OutputCheck, OutputStatus, Verdict
from disclosure.package import ACKNOWLEDGEMENT
from p20win import access, clock
from p20win.accounts.public import is_operating_group
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.workflow import blockers

if TYPE_CHECKING:
    from p20win.accounts.models import User

_LETTERS: Final = {"small": "S", "complementary": "C", "dominated": "D"}
LETTERS: Final = (
    ("S", "small", "Counts fewer people than may be shown."),
    ("C", "complementary", "Withheld because a small count could be worked out from it."),
    ("P", "percentage", "Its percentage is withheld: of a small base, or of a withheld count."),
)
WIDTHS: Final = (
    ("narrow", 5, "A range of 6 numbers or fewer: just as wide as the rule asks."),
    ("some", 20, "A range of up to 21 numbers."),
    ("wide", 100, "A range of up to 101 numbers."),
    ("any", None, "A wider range."),
)
_MOST_ACROSS: Final = 12


def detail(output: Output, person: "User", at: dt.datetime) -> dict[str, Any]:
    """Return what the page of an output shows."""
    found = standing.latest_check(output)
    file = output.slot.files.order_by("-status_since").first()
    is_author = checks.is_author(output, person) is None
    is_og = is_operating_group(output, person) is None
    is_reviewer = checks.is_reviewer(output, person) is None
    return {
        "output": output,
        "lead": lead(output, found),
        "found": found,
        "gap": round(100 * found.gap, 1) if found else 0,
        "verdict": verdict(output, found),
        "document_note": documents.note_on(file),
        "job": standing.latest_job(output) if output.status == OutputStatus.UPLOADED else None,
        "file": file if file and file.status == custody.FileStatus.REFUSED else None,
        "parties": _parties(output, person),
        "tables": standing.clean_tables(output) if found else [],
        "not_comparable": standing.not_comparable(output),
        "compared_with": Output.objects.filter(pk__in=found.compared_with) if found else [],
        "is_author": is_author,
        "is_reviewer": is_reviewer and output.status == OutputStatus.IN_REVIEW,
        "is_operating_group": is_og,
        "may_look": found is not None and not why_not_look(found, person, at),
        "why_not_clear": checks.why_not_clear(output, person, at),
        "why_not_return": checks.why_not_return(output, person, at),
        "why_not_send": blockers(lifecycle.SEND, output, person) if is_author else [],
        "why_not_release": blockers(lifecycle.RELEASE, output, person) if is_og else [],
        "why_not_new_file": blockers(lifecycle.SEND_NEW_FILE, output, person) if is_author else [],
        "why_not_withdraw": blockers(lifecycle.WITHDRAW, output, person) if is_author or is_og else [],
        "check_again": is_author
        and bool(
            checks.stands_beside_others(output, person) or checks.rules_are_those_of_its_check(output, person)
        ),
        "clocks": deadlines.of_subject(output),
        "may_have_package": output.status == OutputStatus.RELEASED
        and not access.why_not(person, "see_counts", output.project, "output", at),
        "copies": output.copies.all(),
        "acknowledgement": ACKNOWLEDGEMENT,
    }


def why_not_look(found: OutputCheck, person: "User", at: dt.datetime) -> list[str]:
    """Say why this person may not look at the counts."""
    return [
        *checks.why_not_look(found, person, at),
        *access.why_not(person, "see_counts", found.output.project, "output", at),
    ]


def lead(output: Output, found: OutputCheck | None) -> str:
    """Say in a sentence where an output stands, and who holds it."""
    match output.status:
        case OutputStatus.UPLOADED:
            return "The vault is checking the file."
        case OutputStatus.CHECKED:
            return f"{verdict(output, found)} {output.author.name} now sends it to the agencies."
        case OutputStatus.IN_REVIEW:
            rows = list(standing.clearances(output))
            cleared = sum(row.cleared_at is not None for row in rows)
            day = clock.state_date(output.not_before) if output.not_before else None
            when = f"It can be released from {day:%b} {day.day}, {day.year}." if day else ""
            return f"The parties read it; {cleared} of {len(rows)} have cleared it. {when}"
        case OutputStatus.RELEASED:
            return "It is released. The package holds exactly the tables that were audited."
        case OutputStatus.RETURNED:
            return f"{output.author.name} sends a corrected file, or withdraws it."
        case _:
            return "It was withdrawn."


def verdict(output: Output, found: OutputCheck | None) -> str:
    """Say in a sentence what the check found."""
    if found is None:
        return "It is not checked yet."
    if found.verdict == Verdict.SAFE:
        if not found.withheld:
            return f"Nothing has to be withheld: none of the {found.cells} cells is small."
        return (
            f"{found.withheld} of {found.cells} cells are withheld, {found.small} because they are small and"
            f" {found.complementary} to protect them; no withheld cell can be worked out."
        )
    if found.verdict == Verdict.IN_TEXT:
        return documents.IN_TEXT
    if found.verdict == Verdict.UNREADABLE:
        return "The file cannot be read as tables of counts."
    if found.verdict == Verdict.NO_PATTERN:
        return "Whatever is withheld, a small count could be worked out from what is released already."
    return "The check could not settle whether the tables are safe, so they are not released."


def _parties(output: Output, person: "User") -> list[dict[str, Any]]:
    """Return each party's word; the others' only when all are in, so that each judges alone."""
    rows = list(standing.clearances(output).select_related("organisation", "decided_by"))
    all_in = all(row.cleared_at or row.returned_at for row in rows)
    told = all_in or output.status != OutputStatus.IN_REVIEW
    mine = {row.pk for row in checks.clearances_of(output, person)}
    return [
        {"row": row, "told": told or row.pk in mine, "has_decided": bool(row.cleared_at or row.returned_at)}
        for row in rows
    ]


# --- the sheet: what the vault relayed, for one page


def sheet(content: bytes) -> dict[str, Any]:
    """Lay out what a check says of single cells."""
    said: dict[str, Any] = json.loads(content)
    said["grids"] = [grid(table) for table in said["tables"]]
    return said


def grid(table: dict[str, Any]) -> dict[str, Any]:
    """Lay a long table out in rows and columns, as one reads it."""
    dims = table["dimensions"]
    across = dims[-1] if len(dims) > 1 and _fits(table) else None
    cut = len(dims) - 1 if across else len(dims)
    heads: list[str] = []
    lines: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in table["rows"]:
        head = row["codes"][-1] if across else "Count"
        if head not in heads:
            heads.append(head)
        lines.setdefault(tuple(row["codes"][:cut]), {})[head] = cell(row)
    rows = [
        {"labels": labels, "cells": [cells.get(head) for head in heads]} for labels, cells in lines.items()
    ]
    return {
        "name": table["name"],
        "dimensions": dims[:cut],
        "across": across,
        "heads": heads,
        "rows": rows,
        "is_open": any(row.get("interval") for row in table["rows"]),
    }


def _fits(table: dict[str, Any]) -> bool:
    return len({row["codes"][-1] for row in table["rows"]}) <= _MOST_ACROSS


def cell(row: dict[str, Any]) -> dict[str, Any]:
    """Return what one cell shows: the count, whether it goes out, and the letter of the reason."""
    reason = row["reason"].split(";")[0].strip()
    letter = _LETTERS.get(reason, "")
    if not letter and "percentage" in row["reason"]:
        letter = "P"
    return {
        "count": row["count"],
        "shown": row["shown"],
        "letter": letter,
        "reason": row["reason"],
        "percentage": row["percentage"],
        "percentage_shown": row["percentage_shown"],
        "interval": row.get("interval"),  # a sheet of before has none
        "width": _width(row.get("interval")),
    }


def _width(interval: dict[str, Any] | None) -> str:
    """Say how open a withheld cell is, in four steps."""
    if interval is None:
        return ""
    if interval["high"] is None:
        return "any"
    wide = interval["high"] - interval["low"]
    return next((name for name, most, _ in WIDTHS if most is not None and wide <= most), WIDTHS[-1][0])
