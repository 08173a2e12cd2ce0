"""Attack released sums or means: by anybody, and by every employer with what it pays itself.

Written apart from the side that protects. Everything that is asked starts from the true world, so a world
that is found is a proof; what is not found in the limit counts as a leak.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from disclosure.engine.audit.derivation import written
from disclosure.engine.audit.findings import Finding
from disclosure.engine.audit.system import Work
from disclosure.engine.errors import BadTable, SolverFailed
from disclosure.engine.magnitude.contributions import Contributions
from disclosure.engine.magnitude.hearing import Who, World, hear
from disclosure.engine.magnitude.movement import FAR, Move, Movement
from disclosure.engine.magnitude.published import Money
from disclosure.engine.policy import CellPolicy, Dominance

WORK = 4_000_000  # steps of the solver; what is not settled by then counts as a leak
_NEAR = 1e-6  # of the move that is needed


@dataclass(frozen=True)
class Leak:
    """Something that can be estimated too well; `used` are the places of the released numbers behind it."""

    finding: Finding
    used: tuple[str, ...]
    short: float  # how much farther the sum would have to move


@dataclass(frozen=True)
class Report:
    """The verdict on sums or means that would be out together."""

    leaks: tuple[Leak, ...]
    asked: int  # populations whose sum must stay uncertain
    solved: int  # linear programmes

    @property
    def passed(self) -> bool:
        """Say whether nothing leaks."""
        return not self.leaks


@dataclass(frozen=True)
class Need:
    """How far a sum must be able to move: `level` has shape (employers + 1,), the outsider last.

    With sign +1 somebody must find a sum of `level` or more possible, with -1 one of `level` or less; an
    infinite level asks nothing. `outside` are the outsider's levels, by kind.
    """

    kind: str
    sign: int
    level: np.ndarray
    outside: tuple[tuple[str, float], ...] = ()

    def kind_of(self, place: int, bound: float) -> str:
        """Say what kind of leak a bound is: for the outsider, the first whose level it misses."""
        if place < len(self.level) - 1:
            return self.kind
        return next((kind for kind, level in self.outside if bound < level * (1 - _NEAR)), self.kind)


def attack(
    files: Sequence[Money],
    *,
    contributions: Contributions,
    groups: Mapping[str, bytes],
    policy: CellPolicy,
    work: int = WORK,
) -> Report:
    """Judge released tables of money together, given who truly paid what.

    Asked are all rows, all crossings of the tables' codes that no row lists, and whatever is left of a group
    when the shown parts of it along one dimension are taken out. A leak is: a shown row that a rule
    withholds; an employer's pay that another employer, or anybody, can estimate from above within p % (from
    below, too, where one or two employers pay all); n employers' pay that can be estimated as the (n,k) rule
    forbids; the sum of too few people or employers to within p % of the largest; proof that somebody is paid
    where a count may be 0.

    :raises BadTable: if there is no dominance rule, or a file is wrong or disagrees with the contributions
    :raises Stopped: if the tables are too large to cross
    """
    if policy.dominance is None:
        raise BadTable("Policy: sums of money need a dominance rule.")
    patterns = [dict(pattern) for pattern in policy.structural_zeros]
    world = hear(files, contributions=contributions, groups=groups, impossible=patterns)
    return _Attack(world, policy, policy.dominance, Work(work)).report()


class _Attack:
    """One attack under way."""

    def __init__(self, world: World, policy: CellPolicy, rule: Dominance, work: Work) -> None:
        self.world, self.policy, self.rule = world, policy, rule
        self.movement = Movement(world, work)
        self.solved = 0

    def report(self) -> Report:
        """Ask everything."""
        leaks, asked = [], 0
        for who in self.world.populations():
            cells = self.world.cells_of(who)
            needs = self._needs(who, cells)
            asked += bool(needs)
            if needs and self.world.listed.get(who, False):
                leaks.append(self._shown(who, cells))
                continue
            for need in needs:
                if leak := self._ask(who, cells, need):
                    leaks.append(leak)
                    break
        return Report(tuple(leaks), asked, self.solved)

    def _needs(self, who: Who, cells: np.ndarray) -> list[Need]:
        """Return what must stay uncertain about a population; nothing if its sum might be shown."""
        people = int(self.world.people[cells].sum())
        if not len(cells) or (people == 0 and not self.policy.hide_zeros):
            return []
        named = all(atoms in sets for atoms, sets in zip(who, self.world.sets, strict=True))
        return list(self._judged(self._paid(cells), people, named=named))

    def _paid(self, cells: np.ndarray) -> np.ndarray:
        """Return what each employer pays in some inner cells, shape (employers,)."""
        part = self.world.paid[:, cells]
        return np.bincount(part.indices, weights=part.data, minlength=part.shape[0])

    def _judged(self, paid: np.ndarray, people: int, *, named: bool) -> Iterator[Need]:
        total = paid.sum()
        most = int(np.argmax(paid))
        ranked = -np.partition(-paid, range(min(max(self.rule.n, 2), len(paid))))[: max(self.rule.n, 2)]
        first, second = float(ranked[0]), float(ranked[1]) if len(ranked) > 1 else 0.0
        payers = int((paid > 0).sum())
        exact = [int(x) for x in (total, first, second, ranked[: self.rule.n].sum())]  # whole, so no rounding
        near = self.rule.p_percent / 100
        few = self.policy.is_small(people) or payers < self.rule.min_contributors
        rest = exact[0] - exact[1] - exact[2]
        close = first > 0 and 100 * rest < Fraction(self.rule.p_percent) * exact[1]
        held = 100 * exact[3] > Fraction(self.rule.k_percent) * exact[0]
        up = np.full(len(paid) + 1, -np.inf)
        outside = []  # what anybody must find possible, by kind
        if close:
            other = np.full(len(paid), first)
            other[most] = second
            up[:-1] = paid + (1 + near) * other
            outside.append(("estimate", (1 + near) * first))
        if held:
            outside.append(("dominance", 100 / self.rule.k_percent * exact[3]))
        if few:
            outside.append(("few", total + max(near * first, 1.0)))
        if outside:
            up[-1] = max(level for _, level in outside)
            yield Need("estimate", 1, up, tuple(outside))
        if close:
            yield from self._from_below(paid, most, payers)
        if named and self.policy.is_small(people) and self.policy.hide_zeros and total > 0:
            down = np.full(len(paid) + 1, np.inf)
            down[-1] = 0.0
            yield Need("somebody", -1, down)

    def _from_below(self, paid: np.ndarray, most: int, payers: int) -> Iterator[Need]:
        """One or two employers that pay all: whoever knows that can estimate from below as well."""
        far = 1 - self.rule.p_percent / 100
        levels = np.full(len(paid) + 1, np.inf)
        if payers == 1:
            levels[:] = far * paid[most]
            levels[most] = np.inf
        elif payers == 2:
            one, two = np.flatnonzero(paid > 0)
            levels[one], levels[two] = paid[one] + far * paid[two], paid[two] + far * paid[one]
        else:
            return
        yield Need("estimate", -1, levels)

    def _ask(self, who: Who, cells: np.ndarray, need: Need) -> Leak | None:
        """Look for possible worlds until everybody whom the need names has one; return the leak if not."""
        total = float(self.world.truth[cells].sum())
        asks = np.isfinite(need.level)
        missing = np.where(asks, need.sign * (need.level - total), 0.0)  # the move that each still needs
        near = _NEAR * max(float(missing.max()), 1.0)
        best = np.zeros(len(missing))
        waiting = [np.flatnonzero(missing > near)]
        while waiting:
            group = waiting.pop()
            group = group[missing[group] - best[group] > near]
            if not len(group):
                continue
            size = max(float(missing[group].max()), 1.0)
            try:
                move = self._solve(cells, need.sign, group, size)
            except SolverFailed:
                why = "The attack could not settle this in its limit."
                return self._leak(who, "unsettled", why, (), size)
            gain = need.sign * move.gain
            if len(group) == 1 and gain < missing[group[0]] - _NEAR * size:
                return self._told(who, cells, need, int(group[0]), move, float(missing[group[0]]))
            best = np.maximum(best, need.sign * self.movement.believed(move))
            best[group] = np.maximum(best[group], missing[group] if len(group) == 1 else gain)
            waiting += self._halves(group[missing[group] - best[group] > near])
        return None

    def _halves(self, group: np.ndarray) -> list[np.ndarray]:
        """Part those for whom no common world is known: the outsider alone, else by what they pay."""
        if len(group) and group[-1] == len(self.movement.weight) - 1:
            return [group[:-1], group[-1:]]
        order = group[np.argsort(self.movement.weight[group], kind="stable")]
        middle = len(order) // 2
        return [np.sort(order[:middle]), np.sort(order[middle:])]

    def _solve(self, cells: np.ndarray, sign: int, group: np.ndarray, size: float) -> Move:
        self.solved += 1
        employers = group[group < self.world.paid.shape[0]]
        return self.movement.farthest(cells, sign, knows=employers, scale=size, enough=2 * size)

    def _shown(self, who: Who, cells: np.ndarray) -> Leak:
        places = tuple(f.place for f in self.world.facts if np.array_equal(f.cells, cells))
        total = float(self.world.truth[cells].sum())
        return self._leak(
            who, "shown", "A rule withholds this sum, and it is shown.", places, 0.0, total, total
        )

    def _told(self, who: Who, cells: np.ndarray, need: Need, place: int, move: Move, missing: float) -> Leak:
        total = float(self.world.truth[cells].sum())
        bound = total + move.gain
        facts = sorted(move.facts().items(), key=lambda item: (-item[1], item[0]))
        order = [(weight, number) for number, weight in facts if abs(weight) > 1e-7]
        said = written((weight, self.world.facts[number].words) for weight, number in order)
        if place < self.world.paid.shape[0]:
            # The bound itself would say what this employer pays.
            of = said or "all that is shown"
            why = f"{self._whom(cells, place)}, taking what it pays itself out of {of}. "
        else:
            side = "at most" if need.sign > 0 else "at least"
            why = f"Anybody knows that the sum is {side} {bound:,.0f}"
            why += f": {said}. " if said else ", whatever is shown. "
        kind = need.kind_of(place, bound)
        why += self._meaning(kind, need.sign, cells, place, bound)
        places = tuple(dict.fromkeys(self.world.facts[n].place for _, n in order))
        low, high = self._interval(cells)
        return self._leak(who, kind, why, places, missing - need.sign * move.gain, low, high)

    def _whom(self, cells: np.ndarray, place: int) -> str:
        here = self._paid(cells)[place] > 0
        return "An employer counted there" if here else "An employer counted elsewhere"

    def _meaning(self, kind: str, sign: int, cells: np.ndarray, place: int, bound: float) -> str:
        """Say what the bound gives away, without any employer's pay."""
        if kind == "somebody":
            return "So somebody is counted there, and the count may not tell that."
        if kind == "few":
            return "The sum of so few must not be known so well."
        if kind == "dominance":
            return f"That is too close to what the {self.rule.n} largest employers pay together."
        paid = self._paid(cells)
        own = 0.0
        if place < len(paid):
            own, paid[place] = float(paid[place]), 0.0
        other = float(paid.max())
        apart, end = 100 * abs(bound - own - other) / other, "above" if sign > 0 else "below"
        return f"This estimates an employer's pay to within {apart:.1f} % from {end}."

    def _interval(self, cells: np.ndarray) -> tuple[float, float]:
        """Return what anybody knows of a sum."""
        total = float(self.world.truth[cells].sum())
        ends = []
        for sign in (-1, 1):
            try:
                size = max(total, 1.0)
                move = self.movement.farthest(
                    cells, sign, knows=np.zeros(0, dtype=int), scale=size, enough=None
                )
                ends.append(total + move.gain if move.gain < FAR * size * (1 - _NEAR) else float("inf"))
            except SolverFailed:
                ends.append(0.0 if sign < 0 else float("inf"))
        return max(ends[0], 0.0), ends[1]

    def _leak(
        self,
        who: Who,
        kind: str,
        why: str,
        used: tuple[str, ...],
        short: float,
        low: float = 0.0,
        high: float = float("inf"),
    ) -> Leak:
        return Leak(Finding(kind, self.world.words(who), low, high, why, used), used, short)
