"""What would follow about other people if all were shown: why a table withholds what is not small."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Final

from disclosure.engine.audit.findings import Finding
from disclosure.engine.audit.judge import audit
from disclosure.engine.errors import BadTable, SolverFailed, Stopped
from disclosure.engine.longform import Table
from disclosure.engine.policy import CellPolicy
from disclosure.engine.populations import Among
from disclosure.engine.protect import ProtectedTable
from disclosure.engine.release import Outside

MOST: Final = 40
_WORK: Final = 400_000  # steps of the solver; what is not settled by then is not told


def averted(
    tables: Sequence[Table],
    outside: Outside,
    among: Among,
    *,
    groups: Mapping[str, bytes],
    policy: CellPolicy,
) -> tuple[Finding, ...]:
    """Return the small counts of other people that these tables, shown whole, would give away.

    It only explains: if it cannot be told, nothing is.
    """
    files = [(f"{table.name} (to be released)", _whole(table)) for table in tables]
    try:
        report = audit(
            [*files, *outside.released], groups=groups, policy=policy, known=outside.known, work=_WORK
        )
    except (BadTable, Stopped, SolverFailed):
        return ()
    return tuple(leak for leak in report.leaks if among.name in leak.people and isfinite(leak.high))[:MOST]


def _whole(table: Table) -> bytes:
    every = tuple(True for _ in table.rows)
    return ProtectedTable(table, every, every, tuple("" for _ in table.rows)).public_bytes()
