"""Protect tables, attack the very bytes that would go out, and guard what that found, until it is clean."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from disclosure.engine import blurred
from disclosure.engine.audit.findings import Codes
from disclosure.engine.audit.judge import Interval, Report, audit
from disclosure.engine.codes import Hierarchy
from disclosure.engine.errors import BadTable, NoSafePattern
from disclosure.engine.longform import Table, read_long
from disclosure.engine.policy import CellPolicy
from disclosure.engine.problem import Sum, Wanted
from disclosure.engine.protect import ProtectedTable, Protection, protect

AGAIN = 1 / 3  # of the limit, for each pattern after the first
_AUDITED = 2  # times the seconds, after the clock would stop a search: what is not settled then is a leak
ROUNDS = 4  # patterns tried, each guarding also what the audit found in those before it
_KINDS = {
    "cell": "cell",
    "unlisted": "cell",
    "residual": "residual",
    "difference": "difference",
    "base": "base",
}

_FIRST_LINE = 2  # of the counts; the header is the first of the file

File = tuple[str, bytes]


@dataclass(frozen=True)
class Outside:
    """What is out already, as it was handed on: what the project released, and what others published."""

    released: Sequence[File] = ()
    known: Sequence[File] = ()
    tables: Sequence[Table] = field(default=())  # both, read

    def along(self, files: Sequence[File]) -> "Outside":
        """Return it with what goes out beside the tables, as it stands: nothing of that is withheld."""
        read = [read_long(label, text.decode()) for label, text in files]
        return replace(self, released=[*self.released, *files], tables=[*self.tables, *read])


def protect_and_audit(
    tables: Sequence[Table],
    outside: Outside,
    *,
    hierarchies: Mapping[str, Hierarchy],
    groups: Mapping[str, bytes],
    policy: CellPolicy,
    seconds: float,
    left: Callable[[], float] | None = None,
    dominated: Sequence[tuple[int, int]] = (),
    wished: Sequence[Mapping[str, str]] = (),
    told: Callable[[int, str], None] = lambda percent, message: None,
) -> tuple[Protection, Report]:
    """Return the first pattern whose release passes its audit; if none does, the last with what leaks.

    Counts that the tables ask to tell less exactly are shown again as long as the audit passes.

    `groups` are the files of the `hierarchies`. The first pattern has the whole limit, each other a third of
    it. `dominated` lists (table, row) positions that are withheld for the money behind them; `wished` cells
    to show if that is possible.

    :raises BadTable: if the input cannot be used
    :raises NoSafePattern: if nothing that may be withheld makes the release safe
    :raises Stopped: if the limit is reached before any safe pattern is found
    :raises SolverFailed: if the solver does not answer
    """
    end = None if left is None else (lambda: left() + _AUDITED * seconds)
    judge = partial(audit_release, outside=outside, groups=groups, policy=policy, left=end)
    is_asked = blurred.is_asked(tables)
    try:
        result, report = _exact(
            tables,
            outside,
            judge,
            hierarchies=hierarchies,
            policy=policy,
            seconds=seconds,
            left=left,
            dominated=dominated,
            wished=wished,
            told=told,
        )
    except NoSafePattern:
        if not is_asked:
            raise
        result = blurred.nothing_shown(tables, policy)
        if not (report := judge(result)).passed:
            raise
    if is_asked and report.passed:
        told(85, "Attacking what is told less exactly.")
        result, report = blurred.revealed(result, report, judge, policy=policy, left=left)
    return result, report


def _exact(
    tables: Sequence[Table],
    outside: Outside,
    judge: Callable[[Protection], Report],
    *,
    hierarchies: Mapping[str, Hierarchy],
    policy: CellPolicy,
    seconds: float,
    left: Callable[[], float] | None,
    dominated: Sequence[tuple[int, int]],
    wished: Sequence[Mapping[str, str]],
    told: Callable[[int, str], None],
) -> tuple[Protection, Report]:
    wanted: list[Wanted] = []
    for turn in range(ROUNDS):
        told(80 if turn else 20, "Looking for the fewest cells to withhold.")
        result = protect(
            tables,
            outside.tables,
            hierarchies=hierarchies,
            policy=policy,
            seconds=seconds * (AGAIN if turn else 1),
            left=left,
            dominated=dominated,
            wanted=wanted,
            wished=wished,
        )
        told(80, "Attacking what would be released.")
        result = blurred.without_exact_percentages(result)
        report = judge(result)
        more = [each for each in _wanted(report) if each not in wanted]
        if not more:
            break
        wanted += more
    return result, report


def audit_release(
    result: Protection,
    outside: Outside,
    *,
    groups: Mapping[str, bytes],
    policy: CellPolicy,
    left: Callable[[], float] | None = None,
) -> Report:
    """Audit the bytes that may be handed on, with the true counts and all that is out already."""
    for table in result.tables:
        _expect_something(table)
    public = [(_audited_as(t), t.public_bytes()) for t in result.tables]
    truth = [(t.table.name, t.reviewer_bytes()) for t in result.tables]
    return audit(
        [*public, *outside.released],
        groups=groups,
        policy=policy,
        truth=truth,
        known=outside.known,
        witnesses=result.witnesses,
        left=left,
    )


def _expect_something(protected: ProtectedTable) -> None:
    """Refuse to release one number, withheld, of a table that says nothing else."""
    if not protected.table.dimensions and not any(protected.shown):
        raise BadTable(
            f"{protected.table.name}: no column says whom the numbers count, so its one number is of "
            "everybody, and that may not be shown: nothing would be left. Leave the table out, or add a "
            "column for what it is told by, such as school, with a line for each code."
        )


def intervals(result: Protection, report: Report) -> list[list[Interval | None]]:
    """Return how open each withheld cell is, for each row of each table; None where it is shown."""
    told = {place: interval for interval in report.intervals for place in interval.places}
    return [
        [
            None if shown else told.get(f"{_audited_as(table)}, line {line}")
            for line, shown in enumerate(table.shown, start=_FIRST_LINE)
        ]
        for table in result.tables
    ]


def _audited_as(table: ProtectedTable) -> str:
    return f"{table.table.name} (to be released)"


def _wanted(report: Report) -> Iterator[Wanted]:
    for leak in report.leaks:
        if leak.kind in _KINDS and leak.plus:
            yield Wanted(_KINDS[leak.kind], _sum(leak.plus), _sum(leak.minus))


def _sum(cells: Sequence[Codes]) -> Sum:
    return tuple(dict(codes) for codes in cells)
