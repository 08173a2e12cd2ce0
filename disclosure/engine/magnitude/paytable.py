"""A table of pay as it leaves: counts with sums or means, for the reviewer and to be handed on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from disclosure.engine.codes import Hierarchy
from disclosure.engine.errors import NoSafePattern, SolverFailed, Stopped
from disclosure.engine.longform import Table, write
from disclosure.engine.magnitude import told
from disclosure.engine.magnitude.attack import Leak
from disclosure.engine.magnitude.contributions import Contributions
from disclosure.engine.magnitude.published import RELEASED, ROUNDED_TO, SUM, Money
from disclosure.engine.magnitude.records import CENTS
from disclosure.engine.magnitude.shared import SharedPattern, protect_money
from disclosure.engine.magnitude.tally import Tally
from disclosure.engine.policy import CellPolicy
from disclosure.engine.release import Outside

_UNSETTLED: Final = "unsettled"


@dataclass(frozen=True)
class PayTable:
    """A pattern that passed both attacks, and the bytes of it."""

    table: Table
    pattern: SharedPattern

    def public_bytes(self) -> bytes:
        """Return what may be handed on: the very bytes that were attacked."""
        return self.pattern.money.content

    def reviewer_bytes(self) -> bytes:
        """Return the whole table with true counts and true money, and why anything is withheld."""
        measure, dims = self.pattern.money.measure, self.table.dimensions
        lines = [
            [
                *(row.codes[dim] for dim in dims),
                *(each[name] for name in ("count", "true", RELEASED, "shown", ROUNDED_TO, "reason")),
            ]
            for row, each in zip(self.table.rows, self.money(), strict=True)
        ]
        return write([*dims, "count", f"true_{measure}", RELEASED, measure, ROUNDED_TO, "reason"], lines)

    def money(self) -> list[dict[str, str]]:
        """Return for each row its true count and money in dollars, what is shown of both, and why no more."""
        money, dims = self.pattern.money, self.table.dimensions
        _, *shown = told.rows_of(money.content)
        return [
            {
                "measure": money.measure,
                "count": str(tally.persons),
                "true": _dollars(tally.total if money.measure == SUM else _mean(tally)),
                "released": cells[len(dims)],
                "shown": cells[len(dims) + 1],
                "rounded_to": cells[len(dims) + 2],
                "reason": why,
            }
            for tally, why, cells in zip(self.pattern.tallies, self.reasons(), shown, strict=True)
        ]

    def reasons(self) -> list[str]:
        """Say of each row why its count or its money is withheld."""
        counts = self.pattern.protection.tables[0].reasons
        return ["; ".join(filter(None, (c, *m))) for c, m in zip(counts, self.pattern.reasons, strict=True)]

    @property
    def shown(self) -> int:
        """Return how many sums or means are shown."""
        return sum(not why for why in self.pattern.reasons)


def make(
    table: Table,
    contributions: Contributions,
    outside: Outside,
    *,
    measure: str,
    dollars: int,
    known: Sequence[Money],
    hierarchies: Mapping[str, Hierarchy],
    groups: Mapping[str, bytes],
    policy: CellPolicy,
    seconds: float,
) -> PayTable:
    """Protect the counts and the sums or means of a table in one pattern, rounded to so many dollars.

    `contributions` are in cents; `outside` holds what is out of counts, `known` what is out of money.

    :raises BadTable: if the input cannot be used, or what is out is not about these records
    :raises NoSafePattern: if no sum could be shown, or the counts have no safe pattern
    :raises Stopped: if the limit is reached, or the attack left a question open
    :raises SolverFailed: if the solver does not answer, or what it gave is not what was attacked
    """
    pattern = protect_money(
        table,
        contributions,
        outside,
        measure=measure,
        unit=dollars * CENTS,
        per=CENTS,
        hierarchies=hierarchies,
        groups=groups,
        policy=policy,
        seconds=seconds,
        known=known,
    )
    if pattern.all_withheld:
        _refuse(pattern)
    made = PayTable(table, pattern)
    _expect_what_was_attacked(made)
    return made


def _refuse(pattern: SharedPattern) -> None:
    """Say that no money could be shown; who asked for pay is not served by counts alone."""
    leaks = pattern.attack.leaks if pattern.attack else ()
    is_known = pattern.in_the_way or pattern.attack is not None
    if pattern.stopped or not (pattern.counts.passed and is_known) or any(map(_is_open, leaks)):
        raise Stopped("No pattern was found in the limit in which sums of pay may be shown.")
    facts = [f"{leak.finding.people}: {_KINDS[leak.finding.kind]}" for leak in leaks]
    raise NoSafePattern(
        "No sum of pay can be shown safely. Use fewer or wider categories.", [*pattern.in_the_way, *facts]
    )


_KINDS: Final = {
    "shown": "a rule withholds this sum, and it is out already",
    "estimate": "an employer's pay could be estimated",
    "dominance": "what a few employers pay together could be estimated",
    "few": "the sum of too few people or employers could be estimated",
    "somebody": "it would be known that somebody is paid there",
}


def _is_open(leak: Leak) -> bool:
    return leak.finding.kind == _UNSETTLED


def _expect_what_was_attacked(made: PayTable) -> None:
    """Read the bytes that would leave, and compare them with what both attacks had before them."""
    pattern, content = made.pattern, made.public_bytes()
    counts = pattern.protection.tables[0].public_bytes()
    same = told.read_money(pattern.money.name, content, per=CENTS) == pattern.money
    passed = pattern.attack is not None and pattern.attack.passed and pattern.counts.passed
    if not (passed and same and told.counts_of(content) == counts):
        raise SolverFailed("What would leave is not what was attacked; nothing was written.")


def _mean(tally: Tally) -> Fraction:
    return Fraction(tally.total, max(tally.persons, 1))


def _dollars(cents: Fraction | int) -> str:
    whole = round(Fraction(cents))
    return f"{whole // CENTS}.{whole % CENTS:02d}"
