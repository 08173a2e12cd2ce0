"""Examine one file that somebody wants to publish: read, protect, and audit the very bytes to be released."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from disclosure.engine.audit.judge import Report
from disclosure.engine.documents.content import kind_of
from disclosure.engine.documents.mapping import Mapped, mapped
from disclosure.engine.errors import BadTable, NoSafePattern, SolverFailed, Stopped
from disclosure.engine.longform import Table, read_long
from disclosure.engine.policy import CellPolicy
from disclosure.engine.protect import Protection
from disclosure.engine.reading import Reader, read_file, read_grids
from disclosure.engine.release import Outside, intervals, protect_and_audit

if TYPE_CHECKING:
    from disclosure.engine.documents.apart import DocumentReader

SAFE, UNREADABLE, NO_PATTERN, NOT_SETTLED = "safe", "unreadable", "no_pattern", "not_settled"
IN_TEXT = "in_text"  # the sentences of a document say what its tables may not


@dataclass(frozen=True)
class Examination:
    """What came of it. Only a safe one has bytes to release."""

    verdict: str
    message: str = ""
    facts: tuple[str, ...] = ()
    protection: Protection | None = None
    report: Report | None = None
    tables: tuple[Table, ...] = field(default=())
    beside: Mapped | None = None  # of a document: what it holds beside its tables

    @property
    def is_safe(self) -> bool:
        """Say whether it may be released as far as the check can tell."""
        return self.verdict == SAFE

    def released(self) -> list[bytes]:
        """Return the audited bytes of each table; nothing unless all is safe."""
        if not self.is_safe or self.protection is None:
            return []
        return [table.public_bytes() for table in self.protection.tables]

    def sheet(self, *, salt: str = "") -> bytes:
        """Return all that a reviewer may look at, true counts included, as JSON.

        The salt keeps its digest from being guessed: few counts are unknown to those who see the rest.
        """
        said = {
            "salt": salt,
            "verdict": self.verdict,
            "message": self.message,
            "facts": list(self.facts),
            "leaks": [leak.as_json() for leak in self.report.leaks] if self.report else [],
            "warnings": [warning.as_json() for warning in self.report.warnings] if self.report else [],
            "beside": self.beside.as_json() if self.beside else None,
            "tables": self._protected() if self.protection else [_unprotected(t) for t in self.tables],
        }
        return json.dumps(said, ensure_ascii=False, sort_keys=True).encode()

    def _protected(self) -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = []
        if self.protection is None or self.report is None:
            return said
        opens = intervals(self.protection, self.report)
        for table, ends in zip(self.protection.tables, opens, strict=True):
            rows = zip(
                table.table.rows, table.shown, table.percentage_shown, table.reasons, ends, strict=True
            )
            said.append(
                {
                    "name": table.table.name,
                    "dimensions": list(table.table.dimensions),
                    "rows": [
                        {
                            "codes": [row.codes[dim] for dim in table.table.dimensions],
                            "count": row.count,
                            "shown": shown,
                            "percentage": str(row.share().value) if row.percentage else None,
                            "percentage_shown": percentage_shown,
                            "reason": reason,
                            "interval": interval.as_json() if interval else None,
                        }
                        for row, shown, percentage_shown, reason, interval in rows
                    ],
                }
            )
        return said


def _unprotected(table: Table) -> dict[str, Any]:
    rows = [
        {
            "codes": [row.codes[dim] for dim in table.dimensions],
            "count": row.count,
            "shown": False,
            "percentage": None,
            "percentage_shown": False,
            "reason": "",
            "interval": None,
        }
        for row in table.rows
    ]
    return {"name": table.name, "dimensions": list(table.dimensions), "rows": rows}


def examine(
    name: str,
    content: bytes,
    earlier: Sequence[tuple[str, bytes]],
    *,
    policy: CellPolicy,
    seconds: float,
    left: Callable[[], float] | None = None,
    told: Callable[[int, str], None] = lambda percent, message: None,
    reader: Reader = read_grids,
    document_reader: "DocumentReader | None" = None,
) -> Examination:
    """Read, protect and audit one file, given what the project has released before.

    Whatever goes wrong ends in a verdict that is not safe.
    """
    tables: list[Table] = []
    beside = None
    try:
        told(10, "Reading the tables.")
        tables, beside = read_submitted(
            name, content, policy=policy, reader=reader, document_reader=document_reader
        )
        if beside and (stopped := stopped_by(beside)):
            return stopped
        before = [read_long(label, released.decode("utf-8-sig")) for label, released in earlier]
        outside = Outside(released=earlier, tables=before)
        result, report = protect_and_audit(
            tables, outside, hierarchies={}, groups={}, policy=policy, seconds=seconds, left=left, told=told
        )
    except (BadTable, UnicodeDecodeError) as problem:
        return Examination(UNREADABLE, str(problem), tables=tuple(tables), beside=beside)
    except NoSafePattern as problem:
        return Examination(NO_PATTERN, str(problem), problem.facts, tables=tuple(tables), beside=beside)
    except (Stopped, SolverFailed) as problem:
        return Examination(NOT_SETTLED, str(problem), tables=tuple(tables), beside=beside)
    if not report.passed:
        message = "The pattern found did not pass the audit."
        return Examination(NOT_SETTLED, message, report=report, tables=tuple(tables), beside=beside)
    return Examination(SAFE, protection=result, report=report, tables=tuple(tables), beside=beside)


def read_submitted(
    name: str,
    content: bytes,
    *,
    policy: CellPolicy,
    reader: Reader = read_grids,
    document_reader: "DocumentReader | None" = None,
) -> tuple[list[Table], Mapped | None]:
    """Read the tables of a file; of a document also what it holds beside them: see `stopped_by`.

    :raises BadTable: naming file, place and remedy
    """
    if not kind_of(content):
        return read_file(name, content, reader=reader), None
    if document_reader is None:
        from disclosure.engine.documents.apart import read_document  # what reads PDF starts slowly

        document_reader = read_document
    beside = mapped(name, document_reader(name, content), policy)
    return beside.tables, beside


def stopped_by(beside: Mapped) -> Examination | None:
    """Return the end of an examination of a document that cannot be checked whole, or says too much."""
    if beside.hurdles:
        verdict, why = UNREADABLE, beside.hurdles[0]
    elif beside.findings:
        verdict = IN_TEXT
        why = "Its text says numbers of people that may not be said. Change the sentences named below."
    elif not beside.tables:
        verdict = UNREADABLE
        why = "It holds no table of counts, so there is nothing that the portal could release."
    else:
        return None
    return Examination(verdict, why, tables=tuple(beside.tables), beside=beside)
