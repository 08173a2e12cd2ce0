"""The check of an output, in the vault: opened, protected, attacked and sealed, all in memory."""

import csv
import datetime as dt
import hashlib
import io
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from disclosure import lifecycle, safe_pay, standing, together, workbooks
from disclosure.documents import read_document_apart
from disclosure.engine.errors import BadTable
from disclosure.engine.policy import CellPolicy
from disclosure.models import CleanTable, Known, Output, OutputCheck, OutputStatus
from disclosure.rules import noted, rules_of
from p20win.accounts.public import system_user
from p20win.custody import public as custody
from p20win.workflow import create, take

if TYPE_CHECKING:
    from disclosure.engine.examine import Beside, Examination
    from disclosure.engine.reading import Grids
    from p20win.custody.models import SealedFile
    from p20win.jobs.public import RunningJob

# A workbook takes some fifty times its size to read; so much only while nobody else is in the process.
_READING: Final = custody.Limits(memory=1 << 30, answer=64 << 20, cpu_seconds=60, seconds=90)
SECONDS: Final = 60.0  # of solver work; the clock stops it at twice that, and then the check says so


@dataclass(frozen=True)
class Case:
    """An output's file with all that stands beside it, open in the vault's memory."""

    name: str
    content: bytes
    beside: "Beside"
    rules: CellPolicy
    others: Mapping[Output, OutputCheck | None]  # released, or on their way, and the check of their tables
    known: list[Known]
    money: list[tuple[str, bytes]] = field(default_factory=list)  # released tables that tell pay, too
    held: dict[str, Any] = field(default_factory=dict)  # whom they count, where not the same people

    def examined(self, *, left: Callable[[], float], told: Callable[[int, str], None]) -> "Examination":
        """Protect and attack it."""
        from disclosure.engine.examine import examine

        return examine(
            self.name,
            self.content,
            self.beside,
            policy=self.rules,
            seconds=SECONDS,
            left=left,
            told=told,
            reader=_read_apart,
            document_reader=read_document_apart,
        )


def opened(output: Output, file: "SealedFile") -> Case:
    """Open an output's file, and what stands beside it. In the vault alone."""
    # The solvers are loaded where they are used: every process would start half a second later.
    from disclosure.engine.examine import Beside
    from disclosure.engine.magnitude.told import counts_of
    from disclosure.engine.populations import among

    held = together.of(output)
    beside = {other: standing.latest_check(other) for other in held.beside}
    known, dimension = list(standing.known_for(output)), among(held.held)

    def told(label: str, row: Output | Known, text: bytes) -> tuple[str, bytes]:
        return (label, dimension.marked(text, held.code(row)) if dimension else text)

    with custody.open_only(output.project_id, custody.DataClass.OUTPUT):
        content = b"".join(custody.open_bytes(file))
        out = {
            other: _released(other, made, of=held.code(other) if dimension else "")
            for other, made in beside.items()
        }
    paid = {other for other in beside if safe_pay.told_in(other)}
    counts = [
        told(label, other, counts_of(text) if other in paid else text)
        for other, tables in out.items()
        for label, text in tables
    ]
    around = Beside(
        released=counts,
        public=[told(_called(row), row, bytes(row.content)) for row in known if row.is_public_table],
        hierarchies={row.name: bytes(row.content) for row in known if row.is_hierarchy},
        names={row.name: bytes(row.content) for row in known if row.is_names},
        said=next((bytes(row.content) for row in known if row.is_said), b""),
        wishes=next((bytes(row.content) for row in known if row.is_wishes), b""),
        by_hand={row.name: bytes(row.content) for row in known if row.is_by_hand},
        among=dimension,
    )
    money = [each for other in beside if other in paid for each in out[other]]
    noted = together.noted(held.held)
    return Case(file.name, content, around, rules_of(output.project), beside, known, money, noted)


def check_output(file: "SealedFile", *, job: "RunningJob", at: dt.datetime) -> None:
    """Check the file of an output. In the vault alone; a file that was checked already is left as it is."""
    output = Output.objects.select_related("project", "author__organisation").get(slot=file.slot_id)
    if output.status != OutputStatus.UPLOADED:
        return
    job.progress(5, "Opening the file.")
    case, end = opened(output, file), time.monotonic() + 2 * SECONDS
    table = standing.safe_table_of(output)
    if table is not None and table.pay:
        found = safe_pay.examined(table, case, told=job.progress, at=at)
    else:
        found = case.examined(left=lambda: end - time.monotonic(), told=job.progress)
    job.progress(85, "Writing the workbook.")
    workbook = workbooks.made(case.name, case.content, found) if found.audited() else None
    job.progress(90, "Sealing what was found.")
    with transaction.atomic():
        job.hold()
        _keep(output, found, case, workbook, at=at)


