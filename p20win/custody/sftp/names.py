"""How slots are called as folders, and what the hub answers to a file that was sent."""

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from django.utils.text import slugify

from p20win.custody import selectors
from p20win.custody.models import FileStatus, SealedFile, UploadSlot
from p20win.custody.reception import stored_name

if TYPE_CHECKING:
    from p20win.accounts.models import SigningKey

SUM, RECEIPT, REPORT = ".sha256", ".receipt.json", ".report.txt"
JUDGED: Final = (
    FileStatus.ARRIVED,
    FileStatus.ACCEPTED,
    FileStatus.REFUSED,
    FileStatus.SET_ASIDE,
    FileStatus.DESTROYED,
)
LONGEST_SUM: Final = 4096
_HASH = re.compile(rb"(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])")


def folders_of(key: "SigningKey") -> dict[str, UploadSlot]:
    """Return the slots a machine sees by the names of their folders; a name stays the slot's for ever."""
    seen = set(selectors.slots_of_machine(key).values_list("pk", flat=True))
    named = _named(selectors.slots_of(key.organisation).order_by("id"))
    return {name: slot for name, slot in named.items() if slot.pk in seen}


def folder_of(slot: UploadSlot) -> str:
    """Return the name of a slot's folder."""
    rows = selectors.slots_of(slot.supplier).filter(project=slot.project_id).order_by("id")
    return next(name for name, each in _named(rows).items() if each.pk == slot.pk)


def _named(slots: Iterable[UploadSlot]) -> dict[str, UploadSlot]:
    named: dict[str, UploadSlot] = {}
    for slot in slots:
        name = f"{slot.project.number}-{slugify(slot.title)[:80] or slot.data_class}"
        named[name if name not in named else f"{name}-{slot.pk.hex[-8:]}"] = slot
    return named


def read_sum(content: bytes) -> str:
    """Read what `sha256sum` writes, or any text with one such hash in it; nothing if there is none."""
    found = {each.lower() for each in _HASH.findall(content)}
    return found.pop().decode("ascii") if len(found) == 1 else ""


def answers(slot: UploadSlot) -> dict[str, tuple[bytes, int]]:
    """Return what the hub says of the files sent to a slot, by name, and since when; the newest counts."""
    said: dict[str, tuple[bytes, int]] = {}
    rows = (
        slot.files.filter(status__in=JUDGED).select_related("project", "slot").order_by("received_at", "id")
    )
    for file in rows:
        said.pop(file.name + RECEIPT, None)
        at = int(file.status_since.timestamp())
        said[file.name + REPORT] = report_of(file).encode(), at
        if file.receipt is not None:
            said[file.name + RECEIPT] = json.dumps(file.receipt, indent=2).encode() + b"\n", at
    return said


def answer_name(slot: UploadSlot, name: str) -> str:
    """Return by which name an answer to a file of this name is known."""
    for ending in (RECEIPT, REPORT):
        if name.endswith(ending):
            return stored_name(slot, name.removesuffix(ending)) + ending
    return name


def report_of(file: SealedFile) -> str:
    """Say in words what came of a file: places and rules, never a value."""
    lines = [
        f"File      {file.name}",
        f"Request   {file.project.number}, {file.slot.title if file.slot else ''}",
        f"Received  {file.received_at.isoformat(timespec='seconds') if file.received_at else ''}",
        f"State     {file.get_status_display()}",
    ]
    if file.status == FileStatus.ARRIVED:
        return "\n".join([*lines, "", "The vault is checking it. Ask for this report again.", ""])
    lines.append(f"Malware   {file.get_scan_display()}")
    if file.rows is not None:
        lines.append(f"Rows      {file.rows}")
    findings = file.report.get("findings", [])
    if file.status == FileStatus.REFUSED:
        lines += ["", "It was not kept. Correct what follows and send it again. Values are never shown."]
        total = int(file.report.get("total", len(findings)))
        lines.append(f"Places to correct: {total}; the first {len(findings)} are listed.")
    lines += [_place(each) for each in findings]
    return "\n".join([*lines, ""])


def _place(finding: dict[str, object]) -> str:
    row, column = finding.get("row"), finding.get("column")
    where = [f"row {row}" if row is not None else "whole file", *([f"column {column}"] if column else [])]
    return f"- {', '.join(where)}: {finding.get('asks', '')} {finding.get('hint', '')}".rstrip()
