"""Safe patterns without a proof: wish by wish the cheapest way round, then better and better.

What the exact method does not settle ends here. Everything is counted in solver work and drawn from fixed
seeds, so the same tables give the same pattern.
"""

from typing import TYPE_CHECKING

import numpy as np

from disclosure.engine.attacker import TINY, Attacker, Wish, World
from disclosure.engine.detours import Detours
from disclosure.engine.room import open_room
from disclosure.engine.separation import broken_in_whole_numbers, many_at_once

if TYPE_CHECKING:
    from disclosure.engine.master import Master

_MANY = 16  # wishes that are worth asking for together
_MENDS = 6  # rounds of mending what whole numbers break
_DROPPED = 8  # cells shown at once, at most, to look for a better way round
_AFRESH = 0.2  # how often to begin from nothing instead
_DEARER = 1.25  # how much a mended pattern may cost before it is thinned out
_NODES = 40  # of a search for whole numbers; what it does not find is mended
_IDLE, _LEAST_IDLE = 3, 60  # tries (for each withheld cell) that better nothing, before the search ends


def by_worlds(attacker: Attacker, place: np.ndarray, cost: np.ndarray, everything: np.ndarray) -> np.ndarray:
    """Withhold the cells that some known worlds move, so many of them that every wish is granted.

    Each world in whole numbers stays possible when all the cells it moves are withheld. Worlds are taken
    one by one, the one first that grants most for what it newly costs. Where the known worlds do not
    grant every wish, all that may be withheld is withheld.
    """
    free = (place >= 0) | attacker.must
    worlds = [w for w in attacker.worlds if w.whole and free[w.moved].all()]
    needed = set(range(len(attacker.wishes)))
    grants = [set(w.grants.tolist()) for w in worlds]
    if needed - set().union(*grants):
        return everything
    moved = [place[w.moved] for w in worlds]
    moved = [cells[cells >= 0] for cells in moved]
    pattern = np.zeros(len(everything))
    left = set(range(len(worlds)))
    while needed:
        best, best_price = -1, np.inf
        for number in sorted(left):
            gain = len(grants[number] & needed)
            if not gain:
                continue
            cells = moved[number]
            price = float(cost[cells] @ (pattern[cells] < 0.5)) / gain
            if price < best_price:
                best, best_price = number, price
        pattern[moved[best]] = 1.0
        needed -= grants[best]
        left.discard(best)
    return pattern


