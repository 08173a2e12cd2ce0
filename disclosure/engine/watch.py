"""What earlier releases withheld, and what the new tables may not give away of it.

The rule: nobody may learn more than before about a cell that may be small. What everybody knows without
us is no leak of ours, and neither is what was given away before.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from disclosure.engine import solver
from disclosure.engine.lines import Lines
from disclosure.engine.outlook import Outlook
from disclosure.engine.policy import CellPolicy
from disclosure.engine.problem import Gathered, Problem
from disclosure.engine.rules import Target, far_end, may_excuse
from disclosure.engine.shadow import Shadow


def find_watched(
    gathered: Gathered,
    problem: Problem,
    lines: Lines,
    must: np.ndarray,
    shadows: Sequence[Shadow],
    policy: CellPolicy,
    budget: solver.Budget,
) -> list[Target]:
    """List what must stay uncertain beside the small cells of the new tables."""
    dark = must.copy()
    targets = []
    for shadow in shadows:
        cell = problem.number[shadow.key]
        dark[cell] = True
        if shadow.count is not None:
            problem.truth[cell] = shadow.count
        if shadow.low is not None or shadow.high is not None:
            targets.append(Target("cell", (cell,), (), shadow.low, shadow.high))
    withheld = problem.withheld_before & ~problem.new
    dark |= withheld
    if withheld.any():
        targets += _cells(problem, np.flatnonzero(withheld), policy, budget)
    if gathered.earlier and problem.base_before.any():
        targets += _bases(problem, policy, budget)
    if (dark & ~must).any():
        targets += _residuals(gathered, problem, lines, dark, must, policy, budget)
    return targets + _wanted(gathered, problem, policy, budget)


def _cells(problem: Problem, cells: np.ndarray, policy: CellPolicy, budget: solver.Budget) -> list[Target]:
    """Guard cells withheld earlier: what may be small keeps its range, the others are never exact."""
    floor, top = float(policy.smallest_hidden), float(policy.min_count - 1)
    far = far_end(policy, floor)
    probes = [Target("cell", (int(c),), (), floor, far) for c in cells]
    outlook = Outlook(problem, probes, budget)
    shown, before = outlook.all_shown(), outlook.before()
    wishes = [(t, sign) for t in range(len(cells)) for sign in (1, -1)]
    broken = outlook.out_of_reach(shown, wishes)
    found, settled = [], set()
    for t in sorted({t for t, _ in broken}):
        low = broken.get((t, -1), floor)
        high = broken.get((t, 1), far)
        truth = problem.truth[cells[t]]
        if low > top or high < floor or (not np.isnan(truth) and not policy.is_small(int(truth))):
            continue
        least, most = max(floor, outlook.end(before, t, -1)), min(far, outlook.end(before, t, 1))
        settled.add(t)
        if low > least or high < most:
            reach = least if low > least else None, most if high < most else None
            found.append(replace(probes[t], reach_low=reach[0], reach_high=reach[1]))
    for t in sorted({t for t, _ in broken} - settled):
        low, high = outlook.end(shown, t, -1), outlook.end(shown, t, 1)
        if low < high:
            continue
        if outlook.end(before, t, 1) > high:
            found.append(replace(probes[t], reach_low=None, reach_high=high + 1))
        elif outlook.end(before, t, -1) < low:
            found.append(replace(probes[t], reach_low=low - 1, reach_high=None))
    return found


def _bases(problem: Problem, policy: CellPolicy, budget: solver.Budget) -> list[Target]:
    """Guard the bases of percentages released earlier: none may turn out to be too small."""
    cells = np.flatnonzero(problem.base_before)
    probes = [Target("base", (int(c),), (), None, float(policy.min_pct_base)) for c in cells]
    outlook = Outlook(problem, probes, budget)
    broken = outlook.out_of_reach(outlook.all_shown(), [(t, 1) for t in range(len(probes))])
    known = outlook.out_of_reach(outlook.before(), list(broken)) if broken else {}
    return [probes[t] for t, sign in broken if (t, sign) not in known]


def _residuals(
    gathered: Gathered,
    problem: Problem,
    lines: Lines,
    dark: np.ndarray,
    must: np.ndarray,
    policy: CellPolicy,
    budget: solver.Budget,
) -> list[Target]:
    """Guard sums of cells of which at least one is not in the new tables."""
    probes, high = [], float(policy.min_count)
    for small, others in lines.residuals(dark):
        told = np.nan_to_num(problem.truth[list(small)])
        unsure = bool(np.isnan(problem.truth[list(small)]).any())
        if must[list(small)].all() or told.sum() >= high or (told.sum() < 1 and not unsure):
            continue  # found with the rules, or known to be no small sum
        excuse = tuple(m for m in others if may_excuse(problem, must, m))
        probes.append(Target("residual", small, (), None, high, excuse))
    if not gathered.earlier and not np.isnan(problem.truth[dark]).any():
        return probes  # showing everything tells them all
    return _unknown_before(gathered, problem, probes, budget)


def _unknown_before(
    gathered: Gathered, problem: Problem, probes: Sequence[Target], budget: solver.Budget
) -> list[Target]:
    """Keep the sums that showing everything would reveal to be small, and that were not known so far."""
    if not probes:
        return []
    outlook = Outlook(problem, probes, budget)
    shown = outlook.all_shown()
    broken = outlook.out_of_reach(shown, [(t, 1) for t in range(len(probes))])
    before = outlook.before() if gathered.earlier else None
    found = []
    for t, _ in broken:
        if outlook.end(shown, t, -1) < 1:
            continue
        if before is None or outlook.end(before, t, 1) >= (probes[t].reach_high or 0):
            found.append(probes[t])
        elif outlook.end(before, t, -1) < 1:
            found.append(replace(probes[t], reach_low=0.0, reach_high=None))
    return found


def _wanted(gathered: Gathered, problem: Problem, policy: CellPolicy, budget: solver.Budget) -> list[Target]:
    """Turn what an audit found into targets, as far as what is out already leaves room for them."""
    floor = float(policy.smallest_hidden)
    far = far_end(policy, floor)
    found, sums = [], []
    for kind, plus, minus in gathered.wanted:
        cells = tuple(problem.number[k] for k in plus), tuple(problem.number[k] for k in minus)
        count = problem.count[list(cells[0])].sum()
        if kind == "residual":
            sums.append(Target(kind, *cells, None, float(policy.min_count)))
        elif kind == "difference":
            sums.append(Target(kind, *cells, floor, far))
        elif kind == "base":
            sums.append(Target(kind, cells[0], (), None, float(policy.min_pct_base)))
        elif np.isnan(count) or policy.is_small(int(count)):
            sums.append(Target(kind, cells[0], (), floor, far))
        else:
            found.append(Target(kind, cells[0], (), None, count + 1))
    return found + (_still_possible(gathered, problem, sums, budget) if sums else [])


def _still_possible(
    gathered: Gathered, problem: Problem, sums: Sequence[Target], budget: solver.Budget
) -> list[Target]:
    if not gathered.earlier:
        return list(sums)
    outlook = Outlook(problem, sums, budget)
    return _eased(sums, outlook.out_of_reach(outlook.before(), outlook.attacker.wishes))


def ease_by_others(
    gathered: Gathered, problem: Problem, targets: Sequence[Target], budget: solver.Budget
) -> list[Target]:
    """Ask no more uncertainty than everybody has who knows what others have published."""
    if not gathered.others or not targets:
        return list(targets)
    outlook = Outlook(problem, targets, budget)
    return _eased(targets, outlook.out_of_reach(outlook.of_others(), outlook.attacker.wishes))


def _eased(targets: Sequence[Target], known: dict[tuple[int, int], float]) -> list[Target]:
    """Take back what cannot be asked; a sum known to be small already is not asked for at all."""
    eased = []
    for t, target in enumerate(targets):
        up, down = known.get((t, 1)), known.get((t, -1))
        if target.kind == "cell" or target.reach_low is not None:
            low = target.reach_low if down is None else down
            high = target.reach_high if up is None else up
            eased.append(replace(target, reach_low=low, reach_high=high))
        elif up is None and down is None:
            eased.append(target)
    return eased
