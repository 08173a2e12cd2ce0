"""How far sums can move at most and at least: before the new tables, and when they are shown whole.

What is safe with everything shown is safe under every pattern, so only the rest needs guarding.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from disclosure.engine import solver
from disclosure.engine.attacker import TINY, Attacker, Wish
from disclosure.engine.errors import BadTable
from disclosure.engine.problem import Problem
from disclosure.engine.room import Room
from disclosure.engine.rules import Target
from disclosure.engine.separation import many_at_once


class Outlook:
    """Questions about sums, put to what is known at different times."""

    def __init__(self, problem: Problem, probes: Sequence[Target], budget: solver.Budget) -> None:
        """Take in the sums; each is asked for the ends that its reach names."""
        self.problem = problem
        nothing = np.zeros(len(problem.keys), dtype=bool)
        self.attacker = Attacker(problem, probes, nothing, reach=0.0, budget=budget)
        told = np.concatenate((problem.count, problem.low, problem.high))
        self.ceiling = 1000.0 + 2 * float(told[np.isfinite(told)].max(initial=0.0))  # in place of no limit

    def all_shown(self) -> Room:
        """Return what is known when all new tables are shown whole.

        :raises BadTable: if no table agrees with all that is said
        """
        low, high = self.attacker.cell_bounds(np.zeros(len(self.problem.keys)))
        room = Room(self.attacker, low, high, ceiling=self.ceiling)
        if not room.feasible():
            raise BadTable(
                "The tables contradict each other or what was released before. Check totals and populations."
            )
        return room

    def before(self) -> Room:
        """Return what is known without the new tables."""
        return Room(self.attacker, self.problem.low_before, self.problem.high, ceiling=self.ceiling)

    def of_others(self) -> Room:
        """Return what everybody knows without us."""
        p = self.problem
        return Room(self.attacker, p.others_low, p.others_high, facts=~p.fact_ours, ceiling=self.ceiling)

    def under(self, withheld: np.ndarray) -> Room:
        """Return what is known when a pattern is released."""
        p = self.problem
        shown = p.new & ~withheld
        low, high = np.where(shown, p.count, p.low), np.where(shown, p.count, p.high)
        return Room(self.attacker, low, high, ceiling=self.ceiling)

    def out_of_reach(self, room: Room, wishes: Iterable[Wish]) -> dict[Wish, float]:
        """Return the wishes that no world grants, with how far the sum can go instead, in whole people."""
        a = self.attacker
        wanted = list(wishes)
        left = many_at_once(a, room, wanted, capped=False) if len(wanted) > 1 else wanted
        found: dict[Wish, float] = {}
        while left:
            a.budget.insist()
            wish = left.pop(0)
            x = room.ask([(wish, 1.0)], capped=False)
            world = a.record(x)
            end = room.value(wish, x)
            if end < a.goal[wish] - TINY:
                found[wish] = wish[1] * float(np.floor(end + TINY))
            granted = set(world.grants.tolist())
            left = [w for w in left if a.wish_number[w] not in granted]
        a.worlds.clear()
        return found

    def end(self, room: Room, t: int, sign: int) -> float:
        """Return the highest (+1) or lowest (-1) whole value of a sum."""
        end = room.value((t, sign), room.ask([((t, sign), 1.0)], capped=False))
        return float("inf") if end > self.ceiling / 2 else sign * float(np.floor(end + TINY))
