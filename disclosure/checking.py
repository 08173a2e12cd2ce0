"""The check of an output, in the vault: opened, protected, attacked and sealed, all in memory."""

import datetime as dt
import hashlib
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from disclosure import lifecycle, standing
from disclosure.documents import read_document_apart
from disclosure.engine.errors import BadTable
from disclosure.engine.policy import CellPolicy
from disclosure.models import CleanTable, Output, OutputCheck, OutputStatus
from disclosure.rules import noted, rules_of
from p20win.accounts.public import system_user
from p20win.custody import public as custody
from p20win.workflow import create, take

if TYPE_CHECKING:
    from disclosure.engine.examine import Examination
    from disclosure.engine.reading import Grids
    from p20win.custody.models import SealedFile
    from p20win.jobs.public import RunningJob

# A workbook takes some fifty times its size to read; so much only while nobody else is in the process.
_READING: Final = custody.Limits(memory=1 << 30, answer=64 << 20, cpu_seconds=60, seconds=90)
SECONDS: Final = 60.0  # of solver work; the clock stops it at twice that, and then the check says so


def check_output(file: "SealedFile", *, job: "RunningJob", at: dt.datetime) -> None:
    """Check the file of an output. In the vault alone; a file that was checked already is left as it is."""
    # The solvers are loaded where they are used: every process would start half a second later.
    from disclosure.engine.examine import examine

    output = Output.objects.select_related("project", "author__organisation").get(slot=file.slot_id)
    if output.status != OutputStatus.UPLOADED:
        return
    job.progress(5, "Opening the file.")
    beside = list(standing.beside(output))
    with custody.open_only(output.project_id, custody.DataClass.OUTPUT):
        content = b"".join(custody.open_bytes(file))
        earlier = [released for other in beside for released in _released(other)]
    rules, end = rules_of(output.project), time.monotonic() + 2 * SECONDS
    found = examine(
        file.name,
        content,
        earlier,
        policy=rules,
        seconds=SECONDS,
        left=lambda: end - time.monotonic(),
        told=job.progress,
        reader=_read_apart,
        document_reader=read_document_apart,
    )
    job.progress(90, "Sealing what was found.")
    with transaction.atomic():
        job.hold()
        _keep(output, found, rules, beside, at=at)


def _read_apart(name: str, content: bytes) -> "Grids":
    from disclosure.engine.reading import grids_told, told_grids

    try:
        return grids_told(custody.read_apart(told_grids, name, content, limits=_READING))
    except custody.NotRead as failure:
        raise BadTable(f"{name}: {failure} Save it again as CSV UTF-8.") from None


def _released(other: Output) -> list[tuple[str, bytes]]:
    tables = standing.clean_tables(other)
    return [(f"“{other.title}”, {t.name}", b"".join(custody.open_bytes(t.file))) for t in tables]


def _keep(
    output: Output, found: "Examination", rules: CellPolicy, beside: list[Output], *, at: dt.datetime
) -> None:
    by = system_user()
    earlier = OutputCheck.objects.filter(output=output, round=output.round).count()
    row = OutputCheck(
        project=output.project,
        output=output,
        round=output.round,
        number=earlier + 1,
        checked_at=at,
        verdict=found.verdict,
        policy=noted(rules),
        compared_with=[str(other.pk) for other in beside],
        sheet=_seal(output, "what-the-check-found", found.sheet(salt=secrets.token_hex(32)), at=at),
        **_numbers(found),
    )
    details = {"verdict": found.verdict, "cells": row.cells, "withheld": row.withheld, "leaks": row.leaks}
    create("output.examined", row, by=by, at=at, details=details)
    for number, content in enumerate(found.released(), start=1):
        table = CleanTable(
            found=row,
            number=number,
            file=_seal(output, f"table-{number}.csv", content, at=at),
            digest=hashlib.sha256(content).hexdigest(),
            rows=content.count(b"\n") - 1,
        )
        create("output.table_sealed", table, by=by, at=at, details={"digest": table.digest})
    step = lifecycle.CHECK if found.is_safe else lifecycle.REFUSE
    take(step, output, by=by, at=at, details=details)


def _seal(output: Output, name: str, content: bytes, *, at: dt.datetime) -> "SealedFile":
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
    if found.protection is not None:
        numbers |= {
            "cells": found.protection.cells,
            "small": found.protection.primary,
            "complementary": found.protection.complementary,
            "percentages": found.protection.percentages_withheld,
            "gap": found.protection.gap,
            "stopped_by_clock": found.protection.stopped_by_wall,
            "solver": found.protection.solver,
        }
    if found.report is not None:
        numbers |= {
            "questions": found.report.questions,
            "leaks": len(found.report.leaks),
            "warnings": len(found.report.warnings),
        }
    return numbers


def note_refused(file: "SealedFile", *, at: dt.datetime) -> None:
    """Return an output whose file custody refused: cut, too large, or no table at all."""
    output = Output.objects.get(slot=file.slot_id)
    if output.status == OutputStatus.UPLOADED:
        take(lifecycle.REFUSE, output, by=system_user(), at=at, details={"file": str(file.pk)})
