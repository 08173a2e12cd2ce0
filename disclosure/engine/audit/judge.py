"""Judge released tables as an attacker would, and say what leaks.

A wish that the attacker can be shown a world for is no leak. All others are: a wish that cannot be
granted, and a question the solver cannot settle, never pass.
"""

from collections.abc import Callable, Mapping, Sequence

from disclosure.engine.audit.case import Case
from disclosure.engine.audit.findings import Finding, Interval, Report
from disclosure.engine.audit.reading import Line, read, read_groups
from disclosure.engine.audit.system import Contradiction, Work
from disclosure.engine.audit.universe import Universe
from disclosure.engine.audit.witness import Witnesses
from disclosure.engine.errors import BadTable
from disclosure.engine.policy import CellPolicy

__all__ = ["Finding", "Interval", "Report", "audit"]

Files = Sequence[tuple[str, bytes]]
WORK = 4_000_000  # steps of the solver; what is not settled by then counts as a leak


def audit(
    files: Files,
    *,
    groups: Mapping[str, bytes],
    policy: CellPolicy,
    truth: Files = (),
    known: Files = (),
    work: int = WORK,
    witnesses: Witnesses | None = None,
    left: Callable[[], float] | None = None,
) -> Report:
    """Judge the bytes of released tables together.

    `truth` lends true counts without releasing them. `known` are tables that were public before and not
    through us: the attacker has them, and the question is what ours add. `witnesses` are tables that are
    said to agree with all of it; each is checked here, and one that does not agree counts for nothing.
    `left` tells how many seconds a clock still gives: what is not settled by then counts as a leak, too.

    :raises BadTable: if a file cannot be read, or the files contradict each other
    :raises Stopped: if the tables are too large to cross
    :raises SolverFailed: if the solver does not answer
    """
    hierarchies = {name: read_groups(name, content) for name, content in groups.items()}
    truths = [line for name, content in truth for line in read(name, content)]
    close, wide = _lines(files, known, wide=False), _lines(files, known, wide=True)
    # Rounded counts may have been rounded to a coarser step than the finest that fits.
    for lines in [close, wide] if close != wide else [close]:
        try:
            return _judge(lines, truths, hierarchies, policy, Work(work, left=left), witnesses=witnesses)
        except Contradiction as error:
            refusal = error
    # Where the listed categories are not all there are, what is left over may leak; that is no pass, though.
    try:
        report = _judge(wide, truths, hierarchies, policy, Work(work, left=left), unlisted=True)
    except BadTable:
        raise refusal from None
    if report.passed:
        raise refusal
    return report


def _lines(files: Files, known: Files, *, wide: bool) -> list[Line]:
    ours = [line for name, content in files for line in read(name, content, wide=wide)]
    return ours + [line for name, content in known for line in read(name, content, ours=False, wide=wide)]


def _judge(
    lines: Sequence[Line],
    truths: Sequence[Line],
    groups: Mapping[str, Mapping[str, set[str]]],
    policy: CellPolicy,
    work: Work,
    *,
    unlisted: bool = False,
    witnesses: Witnesses | None = None,
) -> Report:
    patterns = [dict(p) for p in policy.structural_zeros]
    universe = Universe([*lines, *truths], groups, patterns, unlisted=unlisted)
    if not any(line.ours for line in lines):
        raise BadTable("No released table to judge.")
    case = Case(universe, policy, work, witnesses or Witnesses())
    for line in lines:
        case.hear(line)
    for line in truths:
        case.learn(line)
    case.close()
    return case.judge()
