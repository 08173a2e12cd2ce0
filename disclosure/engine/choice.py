"""Choose the cells to withhold: the exact method first, ways round where it does not settle, a proof last.

A safe pattern is at hand from the start; what comes later only betters it.
"""

from contextlib import suppress

import numpy as np

from disclosure.engine.attacker import TINY, Attacker, Cut
from disclosure.engine.errors import NoSafePattern, SolverFailed, Stopped
from disclosure.engine.fallback import Ways, by_worlds
from disclosure.engine.master import Master, Pattern
from disclosure.engine.retreat import by_steps
from disclosure.engine.separation import first_look

_RETREAT_SHARE, _FINISH_SHARE = 0.4, 0.3  # of the limit, beyond it
_EXACT_SHARE = 0.35  # of the limit, before the first pattern is sought another way
_TRY_SHARE = 0.15  # of the limit, for a proof that may come easily: with ...
_FEW_CUTS, _NEAR = 300, 0.25  # ... few cuts, or a bound that is near
_SEARCH_SHARE = 0.75  # of the limit, before the other whole-number solves
_LEAST_NODES, _NODE_ROOM = 5, 40_000  # of the first such solves: fewer where each takes long


def choose(attacker: Attacker, cost: np.ndarray, first_cuts: list[Cut]) -> Pattern:
    """Find a safe pattern of least cost, and how far from least it may be.

    Withholding all that may be withheld is the first pattern at hand; what comes later only betters it.

    :raises NoSafePattern: if none exists
    :raises Stopped: if not even that pattern could be proven safe within the limit
    :raises SolverFailed: if the solver does not answer
    """
    may = attacker.problem.new & ~attacker.problem.fixed & ~attacker.must & (cost < np.inf)
    everything = first_look(attacker, may)
    master = Master(attacker, cost)
    if not len(master.choice):
        if everything:
            return Pattern(attacker.must.copy(), 0.0, 0.0, stopped_by_wall=False)
        raise Stopped("It could not be settled whether the tables are safe.")
    if everything:
        master.safe = np.ones(len(master.choice))
    best, guide = _chosen(master, first_cuts)
    attacker.budget.extend(_FINISH_SHARE)
    with suppress(Stopped):
        best = master.finish(best, guide)
    withheld = master.full(best) > 0.5
    return Pattern(withheld, float(master.cost @ best), float(master.proven), attacker.budget.by_wall)


def _chosen(master: Master, first_cuts: list[Cut]) -> tuple[np.ndarray, np.ndarray]:
    guide = np.zeros(len(master.choice))
    try:
        master.add(first_cuts)
        guide = master.relax()
        return _better(master, guide, _first(master, guide)), guide
    except Stopped:
        master.a.budget.extend(_RETREAT_SHARE)
        return _from_worlds(master), guide


def _first(master: Master, guide: np.ndarray) -> np.ndarray:
    """Make a first good pattern: by cuts while that is quick, or by ways round.

    :raises NoSafePattern: if no choice is safe
    """
    rounded = np.where(guide > 1 - TINY, 1.0, 0.0)
    until = master.a.budget.limit * _EXACT_SHARE if master.safe is not None else np.inf
    best = master.make_safe(rounded, guide, until=until)
    if best is not None:
        return master.thin(best, guide)
    if master.safe is None and not master.a.budget.over():
        raise NoSafePattern("No set of cells that may be withheld is safe.")
    best = Ways(master, guide).first()
    return master.thin(_from_worlds(master), guide) if best is None else best


def _better(master: Master, guide: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Better the first pattern as long as the limit allows; what is soon proven needs no search."""
    master.safe = best
    if not _open(master, best):
        return best
    try:
        return _searched(master, guide, best)
    except SolverFailed:
        return master.safe  # as good as it was before; the audit of the bytes comes anyway


def _searched(master: Master, guide: np.ndarray, best: np.ndarray) -> np.ndarray:
    budget = master.a.budget
    ways = Ways(master, guide)
    if len(master.cuts) < _FEW_CUTS or master.cost @ best - master.bound < _NEAR * (master.cost @ best):
        best = _prove(master, ways, best, until=budget.spent + _TRY_SHARE * budget.limit)
    best = ways.better(best, until=budget.limit * _SEARCH_SHARE)
    master.safe = best
    return _prove(master, ways, best, until=budget.limit)


def _from_worlds(master: Master) -> np.ndarray:
    """Withhold what the known worlds need: safe without another solve, where they grant all.

    :raises Stopped: if nothing is known to be safe
    """
    if master.safe is None:
        raise Stopped("The limit was reached before a safe pattern was found. Allow more seconds.")
    if master.safe.min() < 1:
        return master.safe
    known = by_worlds(master.a, master.place, master.cost, master.safe)
    return by_steps(master, known) if known is master.safe else known


def _prove(master: Master, ways: Ways, best: np.ndarray, *, until: float) -> np.ndarray:
    """Solve with whole choices, cut, and repeat until the pattern found is proven or a limit is reached."""
    nodes = max(_LEAST_NODES, min(200, _NODE_ROOM // (len(master.choice) + len(master.cuts))))
    while master.cuts and _open(master, best) and master.a.budget.spent < until:
        values, proven = master.solve_whole(start=best, nodes=nodes, until=until)
        if values is None:
            break
        if (values != best).any() and master.cut_off(values):
            best = ways.near(values, best)
            master.safe = best
            continue
        if master.cost @ values < master.cost @ best - TINY and master.still_safe(values):
            best = values
            master.safe = best
        if proven or nodes > 10**6:
            break
        nodes *= 4
    return best


def _open(master: Master, best: np.ndarray) -> bool:
    return not master.is_settled(best) and not master.a.budget.over()
