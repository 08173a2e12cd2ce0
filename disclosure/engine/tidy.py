"""Show withheld cells again, one by one, in one warm problem, as long as every wish stays granted."""

from collections.abc import Sequence

import numpy as np

from disclosure.engine.attacker import TINY, Attacker, Cut, Wish, World
from disclosure.engine.room import Room, open_room
from disclosure.engine.separation import many_at_once

_MANY = 8  # wishes that are worth asking for together


class Tidy:
    """One pattern, the worlds that stand for its wishes, and the attacker's problem under it."""

    def __init__(
        self,
        attacker: Attacker,
        y: np.ndarray,
        *,
        whole: bool,
        doubts: dict[int, Wish] | None = None,
        nodes: int = 2000,
    ) -> None:
        """Take in a safe pattern, as a share of every cell (0 or 1); safe in whole numbers or at all.

        `doubts` remembers from pattern to pattern which wish last needed a cell: it is asked first. Searches
        for whole numbers end after so many nodes.
        """
        self.a, self.whole, self.nodes = attacker, whole, nodes
        self.doubts: dict[int, Wish] = {} if doubts is None else doubts
        self.hidden = y > 1 - TINY
        self.room: Room | None = None
        self.cuts: list[Cut] = []  # what spoke against showing a cell
        self._excuses()
        self._worlds: list[World] = []
        self._moving: dict[int, list[int]] = {}  # cell -> worlds that move it
        self._dead: set[int] = set()
        self.support = np.zeros(len(attacker.wishes), dtype=int)  # living worlds that grant each wish
        self._met = len(attacker.worlds)
        for world in attacker.worlds:
            self._stand(world)

    def _excuses(self) -> None:
        """Count for each wish the withheld cells that make it moot."""
        self.excused = np.zeros(len(self.a.wishes), dtype=int)
        self.excuses: dict[int, list[int]] = {}
        for number, (t, _) in enumerate(self.a.wishes):
            for cell in self.a.targets[t].relaxed_by:
                self.excuses.setdefault(cell, []).append(number)
                self.excused[number] += bool(self.hidden[cell])

    def _stand(self, world: World) -> None:
        """Let a world stand for the wishes it grants, if the pattern allows it."""
        if (self.whole and not world.whole) or not self.hidden[world.moved].all():
            return
        number = len(self._worlds)
        self._worlds.append(world)
        for cell in world.moved:
            self._moving.setdefault(int(cell), []).append(number)
        self.support[world.grants] += 1

    def _meet(self) -> None:
        """Take in the worlds that were found since the last look."""
        for world in self.a.worlds[self._met :]:
            self._stand(world)
        self._met = len(self.a.worlds)

    def show(self, *cells: int) -> bool:
        """Show withheld cells if that is safe, all of them or none; say whether it was."""
        fallen = sorted({n for c in cells for n in self._moving.get(c, ()) if n not in self._dead})
        support, excused = self.support.copy(), self.excused.copy()
        for number in fallen:
            support[self._worlds[number].grants] -= 1
        for number in (n for c in cells for n in self.excuses.get(c, ())):
            excused[number] -= 1
        lost = [self.a.wishes[i] for i in np.flatnonzero((support == 0) & (excused == 0))]
        if lost:
            if self.room is None:
                self.room = open_room(self.a, self.hidden.astype(float))
            self._pin(self.room, cells)
            if not self._granted(self.room, lost, cells[0]):
                for cell in cells:
                    self.room.unpin(cell)
                self._meet()
                return False
        elif self.room is not None:
            self._pin(self.room, cells)
        self._dead.update(fallen)
        for number in fallen:
            self.support[self._worlds[number].grants] -= 1
        self.excused = excused
        self.hidden[list(cells)] = False
        self._meet()
        return True

    def _pin(self, room: Room, cells: Sequence[int]) -> None:
        for cell in cells:
            room.pin(cell)

    def _granted(self, room: Room, wishes: Sequence[Wish], cell: int) -> bool:
        """Find worlds for all these wishes; note what speaks against one without."""
        left, seen = list(wishes), len(self.a.worlds)
        if (doubt := self.doubts.get(cell)) in left:
            left.remove(doubt)
            left.insert(0, doubt)
        elif len(left) >= _MANY and not self._nearby():
            many_at_once(self.a, room, left)
            left = self._without(left, seen)
        while left:
            wish = left.pop(0)
            seen = len(self.a.worlds)
            if not self._grants(room, wish):
                self.doubts[cell] = wish
                return False
            if wish == doubt and len(left) >= _MANY and not self._nearby():
                many_at_once(self.a, room, left)
            left = self._without(left, seen)
        return True

    def _nearby(self) -> bool:
        """Say whether a few pivots answer each wish on its own."""
        return self.whole and self.a.anchor is not None

    def _grants(self, room: Room, wish: Wish) -> bool:
        a = self.a
        if self._nearby():
            near = room.near_world(wish)
            if near is not None:
                a.record(near)
                return True
        x = room.ask([(wish, 1.0)])
        if room.value(wish, x) < a.goal[wish] - TINY:
            cut = a.cut_from(wish, room.prices())
            if cut is not None:
                self.cuts.append(cut)
            return False
        world = a.record(x)
        if self.whole and not (world.whole and a.wish_number[wish] in world.grants):
            whole, _ = room.whole_world(wish, nodes=self.nodes)
            if whole is None:
                return False
            a.record(whole)
        return True

    def _without(self, wishes: Sequence[Wish], seen: int) -> list[Wish]:
        """Drop the wishes that worlds grant which were met since."""
        met = [world for world in self.a.worlds[seen:] if world.whole or not self.whole]
        granted = {int(n) for world in met for n in world.grants}
        return [w for w in wishes if self.a.wish_number[w] not in granted]
