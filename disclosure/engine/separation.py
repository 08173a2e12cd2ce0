"""Find every wish that a pattern does not grant, with as few linear programmes as possible."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from disclosure.engine.attacker import TINY, Attacker, Cut, Wish
from disclosure.engine.errors import NoSafePattern
from disclosure.engine.room import Room, anchor_of, open_room

_ROUNDS = 8  # of many wishes at once, before each is asked alone
_FEW = 8  # wishes that are asked alone at once


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


def separate(
    attacker: Attacker, y: np.ndarray, *, most: int = 10**9, patient: bool = False, until: float = np.inf
) -> Finding:
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
    room = open_room(attacker, y)
    left = many_at_once(attacker, room, wanted)
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
        if left and not patient and (attacker.budget.over() or attacker.budget.spent >= until):
            finding.complete = False
            break
    if not is_pattern:
        _forget_fractional(attacker)
    return finding


def many_at_once(
    attacker: Attacker,
    room: Room,
    wanted: Sequence[Wish],
    *,
    capped: bool = True,
    whole: bool = False,
) -> list[Wish]:
    """Ask for many wishes in one world, each target in one direction, until that stops paying."""
    rng = np.random.default_rng(len(wanted))
    left = list(wanted)
    for _ in range(_ROUNDS):
        if len(left) < _FEW:
            break
        chosen = _one_way_each(attacker, left, rng)
        if not chosen:
            break
        x = room.ask([(wish, 1 + float(rng.random())) for wish in chosen], capped=capped)
        world = attacker.record(x)
        granted = set(world.grants.tolist()) if world.whole or not whole else set()
        before = len(left)
        left = [w for w in left if attacker.wish_number[w] not in granted]
        if before - len(left) < max(2, before // 20):
            break
    return left


def _forget_fractional(attacker: Attacker) -> None:
    """Drop worlds beyond a fair number, oldest first."""
    if len(attacker.worlds) > 4000:
        del attacker.worlds[:2000]


def first_look(attacker: Attacker, may: np.ndarray) -> bool:
    """Say whether withholding all that may be withheld is known to be safe.

    :raises NoSafePattern: naming what is known already, and by which facts
    """
    problem = attacker.problem
    bound = problem.fixed.any() or (problem.low > 0).any() or np.isfinite(problem.high).any()
    told = problem.new.all() and not bound and not problem.facts.shape[0]
    if told and not (problem.new & ~may & ~attacker.must).any():
        return True  # nothing but these tables, all of them free to move: the truth itself shows the way
    y = np.where(may | attacker.must, 1.0, 0.0)
    room = open_room(attacker, y)
    if not room.feasible():
        raise NoSafePattern("The tables and the earlier releases contradict each other.")
    finding = separate(attacker, y, most=1, patient=True)
    broken = [*finding.unprovable, *(cut.wish for cut in finding.cuts)]
    if broken:
        raise NoSafePattern(attacker.why_impossible(broken[0][0]), attacker.near(broken[0][0]))
    in_whole = broken_in_whole_numbers(attacker, y)
    for wish, settled in in_whole:
        if settled:
            raise NoSafePattern(
                f"{attacker.why_impossible(wish[0])} People come in whole numbers.", attacker.near(wish[0])
            )
    return not in_whole


def _many_whole(attacker: Attacker, room: Room, wanted: Sequence[Wish]) -> list[Wish]:
    """Ask for many wishes in one world of whole numbers, until that stops paying."""
    rng = np.random.default_rng(len(wanted))
    left = list(wanted)
    for _ in range(_ROUNDS):
        chosen = _one_way_each(attacker, left, rng)
        if len(left) < _FEW or not chosen or not len(room.free):
            break
        x = room.whole_many([(wish, 1 + float(rng.random())) for wish in chosen])
        if x is None:
            break
        granted = set(attacker.record(x).grants.tolist())
        before = len(left)
        left = [w for w in left if attacker.wish_number[w] not in granted]
        if before - len(left) < max(2, before // 20):
            break
    return left


def _one_way_each(attacker: Attacker, wishes: Sequence[Wish], rng: np.random.Generator) -> list[Wish]:
    """Pick a direction for each single cell among the wishes."""
    chosen: dict[int, Wish] = {}
    for number in rng.permutation(len(wishes)):
        wish = wishes[int(number)]
        target = attacker.targets[wish[0]]
        if len(target.plus) == 1 and not target.minus:
            chosen.setdefault(wish[0], wish)
    return list(chosen.values())


def broken_in_whole_numbers(
    attacker: Attacker, y: np.ndarray, *, nodes: int = 2000
) -> list[tuple[Wish, bool]]:
    """Return the wishes that no world of whole numbers grants, and whether that is proven.

    A search for such a world ends after so many nodes.
    """
    known = attacker.granted_by_known_worlds(y, whole=True)
    left = [w for w in attacker.open_wishes(y) if attacker.wish_number[w] not in known]
    if not left:
        return []
    broken = []
    room = open_room(attacker, y)
    left = many_at_once(attacker, room, left, whole=True)
    if len(left) >= _FEW and anchor_of(attacker) is None:
        left = _many_whole(attacker, room, left)
    while left:
        attacker.budget.insist()
        wish = left.pop(0)
        world = None if attacker.anchor is not None else attacker.record(room.ask([(wish, 1.0)]))
        if world is None or not world.whole or attacker.wish_number[wish] not in world.grants:
            whole, settled = room.whole_world(wish, nodes=nodes)
            if whole is None:
                broken.append((wish, settled))
                continue
            world = attacker.record(whole)
        granted = set(world.grants.tolist())
        left = [w for w in left if attacker.wish_number[w] not in granted]
    return broken
