"""One pattern for counts and money: protect, attack the very bytes, withhold what leaks, or all money."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log2
from typing import Any

from disclosure.engine.audit import judge
from disclosure.engine.codes import Hierarchy
from disclosure.engine.errors import BadTable, NoSafePattern, SolverFailed, Stopped
from disclosure.engine.longform import Table
from disclosure.engine.magnitude import attack as attacking
from disclosure.engine.magnitude.contributions import Contributions
from disclosure.engine.magnitude.published import MEAN, Money, publish
from disclosure.engine.magnitude.tally import Ledger, Tally
from disclosure.engine.magnitude.verdict import (
    BASE,
    FEW_PEOPLE,
    largest_needed,
    rule_of,
    why_withheld,
)
from disclosure.engine.policy import CellPolicy
from disclosure.engine.protect import Protection
from disclosure.engine.release import Outside, protect_and_audit

ROUNDS = 8  # patterns tried, each withholding also what the attack used against those before it
COMPLEMENT, ALL = "withheld for another sum", "no safe pattern for the sums of this table"
_FIRST_LINE = 2  # of the rows; the header is the first of the file


@dataclass(frozen=True)
class SharedPattern:
    """Counts and money of one table, as both may be handed on together.

    `reasons` has one entry for each row: why its money is withheld, for the reviewer; empty where it is
    shown. `all_withheld` says that no pattern passed: `money` is blank throughout, and `attack` tells what
    leaked from the last pattern tried, if any was found; `in_the_way` are the facts that allow no further
    pattern, and `stopped` says that it was the limit or the solver that ended the search.
    """

    protection: Protection
    counts: judge.Report
    money: Money
    tallies: tuple[Tally, ...]
    reasons: tuple[tuple[str, ...], ...]
    attack: attacking.Report | None
    rounds: int
    all_withheld: bool
    in_the_way: tuple[str, ...] = ()
    stopped: bool = False


@dataclass(frozen=True)
class _Asked:
    """What is to be protected, and by what."""

    table: Table
    contributions: Contributions
    outside: Outside
    known: Sequence[Money]
    hierarchies: Mapping[str, Hierarchy]
    groups: Mapping[str, bytes]
    policy: CellPolicy
    measure: str
    unit: int
    per: int
    seconds: float


def protect_money(
    table: Table,
    contributions: Contributions,
    outside: Outside = Outside(),  # noqa: B008 - frozen and empty
    *,
    measure: str,
    unit: int,
    hierarchies: Mapping[str, Hierarchy],
    groups: Mapping[str, bytes],
    policy: CellPolicy,
    seconds: float,
    known: Sequence[Money] = (),
    per: int = 1,
) -> SharedPattern:
    """Withhold counts and sums (or means) in one pattern until neither audit finds anything.

    `measure` is `sum` or `mean`, rounded to multiples of `unit` and written in steps of `per`; `known` are
    tables of money that are out already, about the same contributions. `groups` are the files of the
    `hierarchies`. Each pattern has the whole limit. If the attack finds a leak, the cheapest shown row behind
    it is withheld, too, and all starts anew; if that does not end, or anything about the money stops or
    fails, all money of the table is withheld and only the counts are protected. `counts` is the audit of the
    counts; who hands them on looks whether it passed, as after `protect_and_audit`.

    :raises BadTable: if a count is not that of the people in the contributions, a person stands in two inner
        cells, there is no dominance rule, or the input cannot be used
    :raises NoSafePattern: if there is no safe pattern for the counts alone
    :raises Stopped: if no safe pattern for the counts alone is found in the limit
    :raises SolverFailed: if the solver does not answer for the counts alone
    """
    asked = _Asked(
        table, contributions, outside, known, hierarchies, groups, policy, measure, unit, per, seconds
    )
    tallies = _tallies(asked)
    patterns = [set(pattern) for pattern in policy.structural_zeros]
    reasons = [
        why_withheld(tally, policy, impossible=any(p <= set(row.codes.items()) for p in patterns))
        for row, tally in zip(table.rows, tallies, strict=True)
    ]
    # A count that is small is withheld as such; the money may ask for more rows.
    rows = {r for r, why in enumerate(reasons) if why and FEW_PEOPLE not in why}
    found: SharedPattern | None = None
    ended: dict[str, Any] = {}
    try:
        for turn in range(1, ROUNDS + 1):
            found = _pattern(asked, tallies, reasons, rows, turn)
            if found.attack is not None and found.attack.passed:
                if all(found.reasons):
                    break  # no money is left to show; then the counts need not suffer for it
                return found
            more = _behind(asked, found, tallies)
            if not more:
                break
            rows |= more
    except NoSafePattern as none:  # the money is withheld: nothing is passed that was not attacked
        ended = {"in_the_way": none.facts or (str(none),)}
    except (Stopped, SolverFailed):
        ended = {"stopped": True}
    return replace(_without_money(asked, tallies, reasons, found), **ended)


def _tallies(asked: _Asked) -> list[Tally]:
    ledger = Ledger(asked.contributions, asked.hierarchies)
    if ledger.person_in_two_cells:
        raise BadTable(
            "A person stands in two inner cells, so that counts of people do not add up. Give each person "
            "one code, such as that of the main employer."
        )
    table = asked.table
    tallies = ledger.tallies([row.codes for row in table.rows], largest_needed(rule_of(asked.policy)))
    for row, tally in zip(table.rows, tallies, strict=True):
        if row.count != tally.persons:
            raise BadTable(
                f"{table.name}, line {row.line}: the count is not that of the people in the contributions."
            )
    return tallies


def _counts(asked: _Asked, rows: set[int]) -> tuple[Protection, judge.Report]:
    """Protect and attack the counts, with some rows withheld for their money."""
    return protect_and_audit(
        [asked.table],
        asked.outside,
        hierarchies=asked.hierarchies,
        groups=asked.groups,
        policy=asked.policy,
        seconds=asked.seconds,
        dominated=[(0, r) for r in sorted(rows)],
    )


def _pattern(
    asked: _Asked,
    tallies: Sequence[Tally],
    reasons: Sequence[tuple[str, ...]],
    rows: set[int],
    turn: int,
) -> SharedPattern:
    """Protect the counts with some rows withheld for their money, and attack the money of that pattern."""
    protection, counts = _counts(asked, rows)
    counted = protection.tables[0].shown
    shown = [c and not why for c, why in zip(counted, reasons, strict=True)]
    money = _published(asked, tallies, counted, shown)
    report = None
    if counts.passed:
        report = attacking.attack(
            [money, *asked.known],
            contributions=asked.contributions,
            groups=asked.groups,
            policy=asked.policy,
        )
    said = []
    for visible, why, tally in zip(shown, reasons, tallies, strict=True):
        low = asked.measure == MEAN and tally.persons < asked.policy.min_pct_base
        said.append(((BASE,) if low else ()) if visible else why or (COMPLEMENT,))
    return SharedPattern(protection, counts, money, tuple(tallies), tuple(said), report, turn, False)


def _published(
    asked: _Asked, tallies: Sequence[Tally], counted: Sequence[bool], shown: Sequence[bool]
) -> Money:
    return publish(
        asked.table,
        tallies,
        counted=counted,
        shown=shown,
        mean_base=asked.policy.min_pct_base,
        measure=asked.measure,
        unit=asked.unit,
        per=asked.per,
    )


def _behind(asked: _Asked, found: SharedPattern, tallies: Sequence[Tally]) -> set[int]:
    """Choose for each leak the cheapest shown row behind it; nothing if a leak has none."""
    number = {f"{asked.table.name}, line {r + _FIRST_LINE}": r for r in range(len(tallies))}
    chosen: set[int] = set()
    for leak in found.attack.leaks if found.attack else ():
        there = [number[place] for place in leak.used if place in number]
        if not there:
            return set()
        if chosen.isdisjoint(there):
            chosen.add(
                min(there, key=lambda r: (tallies[r].total < leak.short, log2(2 + tallies[r].persons), r))
            )
    return chosen


def _without_money(
    asked: _Asked,
    tallies: Sequence[Tally],
    reasons: Sequence[tuple[str, ...]],
    last: SharedPattern | None,
) -> SharedPattern:
    protection, counts = _counts(asked, set())
    money = _published(asked, tallies, protection.tables[0].shown, [False] * len(tallies))
    return SharedPattern(
        protection=protection,
        counts=counts,
        money=money,
        tallies=tuple(tallies),
        reasons=tuple((*why, ALL) for why in reasons),
        attack=last.attack if last else None,
        rounds=last.rounds if last else 0,
        all_withheld=True,
    )