def _read_apart(name: str, content: bytes) -> "Grids":
    from disclosure.engine.reading import grids_told, told_grids

    try:
        return grids_told(custody.read_apart(told_grids, name, content, limits=_READING))
    except custody.NotRead as failure:
        raise BadTable(f"{name}: {failure} Save it again as CSV UTF-8.") from None


def _released(other: Output, made: OutputCheck | None, *, of: str = "") -> list[tuple[str, bytes]]:
    """Open what a check made of an output's tables; told of whom, where others are counted beside."""
    called = f"“{other.title}” ({of})" if of else f"“{other.title}”"
    tables = CleanTable.objects.filter(found=made).select_related("file")
    return [(f"{called}, {t.name}", b"".join(custody.open_bytes(t.file))) for t in tables]


def _called(table: Known) -> str:
    return f"“{table.name}” ({table.source}, as of {table.as_of:%Y-%m-%d})"


def _keep(
    output: Output, found: "Examination", case: Case, workbook: workbooks.Made | None, *, at: dt.datetime
) -> None:
    from disclosure.engine import sheet

    by, beside = system_user(), case.others
    headings = [standing.digest_of(each) for each in found.headings()]
    known = [row for row in case.known if not row.is_of_headings or standing.digest_of(row.name) in headings]
    earlier = OutputCheck.objects.filter(output=output, round=output.round).count()
    row = OutputCheck(
        project=output.project,
        output=output,
        round=output.round,
        number=earlier + 1,
        checked_at=at,
        verdict=found.verdict,
        policy=noted(case.rules),
        compared_with=[str(other.pk) for other in beside],
        compared_checks=[str(made.pk) for made in beside.values() if made],
        held=case.held,
        known=[str(row.pk) for row in known],
        headings=headings,
        adds=found.adds(),
        numbers_said=found.aside.numbers_said if found.aside else 0,
        to_rule=found.to_rule,
        sheet=seal(output, "what-the-check-found", sheet.written(found, salt=secrets.token_hex(32)), at=at),
        **_numbers(found),
    )
    details = {"verdict": row.verdict, "cells": row.cells, "withheld": row.withheld, "leaks": row.leaks}
    details |= {"unsettled": row.unsettled, "to_rule": row.to_rule, "known": row.known}
    create("output.examined", row, by=by, at=at, details=details)
    own, told = found.audited(), found.audited_sentences()
    for number, content in enumerate([*own, *told], start=1):
        table = CleanTable(
            found=row,
            number=number,
            of_text=number > len(own),
            file=seal(output, f"table-{number}.csv", content, at=at),
            digest=hashlib.sha256(content).hexdigest(),
            rows=content.count(b"\n") - 1,
            facts=facts_in(content),
        )
        create("output.table_sealed", table, by=by, at=at, details={"digest": table.digest})
    if workbook is not None:
        sealed = seal(output, "tables.xlsx", workbook.content, at=at) if workbook.content else None
        workbooks.keep(row, workbook, sealed, at=at)
    safe = found.is_safe
    step = lifecycle.CHECK if safe else lifecycle.CHECK_IN_DOUBT if found.is_in_doubt else lifecycle.REFUSE
    take(step, output, by=by, at=at, details=details)


def facts_in(content: bytes) -> int:
    """Count the numbers that a released table tells."""
    from disclosure.engine.magnitude.told import measure_of

    rows = csv.DictReader(io.StringIO(content.decode()))
    columns = [*filter(None, ("released", "pct", measure_of(content)))]
    return sum(bool(row.get(column)) for row in rows for column in columns)


def seal(output: Output, name: str, content: bytes, *, at: dt.datetime) -> "SealedFile":
    """Seal what the vault made of an output, under its author's organisation's key."""
    owner = output.author.organisation
    if owner is None:
        raise custody.NotOpenable("The author belongs to no organisation.")
    return custody.seal_bytes(
        project=output.project,
        organisation=owner,
        data_class=custody.DataClass.OUTPUT,
        name=name,
        chunks=[content],
        by=system_user(),
        at=at,
        meta={"output": str(output.pk)},
    )


def _numbers(found: "Examination") -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    protection, report = found.protection, found.report
    if protection is not None:
        numbers |= {
            "cells": protection.cells,
            "small": protection.primary,
            "complementary": protection.complementary,
            "percentages": protection.percentages_withheld,
            "gap": protection.gap,
            "stopped_by_clock": protection.stopped_by_wall,
            "solver": protection.solver,
        }
    if report is not None:
        numbers |= {
            "questions": report.questions,
            "leaks": found.leaks,
            "unsettled": found.unsettled,
            "warnings": len(report.warnings),
        }
    return numbers


def note_refused(file: "SealedFile", *, at: dt.datetime) -> None:
    """Return an output whose file custody refused: cut, too large, or no table at all."""
    output = Output.objects.get(slot=file.slot_id)
    if output.status == OutputStatus.UPLOADED:
        take(lifecycle.REFUSE, output, by=system_user(), at=at, details={"file": str(file.pk)})
