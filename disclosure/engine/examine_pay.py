"""Examine one table of pay that the vault counted: as any table, and attacked by every employer besides."""

from collections.abc import Callable, Sequence
from typing import Any

from disclosure.engine.codes import read_hierarchy
from disclosure.engine.errors import BadTable, NoSafePattern, SolverFailed, Stopped
from disclosure.engine.examine import (
    NO_PATTERN,
    NOT_SETTLED,
    SAFE,
    UNREADABLE,
    Beside,
    Examination,
    File,
    told_before,
)
from disclosure.engine.longform import read_long
from disclosure.engine.magnitude import paytable, told
from disclosure.engine.magnitude.contributions import Contributions
from disclosure.engine.magnitude.records import CENTS
from disclosure.engine.names import headings_of
from disclosure.engine.policy import CellPolicy


def examine_pay(
    name: str,
    content: bytes,
    beside: Beside,
    *,
    read: Callable[[], Contributions],
    measure: str,
    dollars: int,
    known: Sequence[File],
    policy: CellPolicy,
    seconds: float,
    progress: Callable[[int, str], None] = lambda percent, message: None,
) -> Examination:
    """Protect and attack a table of counts together with the pay of those who are counted.

    `read` gives the pay by inner cells, `known` are tables of pay that are out already. Whatever goes wrong
    ends in a verdict that is not safe: without its pay, nothing of the table is handed on.
    """
    said: dict[str, Any] = {}
    try:
        table = read_long(name, content.decode("utf-8-sig"))
        said["tables"] = said["as_written"] = (table,)
        if headings_of(table.dimensions) in beside.names:
            raise BadTable(f"{name}: names are known for its headings, and pay is told by names as they are.")
        outside = beside.outside()
        used = {dim for each in (table, *outside.tables) for dim in each.dimensions}
        groups = {dim: text for dim, text in beside.hierarchies.items() if dim in used}
        said["hierarchies"] = {dim: read_hierarchy(dim, text.decode()) for dim, text in groups.items()}
        progress(10, "Reading the pay.")
        contributions = read()
        progress(20, "Looking for the fewest cells to withhold, and attacking what would be released.")
        made = paytable.make(
            table,
            contributions,
            outside,
            measure=measure,
            dollars=dollars,
            known=[told.read_money(label, text, per=CENTS) for label, text in known],
            hierarchies=said["hierarchies"],
            groups=groups,
            policy=policy,
            seconds=seconds,
        )
    except (BadTable, UnicodeDecodeError) as problem:
        return Examination(UNREADABLE, str(problem), **said)
    except NoSafePattern as problem:
        return Examination(NO_PATTERN, str(problem), problem.facts, **said)
    except (Stopped, SolverFailed) as problem:
        return Examination(NOT_SETTLED, str(problem), **said)
    return Examination(
        SAFE,
        protection=made.pattern.protection,
        report=made.pattern.counts,
        told_before=told_before(outside.tables),
        handed_on=(made.public_bytes(),),
        money=tuple(made.money()),
        **said,
    )
