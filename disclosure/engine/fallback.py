"""A safe pattern without another solve: from the worlds that were met on the way."""

import numpy as np

from disclosure.engine.attacker import Attacker


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
