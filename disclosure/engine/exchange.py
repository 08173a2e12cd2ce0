"""Tables in whole numbers of people, found by letting two people trade places, again and again.

Where tables share dimensions, a table behind them all is hard to solve for and easy to walk to. Two people
who trade what they are in one dimension leave everything as it was, but for the sums that tie that dimension
to another in which they differ. So a table that is nearly right is mended trade by trade, the best of some
that are drawn from a fixed seed, and never by chance of time: steps are counted as work.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from disclosure.engine import solver
from disclosure.engine.problem import Problem

LARGEST = 200_000  # inner cells, beyond which each step takes too long
_FROM, _TO = 32, 96  # people on either side who are looked at in one step
_HEAT = 2.0  # people off by which a step may make it worse, on average: colder walks get stuck
_SWEEPS = 12  # over all sums, to spread the people evenly
_IDLE = 300  # steps that come no nearer, before a walk ends
_STEP, _LOOKED_AT = 3.0, 3_000  # work of a step; of so many inner cells with people, as much again


@dataclass(frozen=True)
class Family:
    """The cells that cut the same dimensions in the same way: no two of them count the same person."""

    shift: Mapping[int, np.ndarray]  # dimension -> what each place in it adds to the address
    cell: np.ndarray  # address -> cell; the number after the last cell where none is


@dataclass(frozen=True)
class Wanted:
    """The range that each cell has to keep, and what a step outside costs."""

    low: np.ndarray
    high: np.ndarray
    weight: np.ndarray


def can_exchange(problem: Problem) -> bool:
    """Say whether one crossing of all dimensions, and nothing but sums, is behind the tables."""
    incidence = problem.incidence
    one = len(incidence.blocks) == 1 and not incidence.links.shape[0]
    return one and not problem.facts.shape[0] and incidence.width <= LARGEST


class Exchange:
    """The crossing of all dimensions, the cells as families, and the tables found in it."""

    def __init__(self, problem: Problem, budget: solver.Budget) -> None:
        self.problem, self.budget = problem, budget
        space = problem.space
        self.dims = sorted(problem.incidence.blocks[0])
        self.shape = [space.dims[d].size for d in self.dims]
        self.stride = np.array([prod(self.shape[i + 1 :]) for i in range(len(self.shape))])
        self.count = len(problem.keys)
        self.rng = np.random.default_rng(self.count)
        self.layers = [self._layers(d) for d in self.dims]
        self.families, self.family_of = self._families()
        self.offset, self.address, self.cell = self._addressed()
        self.across = [[f for f in self.families if d in f.shift] for d in range(len(self.dims))]
        self.allowed = problem.incidence.place >= 0

    # The cells.

    def _layers(self, d: int) -> dict[int, tuple[int, int]]:
        """Give each code of a dimension a layer, so that codes of one layer have nobody in common."""
        sets = self.problem.space.sets[d]
        taken: list[set[int]] = []
        layers: dict[int, tuple[int, int]] = {}
        for code in sorted({k[d] for k in self.problem.keys if k[d]}, key=lambda c: (len(sets[c]), c)):
            free = [n for n, there in enumerate(taken) if there.isdisjoint(sets[code])]
            layer = free[0] if free else len(taken)
            if not free:
                taken.append(set())
            taken[layer] |= sets[code]
            layers[code] = layer, sum(other == layer for other, _ in layers.values())
        return layers

    def _families(self) -> tuple[list[Family], list[Family]]:
        """Put the cells into families."""
        members: dict[tuple[tuple[int, int], ...], list[int]] = {}
        for cell, key in enumerate(self.problem.keys):
            layers = [(i, self.layers[i][key[d]][0]) for i, d in enumerate(self.dims) if key[d]]
            members.setdefault(tuple(layers), []).append(cell)
        families, family_of = [], {}
        for cut, cells in members.items():
            family = self._family(cut, cells)
            families.append(family)
            family_of.update(dict.fromkeys(cells, family))
        return families, [family_of[c] for c in range(self.count)]

    def _family(self, cut: tuple[tuple[int, int], ...], cells: list[int]) -> Family:
        shift, wide = {}, 1
        for i, layer in cut:
            codes = {c: n for c, (which, n) in self.layers[i].items() if which == layer}
            place = np.full(self.shape[i], len(codes))  # whoever has none of these codes
            for code, number in codes.items():
                place[list(self.problem.space.sets[self.dims[i]][code])] = number
            shift[i] = place * wide
            wide *= len(codes) + 1
        cell = np.full(wide, self.count)
        for c in cells:
            key = self.problem.keys[c]
            at = [next(iter(self.problem.space.sets[self.dims[i]][key[self.dims[i]]])) for i in shift]
            cell[sum(int(shift[i][atom]) for i, atom in zip(shift, at, strict=True))] = c
        return Family(shift, cell)

    def _addressed(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Put the families one after the other: where each begins, what each place adds, all their cells."""
        offset = np.cumsum([0, *(len(f.cell) for f in self.families)])[:-1]
        address = np.zeros((len(self.dims), max(self.shape), len(self.families)), dtype=np.int64)
        for number, family in enumerate(self.families):
            for i, shift in family.shift.items():
                address[i, : len(shift), number] = shift
        return offset, address, np.concatenate([f.cell for f in self.families])

    def cells_of(self, at: np.ndarray) -> np.ndarray:
        """Return the cells that count some people, a row for each, by where they are."""
        found: np.ndarray = self.cell[self.offset + self.address[np.arange(len(self.dims)), at].sum(axis=1)]
        return found

    def _addresses(self, family: Family) -> np.ndarray:
        """Return the cell of a family for each inner cell, as an array of all dimensions."""
        at = np.zeros(self.shape, dtype=int)
        for i, shift in family.shift.items():
            at += shift.reshape([-1 if j == i else 1 for j in range(len(self.shape))])
        found: np.ndarray = family.cell[at]
        return found

    def sums(self, x: np.ndarray) -> np.ndarray:
        """Return what each cell counts in a table, and 0 after the last."""
        total = np.zeros(self.count + 1)
        for family in self.families:
            total += np.bincount(self._addresses(family).ravel(), weights=x, minlength=self.count + 1)
        total[-1] = 0.0
        return total

    # Tables.

    def spread(self, count: np.ndarray) -> np.ndarray:
        """Spread counts over the crossing as evenly as the sums allow, and round: about right."""
        full = self.allowed.astype(float)
        told = ~np.isnan(count)
        for _ in range(_SWEEPS):
            for family in self.families:
                cell = self._addresses(family).ravel()
                there = np.bincount(cell, weights=full, minlength=self.count + 1)[:-1]
                factor = np.ones(self.count + 1)
                known = told & (there > 0)
                factor[:-1][known] = count[known] / there[known]
                full *= factor[cell]
        self.budget.spent += _SWEEPS * len(self.families) * len(full) / 5_000
        return np.diff(np.round(np.cumsum(full)), prepend=0.0).astype(np.int64)

    def near(self, start: np.ndarray, wanted: Wanted, *, steps: int) -> "Walk":
        """Walk from a table towards what is wanted, so many steps at most."""
        walk = Walk(self, start, wanted)
        for _ in walk.steps(steps):
            self.budget.spent += _STEP * (1 + walk.size / _LOOKED_AT)
            if self.budget.far_over():
                break
        return walk

    def merged(self, x: np.ndarray) -> np.ndarray:
        """Return a table over the unknowns of the problem."""
        place = self.problem.incidence.place
        there = place >= 0
        return np.bincount(place[there], weights=x[there], minlength=self.problem.incidence.size)


