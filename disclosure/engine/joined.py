"""Linked tables by way of the tables apart: a pattern where each is crossed alone, then whole tables for it.

What is unsafe while an attacker looks at each table alone, with the margins they share, is unsafe when he
crosses them all. So the cells that must be withheld at least are found in a small problem, and so is a bound.
That the pattern does for the crossing, too, is shown by tables in whole numbers, one for each wish: walked to
from one that fits everything. Where none is met, the walk ends close by, and what is not as it was there is
withheld as well.
"""

from dataclasses import replace

import numpy as np
from scipy import sparse

from disclosure.engine.attacker import Attacker, Cut, Wish, World
from disclosure.engine.choice import choose
from disclosure.engine.errors import Stopped
from disclosure.engine.exchange import Exchange, Wanted, can_exchange
from disclosure.engine.master import Pattern
from disclosure.engine.separation import broken_in_whole_numbers
from disclosure.engine.testimony import enough

_SMALL = 300  # unknowns, up to which the crossing is soon solved as it is
_APART_SHARE = 0.4  # of the limit, for the pattern of the tables apart
_HARD, _LITTLE = 600, 0.75  # unknowns; of the limit, where the crossing may still be solved as it is
_FIRST, _STEPS, _LAST = 6_000, 1_500, 1_500  # steps to a first table; to one for a wish; to one close by
_ROUNDS = 6  # of wishes that are left open
_AGAIN = 1  # tables met apart that are tried for one wish
_CARRIERS = 4  # cells of a sum, one of which goes all the way
_DEAR = 100.0  # the price of what must not move


def by_joining(attacker: Attacker, cost: np.ndarray, first_cuts: list[Cut]) -> Pattern | None:
    """Find a safe pattern by way of the tables apart; None where that leads to none.

    :raises NoSafePattern: if no pattern is safe
    :raises SolverFailed: if the solver does not answer
    """
    apart = _apart(attacker)
    if apart is None:
        return None
    try:
        pattern = choose(apart, cost, first_cuts)
        broken_in_whole_numbers(apart, pattern.withheld.astype(float))
    except Stopped:
        return None
    finally:
        attacker.budget.take(apart.budget)
    joint = _Joint(attacker, apart, cost)
    withheld = joint.settled(pattern.withheld) if joint.begin() else None
    if withheld is None:
        return None
    there = withheld & ~attacker.must
    return Pattern(withheld, float(cost[there].sum()), pattern.bound, attacker.budget.by_wall)


def _apart(attacker: Attacker) -> Attacker | None:
    """Return the attacker of the tables apart; None where they are not linked, or not by sums alone."""
    problem = attacker.problem
    linked = len(problem.incidence.tables) > 1 and problem.incidence.size > _SMALL
    if not linked or not can_exchange(problem):
        return None
    incidence = problem.incidence.apart()
    facts = sparse.csr_matrix((0, incidence.size))
    return Attacker(
        replace(problem, incidence=incidence, facts=facts),
        attacker.targets,
        attacker.must,
        reach=attacker.reach,
        budget=attacker.budget.part(_APART_SHARE),
    )


