"""The author's workbook with the withheld numbers marked: made, read back and given in the vault alone."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from disclosure import checks, standing
from disclosure.engine.errors import BadTable
from disclosure.models import CleanWorkbook, Output, OutputCheck, OutputStatus, WhyNoWorkbook
from p20win.accounts.public import system_user
from p20win.custody import public as custody
from p20win.workflow import create

if TYPE_CHECKING:
    from disclosure.engine.examine import Examination
    from p20win.accounts.models import User
    from p20win.custody.models import SealedFile

WORKBOOK: Final = "disclosure.workbook"
_LIMITS: Final = custody.Limits(memory=1 << 30, answer=64 << 20, cpu_seconds=60, seconds=90)


@dataclass(frozen=True)
class Made:
    """What came of marking a workbook: its bytes, or why there are none."""

    content: bytes = b""
    why_not: str = ""


def made(name: str, content: bytes, examination: "Examination") -> Made | None:
    """Mark the withheld numbers in a workbook; None if the file is none. In the vault alone.

    The workbook is opened in the sandbox. What comes of it is opened in another, and its cells must read as
    those of the original, but for the marks; whatever goes wrong, there is no workbook.
    """
    from disclosure.engine import workbook_apart as apart  # loads what writes workbooks
    from disclosure.engine.documents.content import is_workbook
    from disclosure.engine.reading import grids_told, told_grids
    from disclosure.engine.workbook import Told

    if examination.protection is None or not is_workbook(content):
        return None
    if examination.by_hand:  # who marks it reads tables as they stand
        return Made(why_not=WhyNoWorkbook.NOT_MADE)
    codes = {code for table in examination.as_written for row in table.rows for code in row.codes.values()}
    tables = [Told.of(table) for table in examination.protection.tables]
    tables = [replace(table, codes=table.codes | codes) for table in tables]  # the file says its own names
    try:
        marked = apart.marked_told(_apart(apart.told_marked, name, apart.packed(content, tables)))
    except (BadTable, custody.NotRead):
        return Made(why_not=WhyNoWorkbook.NOT_MADE)
    try:
        original = grids_told(_apart(told_grids, name, content))
        apart.hold_against(original, grids_told(_apart(apart.told_back, name, marked)), tables)
    except (BadTable, custody.NotRead):
        return Made(why_not=WhyNoWorkbook.DIFFERS)
    return Made(marked)


def _apart(task: Any, name: str, content: bytes) -> Any:
    return custody.read_apart(task, name, content, limits=_LIMITS)


def keep(found: OutputCheck, workbook: Made, file: "SealedFile | None", *, at: dt.datetime) -> CleanWorkbook:
    """Keep what came of marking the workbook of a check."""
    digest = hashlib.sha256(workbook.content).hexdigest() if file else ""
    row = CleanWorkbook(found=found, file=file, digest=digest, why_not=workbook.why_not)
    event = "output.workbook_sealed" if file else "output.no_workbook"
    create(event, row, by=system_user(), at=at, details={"digest": digest, "why_not": workbook.why_not})
    return row


def opened(row: CleanWorkbook | None) -> bytes | None:
    """Open a workbook that was read back; None if there is none. In the vault alone.

    :raises Broken: if the bytes are not those that were read back
    """
    if row is None or row.file is None:
        return None
    content = b"".join(custody.open_bytes(row.file))
    if hashlib.sha256(content).hexdigest() != row.digest:
        raise custody.Broken("The workbook is not the one that was read back.")
    return content


def why_not_fetch(output: Output, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot have the workbook of a self-check; that of an output is in its package."""
    if why := checks.is_author(output, actor):
        return [why]
    if not output.is_trial or output.status != OutputStatus.CHECKED:
        return ["Only a self-check that went well gives its workbook; that of an output is in its package."]
    found = standing.latest_check(output)
    if found is None or not found.is_safe or standing.workbook_of(found) is None:
        return ["There is no workbook to this self-check."]
    if (row := standing.workbook_of(found)) and row.file is None:
        return [row.get_why_not_display()]
    return []


def give(output: Output, person: "User") -> Iterator[bytes]:
    """Give the workbook of a self-check. In the vault alone.

    :raises Broken: if the bytes are not those that were read back
    """
    found = standing.latest_check(output)
    content = opened(standing.workbook_of(found) if found else None)
    if content is None:
        raise custody.NotOpenable("There is nothing to hand out.")
    return iter([content])


def fetch(output: Output, *, by: "User", at: dt.datetime) -> Iterator[bytes]:
    """Fetch the workbook of a self-check through the vault.

    :raises Blocked: if it is not theirs, or there is none
    """
    return custody.relay(custody.capability(by, WORKBOOK, output, at))
