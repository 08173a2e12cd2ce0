"""Protect tables together: primary cells, complementary cells, percentages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from disclosure.engine import solver
from disclosure.engine.attacker import TINY, Attacker, Cut
from disclosure.engine.audit.witness import Witnesses
from disclosure.engine.choice import choose
from disclosure.engine.codes import Hierarchy
from disclosure.engine.errors import NoSafePattern
from disclosure.engine.joined import by_joining
from disclosure.engine.lines import Line, Lines, refuse_sums_that_disagree
from disclosure.engine.longform import Row, Table
from disclosure.engine.longform import write as write_csv
from disclosure.engine.master import Pattern
from disclosure.engine.outlook import Outlook
from disclosure.engine.policy import CellPolicy
from disclosure.engine.problem import Problem, Wanted, base_key, gather
from disclosure.engine.rules import Target, find_targets, raise_floors, small_cells
from disclosure.engine.shadow import find_shadows
from disclosure.engine.testimony import testify
from disclosure.engine.watch import ease_by_others, find_watched

DEAR = 25.0  # how many times a cell's own cost one may withhold of others, to show a cell that is wished for
REACH = 30.0  # how far a withheld cell may move in the worlds we look for; safety does not hang on it
_FAR = 100.0  # so many times as far before it is said that nothing is safe: percentages move large counts
WORK_PER_SECOND = 12_000.0

SMALL, COMPLEMENT, DOMINATED = "small", "complementary", "dominated"
BASE, COUNT_WITHHELD = "percentage base too small", "percentage of a withheld count"
FEW = "percentage of too small a count"
ENDS = "percentage of nobody, everybody, or all but one"


@dataclass(frozen=True)
class ProtectedTable:
    """One table with what may be shown of it."""

    table: Table
    shown: tuple[bool, ...]  # per row: the count
    percentage_shown: tuple[bool, ...]
    reasons: tuple[str, ...]

    def reviewer_bytes(self) -> bytes:
        """Return the input with `released` and `reason`: for the reviewer only."""
        columns = [c for c in self.table.columns if c not in ("released", "reason")]
        lines = []
        for row, shown, reason in zip(self.table.rows, self.shown, self.reasons, strict=True):
            cells = dict(zip(self.table.columns, row.cells, strict=True))
            lines.append(
                [*(cells[c] for c in columns), (row.told or str(row.count)) if shown else "", reason]
            )
        return write_csv([*columns, "released", "reason"], lines)

    def public_bytes(self) -> bytes:
        """Return what may be handed on: no true counts, no reasons, withheld percentages blank."""
        columns = [c for c in self.table.columns if c not in ("released", "reason", "count")]
        lines = []
        for row, shown, percentage in zip(self.table.rows, self.shown, self.percentage_shown, strict=True):
            cells = dict(zip(self.table.columns, row.cells, strict=True))
            if not percentage:
                cells |= {name: "" for name in ("pct", "pct_n") if name in cells}
            lines.append([*(cells[c] for c in columns), (row.told or str(row.count)) if shown else ""])
        return write_csv([*columns, "released"], lines)


@dataclass(frozen=True)
class Protection:
    """The outcome for all tables, and how it was reached."""

    tables: tuple[ProtectedTable, ...]
    cells: int
    primary: int
    complementary: int
    percentages_withheld: int
    cost: float
    gap: float
    stopped_by_wall: bool
    solver: str
    witnesses: Witnesses = field(
        default_factory=Witnesses
    )  # for the audit to check: nothing is taken on trust


def protect(
    tables: Sequence[Table],
    earlier: Sequence[Table] = (),
    *,
    hierarchies: Mapping[str, Hierarchy],
    policy: CellPolicy,
    seconds: float,
    left: Callable[[], float] | None = None,
    dominated: Sequence[tuple[int, int]] = (),
    wanted: Sequence[Wanted] = (),
    wished: Sequence[Mapping[str, str]] = (),
) -> Protection:
    """Withhold as little as possible so that no small count can be worked out.

    `dominated` lists (table, row) positions that a dominance rule withholds; `wanted` names what an
    audit found in an earlier pattern; `wished` the cells to show rather than others, where that is
    possible. Work is the limit; `left` is the wall clock's, and a run goes on for as long again before
    the clock stops it, and then says so.

    :raises BadTable: if the input cannot be used
    :raises NoSafePattern: if nothing that may be withheld makes the release safe
    :raises Stopped: if the limit is reached before any safe pattern is found
    :raises SolverFailed: if the solver does not answer
    """
    gathered = gather(tables, earlier, hierarchies=hierarchies, policy=policy, wanted=wanted)
    fence = None if left is None else (lambda: left() + seconds)
    budget = solver.Budget(seconds * WORK_PER_SECOND, left=fence)
    problem = gathered.problem()
    lines = Lines(problem)
    refuse_sums_that_disagree(problem, lines.all())
    shadows = find_shadows(gathered, problem, lines, policy, budget)
    asked = [key for _, plus, minus in gathered.wanted for key in (*plus, *minus)]
    more = dict.fromkeys(k for k in (*(s.key for s in shadows), *asked) if k not in gathered.known)
    if more:
        problem = gathered.problem(list(more))
        lines = Lines(problem)
    if not policy.hide_zeros:
        raise_floors(problem, lines.all())
    must = small_cells(problem, policy)
    by_money = np.zeros_like(must)
    for t, r in dominated:
        by_money[problem.number[problem.space.key(tables[t].rows[r].codes)]] = True
    must |= by_money
    _refuse_shown_already(problem, must)
    targets = find_targets(problem, policy, lines, must)
    targets += find_watched(gathered, problem, lines, must, shadows, policy, budget)
    targets = ease_by_others(gathered, problem, targets, budget)
    dear = _wished(problem, wished)
    pattern, witnesses = _pattern(problem, targets, lines.all(), must, policy, budget, dear)
    return _outcome(tables, problem, policy, pattern, must, by_money, budget, witnesses)


def _pattern(
    problem: Problem,
    targets: Sequence[Target],
    lines: Sequence[Line],
    must: np.ndarray,
    policy: CellPolicy,
    budget: solver.Budget,
    dear: np.ndarray,
) -> tuple[Pattern, Witnesses]:
    if not targets:
        return Pattern(must, 0.0, 0.0, stopped_by_wall=False), Witnesses()
    reach = max(REACH, 5.0 * policy.min_count, 2.0 * policy.min_pct_base)
    cost = np.log2(2 + np.where(problem.new, problem.count, 0))
    cost[dear] *= DEAR
    cost[_nobody(problem) | _empty_but_shown(problem, policy)] = np.inf
    try:
        return _chosen(Attacker(problem, targets, must, reach=reach, budget=budget), cost, lines)
    except NoSafePattern:
        far = max(_FAR * reach, 2.0 * float(problem.count[problem.new].max(initial=0)))
        return _chosen(Attacker(problem, targets, must, reach=far, budget=budget), cost, lines)


def _chosen(attacker: Attacker, cost: np.ndarray, lines: Sequence[Line]) -> tuple[Pattern, Witnesses]:
    cuts = _line_cuts(attacker, lines)
    pattern = by_joining(attacker, cost, cuts) or choose(attacker, cost, cuts)
    return pattern, testify(attacker, pattern.withheld)


def _wished(problem: Problem, wished: Sequence[Mapping[str, str]]) -> np.ndarray:
    """Mark the cells that somebody wishes to be shown; one that is in no table is passed over."""
    marked = np.zeros(len(problem.count), dtype=bool)
    names = set(problem.space.names)
    for codes in wished:
        try:
            key = problem.space.key(codes)
        except KeyError:
            continue
        if set(codes) <= names and key in problem.number:
            marked[problem.number[key]] = True
    return marked


def _nobody(problem: Problem) -> np.ndarray:
    """Mark structural zeros: everybody knows them."""
    return np.asarray(problem.incidence.cells.sum(axis=1)).ravel() == 0


def _empty_but_shown(problem: Problem, policy: CellPolicy) -> np.ndarray:
    """Mark zeros that are shown: a withheld cell would then be known to be one or more."""
    return np.asarray(problem.new & (problem.count == 0)) & (not policy.hide_zeros)


def _line_cuts(attacker: Attacker, lines: Sequence[Line]) -> list[Cut]:
    """State for each protected cell that its line must leave it room: the first cuts, without any solve."""
    problem, cuts = attacker.problem, []
    wishes: dict[int, list[tuple[int, int]]] = {}
    for t, sign in attacker.wishes:
        target = attacker.targets[t]
        if target.kind == "cell":
            wishes.setdefault(target.plus[0], []).append((t, sign))
    for line in lines:
        if line.parent < 0 or not line.whole:
            continue
        around = [line.parent, *line.members]
        if not problem.new[around].all():
            continue
        for cell in line.members:
            for t, sign in wishes.get(cell, ()):
                need = attacker.goal[(t, sign)] - sign * problem.count[cell]
                others = np.array([c for c in line.members if c != cell], dtype=int)
                room = (attacker.down if sign > 0 else attacker.up)[others]
                cells = np.append(others, line.parent)
                weights = np.append(room, (attacker.up if sign > 0 else attacker.down)[line.parent])
                need -= weights[attacker.must[cells]].sum()
                if need <= TINY:
                    continue
                keep = ~attacker.must[cells] & (weights > 0)
                if keep.any():
                    cuts.append(Cut(cells[keep], np.minimum(weights[keep] / need, 1.0), (t, sign)))
    return cuts


def _refuse_shown_already(problem: Problem, must: np.ndarray) -> None:
    by_others = problem.others_low == problem.others_high
    shown = np.flatnonzero(must & problem.fixed & ~by_others & ~_nobody(problem))
    if len(shown):
        facts = [f"{problem.label(c)}: {problem.low[c]:.0f} ({problem.released[c]})" for c in shown[:20]]
        raise NoSafePattern("A count that must be withheld has been released already.", facts)


def _outcome(
    tables: Sequence[Table],
    problem: Problem,
    policy: CellPolicy,
    pattern: Pattern,
    must: np.ndarray,
    by_money: np.ndarray,
    budget: solver.Budget,
    witnesses: Witnesses,
) -> Protection:
    protected, percentages = [], 0
    bases = _bases(tables, problem, pattern, budget)
    for table in tables:
        shown, percentage_shown, reasons = [], [], []
        for row in table.rows:
            cell = problem.number[problem.space.key(row.codes)]
            hidden = bool(pattern.withheld[cell])
            why = []
            if hidden:
                why.append(DOMINATED if by_money[cell] else SMALL if must[cell] else COMPLEMENT)
            refusal = _percentage_refusal(row, problem, policy, bases, hidden) if row.percentage else None
            if refusal:
                why.append(refusal)
                percentages += 1
            shown.append(not hidden)
            percentage_shown.append(row.percentage is not None and refusal is None)
            reasons.append("; ".join(why))
        protected.append(ProtectedTable(table, tuple(shown), tuple(percentage_shown), tuple(reasons)))
    return Protection(
        tables=tuple(protected),
        cells=int(problem.new.sum()),
        primary=int(must.sum()),
        complementary=int((pattern.withheld & ~must).sum()),
        percentages_withheld=percentages,
        cost=pattern.cost,
        gap=pattern.gap,
        stopped_by_wall=pattern.stopped_by_wall,
        solver=solver.version(),
        witnesses=witnesses,
    )


def _bases(
    tables: Sequence[Table], problem: Problem, pattern: Pattern, budget: solver.Budget
) -> dict[int, float]:
    """Return the bases of percentages that everybody can know, shown or added up."""
    keys = {base_key(problem.space, row) for table in tables for row in table.rows if row.percentage}
    cells = sorted(problem.number[key] for key in keys)
    found = {}
    unlisted = []
    for cell in cells:
        if problem.new[cell] and not pattern.withheld[cell]:
            found[cell] = float(problem.count[cell])
        elif problem.fixed[cell]:
            found[cell] = float(problem.low[cell])
        elif not problem.new[cell]:
            unlisted.append(cell)
    if unlisted:
        outlook = Outlook(problem, [Target("base", (c,), (), 0.0, np.inf) for c in unlisted], budget)
        room = outlook.under(pattern.withheld)
        for t, cell in enumerate(unlisted):
            high = outlook.end(room, t, 1)
            if high == outlook.end(room, t, -1):
                found[cell] = high
    return found


def _percentage_refusal(
    row: Row, problem: Problem, policy: CellPolicy, bases: Mapping[int, float], hidden: bool
) -> str | None:
    """Say why a percentage may not be shown: it may only repeat what shown counts already say."""
    cell = problem.number[base_key(problem.space, row)]
    size = problem.count[cell] if problem.new[cell] else bases.get(cell)
    if size is None:
        return "percentage of a base that is not in the tables"
    if size < policy.min_pct_base:
        return BASE
    if hidden:
        return COUNT_WITHHELD
    if row.count is not None and row.count < policy.min_pct_count:
        return FEW
    if row.count is not None and problem.space.key(row.codes) != problem.keys[cell]:
        zeros_said = not policy.hide_zeros and not policy.is_small(row.count) and cell in bases
        if (row.count <= 1 or row.count >= size - 1) and not zeros_said:
            return ENDS
    return None if cell in bases else "percentage of a withheld base"