class Ways:
    """Patterns made of the cheapest ways round."""

    def __init__(self, master: "Master", guide: np.ndarray) -> None:
        """Take in what the relaxation likes to withhold."""
        self.master, self.guide, self.a = master, guide, master.a
        self.detours = Detours(master.a, master.choice, master.cost)
        self.rng = np.random.default_rng(len(master.choice))

    def first(self) -> np.ndarray | None:
        """Make a safe pattern from nothing; None if that takes too long, or no way round is left."""
        values = np.zeros(len(self.master.choice))
        self.detours.reprice(values, self.guide)
        found = self._mend(values, below=np.inf)
        if found is None:
            return None
        return self._mend_whole(self._thinned(found), below=np.inf)

    def better(self, best: np.ndarray, *, until: float) -> np.ndarray:
        """Show a few cells, go round them another way, thin out; keep what costs no more."""
        master, budget, idle = self.master, self.a.budget, 0
        while not budget.over() and budget.spent < until and not master.is_settled(best):
            there = np.flatnonzero(best > 0.5)
            if idle >= max(_LEAST_IDLE, _IDLE * len(there)):
                break
            idle += 1
            found = self._another(best, there)
            if found is None or (found == best).all():
                continue
            if master.cost @ found < master.cost @ best - TINY:
                idle, master.safe = 0, found
            best = found
        return best

    def near(self, values: np.ndarray, best: np.ndarray) -> np.ndarray:
        """Make an unsafe choice safe by ways round; return the cheaper of that and the best so far."""
        most = float(self.master.cost @ best)
        self.detours.reprice(values, self.guide)
        found = self._mend(values.copy(), below=_DEARER * most)
        found = None if found is None else self._settled(self._thinned(found), most - TINY)
        return best if found is None else found

    def _another(self, best: np.ndarray, there: np.ndarray) -> np.ndarray | None:
        """Go another way round one withheld cell and some beside it; None unless that is as cheap."""
        most = float(self.master.cost @ best) + TINY
        seed = int(self.rng.choice(there))
        trial = best.copy()
        if self.rng.random() < _AFRESH:
            trial[:] = 0.0
        else:
            trial[self._around(seed, best)] = 0.0
        self.detours.reprice(trial, self.guide * self.rng.random(), taste=0.5 + self.rng.random(len(trial)))
        self.detours.bar([seed], barred=True)
        found = self._mend(trial, below=_DEARER * most)
        self.detours.bar([seed], barred=False)
        return None if found is None else self._settled(self._thinned(found), most)

    def _settled(self, values: np.ndarray, most: float) -> np.ndarray | None:
        """Mend a choice for whole numbers, too, unless it costs more than it may."""
        if self.master.cost @ values > most:
            return None
        found = self._mend_whole(values, below=most)
        return None if found is None or self.master.cost @ found > most else found

    def _thinned(self, values: np.ndarray) -> np.ndarray:
        """Show what need not be withheld, the dear cells first or nearly so; whole numbers come later."""
        extra = np.flatnonzero(values > 0.5)
        dear = self.master.cost[extra] * (0.5 + self.rng.random(len(extra)))
        return self.master.show_again(values, extra[np.lexsort((extra, -dear))], whole=False)

    def _around(self, seed: int, best: np.ndarray) -> np.ndarray:
        """Pick a withheld cell and a few that move together with it in some world."""
        near: set[int] = set()
        cell = self.master.choice[seed]
        for world in self.a.worlds[-400:]:
            if cell in world.moved:
                places = self.master.place[world.moved]
                near.update(int(p) for p in places if p >= 0 and best[p] > 0.5)
        near.discard(seed)
        size = int(self.rng.integers(0, _DROPPED))
        others = self.rng.permutation(sorted(near))[:size].astype(int)
        return np.append(others, seed)

    def _mend(self, values: np.ndarray, *, below: float) -> np.ndarray | None:
        """Withhold the cells of the cheapest ways round until every wish is granted."""
        a, master = self.a, self.master
        granted = set(a.granted_by_known_worlds(master.full(values), whole=False))
        for wish in self._in_doubt(granted, values):
            if self._is_over(below):
                return None
            if a.wish_number[wish] in granted or self._is_moot(wish, values):
                continue
            x = self.detours.ask(wish)
            if x is None:
                return None
            world = a.record(x)
            granted.update(world.grants.tolist())
            self._withhold(world, values)
            if master.cost @ values > below:
                return None
        return values

    def _mend_whole(self, values: np.ndarray, *, below: float) -> np.ndarray | None:
        """Withhold what it takes for every wish to be granted in whole numbers, too."""
        for _ in range(_MENDS):
            if self._is_over(below):
                return None
            broken = broken_in_whole_numbers(self.a, self.master.full(values), nodes=_NODES)
            if not broken:
                return values
            granted: set[int] = set()
            for wish, _settled in broken:
                if self.a.wish_number[wish] in granted:
                    continue
                x = self.detours.ask_whole(wish)
                if x is None or self._is_over(below):
                    return None
                world = self.a.record(x)
                granted.update(world.grants.tolist())
                self._withhold(world, values)
        return None

    def _is_over(self, below: float) -> bool:
        """Say whether to give up: later, where there is no good pattern yet."""
        return self.a.budget.over() if below < np.inf else self.a.budget.far_over()

    def _in_doubt(self, granted: set[int], values: np.ndarray) -> list[Wish]:
        """Return the wishes that may need a way round, in some order; most others are granted together."""
        wishes = [w for i, w in enumerate(self.a.wishes) if i not in granted and not self._is_moot(w, values)]
        if len(wishes) >= _MANY and values.any():
            wishes = many_at_once(self.a, open_room(self.a, self.master.full(values)), wishes)
        return [wishes[i] for i in self.rng.permutation(len(wishes))]

    def _is_moot(self, wish: Wish, values: np.ndarray) -> bool:
        places = self.master.place[list(self.a.targets[wish[0]].relaxed_by)]
        return bool((values[places[places >= 0]] > 0.5).any())

    def _withhold(self, world: World, values: np.ndarray) -> None:
        places = self.master.place[world.moved]
        new = places[places >= 0]
        new = new[values[new] < 0.5]
        values[new] = 1.0
        self.detours.withhold(new)