class Walk:
    """One table on its way."""

    def __init__(self, exchange: Exchange, start: np.ndarray, wanted: Wanted) -> None:
        self.e, self.rng = exchange, exchange.rng
        self.table = start.copy()
        self.low = np.append(wanted.low, -np.inf)
        self.high = np.append(wanted.high, np.inf)
        self.weight = np.append(wanted.weight, 0.0)
        self.heat = _HEAT * float(np.median(wanted.weight))
        self.value = exchange.sums(start)
        self.off, self.up, self.down = np.zeros((3, len(self.value)))
        self._weigh(np.arange(len(self.value)))
        self.best, self.off_at_best = self.table.copy(), self.off.copy()  # the nearest met so far
        there = np.flatnonzero(start)
        self.size = len(there)  # inner cells with people; they stand first in what follows
        self.where = np.zeros(len(there) + 64, dtype=np.int64)
        self.where[: self.size] = there
        self.at = np.zeros((len(self.where), len(exchange.shape)), dtype=np.int64)
        self.at[: self.size] = np.array(np.unravel_index(there, exchange.shape)).T
        self.standing = {int(flat): n for n, flat in enumerate(there)}

    @property
    def arrived(self) -> bool:
        """Say whether the table is all that is wanted."""
        return not self.off.any()

    def _weigh(self, cells: np.ndarray) -> None:
        """Note how far off cells are, and what one person more or less would change."""
        low, high, weight = self.low[cells], self.high[cells], self.weight[cells]

        def off(value: np.ndarray) -> np.ndarray:
            return np.asarray(weight * (np.maximum(low - value, 0.0) + np.maximum(value - high, 0.0)))

        value = self.value[cells]
        now = off(value)
        self.off[cells], self.up[cells], self.down[cells] = now, off(value + 1) - now, off(value - 1) - now

    def steps(self, most: int) -> Iterator[None]:
        """Take steps until the table has arrived."""
        idle = 0
        for _ in range(most):
            wrong = np.flatnonzero(self.off)
            idle += 1
            if not len(wrong) or idle > _IDLE:
                return
            self._step(int(self.rng.choice(wrong)))
            if self.off.sum() < self.off_at_best.sum():
                self.best, self.off_at_best, idle = self.table.copy(), self.off.copy(), 0
            yield

    def _step(self, cell: int) -> None:
        """Mend one cell by the best trade or move of those that are looked at."""
        family = self.e.family_of[cell]
        if not family.shift:
            return  # nobody leaves, and nobody comes
        ways = sorted(family.shift)
        d = ways[int(self.rng.integers(len(ways)))]
        first, second, places = self._sides(cell, family, d)
        if not len(first):
            return
        first, second = self._some(first, _FROM), self._some(second, _TO)
        gain, one, place = self._best(self._moves(first, places, d))
        chosen = [(int(first[one]), int(places[place]))]
        if len(family.shift) > 1 and len(second):
            other, one, two = self._best(self._trades(first, second, d))
            if other < gain:
                gain = other
                mine, theirs = int(first[one]), int(second[two])
                chosen = [(mine, int(self.at[theirs, d])), (theirs, int(self.at[mine, d]))]
        if gain <= self.rng.exponential(self.heat):
            self._take(chosen, d)

    def _sides(self, cell: int, family: Family, d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return who may move, with whom to trade, and the places that help, in one dimension.

        Too many: whoever is in the cell goes. Too few: whoever differs in that dimension alone comes.
        """
        at = self.at[: self.size]
        rest = np.zeros(self.size, dtype=np.int64)
        for i, shift in family.shift.items():
            if i != d:
                rest += shift[at[:, i]]
        code = self.e.problem.keys[cell][self.e.dims[d]]
        places = np.zeros(self.e.shape[d], dtype=bool)
        places[list(self.e.problem.space.sets[self.e.dims[d]][code])] = True
        beside = family.cell[rest + family.shift[d][int(np.argmax(places))]] == cell
        inside = places[at[:, d]]
        if self.value[cell] > self.high[cell]:
            return np.flatnonzero(beside & inside), np.flatnonzero(~beside & ~inside), np.flatnonzero(~places)
        return np.flatnonzero(beside & ~inside), np.flatnonzero(~beside & inside), np.flatnonzero(places)

    def _some(self, people: np.ndarray, most: int) -> np.ndarray:
        return people if len(people) <= most else self.rng.choice(people, most, replace=False)

    def _best(self, change: np.ndarray) -> tuple[float, int, int]:
        """Return the best change, any of those that are equal, and where it stands."""
        if not change.size:
            return np.inf, 0, 0
        best = int((change + self.rng.random(change.shape) * 0.01).argmin())
        one, two = divmod(best, change.shape[1])
        return float(change.flat[best]), one, two

    def _trades(self, first: np.ndarray, second: np.ndarray, d: int) -> np.ndarray:
        """Return what each trade in one dimension changes."""
        mine, theirs = self.at[first], self.at[second]
        change = np.zeros((len(first), len(second)))
        for family in self.e.across[d]:
            if len(family.shift) == 1:
                continue  # a trade leaves it as it is
            here, there = self._rest(family, mine, d)[:, None], self._rest(family, theirs, d)[None, :]
            from_, to = family.shift[d][mine[:, d]][:, None], family.shift[d][theirs[:, d]][None, :]
            cell = family.cell
            part = self.down[cell[here + from_]] + self.down[cell[there + to]]
            part = part + self.up[cell[here + to]] + self.up[cell[there + from_]]
            part[(here == there) | (from_ == to)] = 0.0
            change += part
        if not self.e.allowed.all():
            step = self.e.stride[d] * (theirs[:, d][None, :] - mine[:, d][:, None])
            new, other = self.where[first][:, None] + step, self.where[second][None, :] - step
            change[~(self.e.allowed[new] & self.e.allowed[other])] = np.inf
        return change

    def _moves(self, first: np.ndarray, places: np.ndarray, d: int) -> np.ndarray:
        """Return what it changes when somebody moves alone."""
        mine = self.at[first]
        change = np.zeros((len(first), len(places)))
        for family in self.e.across[d]:
            here = self._rest(family, mine, d)[:, None]
            from_, to = family.shift[d][mine[:, d]][:, None], family.shift[d][places][None, :]
            part = self.down[family.cell[here + from_]] + self.up[family.cell[here + to]]
            part[from_ == to] = 0.0
            change += part
        if not self.e.allowed.all():
            new = self.where[first][:, None] + self.e.stride[d] * (places[None, :] - mine[:, d][:, None])
            change[~self.e.allowed[new]] = np.inf
        return change

    def _rest(self, family: Family, at: np.ndarray, d: int) -> np.ndarray:
        """Return the address in a family without what one dimension adds."""
        rest = np.zeros(len(at), dtype=np.int64)
        for i, shift in family.shift.items():
            if i != d:
                rest += shift[at[:, i]]
        return rest

    def _take(self, chosen: list[tuple[int, int]], d: int) -> None:
        """Move people to other places in one dimension."""
        people = np.array([person for person, _ in chosen])
        old = self.at[people]
        new = old.copy()
        new[:, d] = [place for _, place in chosen]
        for at, by in ((old, -1), (new, 1)):
            for flat, each in zip((at @ self.e.stride).tolist(), at, strict=True):
                self._count(flat, each, by)
        gone, come = self.e.cells_of(old).ravel(), self.e.cells_of(new).ravel()
        np.subtract.at(self.value, gone, 1.0)
        np.add.at(self.value, come, 1.0)
        self.value[-1] = 0.0
        self._weigh(np.concatenate((gone, come)))

    def _count(self, flat: int, at: np.ndarray, by: int) -> None:
        self.table[flat] += by
        if by > 0 and self.table[flat] == 1:
            self._enter(flat, at)
        elif self.table[flat] == 0:
            self._leave(flat)

    def _enter(self, flat: int, at: np.ndarray) -> None:
        if self.size == len(self.where):
            self.where = np.concatenate((self.where, np.zeros_like(self.where)))
            self.at = np.concatenate((self.at, np.zeros_like(self.at)))
        self.where[self.size], self.at[self.size] = flat, at
        self.standing[flat] = self.size
        self.size += 1

    def _leave(self, flat: int) -> None:
        place = self.standing.pop(flat)
        self.size -= 1
        last = int(self.where[self.size])
        if last != flat:
            self.where[place], self.at[place] = last, self.at[self.size]
            self.standing[last] = place
