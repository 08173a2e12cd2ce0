"""One examination: the engine, with all that is known beside the file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from disclosure.engine.codes import TOTAL, Hierarchy, read_hierarchy
from disclosure.engine.errors import BadTable, NoSafePattern, SolverFailed, Stopped
from disclosure.engine.examine import (
    NO_PATTERN,
    NOT_SETTLED,
    SAFE,
    UNREADABLE,
    Examination,
    read_submitted,
    stopped_by,
)
from disclosure.engine.longform import Row, Table, read_long
from disclosure.engine.release import Outside, protect_and_audit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from disclosure.engine.audit.findings import Finding
    from disclosure.engine.documents.apart import DocumentReader
    from disclosure.engine.policy import CellPolicy
    from disclosure.engine.reading import Reader

File = tuple[str, bytes]
# What the audit says of a question that the solver did not answer; it counts such a question as a leak.
UNSETTLED: Final = "The checker could not settle this in its limit."


@dataclass(frozen=True)
class Beside:
    """What everybody knows who sees the file released: earlier releases, public tables, hierarchies."""

    released: Sequence[File] = ()
    public: Sequence[File] = ()
    hierarchies: "Mapping[str, bytes]" = field(default_factory=dict)

    def outside(self) -> Outside:
        """Return what is out already, read.

        :raises BadTable: if one of the tables cannot be read
        """
        ours = [read_long(label, text.decode("utf-8-sig")) for label, text in self.released]
        public = [_public(label, text) for label, text in self.public]
        return Outside(released=self.released, known=self.public, tables=[*ours, *public])


@dataclass(frozen=True)
class Found:
    """What came of an examination, and what of it people may rule on."""

    examination: Examination
    told_before: "Mapping[frozenset[tuple[str, str]], str]" = field(default_factory=dict)
    hierarchies: "Mapping[str, Hierarchy]" = field(default_factory=dict)

    @property
    def leaks(self) -> int:
        """Return how many counts can be worked out."""
        report = self.examination.report
        return sum(not is_unsettled(leak) for leak in report.leaks) if report else 0

    @property
    def unsettled(self) -> int:
        """Return how many questions the audit left open."""
        report = self.examination.report
        return sum(is_unsettled(leak) for leak in report.leaks) if report else 0

    @property
    def is_in_doubt(self) -> bool:
        """Say whether a pattern was found of which nothing is known to leak, but not all is settled."""
        return not self.examination.is_safe and self.examination.protection is not None

    def tables(self) -> list[bytes]:
        """Return the bytes of each table as they were audited; none if a count can be worked out."""
        protection = self.examination.protection
        if protection is None or self.leaks:
            return []
        return [table.public_bytes() for table in protection.tables]

    def adds(self) -> dict[str, int]:
        """Count what was known before, and what of it these tables tell again or anew. No values."""
        protection = self.examination.protection
        shown: set[frozenset[tuple[str, str]]] = set()
        for table in protection.tables if protection else ():
            pairs = zip(table.table.rows, table.shown, strict=True)
            shown |= {people(row) for row, is_shown in pairs if is_shown}
        known = set(self.told_before)
        return {"before": len(known), "anew": len(shown - known), "again": len(shown & known)}


def is_unsettled(leak: "Finding") -> bool:
    """Say whether this is a question left open rather than a count that can be worked out."""
    return leak.derivation == UNSETTLED


def people(row: Row) -> frozenset[tuple[str, str]]:
    """Name the people of a row: in every dimension its code, but for Total."""
    return frozenset((dim, code) for dim, code in row.codes.items() if code != TOTAL)


def examine_beside(
    name: str,
    content: bytes,
    beside: Beside,
    *,
    policy: "CellPolicy",
    seconds: float,
    left: Callable[[], float],
    told: Callable[[int, str], None],
    reader: "Reader",
    document_reader: "DocumentReader | None" = None,
) -> Found:
    """Read, protect and audit one file, given all that is known beside it.

    Whatever goes wrong ends in a verdict that is not safe.
    """
    tables: list[Table] = []
    known: dict[str, Hierarchy] = {}
    aside = None  # of a document: what it holds beside its tables
    try:
        told(10, "Reading the tables.")
        tables, aside = read_submitted(
            name, content, policy=policy, reader=reader, document_reader=document_reader
        )
        if aside and (stopped := stopped_by(aside)):
            return Found(stopped)
        outside = beside.outside()
        used = {dim for table in (*tables, *outside.tables) for dim in table.dimensions}
        groups = {dim: text for dim, text in beside.hierarchies.items() if dim in used}
        known = {dim: read_hierarchy(dim, text.decode()) for dim, text in groups.items()}
        result, report = protect_and_audit(
            tables,
            outside,
            hierarchies=known,
            groups=groups,
            policy=policy,
            seconds=seconds,
            left=left,
            told=told,
        )
    except (BadTable, UnicodeDecodeError) as problem:
        return Found(Examination(UNREADABLE, str(problem), tables=tuple(tables), beside=aside))
    except NoSafePattern as problem:
        stopped = Examination(NO_PATTERN, str(problem), problem.facts, tables=tuple(tables), beside=aside)
        return Found(stopped, hierarchies=known)
    except (Stopped, SolverFailed) as problem:
        stopped = Examination(NOT_SETTLED, str(problem), tables=tuple(tables), beside=aside)
        return Found(stopped, hierarchies=known)
    before = _told_before(outside.tables)
    said: dict[str, Any] = {"report": report, "tables": tuple(tables), "beside": aside}
    if report.passed:
        return Found(Examination(SAFE, protection=result, **said), before, known)
    if all(map(is_unsettled, report.leaks)):
        message = "A pattern was found and nothing leaks, but not every question was settled in the limit."
        return Found(Examination(NOT_SETTLED, message, protection=result, **said), before, known)
    return Found(Examination(NOT_SETTLED, "The pattern found did not pass the audit.", **said), before, known)


def _public(label: str, text: bytes) -> Table:
    return replace(read_long(label, text.decode("utf-8-sig")), ours=False)


def _told_before(tables: Sequence[Table]) -> "dict[frozenset[tuple[str, str]], str]":
    """Return whose counts were told before, and where first."""
    told: dict[frozenset[tuple[str, str]], str] = {}
    for table in tables:
        for row in table.rows:
            if row.shown is not None and row.shown[0] == row.shown[1]:
                told.setdefault(people(row), table.name)
    return told