class _Joint:
    """The walk to tables in whole numbers for every wish, and what has to be withheld for them."""

    def __init__(self, attacker: Attacker, apart: Attacker, cost: np.ndarray) -> None:
        self.a, self.apart = attacker, apart
        self.exchange = Exchange(attacker.problem, attacker.budget)
        hard = attacker.problem.incidence.size > _HARD
        self.until = attacker.budget.cap if hard else _LITTLE * attacker.budget.limit
        self.may = attacker.problem.new & ~attacker.problem.fixed & (cost < np.inf)
        self.price = np.where(self.may, np.clip(np.round(np.minimum(cost, _DEAR)), 1.0, _DEAR - 1), _DEAR)

    def _is_over(self) -> bool:
        return self.a.budget.far_over() or self.a.budget.spent >= self.until

    def begin(self) -> bool:
        """Look for one table in whole numbers that fits everything; say whether it was met."""
        low, high = self.a.cell_bounds(np.zeros(len(self.price)))
        told = np.where(np.isfinite(high), (low + high) / 2, np.nan)
        start = self.exchange.spread(told)
        walk = self.exchange.near(start, Wanted(low, high, np.ones(len(low))), steps=_FIRST)
        self.first, self.count = walk.table, walk.value[:-1]
        if walk.arrived:
            self.a.anchor, self.a.anchor_sought = self.exchange.merged(walk.table), True
        return walk.arrived

    def settled(self, withheld: np.ndarray) -> np.ndarray | None:
        """Return a pattern near the given one that whole tables show to be safe; None if none is met."""
        withheld = withheld.copy()
        self._follow(withheld)
        for _ in range(_ROUNDS):
            left = self._open(withheld)
            if self._is_over():
                return None
            while left:
                walked = self._walked(left[0], withheld)
                if walked is None:
                    return None
                withheld[walked.moved] = True
                left = self._open(withheld)
            moving = self._moving(withheld)
            if (withheld == moving).all():
                return withheld
            withheld = moving
        return None

    def _open(self, withheld: np.ndarray) -> list[Wish]:
        """Return the wishes that no known table grants."""
        granted = self.a.granted_by_known_worlds(withheld.astype(float), whole=True)
        return [w for w in self.a.open_wishes(withheld.astype(float)) if self.a.wish_number[w] not in granted]

    def _moving(self, withheld: np.ndarray) -> np.ndarray:
        """Return what must be withheld and what known tables move: to withhold the rest hides nothing."""
        moving = self.a.must.copy()
        for world in self.a.worlds:
            if world.whole and withheld[world.moved].all():
                moving[world.moved] = True
        return moving

    def _follow(self, withheld: np.ndarray) -> None:
        """Walk to the tables that stand for the wishes apart."""
        for world in enough(self._apart_under(withheld), len(self.a.wishes), len(withheld)):
            if self.a.budget.over() or self._is_over():
                break
            self._walk(self._as_in(world))

    def _apart_under(self, withheld: np.ndarray) -> list[World]:
        return [w for w in self.apart.worlds if w.table is not None and withheld[w.moved].all()]

    def _as_in(self, world: World) -> Wanted:
        """Ask for the very cells of a table that was met apart."""
        value = np.asarray(self.apart.problem.incidence.cells @ world.table, dtype=float)
        return Wanted(value, value, np.ones(len(value)))

    def _walk(self, wanted: Wanted) -> World | None:
        walk = self.exchange.near(self.first, wanted, steps=_STEPS)
        return self._recorded(walk.table) if walk.arrived else None

    def _recorded(self, table: np.ndarray) -> World:
        return self.a.record(self.exchange.merged(table))

    def _walked(self, wish: Wish, withheld: np.ndarray) -> World | None:
        """Find a table that grants a wish, under the pattern or close by."""
        number = self.a.wish_number[wish]
        same = [w for w in self._apart_under(withheld) if number in w.grants][-_AGAIN:]
        asked = [self._forced(goals, withheld) for goals in self._goals(wish)]
        for wanted in (*asked, *map(self._as_in, same)):
            if self._is_over():
                return None
            found = self._walk(wanted)
            if found is not None and number in found.grants:
                return found
        near = (self._close_by(wanted) for wanted in asked)
        return next((found for found in near if found is not None), None)

    def _goals(self, wish: Wish) -> list[dict[int, tuple[int, float]]]:
        """Name ways to reach a goal: which cells go how far up (+1) or down (-1) at least."""
        target, sign = self.a.targets[wish[0]], wish[1]
        count = self.count
        need = self.a.goal[wish] - sign * (count[list(target.plus)].sum() - count[list(target.minus)].sum())
        still = {c: (sign, count[c]) for c in target.plus} | {c: (-sign, count[c]) for c in target.minus}
        ways = []
        for cell in (*target.plus, *target.minus)[:_CARRIERS]:
            way = still[cell][0]
            if count[cell] + way * need >= 0:
                ways.append(still | {cell: (way, count[cell] + way * need)})
        return ways

    def _forced(self, goals: dict[int, tuple[int, float]], withheld: np.ndarray) -> Wanted:
        """Ask for the goal of a wish, with everything withheld free to move."""
        low, high = self.a.cell_bounds(withheld.astype(float))
        weight = self.price.copy()
        for cell, (way, end) in goals.items():
            low[cell], high[cell] = (end, max(high[cell], end)) if way > 0 else (min(low[cell], end), end)
            weight[cell] = _DEAR
        return Wanted(low, high, weight)

    def _close_by(self, wanted: Wanted) -> World | None:
        """Find a table where nothing is off but what may be withheld as well."""
        walk = self.exchange.near(self.first, wanted, steps=_LAST)
        off = np.flatnonzero(walk.off_at_best)
        if not (self.may[off] & (wanted.weight[off] < _DEAR)).all():
            return None
        return self._recorded(walk.best)
