"""`p20 check`: the same checks the vault will do, before anything is sent."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from client.failure import Failure
from p20win.custody.engine.intake import IntakeCheck
from p20win.custody.engine.names import name_blockers
from p20win.custody.engine.report import Report
from p20win.custody.engine.rules import TABLE, FileRule, from_spec
from p20win.custody.engine.tables import LARGEST_TABLE, check_table

_BLOCK = 1 << 20


def read_blocks(path: Path) -> Iterator[bytes]:
    """This will read a file block by block."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def read_spec(path: Path) -> dict[str, Any]:
    """This will read a slot's description from a file. :raises Failure: if it is none"""
    try:
        spec = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise Failure(f"{path} does not hold a readable description of a file.", code=2) from problem
    if not isinstance(spec, dict):
        raise Failure(f"{path} does not hold a description of a file.", code=2)
    return spec


def check_file(path: Path, spec: dict[str, Any]) -> Report:
    """This will check one file as the vault will. :raises Failure: if the description cannot be followed"""
    try:
        rule = from_spec(spec, demo_ssn=bool(spec.get("demo_ssn")))
    except ValueError as problem:
        raise Failure(f"The description of the file cannot be followed: {problem}", code=2) from problem
    if rule.kind == TABLE:
        with path.open("rb") as file:
            return check_table(path.name, file.read(LARGEST_TABLE + 1))
    return _check_rows(path, rule)


def _check_rows(path: Path, rule: FileRule) -> Report:
    check = IntakeCheck(rule)
    for why in name_blockers(path.name, agencies=rule.agencies, number=rule.number, kind=rule.kind):
        check.report.add("name", hint=why)
    if rule.largest and path.stat().st_size > rule.largest:
        check.report.add("size", hint=f"At most {rule.largest} bytes.")
    for block in read_blocks(path):
        check.update(block)
    return check.finish()
