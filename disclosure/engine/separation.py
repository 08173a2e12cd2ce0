"""Find every wish that a pattern does not grant, with as few linear programmes as possible."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from disclosure.engine.attacker import TINY, Attacker, Cut, Room, Wish
from disclosure.engine.errors import NoSafePattern

_ROUNDS = 8  # of many wishes at once, before each is asked alone


@dataclass
class Finding:
    """What separation found for one pattern."""

    cuts: list[Cut] = field(default_factory=list)
    unprovable: list[Wish] = field(default_factory=list)  # broken, but no cut could be read from the dual
    complete: bool = True  # every wish was looked at

    @property
    def safe(self) -> bool:
        """Say whether every wish is granted."""
        return self.complete and not self.cuts and not self.unprovable


def separate(attacker: Attacker, y: np.ndarray, *, most: int = 10**9, patient: bool = False) -> Finding:
    """Look for broken wishes under a pattern, whole or fractional.

    :raises NoSafePattern: if a wish cannot be granted by any pattern
    :raises SolverFailed: if the solver does not answer
    :raises Stopped: if a patient search runs far beyond the limit
    """
    finding = Finding()
    wanted = attacker.open_wishes(y)
    is_pattern = bool((np.minimum(y, 1 - y) < TINY).all())
    if is_pattern:
        known = attacker.granted_by_known_worlds(y, whole=False)
        wanted = [w for w in wanted if attacker.wish_number[w] not in known]
    if not wanted:
        return finding
    room = attacker.room(y)
    left = _many_at_once(attacker, room, wanted)
    while left:
        attacker.budget.insist()
        wish = left.pop(0)
        x = room.ask([(wish, 1.0)])
        world = attacker.record(x)
        if room.value(wish, x) >= attacker.goal[wish] - TINY:
            granted = set(world.grants.tolist())
            left = [w for w in left if attacker.wish_number[w] not in granted]
            continue
        prices = room.prices()
        cut = attacker.cut_from(wish, prices)
        if cut is None:
            finding.unprovable.append(wish)
        else:
            finding.cuts.append(cut)
        if len(finding.cuts) + len(finding.unprovable) >= most and left:
            finding.complete = False
            break
        if left and not patient and attacker.budget.over():
            finding.complete = False
            break
    if not is_pattern:
        _forget_fractional(attacker)
    return finding


def _many_at_once(attacker: Attacker, room: Room, wanted: Sequence[Wish]) -> list[Wish]:
    """Ask for many wishes in one world, each target in one direction, until that stops paying."""
    rng = np.random.default_rng(len(wanted))
    left = list(wanted)
    for _ in range(_ROUNDS):
        if len(left) < 8:
            break
        chosen: dict[int, Wish] = {}
        for number in rng.permutation(len(left)):
            wish = left[int(number)]
            if len(attacker.targets[wish[0]].plus) == 1 and not attacker.targets[wish[0]].minus:
                chosen.setdefault(wish[0], wish)
        if not chosen:
            break
        x = room.ask([(wish, 1 + float(rng.random())) for wish in chosen.values()])
        granted = set(attacker.record(x).grants.tolist())
        before = len(left)
        left = [w for w in left if attacker.wish_number[w] not in granted]
        if before - len(left) < max(2, before // 20):
            break
    return left


def _forget_fractional(attacker: Attacker) -> None:
    """Drop worlds beyond a fair number, oldest first."""
    if len(attacker.worlds) > 4000:
        del attacker.worlds[:2000]


def first_look(attacker: Attacker) -> None:
    """Make sure that withholding everything that may be withheld is safe.

    :raises NoSafePattern: naming what is known already, and by which facts
    """
    problem = attacker.problem
    if problem.new.all() and not problem.fixed.any() and not problem.facts.shape[0]:
        return  # nothing but these tables: the truth itself shows that they agree
    y = np.where(problem.new & ~problem.fixed, 1.0, 0.0)
    room = attacker.room(y)
    if not room.feasible():
        raise NoSafePattern("The tables and the earlier releases contradict each other.")
    finding = separate(attacker, y, most=1, patient=True)
    if finding.unprovable:
        wish = finding.unprovable[0]
        raise NoSafePattern(attacker.why_impossible(wish[0]))
    if finding.cuts:
        wish = finding.cuts[0].wish
        raise NoSafePattern(attacker.why_impossible(wish[0]))


def broken_in_whole_numbers(attacker: Attacker, y: np.ndarray) -> list[Wish]:
    """Return the wishes that no world of whole numbers grants under a pattern."""
    known = attacker.granted_by_known_worlds(y, whole=True)
    left = [w for w in attacker.open_wishes(y) if attacker.wish_number[w] not in known]
    if not left:
        return []
    broken = []
    room = attacker.room(y)
    while left:
        attacker.budget.insist()
        wish = left.pop(0)
        x = room.ask([(wish, 1.0)])
        world = attacker.record(x)
        if not world.whole or attacker.wish_number[wish] not in world.grants:
            whole = room.whole_world(wish)
            if whole is None:
                broken.append(wish)
                continue
            world = attacker.record(whole)
        granted = set(world.grants.tolist())
        left = [w for w in left if attacker.wish_number[w] not in granted]
    return broken
